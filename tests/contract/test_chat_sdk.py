"""`chat.completions` and `completions` of the official SDK against the real engine: what is promised of each answer."""

import asyncio
import json
from typing import Any, Literal

import jsonschema_rs
import openai
import pytest
from pydantic import BaseModel

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

CHAT = "smollm2-135m-instruct"
ASKED: Any = [{"role": "user", "content": "What is the weather in Berlin and in Paris? Use celsius."}]
WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 30},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
ROUTE = {
    "type": "object",
    "properties": {
        "stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}, "minItems": 1, "maxItems": 3},
    },
    "required": ["stops"],
    "additionalProperties": False,
    "$defs": {
        "stop": {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 20}, "nights": {"type": ["integer", "null"]}},
            "required": ["name", "nights"],
            "additionalProperties": False,
        }
    },
}
SCHEMAS = {"get_weather": WEATHER, "plan_route": ROUTE}
TOOLS: Any = [
    {"type": "function", "function": {"name": n, "description": n.replace("_", " "), "parameters": p}}
    for n, p in SCHEMAS.items()
]


def check(calls: Any) -> None:
    """Every call is one of the tools, with arguments that fit."""
    assert calls
    for call in calls:
        jsonschema_rs.validate(SCHEMAS[call.function.name], json.loads(call.function.arguments))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "function", "function": {"name": "plan_route"}},
    ],
    ids=["required", "get_weather", "plan_route"],
)
def test_a_forced_call_has_arguments_that_fit(client: openai.OpenAI, choice: Any, seed: int) -> None:
    body = {"model": CHAT, "messages": ASKED, "tools": TOOLS, "tool_choice": choice, "max_tokens": 600, "seed": seed}
    reply = client.chat.completions.create(**body)
    assert reply.choices[0].finish_reason == "tool_calls"
    check(reply.choices[0].message.tool_calls)
    with client.chat.completions.stream(**body) as stream:
        streamed = stream.get_final_completion()
    assert streamed.choices[0].finish_reason == "tool_calls"
    check(streamed.choices[0].message.tool_calls)


def test_one_call_when_parallel_calls_are_off(client: openai.OpenAI) -> None:
    for seed in range(3):
        reply = client.chat.completions.create(
            model=CHAT, messages=ASKED, tools=TOOLS, tool_choice="required", parallel_tool_calls=False, seed=seed
        )
        assert len(reply.choices[0].message.tool_calls or []) == 1


def test_a_call_that_was_cut_off_says_so(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=CHAT, messages=ASKED, tools=TOOLS, tool_choice="required", max_tokens=8
    )
    assert reply.choices[0].finish_reason == "length"


def test_tools_go_round(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(
        model=CHAT, messages=ASKED, tools=TOOLS, tool_choice="required", parallel_tool_calls=False, max_tokens=300
    )
    message = first.choices[0].message
    (call,) = message.tool_calls or []
    told = [*ASKED, message, {"role": "tool", "tool_call_id": call.id, "content": "It is 18 degrees in Berlin."}]
    for more in ({"tools": TOOLS, "tool_choice": "none"}, {"tools": TOOLS}, {}):
        answer = client.chat.completions.create(model=CHAT, messages=told, temperature=0, max_tokens=60, **more)
        assert answer.choices[0].message.content


class Answer(BaseModel):
    """What `parse` is asked for."""

    city: str
    unit: Literal["celsius", "fahrenheit"]
    rainy: bool


@pytest.mark.parametrize("seed", range(3))
def test_parse_gives_the_model_s_answer_as_a_value(client: openai.OpenAI, seed: int) -> None:
    reply = client.chat.completions.parse(
        model=CHAT, messages=ASKED, response_format=Answer, seed=seed, max_tokens=300, temperature=0.3
    )
    assert isinstance(reply.choices[0].message.parsed, Answer)
    with client.chat.completions.stream(
        model=CHAT, messages=ASKED, response_format=Answer, seed=seed, max_tokens=300, temperature=0.3
    ) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, Answer)


def test_a_json_object_is_one(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model=CHAT, messages=ASKED, response_format={"type": "json_object"}, max_tokens=400, temperature=0
    )
    if reply.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(reply.choices[0].message.content or ""), dict)
    else:
        assert reply.choices[0].finish_reason == "length"


def test_a_keyword_that_is_not_held_is_named(client: openai.OpenAI) -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(
            model=CHAT,
            messages=ASKED,
            response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema, "strict": True}},
        )
    assert (refused.value.code, refused.value.param) == (
        "unsupported_schema",
        "response_format.json_schema.schema.properties.a.uniqueItems",
    )


