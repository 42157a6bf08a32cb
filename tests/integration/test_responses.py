"""`/v1/responses`: what is written, kept, gone on from, found, and by whom."""

import asyncio
import contextlib
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from appliance.foundation import SystemClock
from appliance.identity import Holder
from appliance.openai_api.responses.background import BackgroundWork
from appliance.openai_api.responses.errors import PreviousResponseNotFound, ResponseNotFound
from appliance.openai_api.responses.repository import ResponseRepository
from appliance.openai_api.responses.settings import ResponseSettings
from tests.fakes.engine import ANSWER, FakeEngine
from tests.support.clocks import HANGS_S
from tests.support.gateway import CHAT_MODEL, Client, Gateway

RULES = b"# Travel\n\nThe company pays up to 140 euros per night for a hotel.\n"
QUESTION = "How much does the company pay per night for a hotel?"
WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}


@pytest.fixture(scope="session")
async def person(running_gateway: Gateway) -> AsyncIterator[Client]:
    client = await running_gateway.person(f"responder-{uuid.uuid4().hex}@x.test")
    yield await running_gateway.with_key(client)
    await client.aclose()


@pytest.fixture(scope="session")
async def stranger(running_gateway: Gateway) -> AsyncIterator[Client]:
    client = await running_gateway.person(f"stranger-{uuid.uuid4().hex}@x.test")
    yield await running_gateway.with_key(client)
    await client.aclose()


@pytest.fixture
def says(engine: FakeEngine) -> Iterator[FakeEngine]:
    """The stand-in, as it was before when the test is over."""
    engine.chats.clear()
    yield engine
    engine.deltas, engine.finish, engine.answer = [], "stop", ANSWER
    engine.delay_s, engine.break_after = 0.0, None


def asked(**more: Any) -> dict[str, Any]:
    return {"model": CHAT_MODEL, "input": "Tell me something."} | more


def text_of(response: dict[str, Any]) -> str:
    parts = [p for item in response["output"] if item["type"] == "message" for p in item["content"]]
    return "".join(part["text"] for part in parts)


async def test_a_response_is_written_kept_and_deleted(person: Client, says: FakeEngine) -> None:
    made = await person.ok("POST", "/v1/responses", asked(instructions="Be brief.", metadata={"for": "test"}))
    assert made["object"] == "response"
    assert made["status"] == "completed"
    assert text_of(made) == ANSWER
    assert made["usage"]["total_tokens"] == made["usage"]["input_tokens"] + made["usage"]["output_tokens"]
    assert made["metadata"] == {"for": "test"}
    assert says.chats[-1]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Tell me something."},
    ]
    assert await person.ok("GET", f"/v1/responses/{made['id']}") == made
    items = await person.ok("GET", f"/v1/responses/{made['id']}/input_items")
    assert items["data"][0]["content"] == [{"type": "input_text", "text": "Tell me something."}]
    assert items["data"][0]["id"] == items["first_id"] == items["last_id"]
    assert (await person.ok("DELETE", f"/v1/responses/{made['id']}"))["deleted"] is True
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/input_items")):
        assert (await person.request(method, f"/v1/responses/{made['id']}{path}")).status_code == 404


