"""Anthropic's official SDK against the whole appliance with its real engines."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import pytest

from tests.support.process import ApplianceProcess

pytestmark = pytest.mark.engine

CHAT = "smollm2-135m-instruct"
CAPITAL = "What is the capital of Germany?"
WEATHER: Any = {
    "name": "get_weather",
    "description": "Says the weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


@pytest.fixture(scope="module")
def key(product: ApplianceProcess) -> str:
    return str(product.cli_json("keys", "create", "messages")["key"])


@pytest.fixture(scope="module")
def client(product: ApplianceProcess, key: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=product.url, api_key=key, max_retries=0, timeout=120) as made:
        yield made


@pytest.fixture
async def waiting(product: ApplianceProcess, key: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=product.url, api_key=key, max_retries=0, timeout=120) as made:
        yield made


def asked(content: str = CAPITAL, **more: Any) -> Any:
    base = {"model": CHAT, "max_tokens": 20, "messages": [{"role": "user", "content": content}]}
    return base | {"extra_body": {"temperature": 0}} | more


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_a_message_and_its_count(client: anthropic.Anthropic) -> None:
    made = client.messages.create(**asked(system="Answer briefly."))
    assert "Berlin" in text_of(made)
    assert made.stop_reason in ("end_turn", "max_tokens")
    counted = client.messages.count_tokens(
        model=CHAT, messages=[{"role": "user", "content": CAPITAL}], system="Answer briefly."
    )
    assert counted.input_tokens == made.usage.input_tokens + (made.usage.cache_read_input_tokens or 0)
    assert made._request_id


def test_a_stream_is_the_message(client: anthropic.Anthropic) -> None:
    plain = client.messages.create(**asked())
    with client.messages.stream(**asked()) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == text_of(plain) == text_of(final)
    assert final.stop_reason == plain.stop_reason
    assert final.usage.output_tokens == plain.usage.output_tokens
    raw = [event.type for event in client.messages.create(stream=True, **asked())]
    assert (raw[0], raw[-1]) == ("message_start", "message_stop")


def test_stops(client: anthropic.Anthropic) -> None:
    cut = client.messages.create(**asked("Count from one to a hundred.", max_tokens=3))
    assert cut.stop_reason == "max_tokens"
    assert cut.usage.output_tokens == 3
    stopped = client.messages.create(**asked(stop_sequences=["Berlin"]))
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "Berlin")
    assert "Berlin" not in text_of(stopped)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_tool_goes_round(client: anthropic.Anthropic, choice: Any) -> None:
    question = "What is the weather in Oslo?"
    made = client.messages.create(**asked(question, tools=[WEATHER], tool_choice=choice, max_tokens=60))
    assert made.stop_reason == "tool_use"
    (call,) = (block for block in made.content if block.type == "tool_use")
    assert call.input in ({"city": "Oslo"}, {"city": "Rome"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "It rains."}
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": made.content},
        {"role": "user", "content": [result]},
    ]
    last = client.messages.create(**asked(messages=messages, tools=[WEATHER]))
    assert last.content
    with client.messages.stream(**asked(question, tools=[WEATHER], tool_choice=choice, max_tokens=60)) as stream:
        final = stream.get_final_message()
    (streamed,) = (block for block in final.content if block.type == "tool_use")
    assert streamed.input in ({"city": "Oslo"}, {"city": "Rome"})


def test_errors_are_the_sdk_s_own(product: ApplianceProcess, client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(**asked(model="nothing"))
    assert missing.value.type == "not_found_error"
    with pytest.raises(anthropic.BadRequestError) as refused:
        client.messages.create(**asked(extra_body={"container": "c"}))
    assert "container" in str(refused.value)
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(**asked("word " * 6000))
    stranger = anthropic.Anthropic(base_url=product.url, api_key="pma_wrong", max_retries=0)
    with stranger, pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(**asked())


async def test_async(waiting: anthropic.AsyncAnthropic) -> None:
    made = await waiting.messages.create(**asked())
    async with waiting.messages.stream(**asked()) as stream:
        text = "".join([piece async for piece in stream.text_stream])
    assert text == text_of(made)
    counted = await waiting.messages.count_tokens(model=CHAT, messages=[{"role": "user", "content": CAPITAL}])
    assert counted.input_tokens > 0
