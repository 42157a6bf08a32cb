"""What a request to `responses` or `messages` becomes as a chat request."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.foundation import InvalidInput
from appliance.openai_api.chat_completions.wire import Message
from appliance.openai_api.messages import translate as anthropic
from appliance.openai_api.messages.wire import MessagesRequest
from appliance.openai_api.responses import translate as responses
from appliance.openai_api.responses.window import without_oldest
from appliance.openai_api.responses.wire import ResponsesRequest
from appliance.openai_api.translation.chunks import Lines

PICTURE = "data:image/png;base64,AAAA"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def from_response(**asked: Any) -> Any:
    request = msgspec.convert({"model": "m", "input": "Hi."} | asked, ResponsesRequest)
    return msgspec.to_builtins(responses.chat_request(request, responses.items_of(request.input)))


def from_message(**asked: Any) -> Any:
    base = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]}
    return msgspec.to_builtins(anthropic.chat_request(msgspec.convert(base | asked, MessagesRequest)))


def test_nothing_that_nobody_set_reaches_the_engine() -> None:
    assert set(from_response()) == {"model", "messages", "stream"}
    assert set(from_message()) == {"model", "messages", "stream", "max_completion_tokens"}


def test_system_words_stand_at_the_head_wherever_they_were_said() -> None:
    items = [{"role": "user", "content": "A"}, {"role": "developer", "content": "B"}, {"role": "user", "content": "C"}]
    told = from_response(input=items, instructions="I")["messages"]
    assert told == [
        {"role": "system", "content": "I\n\nB"},
        {"role": "user", "content": "A"},
        {"role": "user", "content": "C"},
    ]
    told = from_message(system=[{"type": "text", "text": "I"}, {"type": "text", "text": "J"}])["messages"]
    assert told[0] == {"role": "system", "content": "I\nJ"}


def test_pictures_come_inside_the_request() -> None:
    content = [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": PICTURE}]
    told = from_response(input=[{"role": "user", "content": content}])["messages"][0]["content"]
    assert [p["type"] for p in told] == ["text", "image_url"]
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    told = from_message(messages=[{"role": "user", "content": [block, {"type": "text", "text": "What?"}]}])
    assert told["messages"][0]["content"][0]["image_url"]["url"] == PICTURE
    with pytest.raises(msgspec.ValidationError):
        from_message(
            messages=[{"role": "user", "content": [block | {"source": {"type": "url", "url": "https://x.test/a"}}]}]
        )


def test_calls_that_follow_a_text_are_one_message_with_it() -> None:
    items = [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Wait."},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
    ]
    told = from_response(input=items)["messages"]
    assert [m["role"] for m in told] == ["user", "assistant", "tool", "tool"]
    assert [c["id"] for c in told[1]["tool_calls"]] == ["a", "b"]
    assert told[3]["content"] == "2"


def test_tool_blocks_are_calls_and_tool_messages() -> None:
    use = {"type": "tool_use", "id": "a", "name": "f", "input": {"city": "Oslo"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "a",
        "content": [{"type": "text", "text": "Rain"}],
        "is_error": True,
    }
    messages = [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm", "signature": "s"}, use]},
        {"role": "user", "content": [result, {"type": "text", "text": "And?"}]},
    ]
    told = from_message(messages=messages)["messages"]
    assert [m["role"] for m in told] == ["user", "assistant", "tool", "user"]
    assert json.loads(told[1]["tool_calls"][0]["function"]["arguments"]) == {"city": "Oslo"}
    assert told[2]["content"] == "Error: Rain"
    assert "Hm" not in json.dumps(told)
    with pytest.raises(InvalidInput, match="tool_use"):
        from_message(messages=[{"role": "user", "content": [result]}])


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}, "required"),
    ],
)
def test_tool_choices_of_responses(choice: object, told: object) -> None:
    tools = [{"type": "function", "name": n, "parameters": SCHEMA} for n in ("f", "g")]
    asked = from_response(tools=tools, tool_choice=choice)
    assert asked["tool_choice"] == told
    allowed = isinstance(choice, dict) and choice["type"] == "allowed_tools"
    assert [t["function"]["name"] for t in asked["tools"]] == (["f"] if allowed else ["f", "g"])


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_tool_choices_of_messages(choice: object, told: object) -> None:
    asked = from_message(tools=[{"name": "f", "input_schema": SCHEMA}], tool_choice=choice)
    assert asked["tool_choice"] == told


def test_bounds_and_sampling_go_along() -> None:
    asked = from_message(stop_sequences=["x"], temperature=0.5, top_p=0.5, top_k=4, stream=True)
    assert (asked["stop"], asked["temperature"], asked["top_p"], asked["top_k"]) == (["x"], 0.5, 0.5, 4)
    assert asked["stream_options"] == {"include_usage": True}
    parallel = {"type": "auto", "disable_parallel_tool_use": True}
    assert (
        from_message(tools=[{"name": "f", "input_schema": SCHEMA}], tool_choice=parallel)["parallel_tool_calls"]
        is False
    )
    schema = {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}
    assert from_response(text=schema)["response_format"]["json_schema"]["schema"] == SCHEMA
    output = {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert from_message(output_config=output)["response_format"]["json_schema"]["schema"] == SCHEMA
    asked = from_response(top_logprobs=2, include=["message.output_text.logprobs"], max_output_tokens=5)
    assert (asked["logprobs"], asked["top_logprobs"], asked["max_completion_tokens"]) == (True, 2, 5)


said = st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.text(max_size=20)), max_size=20)


@given(said, st.floats(0, 1))
def test_what_is_left_begins_with_a_question_and_ends_as_before(said: list[tuple[str, str]], share: float) -> None:
    messages = [Message("system", content="S"), Message("user", content="Q")]
    messages += [Message(role, content=text) for role, text in said]  # type: ignore[arg-type]
    left = without_oldest(messages, share=share)
    assert left[0] == messages[0]
    assert left[1].role == "user"
    assert left[1:] == messages[len(messages) - len(left) + 1 :]
    questions = sum(m.role == "user" for m in messages)
    assert len(left) < len(messages) or questions == 1


@given(st.lists(st.text(alphabet="ab {}", max_size=9), max_size=9), st.data())
def test_lines_are_the_same_however_the_bytes_are_cut(payloads: list[str], data: st.DataObject) -> None:
    stream = b"".join(b"event: x\ndata: " + p.encode() + b"\n\n" for p in payloads)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=9)))
    lines = Lines()
    got: list[bytes] = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += lines.feed(stream[begin:end])
    assert got == [p.encode().strip() for p in payloads]
