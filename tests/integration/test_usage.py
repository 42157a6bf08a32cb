"""Limits and the ledger through HTTP: what administrators set, what callers see, what is counted."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from appliance.usage.values import LIMITS
from appliance.usage.wire import LimitChange
from tests.fakes.engine import ANSWER, FakeEngine
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client, Gateway

WORDS = len(ANSWER.split())
PROMPT_TOKENS = 7


def chat(**more: Any) -> dict[str, Any]:
    return {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "Say something."}], **more}


async def limited(gateway: Gateway, email: str, **limits: int) -> tuple[Client, str]:
    """A new person's key, and who they are, with these limits."""
    person = await gateway.person(email)
    who = f"user:{(await person.ok('GET', '/api/me'))['id']}"
    async with await gateway.operator() as operator:
        await operator.ok("PUT", f"/api/limits/{who}", limits)
    return await gateway.with_key(person), who


async def race(client: Client, count: int, body: dict[str, Any], *, clients: int = 50) -> Counter[str]:
    """So many requests, by so many at once; status or code of each."""
    outcomes: Counter[str] = Counter()
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            reply = await client.post("/v1/chat/completions", json=body)
            outcomes["200" if reply.status_code == 200 else reply.json()["error"]["code"]] += 1

    await asyncio.gather(*(work() for _ in range(clients)))
    return outcomes


