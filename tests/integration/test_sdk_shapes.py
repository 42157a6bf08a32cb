"""The official SDKs against the gateway over the stand-in engine: every object and event is one that they know."""

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from tests.fakes.engine import ANSWER, FakeEngine
from tests.support.gateway import CHAT_MODEL, TOOLS_MODEL, Gateway

pytestmark = pytest.mark.any_database

CALL = [
    {
        "tool_calls": [
            {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
        ]
    },
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]},
]
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class City(BaseModel):
    city: str


@pytest.fixture(scope="session")
async def key(running_gateway: Gateway) -> str:
    person = await running_gateway.person(f"sdk-{uuid.uuid4().hex}@x.test")
    made = await person.ok("POST", "/api/keys", {"name": "sdk", "expires_in_days": 1})
    await person.aclose()
    return str(made["key"])


@pytest.fixture
async def asker(running_gateway: Gateway, key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{running_gateway.url}/v1", api_key=key, max_retries=0) as client:
        yield client


@pytest.fixture
async def messenger(running_gateway: Gateway, key: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=running_gateway.url, api_key=key, max_retries=0) as client:
        yield client


@pytest.fixture
def says(engine: FakeEngine) -> Iterator[FakeEngine]:
    engine.chats.clear()
    yield engine
    engine.deltas, engine.finish, engine.answer = [], "stop", ANSWER


async def streamed(client: openai.AsyncOpenAI, **asked: Any) -> Response:
    """The final response of the SDK's own accumulation, after each event was one of its types."""
    async with client.responses.stream(**asked) as stream:
        async for event in stream:
            assert event.type
        return await stream.get_final_response()


async def test_responses(asker: openai.AsyncOpenAI, says: FakeEngine) -> None:
    asked: Any = {"model": CHAT_MODEL, "input": "Say something."}
    made = await asker.responses.create(**asked)
    Response.model_validate(made.to_dict(), strict=False)
    assert made.output_text == (await streamed(asker, **asked)).output_text == ANSWER
    assert (await asker.responses.retrieve(made.id)).to_dict() == made.to_dict()
    assert [i.type async for i in asker.responses.input_items.list(made.id)] == ["message"]
    assert (await asker.responses.input_tokens.count(**asked)).input_tokens > 0
    background = await asker.responses.create(background=True, **asked)
    assert (await asker.responses.cancel(background.id)).status in ("cancelled", "completed")
    await asker.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        await asker.responses.retrieve(made.id)


async def test_responses_with_functions_reasoning_and_schemas(asker: openai.AsyncOpenAI, says: FakeEngine) -> None:
    tool: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
    asked: Any = {"model": TOOLS_MODEL, "input": "Weather?", "tools": [tool]}
    says.deltas, says.finish = [{"reasoning": "Hm."}, *CALL], "tool_calls"
    for made in (await asker.responses.create(**asked), await streamed(asker, **asked)):
        reasoning, call = made.output
        assert reasoning.type == "reasoning"
        assert call.type == "function_call"
        assert (call.call_id, call.arguments) == ("call_1", '{"city": "Oslo"}')
    says.deltas, says.finish, says.answer = [], "stop", '{"city": "Oslo"}'
    parsed = await asker.responses.parse(model=CHAT_MODEL, input="City?", text_format=City)
    assert parsed.output_parsed == City(city="Oslo")


async def test_messages(messenger: anthropic.AsyncAnthropic, says: FakeEngine) -> None:
    asked: Any = {"model": CHAT_MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Say something."}]}
    made = await messenger.messages.create(**asked)
    anthropic.types.Message.model_validate(made.to_dict(), strict=False)
    assert made._request_id
    async with messenger.messages.stream(**asked) as stream:
        assert "".join([piece async for piece in stream.text_stream]) == ANSWER
        final = await stream.get_final_message()
    assert final.usage.to_dict() == made.usage.to_dict()
    counted = await messenger.messages.count_tokens(model=CHAT_MODEL, messages=asked["messages"])
    assert counted.input_tokens > 0
    with pytest.raises(anthropic.NotFoundError) as missing:
        await messenger.messages.create(**asked | {"model": "nothing"})
    assert missing.value.type == "not_found_error"


async def test_messages_with_tools_and_thinking(messenger: anthropic.AsyncAnthropic, says: FakeEngine) -> None:
    asked: Any = {
        "model": TOOLS_MODEL,
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": "Weather?"}],
        "tools": [{"name": "weather", "input_schema": SCHEMA}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    says.deltas, says.finish = [{"reasoning": "Hm."}, *CALL], "tool_calls"
    made = await messenger.messages.create(**asked)
    async with messenger.messages.stream(**asked) as stream:
        final = await stream.get_final_message()
    for message in (made, final):
        thought, call = message.content
        assert thought.type == "thinking"
        assert thought.thinking == "Hm."
        assert call.type == "tool_use"
        assert call.input == {"city": "Oslo"}
        assert message.stop_reason == "tool_use"
