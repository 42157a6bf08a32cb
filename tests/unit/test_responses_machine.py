"""What a chat stream becomes as the events of a response, for any stream that an engine may send."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from appliance.inference import EngineUnavailable
from appliance.openai_api.responses.items import FileAnnotation, FileSearchItem, Note
from appliance.openai_api.responses.machine import ResponseMachine
from appliance.openai_api.responses.reply import ResponseObject
from appliance.openai_api.responses.wire import Reasoning, TextConfig
from appliance.openai_api.translation import Chunk

SDK: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

words = st.text(min_size=1, max_size=6)


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Deltas in any order an engine may have: reasoning, text, and calls with rising indexes, cut anywhere."""
    deltas: list[dict[str, Any]] = []
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["reasoning", "content", "call"]), max_size=6)):
        pieces = draw(st.lists(words, max_size=4))
        if kind == "call":
            deltas.append({"tool_calls": [_call(calls, call_id=f"call-{calls}", name=f"f{calls}", arguments="")]})
            deltas += [{"tool_calls": [_call(calls, arguments=piece)]} for piece in pieces]
            calls += 1
        else:
            deltas += [{kind: piece} for piece in pieces]
    return deltas


def _call(index: int, arguments: str, call_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}


def chunks(deltas: Sequence[dict[str, Any]], finish: str = "stop") -> list[Chunk]:
    raw: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    raw.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    raw.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    return [msgspec.convert(chunk, Chunk) for chunk in raw]


def response() -> ResponseObject:
    return ResponseObject(
        id="resp_1",
        created_at=1,
        model="m",
        status="queued",
        output=[],
        tools=[],
        tool_choice="auto",
        text=TextConfig(),
        parallel_tool_calls=True,
        instructions=None,
        previous_response_id=None,
        store=True,
        background=False,
        max_output_tokens=None,
        max_tool_calls=None,
        metadata={},
        temperature=None,
        top_p=None,
        top_logprobs=None,
        truncation="disabled",
        reasoning=Reasoning(),
        prompt_cache_key=None,
        safety_identifier=None,
        user=None,
    )


def no_citations(text: str) -> list[Note]:
    return []


def told(machine: ResponseMachine, parts: Sequence[Chunk]) -> Iterator[Any]:
    """All events, each encoded at once, as a stream would send it."""
    yield from (msgspec.to_builtins(e) for e in machine.begin())
    for chunk in parts:
        yield from (msgspec.to_builtins(e) for e in machine.feed(chunk))
    yield from (msgspec.to_builtins(e) for e in machine.end(2))


def run(deltas: Sequence[dict[str, Any]], finish: str = "stop") -> tuple[ResponseMachine, list[Any]]:
    machine = ResponseMachine(response(), no_citations)
    return machine, list(told(machine, chunks(deltas, finish)))


@given(streams())
def test_concatenated_deltas_are_the_final_texts(deltas: list[dict[str, Any]]) -> None:
    machine, events = run(deltas)
    said: dict[int, str] = {}
    for event in events:
        if event["type"].endswith(".delta"):
            said[event["output_index"]] = said.get(event["output_index"], "") + event["delta"]
    final = {
        at: item["arguments"] if item["type"] == "function_call" else item["content"][0]["text"]
        for at, item in enumerate(msgspec.to_builtins(machine.response)["output"])
    }
    assert {at: text for at, text in final.items() if text} == said
    asked = "".join(d.get("content") or "" for d in deltas)
    assert "".join(t for at, t in final.items() if machine.response.output[at].id.startswith("msg_")) == asked