async def used(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = (await client.ok("GET", "/api/usage"))["total"]
    return found


def test_the_wire_names_every_limit() -> None:
    assert [f.name for f in msgspec.structs.fields(LimitChange)] == list(LIMITS)


async def test_fifty_clients_race_for_a_budget_of_requests(running_gateway: Gateway) -> None:
    client, _ = await limited(running_gateway, "race-requests@example.org", requests_per_day=100)
    async with client:
        assert await race(client, 500, chat()) == {"200": 100, "insufficient_quota": 400}
        total = await used(client)
        assert (total["requests"], total["failed"], total["unsettled"]) == (100, 0, 0)
        assert (total["prompt_tokens"], total["completion_tokens"]) == (100 * PROMPT_TOKENS, 100 * WORDS)


async def test_fifty_clients_race_for_a_budget_of_tokens(running_gateway: Gateway) -> None:
    budget = 100 * (PROMPT_TOKENS + WORDS)
    client, _ = await limited(running_gateway, "race-tokens@example.org", tokens_total=budget)
    async with client:
        outcomes = await race(client, 500, chat(max_tokens=WORDS))
        total = await used(client)
        assert outcomes["200"] == total["requests"] == 100
        assert set(outcomes) == {"200", "insufficient_quota"}
        assert total["prompt_tokens"] + total["completion_tokens"] <= budget


@pytest.mark.parametrize("stream", [False, True])
async def test_refusals_and_replies_have_openais_headers(running_gateway: Gateway, stream: bool) -> None:
    client, _ = await limited(running_gateway, f"headers-{stream}@example.org".lower(), requests_per_minute=2)
    async with client:
        for left in (1, 0):
            reply = await client.post("/v1/chat/completions", json=chat(stream=stream))
            assert reply.status_code == 200
            assert reply.headers["x-ratelimit-limit-requests"] == "2"
            assert reply.headers["x-ratelimit-remaining-requests"] == str(left)
        reply = await client.post("/v1/chat/completions", json=chat(stream=stream))
        assert reply.status_code == 429
        assert reply.headers["x-ratelimit-remaining-requests"] == "0"
        assert 1 <= int(reply.headers["retry-after"]) <= 30
        error = reply.json()["error"]
        assert (error["code"], error["type"]) == ("rate_limit_exceeded", "rate_limit_error")


async def test_a_client_who_leaves_is_charged_what_was_generated(running_gateway: Gateway, engine: FakeEngine) -> None:
    client, _ = await limited(running_gateway, "leaver@example.org", tokens_per_day=100_000)
    engine.delay_s, engine.words_sent = 0.05, 0
    try:
        async with client, client.stream("POST", "/v1/chat/completions", json=chat(stream=True)) as reply:
            async for line in reply.aiter_lines():
                if "the" in line:
                    break
        await asyncio.sleep(0.3)
        sent = engine.words_sent
    finally:
        engine.delay_s = 0.0
    async with await running_gateway.operator() as operator:
        rows = (await operator.ok("GET", "/api/usage/report?by=user"))["rows"]
        row = next(r for r in rows if r["name"] == "leaver@example.org")
        assert row["requests"] == 1
        assert 0 < row["completion_tokens"] <= sent < WORDS


async def test_embeddings_count_their_prompt(running_gateway: Gateway) -> None:
    client, _ = await limited(running_gateway, "vectors@example.org", tokens_per_day=1000)
    async with client:
        await client.ok("POST", "/v1/embeddings", {"model": EMBED_MODEL, "input": ["a", "b"]})
        total = await used(client)
        assert (total["requests"], total["prompt_tokens"], total["completion_tokens"]) == (1, 6, 0)


async def test_an_answer_is_shortened_to_what_is_left(running_gateway: Gateway) -> None:
    client, _ = await limited(running_gateway, "shortened@example.org", tokens_total=PROMPT_TOKENS + 4)
    async with client:
        reply = await client.ok("POST", "/v1/chat/completions", chat(max_tokens=500))
        assert reply["usage"]["completion_tokens"] == 4
        refused = await client.post("/v1/chat/completions", json=chat(max_tokens=500))
        assert refused.json()["error"]["code"] == "insufficient_quota"


async def test_turns_of_the_web_ui_are_booked_in_the_same_ledger(running_gateway: Gateway) -> None:
    client, _ = await limited(running_gateway, "talker@example.org", requests_per_day=3)
    question = {"question": "Say something.", "assistant_id": "assistant"}
    async with client:
        conversation = (await client.ok("POST", "/api/conversations", {}))["id"]
        turns = f"/api/conversations/{conversation}/turns"
        assert (await client.events("POST", turns, question))[-1][0] == "finished"
        assert (await client.events("POST", "/api/ask", question))[-1][0] == "finished"
        await client.ok("POST", "/v1/chat/completions", {**chat(), "model": "assistant"})
        for path in (turns, "/api/ask"):
            refused = await client.post(path, json=question)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
        total = await used(client)
        assert (total["requests"], total["failed"]) == (3, 0)
        assert (total["prompt_tokens"], total["completion_tokens"]) == (3 * PROMPT_TOKENS, 3 * WORDS)
        assert len((await client.ok("GET", f"/api/conversations/{conversation}"))["turns"]) == 1


async def test_a_stopped_turn_is_charged_what_came(running_gateway: Gateway, engine: FakeEngine) -> None:
    client, _ = await limited(running_gateway, "stopper@example.org", requests_per_day=3)
    engine.delay_s = 0.05
    try:
        async with client:
            conversation = (await client.ok("POST", "/api/conversations", {}))["id"]
            turns = f"/api/conversations/{conversation}/turns"
            body = {"question": "Say something.", "assistant_id": "assistant"}
            async with client.stream("POST", turns, json=body) as reply:
                lines = reply.aiter_lines()
                turn = ""
                async for line in lines:
                    if line.startswith("data: ") and "conversation_id" in line:
                        turn = msgspec.json.decode(line.removeprefix("data: "))["id"]
                    if line == "event: token":
                        break
                await client.post(f"{turns}/{turn}/stop")
            total = await used(client)
            assert total["requests"] == 1
            assert 0 < total["completion_tokens"] < WORDS
    finally:
        engine.delay_s = 0.0


async def test_limits_are_set_listed_and_removed(running_gateway: Gateway) -> None:
    client, who = await limited(running_gateway, "limited@example.org", requests_per_day=0, tokens_total=5)
    async with client, await running_gateway.operator() as operator:
        reply = await client.post("/v1/chat/completions", json=chat())
        assert (reply.status_code, reply.json()["error"]["code"]) == (429, "insufficient_quota")
        listed = {s["who"]: s for s in await operator.ok("GET", "/api/limits")}
        assert listed[who]["name"] == "limited@example.org"
        assert listed[who]["limits"] == {"requests_per_day": 0, "tokens_total": 5}
        await operator.ok("PUT", f"/api/limits/{who}", {"requests_per_day": None, "tokens_total": 10_000})
        await client.ok("POST", "/v1/chat/completions", chat())
        own = (await client.ok("GET", "/api/usage"))["limits"]
        standing = next(s for s in own if s["limit"] == "tokens_total")
        assert standing == {
            "who": who,
            "limit": "tokens_total",
            "amount": 10_000,
            "remaining": 10_000 - PROMPT_TOKENS - WORDS,
        }
        await operator.ok("DELETE", f"/api/limits/{who}")
        assert (await operator.delete(f"/api/limits/{who}")).status_code == 404
        assert who not in {s["who"] for s in await operator.ok("GET", "/api/limits")}
        for nobody in ("user:x", "user:00000000-0000-0000-0000-000000000001", "all"):
            reply = await operator.put(f"/api/limits/{nobody}", json={"tokens_total": 1})
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "unknown_subject")
        assert (await operator.put("/api/limits/everyone", json={"tokens": 1})).status_code == 400
        for path in ("/api/limits", "/api/usage/report"):
            assert (await client.get(path)).status_code == 403


async def test_a_groups_budget_is_one_pot_and_is_reported(running_gateway: Gateway) -> None:
    async with await running_gateway.operator() as operator:
        group = (await operator.ok("POST", "/api/groups", {"name": "Budgeted"}))["id"]
        await operator.ok("PUT", f"/api/limits/group:{group}", {"requests_per_month": 10})
        passed = 0
        for email in ("pot-a@example.org", "pot-b@example.org"):
            async with await running_gateway.with_key(await running_gateway.person(email, groups=(group,))) as client:
                passed += (await race(client, 9, chat(), clients=3))["200"]
        assert passed == 10
        report = await operator.ok("GET", "/api/usage/report?by=group")
        row = next(r for r in report["rows"] if r["what"] == group)
        assert (row["name"], row["requests"], row["prompt_tokens"]) == ("Budgeted", 10, 10 * PROMPT_TOKENS)
        for by in ("user", "key", "model", "day"):
            rows = (await operator.ok("GET", f"/api/usage/report?by={by}"))["rows"]
            assert sum(r["requests"] for r in rows) >= 10
        assert (await operator.get("/api/usage/report?first=2026-11-30&last=2026-11-01")).status_code == 400
