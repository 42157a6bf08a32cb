"""The checks: each asks a served model through an endpoint, and raises Failed with what was wrong."""

import base64
import io
import json
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from appliance.openai_api.chat_completions.schemas import Checker
from appliance.openai_api.conformance.asking import Asker, Value
from appliance.openai_api.hot import Open

SEEDS = (1, 2, 3)
"""A promise is looked at more than once."""
WEATHER: Value = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 40},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
TOOL: Value = {"type": "function", "function": {"name": "get_weather", "description": "", "parameters": WEATHER}}
NAMED: Value = {"type": "function", "function": {"name": "get_weather"}}
FORMAT: Value = {"type": "json_schema", "json_schema": {"name": "weather", "strict": True, "schema": WEATHER}}
QUESTION = [{"role": "user", "content": "What is the weather in Berlin? Use celsius."}]
ROOM = 400
"""Tokens for an answer; a model that thinks aloud first needs most of them."""


class Failed(Exception):
    """A check did not pass. Its text is shown."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the checks ask."""

    chat: Open
    responses: Open
    messages: Open
    embeddings: Open
    rerank: Open


Check = Callable[[Asker, Endpoints], Awaitable[None]]


def expect(condition: object, wrong: str) -> None:
    """Raises Failed unless it holds."""
    if not condition:
        raise Failed(wrong)


def fits(text: str, what: str) -> None:
    """Raises Failed unless it is JSON that fits the schema of the checks."""
    try:
        wrong = Checker(WEATHER).complaint(json.loads(text))
    except ValueError:
        raise Failed(f"{what} is no JSON") from None
    expect(not wrong, f"{what} does not fit its schema")


def calls_of(reply: Value) -> list[Value]:
    found: list[Value] = reply["choices"][0]["message"].get("tool_calls") or []
    return found


def streamed_calls(events: list[Value]) -> list[str]:
    """Arguments of each call of a stream, put together."""
    found: dict[int, str] = {}
    for event in events:
        for choice in event.get("choices", []):
            for delta in choice["delta"].get("tool_calls") or []:
                piece = delta["function"].get("arguments") or ""
                found[delta["index"]] = found.get(delta["index"], "") + piece
    return list(found.values())


async def streaming(asker: Asker, at: Endpoints) -> None:
    """A stream says the same as the whole answer, and ends with exact usage."""
    asked: Value = {"messages": QUESTION, "max_tokens": 24, "temperature": 0}
    reply = await asker.whole(at.chat, **asked)
    events = await asker.events(at.chat, **asked, stream_options={"include_usage": True})
    text = "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
    expect(text == (reply["choices"][0]["message"]["content"] or ""), "the stream's text is not the whole answer's")
    last = events[-1]
    expect(last["choices"] == [] and last.get("usage"), "the last event has no usage")
    expect(last["usage"]["completion_tokens"] == reply["usage"]["completion_tokens"], "usage differs")


async def tools(asker: Asker, at: Endpoints) -> None:
    """A call that must be made has arguments that fit, whole and streamed."""
    for seed in SEEDS:
        for choice in ("required", NAMED):
            asked: Value = {"messages": QUESTION, "tools": [TOOL], "tool_choice": choice, "max_tokens": ROOM}
            reply = await asker.whole(at.chat, **asked, seed=seed)
            expect(calls_of(reply), "no call was made")
            for call in calls_of(reply):
                fits(call["function"]["arguments"], "the arguments")
            pieces = streamed_calls(await asker.events(at.chat, **asked, seed=seed))
            expect(pieces, "no call was streamed")
            for arguments in pieces:
                fits(arguments, "the streamed arguments")


async def tool_choice(asker: Asker, at: Endpoints) -> None:
    """Left free, it calls the function when it is needed, and answers from the result."""
    asked: Value = {"tools": [TOOL], "temperature": 0, "max_tokens": ROOM}
    reply = await asker.whole(at.chat, messages=QUESTION, **asked)
    expect(calls_of(reply), "it did not call the function that the question needs")
    call = calls_of(reply)[0]
    fits(call["function"]["arguments"], "the arguments")
    result = {"role": "tool", "tool_call_id": call["id"], "content": "It is 17 degrees."}
    told = [*QUESTION, {"role": "assistant", "content": None, "tool_calls": [call]}, result]
    answer = await asker.whole(at.chat, messages=told, **asked)
    expect("17" in (answer["choices"][0]["message"]["content"] or ""), "it did not use the function's result")


