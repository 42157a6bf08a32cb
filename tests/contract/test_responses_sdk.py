"""The official SDK's `responses` against the whole appliance with its real engines."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from tests.support.process import ApplianceProcess

pytestmark = pytest.mark.engine

CHAT, ASSISTANT = "smollm2-135m-instruct", "documents"
CAPITAL = "What is the capital of Germany?"
QUESTION = "How much does the company pay per night for a hotel?"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Says the weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Capital(BaseModel):
    city: Literal["Berlin", "Paris"]
    large: bool


@pytest.fixture(scope="module")
def key(product: ApplianceProcess) -> str:
    return str(product.cli_json("keys", "create", "responses")["key"])


@pytest.fixture(scope="module")
def client(product: ApplianceProcess, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{product.url}/v1", api_key=key, max_retries=0, timeout=120) as made:
        yield made


@pytest.fixture
async def waiting(product: ApplianceProcess, key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{product.url}/v1", api_key=key, max_retries=0, timeout=120) as made:
        yield made


def asked(**more: Any) -> Any:
    return {"model": CHAT, "input": CAPITAL, "temperature": 0, "max_output_tokens": 20} | more


def test_created_retrieved_listed_and_deleted(client: openai.OpenAI) -> None:
    made = client.responses.create(**asked(metadata={"for": "test"}, instructions="Answer briefly."))
    assert "Berlin" in made.output_text
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    found = client.responses.retrieve(made.id)
    assert found.to_dict() == made.to_dict()
    (item,) = client.responses.input_items.list(made.id).data
    assert item.type == "message"
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_a_stream_is_what_is_created(client: openai.OpenAI) -> None:
    plain = client.responses.create(**asked(store=False))
    events = list(client.responses.create(stream=True, **asked()))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == plain.output_text
    assert [e.sequence_number for e in events] == list(range(len(events)))
    with client.responses.stream(**asked()) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[-1] == final_kind(final.status)
    assert final.output_text == text
    assert client.responses.retrieve(final.id).output_text == text


def final_kind(status: str | None) -> str:
    return f"response.{status}"


def test_a_conversation_goes_on(client: openai.OpenAI) -> None:
    first = client.responses.create(**asked())
    second = client.responses.create(**asked(input="And of France?", previous_response_id=first.id))
    assert second.previous_response_id == first.id
    assert second.usage is not None
    assert first.usage is not None
    assert second.usage.input_tokens > first.usage.input_tokens
    by_hand = [{"role": "user", "content": CAPITAL}, *first.output, {"role": "user", "content": "And of France?"}]
    again = client.responses.create(**asked(input=by_hand))
    assert again.output_text == second.output_text
    assert again.usage is not None
    assert again.usage.input_tokens == second.usage.input_tokens
    counted = client.responses.input_tokens.count(model=CHAT, input=CAPITAL)
    assert counted.input_tokens == first.usage.input_tokens


def test_a_schema_is_parsed(client: openai.OpenAI) -> None:
    made = client.responses.parse(text_format=Capital, **asked(max_output_tokens=60))
    assert made.output_parsed is not None
    assert made.output_parsed.city in ("Berlin", "Paris")
    with client.responses.stream(text_format=Capital, **asked(max_output_tokens=60)) as stream:
        final = stream.get_final_response()
    assert final.output_parsed is not None


def test_a_function_goes_round(client: openai.OpenAI) -> None:
    question = "What is the weather in Oslo?"
    forced = {"tools": [WEATHER], "tool_choice": {"type": "function", "name": "get_weather"}, "max_output_tokens": 60}
    made = client.responses.create(**asked(input=question, **forced))
    (call,) = (item for item in made.output if item.type == "function_call")
    assert call.name == "get_weather"
    assert call.arguments in ('{"city": "Oslo"}', '{"city": "Rome"}', '{"city":"Oslo"}', '{"city":"Rome"}')
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "It rains."}
    last = client.responses.create(**asked(input=[output], previous_response_id=made.id, tools=[WEATHER]))
    assert last.output
    with client.responses.stream(**asked(input=question, **forced)) as stream:
        deltas = [e.delta for e in stream if e.type == "response.function_call_arguments.delta"]
        final = stream.get_final_response()
    (streamed,) = (item for item in final.output if item.type == "function_call")
    assert "".join(deltas) == streamed.arguments


def test_file_search_finds_and_cites(client: openai.OpenAI) -> None:
    (store,) = (s for s in client.vector_stores.list() if s.name == "Samples")
    search: Any = {"type": "file_search", "vector_store_ids": [store.id], "max_num_results": 4}
    made = client.responses.create(
        **asked(input=QUESTION, tools=[search], include=["file_search_call.results"], max_output_tokens=60)
    )
    (call,) = (item for item in made.output if item.type == "file_search_call")
    assert call.status == "completed"
    assert any("140 euros" in (result.text or "") for result in call.results or [])
    assert any("handbook" in (result.filename or "") for result in call.results or [])
    (message,) = (item for item in made.output if item.type == "message")
    files = {result.file_id for result in call.results or []}
    for part in message.content:
        assert part.type == "output_text"
        assert all(note.type == "file_citation" and note.file_id in files for note in part.annotations)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(**asked(tools=[search | {"vector_store_ids": ["vs_" + "0" * 32]}]))


def test_an_assistant_cites(client: openai.OpenAI) -> None:
    made = client.responses.create(model=ASSISTANT, input=QUESTION)
    assert "140 euros" in made.output_text
    (message,) = (item for item in made.output if item.type == "message")
    (part,) = message.content
    assert part.type == "output_text"
    assert part.annotations[0].type == "url_citation"


def test_the_background_ends_or_is_cancelled(client: openai.OpenAI) -> None:
    made = client.responses.create(background=True, **asked())
    assert made.status == "queued"
    for _ in range(600):
        made = client.responses.retrieve(made.id)
        if made.status not in ("queued", "in_progress"):
            break
        time.sleep(0.1)
    assert "Berlin" in made.output_text
    long = client.responses.create(
        background=True, **asked(input="Write a very long story about a dragon.", max_output_tokens=1500)
    )
    assert client.responses.cancel(long.id).status == "cancelled"
    assert client.responses.retrieve(long.id).status == "cancelled"


def test_errors_are_the_sdk_s_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(**asked(conversation="conv_1"))
    assert refused.value.code == "unsupported_parameter"
    with pytest.raises(openai.NotFoundError) as missing:
        client.responses.create(**asked(previous_response_id="resp_" + "0" * 32))
    assert missing.value.code == "previous_response_not_found"
    with pytest.raises(openai.BadRequestError):
        client.responses.create(**asked(input="word " * 6000))


async def test_async(waiting: openai.AsyncOpenAI) -> None:
    made = await waiting.responses.create(**asked())
    assert "Berlin" in made.output_text
    async with waiting.responses.stream(**asked()) as stream:
        text = "".join([e.delta async for e in stream if e.type == "response.output_text.delta"])
        final = await stream.get_final_response()
    assert text == final.output_text == made.output_text
    assert [item.type async for item in waiting.responses.input_items.list(made.id)] == ["message"]
    await waiting.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        await waiting.responses.retrieve(made.id)