async def test_a_stream_adds_up_to_what_is_kept(person: Client, says: FakeEngine) -> None:
    events = await person.events("POST", "/v1/responses", asked(stream=True))
    assert [name for name, _ in events] == [data["type"] for _, data in events]
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert [name for name, _ in events][:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert "".join(d["delta"] for n, d in events if n == "response.output_text.delta") == ANSWER
    assert events[-1][0] == "response.completed"
    final = events[-1][1]["response"]
    assert text_of(final) == ANSWER
    assert await person.ok("GET", f"/v1/responses/{final['id']}") == final


async def test_a_chain_is_a_conversation_without_its_instructions(person: Client, says: FakeEngine) -> None:
    first = await person.ok("POST", "/v1/responses", asked(instructions="Be a pirate."))
    second = await person.ok("POST", "/v1/responses", asked(input="And then?", previous_response_id=first["id"]))
    third = await person.ok("POST", "/v1/responses", asked(input="Why?", previous_response_id=second["id"]))
    assert third["previous_response_id"] == second["id"]
    assert says.chats[-1]["messages"] == [
        {"role": "user", "content": "Tell me something."},
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": "And then?"},
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": "Why?"},
    ]
    await person.ok("DELETE", f"/v1/responses/{first['id']}")
    broken = await person.post("/v1/responses", json=asked(input="Hm?", previous_response_id=third["id"]))
    assert broken.status_code == 404
    assert broken.json()["error"]["code"] == "previous_response_not_found"


async def test_somebody_else_s_response_does_not_exist(person: Client, stranger: Client, says: FakeEngine) -> None:
    made = (await person.ok("POST", "/v1/responses", asked()))["id"]
    absent = f"resp_{uuid.uuid4().hex}"
    for method, path in (
        ("GET", "/v1/responses/{}"),
        ("DELETE", "/v1/responses/{}"),
        ("GET", "/v1/responses/{}/input_items"),
    ):
        foreign = await stranger.request(method, path.format(made))
        nothing = await stranger.request(method, path.format(absent))
        assert foreign.status_code == nothing.status_code == 404
        assert foreign.json() == nothing.json()
    foreign = await stranger.post("/v1/responses", json=asked(previous_response_id=made))
    nothing = await stranger.post("/v1/responses", json=asked(previous_response_id=absent))
    assert foreign.status_code == nothing.status_code == 404
    assert foreign.json() == nothing.json()
    assert (await person.get(f"/v1/responses/{made}")).status_code == 200


async def test_nothing_is_kept_that_should_not_be(person: Client, says: FakeEngine) -> None:
    made = await person.ok("POST", "/v1/responses", asked(store=False))
    assert made["store"] is False
    assert (await person.get(f"/v1/responses/{made['id']}")).status_code == 404
    chained = await person.post("/v1/responses", json=asked(previous_response_id=made["id"]))
    assert chained.status_code == 404


async def test_a_function_goes_round(person: Client, says: FakeEngine) -> None:
    says.answer = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    plain = await person.ok("POST", "/v1/responses", asked(tools=[WEATHER], store=False))
    events = await person.events("POST", "/v1/responses", asked(tools=[WEATHER], stream=True))
    response = events[-1][1]["response"]
    for item in (plain["output"][0], response["output"][0]):
        assert (item["type"], item["name"]) == ("function_call", "weather")
        assert json.loads(item["arguments"]) == {"city": "Oslo"}
    deltas = [d["delta"] for n, d in events if n == "response.function_call_arguments.delta"]
    assert json.loads("".join(deltas)) == {"city": "Oslo"}
    says.answer = ANSWER
    call_id = response["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": "Rain."}
    answer = await person.ok("POST", "/v1/responses", asked(input=[output], previous_response_id=response["id"]))
    assert text_of(answer) == ANSWER
    assert "Rain." in json.dumps(says.chats[-1]["messages"])
    lost = await person.post("/v1/responses", json=asked(input=[output]))
    assert lost.status_code == 400
    assert call_id in lost.json()["error"]["message"]


async def test_reasoning_is_an_item_of_its_own(person: Client, says: FakeEngine) -> None:
    says.deltas = [{"reasoning": "Hm, "}, {"reasoning": "well."}, {"content": "Yes."}]
    events = await person.events("POST", "/v1/responses", asked(stream=True))
    output = events[-1][1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message"]
    assert output[0]["content"] == [{"type": "reasoning_text", "text": "Hm, well."}]
    again = await person.ok("POST", "/v1/responses", asked(input=[{"role": "user", "content": "So?"}, *output]))
    assert [i["type"] for i in again["output"]] == ["reasoning", "message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conversation", "conv_1"),
        ("prompt", {"id": "pmpt_1"}),
        ("moderation", {"model": "m"}),
        ("context_management", []),
        ("cache_salt", "x"),
        ("vllm_xargs", {}),
        ("max_output_tokens", 0),
        ("metadata", {"k": "v" * 513}),
        ("include", ["web_search_call.results"]),
        ("tools", [{"type": "web_search"}]),
        ("tool_choice", {"type": "function", "name": "nowhere"}),
        ("input", [{"type": "computer_call"}]),
        ("input", [{"type": "function_call", "name": "f"}]),
        ("input", [{"role": "user", "content": [{"type": "input_image", "image_url": "https://x.test/a.png"}]}]),
        ("previous_response_id", "resp_"),
    ],
)
async def test_what_is_not_done_is_refused(person: Client, says: FakeEngine, field: str, value: object) -> None:
    reply = await person.post("/v1/responses", json=asked(**{field: value}))
    assert reply.status_code in (400, 404), reply.text
    assert reply.json()["error"]["message"]
    if reply.status_code == 400 and field not in ("input", "tool_choice"):
        assert field in reply.json()["error"]["message"]
    assert says.chats == []


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"tool_choice": {"type": "function", "name": "nowhere"}}, "invalid_request", "tool_choice"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "invalid_request", "input[0].call_id"),
        ({"input": []}, "invalid_request", "input"),
        ({"input": 5}, "invalid_type", "input"),
        ({"temperature": 9}, "invalid_value", "temperature"),
        ({"previous_response_id": "resp_" + "0" * 32}, "previous_response_not_found", "previous_response_id"),
        (
            {"text": {"format": {"type": "json_schema", "name": "s", "schema": {"not": {}}}}},
            "unsupported_schema",
            "text.format.schema.not",
        ),
        (
            {"tools": [WEATHER | {"parameters": {"type": "object", "not": {}}}]},
            "unsupported_schema",
            "tools.parameters.not",
        ),
    ],
)
async def test_what_is_wrong_is_named(person: Client, body: dict[str, Any], code: str, param: str) -> None:
    error = (await person.post("/v1/responses", json=asked(**body))).json()["error"]
    assert (error["code"], error["param"]) == (code, param), error


