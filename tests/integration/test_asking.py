"""Questions through the HTTP interface: events, citations, abstention, broken engines, people who leave."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from tests.fakes.engine import ANSWER, FakeEngine
from tests.support.clocks import HANGS_S
from tests.support.gateway import Client, Gateway

RULES = b"# Travel\n\nThe company pays up to 140 euros per night for a hotel.\n"
QUESTION = "How much does the company pay per night for a hotel?"


@pytest.fixture(scope="session")
async def reader(running_gateway: Gateway) -> AsyncIterator[Client]:
    """Somebody with one document."""
    client = await running_gateway.person(f"asker-{uuid.uuid4().hex}@x.test")
    key = await client.collection(f"asked-{uuid.uuid4().hex}")
    await client.upload(key, "rules.md", RULES)
    await client.until_idle(key)
    yield client
    await client.aclose()


async def test_an_answer_is_a_quotation_with_its_source(reader: Client) -> None:
    events = await reader.events("POST", "/api/ask", {"question": QUESTION})
    names = [name for name, _ in events]
    assert names[-1] == "finished"
    assert {"stage", "passages", "token"} <= set(names)
    finished = events[-1][1]
    assert finished["text"] == "".join(data["text"] for name, data in events if name == "token")
    assert "140 euros" in finished["text"]
    citation = finished["citations"][0]
    assert "140 euros" in citation["quote"]
    assert f"[{citation['number']}]" in finished["text"]
    passage = await reader.ok("GET", f"/api/passages/{citation['passage_id']}")
    assert "140 euros" in passage["text"]


async def test_what_is_not_in_the_documents_is_an_answer(reader: Client) -> None:
    finished = (await reader.events("POST", "/api/ask", {"question": "Who painted the ceiling of the opera?"}))[-1]
    assert finished[0] == "finished"
    assert finished[1]["grounding"] == "not_in_documents"
    assert finished[1]["citations"] == []
    assert finished[1]["text"]


async def test_a_conversation_is_kept(reader: Client) -> None:
    key = (await reader.ok("POST", "/api/conversations", {}))["id"]
    events = await reader.events("POST", f"/api/conversations/{key}/turns", {"question": QUESTION})
    assert events[0][0] == "turn"
    turn = (await reader.ok("GET", f"/api/conversations/{key}"))["turns"][0]
    assert turn["state"] == "finished"
    assert turn["answer"] == events[-1][1]["text"]
    assert turn["citations"] == events[-1][1]["citations"]
    await reader.ok("DELETE", f"/api/conversations/{key}")
    assert (await reader.get(f"/api/conversations/{key}")).status_code == 404


async def test_conversations_belong_to_one_person(running_gateway: Gateway, reader: Client) -> None:
    key = (await reader.ok("POST", "/api/conversations", {}))["id"]
    other = await running_gateway.person(f"other-{uuid.uuid4().hex}@x.test")
    assert (await other.get(f"/api/conversations/{key}")).status_code == 404
    reply = await other.post(f"/api/conversations/{key}/turns", json={"question": "What was said?"})
    assert reply.status_code == 404
    await other.aclose()


def chat(stream: bool = True) -> dict[str, object]:
    return {
        "model": "smollm2-135m-instruct",
        "stream": stream,
        "messages": [{"role": "user", "content": "Tell me something."}],
    }


async def test_an_engine_that_breaks_off_is_an_error_event_and_no_half_answer(
    reader: Client, engine: FakeEngine
) -> None:
    engine.break_after = 4
    try:
        reply = await reader.post("/v1/chat/completions", json=chat())
        asked = await reader.events("POST", "/api/ask", {"question": "Hello", "assistant_id": "assistant"})
    finally:
        engine.break_after = None
    assert '"error"' in reply.text
    assert "[DONE]" not in reply.text.split('"error"')[1] or "stop" not in reply.text.split('"error"')[1]
    assert asked[-1][0] == "failed"
    assert asked[-1][1]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/ask"])
async def test_the_engine_stops_when_the_client_leaves(reader: Client, engine: FakeEngine, path: str) -> None:
    engine.answer, engine.delay_s = "word " * 500, 0.02
    engine.left_early.clear()
    body = chat() if path.startswith("/v1") else {"question": "Hello", "assistant_id": "assistant"}
    try:
        async with reader.stream("POST", path, json=body) as reply:
            async for line in reply.aiter_lines():
                if "word" in line:
                    break
        async with asyncio.timeout(HANGS_S):
            await engine.left_early.wait()
    finally:
        engine.answer, engine.delay_s = ANSWER, 0.0


async def test_a_turn_can_be_stopped(reader: Client, engine: FakeEngine) -> None:
    engine.answer, engine.delay_s = "word " * 500, 0.02
    key = (await reader.ok("POST", "/api/conversations", {}))["id"]
    body = {"question": "Hello", "assistant_id": "assistant"}
    try:
        async with reader.stream("POST", f"/api/conversations/{key}/turns", json=body) as reply:
            turn = None
            async with asyncio.timeout(HANGS_S):
                async for line in reply.aiter_lines():
                    if "word" in line and turn is None:
                        turn = (await reader.ok("GET", f"/api/conversations/{key}"))["turns"][0]
                        await reader.ok("POST", f"/api/conversations/{key}/turns/{turn['id']}/stop")
    finally:
        engine.answer, engine.delay_s = ANSWER, 0.0
    turn = (await reader.ok("GET", f"/api/conversations/{key}"))["turns"][0]
    assert turn["state"] == "stopped"
    assert turn["answer"].startswith("word")


async def test_a_turn_is_finished_also_when_its_reader_leaves(reader: Client, engine: FakeEngine) -> None:
    engine.answer, engine.delay_s = "word " * 20, 0.02
    key = (await reader.ok("POST", "/api/conversations", {}))["id"]
    body = {"question": "Hello", "assistant_id": "assistant"}
    try:
        async with reader.stream("POST", f"/api/conversations/{key}/turns", json=body) as reply:
            async for line in reply.aiter_lines():
                if "word" in line:
                    break
        async with asyncio.timeout(HANGS_S):
            while (turn := (await reader.ok("GET", f"/api/conversations/{key}"))["turns"][0])["state"] == "running":
                await asyncio.sleep(0.05)
    finally:
        engine.answer, engine.delay_s = ANSWER, 0.0
    assert turn["state"] == "finished"
    assert turn["answer"].count("word") == 20