@given(streams(), st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
def test_sequence_numbers_rise_by_one_and_all_that_is_added_is_done(deltas: list[dict[str, Any]], finish: str) -> None:
    _, events = run(deltas, finish)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = Counter((e["type"], e.get("output_index")) for e in events)
    for (kind, at), count in kinds.items():
        if kind.endswith(".added") and "annotation" not in kind:
            assert kinds[kind.removesuffix("added") + "done", at] == count == 1
        if kind.endswith(".delta"):
            assert kinds[kind.removesuffix("delta") + "done", at] == 1


@given(streams(), st.sampled_from(["stop", "length"]))
def test_the_order_is_that_of_the_specification(deltas: list[dict[str, Any]], finish: str) -> None:
    """created, in_progress, then per item: added, its parts, its deltas, its ends, done; one item after the other."""
    machine, events = run(deltas, finish)
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[:2] == ["created", "in_progress"]
    assert kinds[-1] == ("completed" if finish == "stop" else "incomplete")
    at = 2
    for item in machine.response.output:
        whole = {"msg": "output_text", "rs": "reasoning_text", "fc": "function_call_arguments"}[item.id.split("_")[0]]
        assert kinds[at] == "output_item.added"
        at += 1
        if whole != "function_call_arguments":
            assert kinds[at] == "content_part.added"
            at += 1
        while kinds[at] == f"{whole}.delta":
            at += 1
        ends = [f"{whole}.done", *(["content_part.done"] if whole != "function_call_arguments" else [])]
        assert kinds[at : at + len(ends) + 1] == [*ends, "output_item.done"]
        at += len(ends) + 1
    assert at == len(kinds) - 1


@given(streams(), st.sampled_from(["stop", "length"]))
def test_the_official_sdk_reads_every_event(deltas: list[dict[str, Any]], finish: str) -> None:
    _, events = run(deltas, finish)
    for event in events:
        assert SDK.validate_python(event, strict=False).type == event["type"]


@given(streams(), st.integers(min_value=0))
def test_a_break_ends_what_is_open_and_says_so(deltas: list[dict[str, Any]], after: int) -> None:
    machine = ResponseMachine(response(), no_citations)
    parts = chunks(deltas)[: after % (len(deltas) + 1)]
    events = [msgspec.to_builtins(e) for e in machine.begin()]
    for chunk in parts:
        events += [msgspec.to_builtins(e) for e in machine.feed(chunk)]
    events += [msgspec.to_builtins(e) for e in machine.fail(EngineUnavailable("The engine broke off.", remedy=""))]
    kinds = [event["type"] for event in events]
    assert kinds[-2:] == ["error", "response.failed"]
    assert kinds.count("response.output_item.added") == kinds.count("response.output_item.done")
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "The engine broke off."}


def test_a_cut_answer_is_incomplete() -> None:
    machine, events = run([{"content": "half a sent"}], "length")
    assert machine.response.status == "incomplete"
    assert events[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert events[-1]["response"]["output"][0]["status"] == "incomplete"
    assert events[-1]["response"]["usage"]["total_tokens"] == 10


def test_an_empty_answer_is_one_empty_message() -> None:
    machine, _ = run([])
    assert msgspec.to_builtins(machine.response)["output"][0]["content"][0]["text"] == ""


def test_a_call_without_arguments_is_still_json() -> None:
    machine, events = run([{"tool_calls": [_call(0, call_id="c", name="now", arguments="")]}], "tool_calls")
    assert msgspec.to_builtins(machine.response)["output"][0]["arguments"] == "{}"
    assert any(e["type"] == "response.function_call_arguments.delta" and e["delta"] == "{}" for e in events)


def test_calls_out_of_order_are_the_engine_s_fault() -> None:
    machine = ResponseMachine(response(), no_citations)
    deltas = [{"tool_calls": [_call(i, call_id=f"c{i}", name="f", arguments="{")]} for i in (0, 1, 0)]
    with pytest.raises(EngineUnavailable):
        list(told(machine, chunks(deltas)))


def test_a_search_is_told_before_the_text_and_citations_before_its_end() -> None:
    def cite(text: str) -> list[Note]:
        return [FileAnnotation("file-1", "handbook.pdf", len(text))]

    machine = ResponseMachine(response(), cite)
    events = [msgspec.to_builtins(e) for e in machine.begin()]
    events += [msgspec.to_builtins(e) for e in machine.searched(FileSearchItem("fs_1", ["hotel"], "completed"))]
    for chunk in chunks([{"content": "140 euros."}]):
        events += [msgspec.to_builtins(e) for e in machine.feed(chunk)]
    events += [msgspec.to_builtins(e) for e in machine.end(2)]
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[2:7] == [
        "output_item.added",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
    ]
    assert kinds.index("output_text.annotation.added") < kinds.index("output_text.done")
    note = events[-1]["response"]["output"][1]["content"][0]["annotations"][0]
    assert note == {"type": "file_citation", "file_id": "file-1", "filename": "handbook.pdf", "index": 10}