async def test_a_cut_answer_says_so(person: Client, says: FakeEngine) -> None:
    says.finish = "length"
    made = await person.ok("POST", "/v1/responses", asked(max_output_tokens=3))
    assert made["status"] == "incomplete"
    assert made["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_an_engine_that_breaks_off_is_told_and_nothing_is_kept(person: Client, says: FakeEngine) -> None:
    says.break_after = 3
    events = await person.events("POST", "/v1/responses", asked(stream=True))
    assert [name for name, _ in events][-2:] == ["error", "response.failed"]
    failed = events[-1][1]["response"]
    assert failed["error"]["code"] == "server_error"
    assert (await person.get(f"/v1/responses/{failed['id']}")).status_code == 404


async def test_whoever_leaves_stops_the_engine(person: Client, says: FakeEngine) -> None:
    says.delay_s = 0.2
    for stream in (True, False):
        says.left_early.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                async with person.stream("POST", "/v1/responses", json=asked(stream=stream)) as reply:
                    async for _ in reply.aiter_lines():
                        pass
        await asyncio.wait_for(says.left_early.wait(), 2)


async def test_an_assistant_answers_with_citations(running_gateway: Gateway, says: FakeEngine) -> None:
    client = await running_gateway.person(f"reader-{uuid.uuid4().hex}@x.test")
    key = await client.collection(f"rules-{uuid.uuid4().hex}")
    await client.upload(key, "rules.md", RULES)
    await client.until_idle(key)
    plain = await client.ok("POST", "/v1/responses", {"model": "documents", "input": QUESTION})
    events = await client.events("POST", "/v1/responses", {"model": "documents", "input": QUESTION, "stream": True})
    for response in (plain, events[-1][1]["response"]):
        note = response["output"][0]["content"][0]["annotations"][0]
        assert note["type"] == "url_citation"
        assert "rules.md" in note["title"]
        assert "140 euros" in note["quote"]
    await client.aclose()


class Store:
    """A collection with the rules in it, by its name as a vector store."""

    def __init__(self, client: Client, key: str) -> None:
        self.client = client
        self.key = key
        self.name = f"vs_{uuid.UUID(key).hex}"

    def search(self, **more: Any) -> dict[str, Any]:
        tool = {"type": "file_search", "vector_store_ids": [self.name]}
        return asked(input=QUESTION, tools=[tool], **more)


@pytest.fixture
async def store(running_gateway: Gateway, says: FakeEngine) -> AsyncIterator[Store]:
    client = await running_gateway.person(f"keeper-{uuid.uuid4().hex}@x.test")
    key = await client.collection(f"rules-{uuid.uuid4().hex}")
    await client.upload(key, "rules.md", RULES)
    await client.until_idle(key)
    says.answer = "The company pays up to 140 euros per night for a hotel. The sky is green over Oslo."
    yield Store(client, key)
    await client.aclose()


async def test_file_search_gives_passages_and_cites_only_what_they_support(store: Store, says: FakeEngine) -> None:
    made = await store.client.ok("POST", "/v1/responses", store.search(include=["file_search_call.results"]))
    call, message = made["output"]
    assert call["type"] == "file_search_call"
    assert call["queries"] == [QUESTION]
    assert "140 euros" in call["results"][0]["text"]
    assert "140 euros" in says.chats[-1]["messages"][0]["content"]
    notes = message["content"][0]["annotations"]
    assert [n["type"] for n in notes] == ["file_citation"]
    assert notes[0]["file_id"] == call["results"][0]["file_id"]
    assert notes[0]["filename"].endswith("rules.md")
    text = message["content"][0]["text"]
    assert text[: notes[0]["index"]].endswith("hotel.")
    quiet = await store.client.ok("POST", "/v1/responses", store.search())
    assert quiet["output"][0]["results"] is None


async def test_file_search_streams_in_order(store: Store) -> None:
    events = await store.client.events("POST", "/v1/responses", store.search(stream=True))
    kinds = [name.removeprefix("response.") for name, _ in events]
    wanted = [
        "created",
        "in_progress",
        "output_item.added",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
    ]
    assert kinds[: len(wanted)] == wanted
    assert kinds.index("output_text.annotation.added") < kinds.index("output_text.done")


async def test_no_search_when_no_tool_may_be_used(store: Store, says: FakeEngine) -> None:
    made = await store.client.ok("POST", "/v1/responses", store.search(tool_choice="none"))
    assert [item["type"] for item in made["output"]] == ["message"]
    assert "140 euros" not in json.dumps(says.chats[-1])


async def test_a_store_that_is_not_yours_is_not_there(store: Store, stranger: Client, says: FakeEngine) -> None:
    foreign = await stranger.post("/v1/responses", json=store.search())
    name, store.name = store.name, f"vs_{uuid.uuid4().hex}"
    nothing = await stranger.post("/v1/responses", json=store.search())
    assert foreign.status_code == nothing.status_code == 404
    assert foreign.text.replace(name, "") == nothing.text.replace(store.name, "")
    assert says.chats == []


async def test_who_is_removed_from_a_collection_loses_what_was_said_of_it(
    running_gateway: Gateway, store: Store, says: FakeEngine
) -> None:
    reader = await running_gateway.person(f"reader-{uuid.uuid4().hex}@x.test")
    me = (await reader.ok("GET", "/api/me"))["id"]
    await store.client.ok("PATCH", f"/api/collections/{store.key}", {"readers": [{"kind": "user", "id": me}]})
    made = await reader.ok("POST", "/v1/responses", store.search())
    assert (await reader.get(f"/v1/responses/{made['id']}")).status_code == 200
    await store.client.ok("PATCH", f"/api/collections/{store.key}", {"readers": []})
    assert (await reader.get(f"/v1/responses/{made['id']}")).status_code == 404
    assert (await reader.get(f"/v1/responses/{made['id']}/input_items")).status_code == 404
    chained = await reader.post("/v1/responses", json=asked(previous_response_id=made["id"]))
    assert chained.status_code == 404
    assert (await reader.delete(f"/v1/responses/{made['id']}")).status_code == 200
    await reader.aclose()


async def test_old_exchanges_are_left_out_when_asked(person: Client, says: FakeEngine) -> None:
    old = [{"role": role, "content": "word " * 900} for _ in range(4) for role in ("user", "assistant")]
    question = {"role": "user", "content": "The question."}
    await person.ok("POST", "/v1/responses", asked(input=[*old, question], truncation="auto", instructions="Be brief."))
    told = says.chats[-1]["messages"]
    assert told[0] == {"role": "system", "content": "Be brief."}
    assert told[-1] == question
    assert 3 < len(told) < len(old)
    assert told[1]["role"] == "user"


async def ended(client: Client, response_id: str) -> dict[str, Any]:
    """Ask again and again, as programs do."""
    async with asyncio.timeout(HANGS_S):
        while True:
            found: dict[str, Any] = await client.ok("GET", f"/v1/responses/{response_id}")
            if found["status"] not in ("queued", "in_progress"):
                return found
            await asyncio.sleep(0.05)


async def test_the_background_writes_without_a_reader(person: Client, says: FakeEngine) -> None:
    says.delay_s = 0.02
    made = await person.ok("POST", "/v1/responses", asked(background=True))
    assert (made["status"], made["output"], made["background"]) == ("queued", [], True)
    done = await ended(person, made["id"])
    assert (done["status"], text_of(done)) == ("completed", ANSWER)
    assert await person.ok("POST", f"/v1/responses/{made['id']}/cancel") == done
    again = await person.ok("POST", "/v1/responses", asked(previous_response_id=made["id"]))
    assert text_of(again) == ANSWER


async def test_a_reader_of_the_background_may_leave(person: Client, says: FakeEngine) -> None:
    says.delay_s = 0.1
    events: list[dict[str, Any]] = []
    async with person.stream("POST", "/v1/responses", json=asked(background=True, stream=True)) as reply:
        async for line in reply.aiter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
            if len(events) == 4:
                break
    assert [e["type"] for e in events[:3]] == ["response.created", "response.queued", "response.in_progress"]
    done = await ended(person, events[0]["response"]["id"])
    assert text_of(done) == ANSWER


async def test_cancelling_stops_the_engine(person: Client, stranger: Client, says: FakeEngine) -> None:
    says.delay_s = 0.2
    says.left_early.clear()
    made = await person.ok("POST", "/v1/responses", asked(background=True))
    while not says.words_sent:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert (await stranger.post(f"/v1/responses/{made['id']}/cancel", json={})).status_code == 404
    stopped = await person.ok("POST", f"/v1/responses/{made['id']}/cancel")
    assert stopped["status"] == "cancelled"
    await asyncio.wait_for(says.left_early.wait(), 2)
    assert (await ended(person, made["id"]))["status"] == "cancelled"
    waited = await person.ok("POST", "/v1/responses", asked())
    refused = await person.post(f"/v1/responses/{waited['id']}/cancel", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "response_not_cancellable")


async def test_what_breaks_in_the_background_is_kept_as_failed(person: Client, says: FakeEngine) -> None:
    says.break_after = 2
    made = await person.ok("POST", "/v1/responses", asked(background=True))
    done = await ended(person, made["id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "server_error")
    chained = await person.post("/v1/responses", json=asked(previous_response_id=made["id"]))
    assert chained.status_code == 400
    unstored = await person.post("/v1/responses", json=asked(background=True, store=False))
    assert (unstored.status_code, unstored.json()["error"]["param"]) == (400, "store")


async def test_what_a_crash_cut_off_is_failed_at_the_next_start(running_gateway: Gateway, person: Client) -> None:
    owner = Holder(UUID((await person.ok("GET", "/api/me"))["id"]))
    made = await person.ok("POST", "/v1/responses", asked())
    clock, settings = SystemClock(), ResponseSettings(runner="crashed")
    repository = ResponseRepository(running_gateway.parts.database, clock, settings)
    whole = await repository.get(owner, UUID(made["id"].removeprefix("resp_")))
    cut = dataclasses.replace(whole, id=uuid.uuid4(), status="in_progress")
    await repository.add(owner, cut)
    work = BackgroundWork(repository, settings, running_gateway.parts.access.leases)
    await work.start()
    await work.stop()
    assert (await repository.get(owner, cut.id)).status == "failed"
    assert (await repository.get(owner, whole.id)).status == "completed"


async def test_another_gateway_s_cancel_is_heard(running_gateway: Gateway, person: Client, says: FakeEngine) -> None:
    says.delay_s = 0.5
    says.left_early.clear()
    made = await person.ok("POST", "/v1/responses", asked(background=True))
    other = ResponseRepository(running_gateway.parts.database, SystemClock(), ResponseSettings())
    await asyncio.sleep(0.7)
    assert await other.finish(UUID(made["id"].removeprefix("resp_")), "cancelled", json.dumps(made).encode())
    await asyncio.wait_for(says.left_early.wait(), 5)


class Later:
    """A clock that is 31 days ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=31)


async def test_tokens_are_counted_with_the_conversation(person: Client, says: FakeEngine) -> None:
    made = await person.ok("POST", "/v1/responses", asked())
    path = "/v1/responses/input_tokens"
    few = await person.ok("POST", path, asked())
    more = await person.ok("POST", path, asked(previous_response_id=made["id"], tools=[WEATHER]))
    assert few["object"] == "response.input_tokens"
    assert 0 < few["input_tokens"] < more["input_tokens"]
    assert (await person.post(path, json=asked(model="documents"))).status_code == 400


async def test_what_is_over_is_gone(running_gateway: Gateway, person: Client, says: FakeEngine) -> None:
    made = await person.ok("POST", "/v1/responses", asked())
    later = ResponseRepository(running_gateway.parts.database, Later(), ResponseSettings())
    owner = Holder(UUID((await person.ok("GET", "/api/me"))["id"]))
    key = UUID(made["id"].removeprefix("resp_"))
    with pytest.raises(ResponseNotFound):
        await later.get(owner, key)
    with pytest.raises(PreviousResponseNotFound):
        await later.chain(owner, key)
    assert await later.sweep() >= 1
    assert (await person.get(f"/v1/responses/{made['id']}")).status_code == 404