async def schema(asker: Asker, at: Endpoints) -> None:
    """An answer to a JSON schema fits it, whole and streamed."""
    for seed in SEEDS:
        asked: Value = {"messages": QUESTION, "response_format": FORMAT, "max_tokens": ROOM, "seed": seed}
        reply = await asker.whole(at.chat, **asked)
        fits(reply["choices"][0]["message"]["content"] or "", "the answer")
        events = await asker.events(at.chat, **asked)
        fits("".join(c["delta"].get("content") or "" for e in events for c in e["choices"]), "the streamed answer")


async def responses(asker: Asker, at: Endpoints) -> None:
    """The responses endpoint answers, and its stream ends with the whole response."""
    asked: Value = {"input": "Say hello.", "max_output_tokens": 32, "store": False}
    reply = await asker.whole(at.responses, **asked)
    expect(reply.get("object") == "response" and reply.get("output"), "there is no output")
    events = await asker.events(at.responses, **asked)
    expect(events and events[0].get("type") == "response.created", "the stream does not begin with response.created")
    ended = events[-1].get("type")
    expect(ended in ("response.completed", "response.incomplete"), "the stream does not end as it should")


async def messages(asker: Asker, at: Endpoints) -> None:
    """The messages endpoint answers, forced tools too, and its stream begins and ends as it should."""
    asked: Value = {"messages": QUESTION, "max_tokens": ROOM}
    reply = await asker.whole(at.messages, **asked)
    expect(any(part["type"] == "text" and part["text"] for part in reply["content"]), "there is no text")
    tool: Value = {"name": "get_weather", "description": "", "input_schema": WEATHER}
    called = await asker.whole(at.messages, **asked, tools=[tool], tool_choice={"type": "any"})
    inputs = [part["input"] for part in called["content"] if part["type"] == "tool_use"]
    expect(inputs, "no tool was used")
    expect(not any(Checker(WEATHER).complaint(i) for i in inputs), "the tool's input does not fit its schema")
    kinds = [e.get("type") for e in await asker.events(at.messages, **asked)]
    expect(kinds[:1] == ["message_start"] and kinds[-1] == "message_stop", "the stream does not begin and end rightly")


async def vision(asker: Asker, at: Endpoints) -> None:
    """It sees which colour a picture has."""
    from PIL import Image  # noqa: PLC0415 - takes 3 MB, and this check is seldom made

    drawn = io.BytesIO()
    Image.new("RGB", (224, 224), (220, 20, 20)).save(drawn, "PNG")
    url = "data:image/png;base64," + base64.b64encode(drawn.getvalue()).decode()
    content: list[Any] = [
        {"type": "text", "text": "Which colour is this picture? Answer in one word."},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    asked: Value = {"messages": [{"role": "user", "content": content}], "temperature": 0, "max_tokens": ROOM}
    reply = await asker.whole(at.chat, **asked)
    expect("red" in (reply["choices"][0]["message"]["content"] or "").lower(), "it does not see that red is red")


async def embeddings(asker: Asker, at: Endpoints) -> None:
    """Vectors as floats and as base64 are the same, and what belongs together is near."""
    texts = ["query: hotel costs", "passage: A night in a hotel costs 140 euros.", "passage: Oil the pump."]
    plain = [v["embedding"] for v in (await asker.whole(at.embeddings, input=texts))["data"]]
    packed = (await asker.whole(at.embeddings, input=texts, encoding_format="base64"))["data"]
    for vector, item in zip(plain, packed, strict=True):
        raw = base64.b64decode(item["embedding"])
        same = struct.unpack(f"<{len(raw) // 4}f", raw)
        expect(all(abs(a - b) < 1e-3 for a, b in zip(vector, same, strict=True)), "base64 gives other vectors")
    asked, near, far = plain
    expect(_dot(asked, near) > _dot(asked, far), "what belongs together is not near")


async def rerank(asker: Asker, at: Endpoints) -> None:
    """The text that answers comes first."""
    documents = ["Oil the pump.", "A night in a hotel costs 140 euros."]
    reply = await asker.whole(at.rerank, query="How much is a night in a hotel?", documents=documents)
    expect([r["index"] for r in reply["results"]] == [1, 0], "the wrong text comes first")


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


BY_TASK: dict[str, dict[str, Check]] = {
    "chat": {
        "streaming": streaming,
        "tools": tools,
        "tool_choice": tool_choice,
        "schema": schema,
        "responses": responses,
        "messages": messages,
        "vision": vision,
    },
    "embed": {"embeddings": embeddings, "rerank": rerank},
    "rerank": {"rerank": rerank},
}
NEEDS = {"vision": "vision"}
"""Checks of an ability that the catalogue must name: without it there is nothing to check."""
