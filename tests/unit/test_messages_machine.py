"""What a chat stream becomes as the events of a message, for any stream that an engine may send."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from appliance.inference import EngineUnavailable
from appliance.openai_api.messages.machine import MessageMachine
from appliance.openai_api.messages.wire import Message, Usage
from appliance.openai_api.translation import Chunk

SDK: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)

words = st.text(min_size=1, max_size=6)
inputs = st.dictionaries(words, words, max_size=3)


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Deltas in any order an engine may have; the arguments of calls are JSON objects, cut anywhere."""
    deltas: list[dict[str, Any]] = []
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["reasoning", "content", "call"]), max_size=6)):
        if kind == "call":
            text = json.dumps(draw(inputs))
            cut = draw(st.integers(0, len(text)))
            deltas.append({"tool_calls": [_call(calls, "", call_id=f"call-{calls}", name=f"f{calls}")]})
            deltas += [{"tool_calls": [_call(calls, piece)]} for piece in (text[:cut], text[cut:])]
            calls += 1
        else:
            deltas += [{kind: piece} for piece in draw(st.lists(words, max_size=4))]
    return deltas


def _call(index: int, arguments: str, call_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}


def chunks(deltas: Sequence[dict[str, Any]], finish: str, stop_reason: str | None = None) -> list[Chunk]:
    raw: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    raw.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish, "stop_reason": stop_reason}]})
    raw.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    return [msgspec.convert(chunk, Chunk) for chunk in raw]


def run(
    deltas: Sequence[dict[str, Any]], finish: str = "stop", *, thinks: bool = True, stop_reason: str | None = None
) -> tuple[Message, list[Any]]:
    message = Message(id="msg_1", model="m", content=[], usage=Usage())
    machine = MessageMachine(message, thinks=thinks, stop_sequences=["STOP"])
    events = [msgspec.to_builtins(e) for e in machine.begin()]
    for chunk in chunks(deltas, finish, stop_reason):
        events += [msgspec.to_builtins(e) for e in machine.feed(chunk)]
    events += [msgspec.to_builtins(e) for e in machine.end()]
    return message, events


@given(streams(), st.sampled_from(["stop", "length", "tool_calls"]), st.booleans())
def test_the_official_sdk_adds_the_events_up_to_the_message(
    deltas: list[dict[str, Any]], finish: str, thinks: bool
) -> None:
    message, events = run(deltas, finish, thinks=thinks)
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in events:
        if event["type"] != "ping":
            snapshot = accumulate_event(event=SDK.validate_python(event), current_snapshot=snapshot, json_bufs=buffers)
    own = msgspec.to_builtins(message)
    assert len(snapshot.content) == len(own["content"])
    for theirs, ours in zip(snapshot.content, own["content"], strict=True):
        for name, value in ours.items():
            assert getattr(theirs, name) == value
    assert snapshot.stop_reason == own["stop_reason"]
    assert (snapshot.usage.input_tokens, snapshot.usage.output_tokens) == (7, 3)


@given(streams(), st.booleans())
def test_blocks_come_one_after_the_other(deltas: list[dict[str, Any]], thinks: bool) -> None:
    message, events = run(deltas, thinks=thinks)
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["message_start", "ping"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    at = 2
    for index in range(len(message.content)):
        assert (kinds[at], events[at]["index"]) == ("content_block_start", index)
        at += 1
        while kinds[at] == "content_block_delta":
            assert events[at]["index"] == index
            at += 1
        assert (kinds[at], events[at]["index"]) == ("content_block_stop", index)
        at += 1
    assert at == len(kinds) - 2


@pytest.mark.parametrize(
    ("deltas", "finish", "stop_reason", "told"),
    [
        ([{"content": "Yes."}], "stop", None, ("end_turn", None)),
        ([{"content": "Yes."}], "stop", "STOP", ("stop_sequence", "STOP")),
        ([{"content": "Yes."}], "stop", "</s>", ("end_turn", None)),
        ([{"content": "Ye"}], "length", None, ("max_tokens", None)),
        ([{"content": "No."}], "content_filter", None, ("refusal", None)),
        ([{"tool_calls": [_call(0, "{}", "c", "f")]}], "tool_calls", None, ("tool_use", None)),
        ([{"tool_calls": [_call(0, "{}", "c", "f")]}], "stop", None, ("tool_use", None)),
    ],
)
def test_why_it_stopped(
    deltas: list[dict[str, Any]], finish: str, stop_reason: str | None, told: tuple[str, str | None]
) -> None:
    message, _ = run(deltas, finish, stop_reason=stop_reason)
    assert (message.stop_reason, message.stop_sequence) == told


def test_what_is_thought_is_shown_to_whoever_asked_only() -> None:
    deltas = [{"reasoning": "Hm."}, {"content": "Yes."}]
    shown, _ = run(deltas)
    hidden, events = run(deltas, thinks=False)
    assert [b["type"] for b in msgspec.to_builtins(shown)["content"]] == ["thinking", "text"]
    assert [b["type"] for b in msgspec.to_builtins(hidden)["content"]] == ["text"]
    assert "Hm." not in json.dumps(events)


def test_arguments_that_are_no_object_are_the_engine_s_fault() -> None:
    with pytest.raises(EngineUnavailable):
        run([{"tool_calls": [_call(0, '"Oslo"', "c", "f")]}], "tool_calls")