def test_choices_probabilities_stops_and_seeds(client: openai.OpenAI) -> None:
    several = client.chat.completions.create(
        model=CHAT, messages=ASKED, n=3, max_tokens=5, logprobs=True, top_logprobs=2, seed=1
    )
    assert [c.index for c in several.choices] == [0, 1, 2]
    assert several.usage is not None
    assert several.usage.completion_tokens == 15
    for choice in several.choices:
        assert choice.logprobs is not None
        tokens = choice.logprobs.content or []
        assert len(tokens) == 5
        assert all(len(t.top_logprobs) == 2 and t.logprob <= 0 for t in tokens)
        assert "".join(t.token for t in tokens) == choice.message.content
    body: Any = {"model": CHAT, "messages": ASKED, "max_tokens": 12, "seed": 5, "temperature": 1}
    first, second = (client.chat.completions.create(**body).choices[0].message.content for _ in range(2))
    assert first == second
    stopped = client.chat.completions.create(
        model=CHAT, messages=ASKED, max_tokens=200, temperature=0, stop=[".", "!", "?", "\n"]
    ).choices[0]
    assert stopped.finish_reason == "stop"
    assert not set(".!?\n") & set(stopped.message.content or "")


def test_usage_of_a_stream_is_exact(client: openai.OpenAI) -> None:
    body: Any = {"model": CHAT, "messages": ASKED, "max_tokens": 9, "temperature": 0, "stream": True}
    plain = list(client.chat.completions.create(**body))
    assert all(c.choices for c in plain)
    assert all(c.usage is None for c in plain)
    asked = list(client.chat.completions.create(**body, stream_options={"include_usage": True}))
    assert all("usage" in c.model_fields_set for c in asked)
    assert [c for c in asked if c.usage is not None] == asked[-1:]
    assert asked[-1].usage is not None
    assert asked[-1].usage.completion_tokens == 9
    whole = client.chat.completions.create(**{**body, "stream": False})
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == asked[-1].usage.prompt_tokens


def test_completions(client: openai.OpenAI) -> None:
    reply = client.completions.create(
        model=CHAT, prompt=["The capital of France is", "One, two, three,"], max_tokens=4, temperature=0, logprobs=2
    )
    assert [c.index for c in reply.choices] == [0, 1]
    assert "Paris" in reply.choices[0].text
    assert reply.choices[0].logprobs is not None
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 8
    echoed = client.completions.create(model=CHAT, prompt="The capital of France is", echo=True, max_tokens=2)
    assert echoed.choices[0].text.startswith("The capital of France is")
    tokens = client.completions.create(model=CHAT, prompt=[504, 3575, 282, 4649, 314], max_tokens=2)
    assert tokens.usage is not None
    assert tokens.usage.prompt_tokens == 5
    chunks = list(client.completions.create(model=CHAT, prompt="One, two,", max_tokens=4, temperature=0, stream=True))
    assert "".join(c.choices[0].text for c in chunks).strip()


def test_what_is_too_long_has_its_code(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": "word " * 6000}])
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "messages")
    with pytest.raises(openai.BadRequestError) as refused:
        client.completions.create(model=CHAT, prompt="word " * 6000)
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "prompt")


async def test_the_asynchronous_client(base_url: str, key: str) -> None:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=120) as client:
        plain, streamed = await asyncio.gather(_plain(client), _streamed(client))
    assert plain == streamed
    assert "Berlin" in plain


GERMANY: Any = [{"role": "user", "content": "What is the capital of Germany?"}]


async def _plain(client: openai.AsyncOpenAI) -> str:
    reply = await client.chat.completions.create(model=CHAT, messages=GERMANY, max_tokens=12, temperature=0)
    return reply.choices[0].message.content or ""


async def _streamed(client: openai.AsyncOpenAI) -> str:
    asked: Any = {"model": CHAT, "messages": GERMANY, "max_tokens": 12, "temperature": 0}
    async with client.chat.completions.stream(**asked) as stream:
        return "".join([event.delta async for event in stream if event.type == "content.delta"])


def test_ranking(base_url: str, key: str) -> None:
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as client:
        texts = ["passage: Oil the pump twice a year.", "passage: A night in a hotel costs 140 euros."]
        asked = {"model": "multilingual-e5-small", "query": "query: hotel costs", "documents": texts}
        ranked: Any = client.post("/rerank", body=asked, cast_to=object)
        assert [r["index"] for r in ranked["results"]] == [1, 0]
        pair = {"model": "multilingual-e5-small", "text_1": asked["query"], "text_2": texts}
        scored: Any = client.post("/score", body=pair, cast_to=object)
        assert scored["data"][1]["score"] > scored["data"][0]["score"]
        with pytest.raises(openai.NotFoundError) as missing:
            client.audio.transcriptions.create(model="whisper", file=("a.wav", b"RIFF"))
        assert missing.value.code == "task_not_served"
        with pytest.raises(openai.NotFoundError) as missing:
            client.images.generate(model="painter", prompt="A boat")
        assert missing.value.code == "task_not_served"
