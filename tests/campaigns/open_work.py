"""Kinds of work that last, as their callers see them end, and the ways in which the right to each goes.

Each piece of work would last two minutes at the slow engine of `revocation`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httpx
from sqlalchemy import select

from appliance.openai_api.batches.models import BatchRow
from appliance.openai_api.batches.values import ACTIVE
from appliance.openai_api.ids import read_id
from appliance.openai_api.responses.models import ResponseRow
from tests.campaigns.elsewhere import Elsewhere, Subject
from tests.support.gateway import CHAT_MODEL, Client

QUESTION = "How much does the travel policy pay per night for a hotel?"

Act = Callable[[Elsewhere, Subject], Awaitable[None]]
Work = Callable[[Subject, asyncio.Event], Coroutine[Any, Any, str]]
"""Sets the event once it goes on; returns how it ended, as its caller sees it."""


BATCH_LINES = 2
POLL_S = 0.1
TEXT_SHOWN = 8
"""Events of a turn after which it has passed its search, and shows text of the collection."""


def _act(name: str) -> Act:
    async def act(elsewhere: Elsewhere, subject: Subject) -> None:
        await getattr(elsewhere, name)(subject)

    return act


_disable, _revoke, _log_out = _act("disable"), _act("revoke"), _act("log_out")
_leave_group, _unshare = _act("leave_group"), _act("unshare")


async def _read(
    client: Client, path: str, body: Any, going: asyncio.Event, method: str = "POST", after: int = 2
) -> str:
    """A stream to its end; the code of its last event, or how the connection ended. After `after` events it goes on."""
    last = ""
    try:
        async with client.stream(method, path, json=body, timeout=200) as reply:
            if reply.status_code != 200:
                return f"{reply.status_code} {json.loads(await reply.aread())['error']['code']}"
            lines = 0
            async for line in reply.aiter_lines():
                if line.startswith("data: "):
                    last, lines = line.removeprefix("data: "), lines + 1
                if lines >= after:
                    going.set()
    except httpx.HTTPError as error:
        return type(error).__name__
    return _code(last)


def _code(data: str) -> str:
    if not data.startswith("{"):
        return data
    event = json.loads(data)
    error = event.get("error") or event.get("response", {}).get("error") or event
    return str(error.get("code") or error.get("type") or "no error")


def _stream(path: str, **more: Any) -> Work:
    async def work(subject: Subject, going: asyncio.Event) -> str:
        body = {"model": CHAT_MODEL, "stream": True, **({} if "input" in more else {"max_tokens": 500}), **more}
        headers = {"anthropic-version": "2023-06-01"} if path.endswith("messages") else {}
        subject.program.headers.update(headers)
        return await _read(subject.program, path, body, going)

    return work


SAY = [{"role": "user", "content": "Say something."}]


async def _whole(subject: Subject, going: asyncio.Event) -> str:
    going.set()
    reply = await subject.program.post(
        "/v1/chat/completions", json={"model": CHAT_MODEL, "messages": SAY, "max_tokens": 500}, timeout=200
    )
    return f"{reply.status_code} {reply.json().get('error', {}).get('code')}"


async def _background(subject: Subject, going: asyncio.Event) -> str:
    """As the stored response says; asked in the database, as its caller may ask no more."""
    body = {"model": CHAT_MODEL, "input": "Say something.", "background": True, "stream": True, "store": True}
    return await _read(subject.program, "/v1/responses", body, going)


async def _unwatched(subject: Subject, going: asyncio.Event) -> str:
    """A background response that nobody streams; how it ended is asked of the database, as its caller may not ask."""
    body = {"model": CHAT_MODEL, "input": "Say something.", "background": True, "store": True}
    made = read_id("resp", (await subject.program.ok("POST", "/v1/responses", body))["id"])
    while True:
        async with subject.database.read() as session:
            row = (await session.scalars(select(ResponseRow).where(ResponseRow.id == made))).one()
        if row.status == "in_progress":
            going.set()
        elif row.status != "queued":
            error = json.loads(row.response).get("error") or {}
            return str(error.get("code", row.status))
        await asyncio.sleep(POLL_S)


async def batch_of_lines(subject: Subject, going: asyncio.Event) -> str:
    """How a batch ended whose lines were all in work, as the database says."""
    body = {"model": CHAT_MODEL, "messages": SAY, "max_tokens": 500}
    lines = [
        {"custom_id": str(n), "method": "POST", "url": "/v1/chat/completions", "body": body} for n in range(BATCH_LINES)
    ]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    sent = await subject.program.post("/v1/files", files={"file": ("in.jsonl", data)}, data={"purpose": "batch"})
    new = {"input_file_id": sent.json()["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    await subject.program.ok("POST", "/v1/batches", new)
    while True:
        async with subject.database.read() as session:
            row = (await session.scalars(select(BatchRow).where(BatchRow.owner_id == subject.user_id))).one()
        if row.status == "in_progress" and not going.is_set():
            asyncio.get_running_loop().call_later(0.5, going.set)
        if row.status not in ACTIVE:
            return f"{row.status}, {row.failed} of {row.total} lines refused"
        await asyncio.sleep(POLL_S)


async def _assistant(subject: Subject, going: asyncio.Event) -> str:
    body = {"model": "documents", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    return await _read(subject.program, "/v1/chat/completions", body, going)


async def _ask(subject: Subject, going: asyncio.Event) -> str:
    body = {"question": QUESTION, "collection_ids": [str(subject.collection_id)]}
    return await _read(subject.browser, "/api/ask", body, going)


async def _turn(subject: Subject, going: asyncio.Event) -> str:
    made = await subject.browser.ok("POST", "/api/conversations", {})
    body = {"question": QUESTION, "collection_ids": [str(subject.collection_id)]}
    path = f"/api/conversations/{made['id']}/turns"
    return await _read(subject.browser, path, body, going, after=TEXT_SHOWN)


async def _progress(subject: Subject, going: asyncio.Event) -> str:
    asyncio.get_running_loop().call_later(0.5, going.set)
    path = f"/api/collections/{subject.collection_id}/progress"
    return await _read(subject.browser, path, None, asyncio.Event(), "GET")


async def _next_request(subject: Subject, going: asyncio.Event) -> str:
    """A program that asks again and again."""
    while (reply := await subject.program.get("/v1/models")).status_code == 200:
        going.set()
        await asyncio.sleep(0.02)
    return f"{reply.status_code} {reply.json()['error']['code']}"


async def _next_search(subject: Subject, going: asyncio.Event) -> str:
    while True:
        reply = await subject.browser.post("/api/search", json={"query": QUESTION, "limit": 20})
        if reply.status_code != 200:  # the right went in the middle of the search
            return str(reply.json()["error"]["code"])
        if subject.canary not in reply.text:
            return "not found"
        going.set()
        await asyncio.sleep(0.05)


CASES: dict[str, tuple[Work, Act]] = {
    "chat stream, account disabled": (_stream("/v1/chat/completions", messages=SAY), _disable),
    "chat stream, key revoked": (_stream("/v1/chat/completions", messages=SAY), _revoke),
    "whole answer, key revoked": (_whole, _revoke),
    "message stream, account disabled": (_stream("/v1/messages", messages=SAY), _disable),
    "response stream, key revoked": (
        _stream("/v1/responses", input="Say something.", max_output_tokens=500),
        _revoke,
    ),
    "background response, account disabled": (_background, _disable),
    "background response unwatched, disabled": (_unwatched, _disable),
    "background response unwatched, key gone": (_unwatched, _revoke),
    "lines of a batch, account disabled": (batch_of_lines, _disable),
    "lines of a batch, key revoked": (batch_of_lines, _revoke),
    "assistant's stream, left the group": (_assistant, _leave_group),
    "assistant's stream, unshared": (_assistant, _unshare),
    "ask, left the group": (_ask, _leave_group),
    "ask, logged out": (_ask, _log_out),
    "turn of a conversation, disabled": (_turn, _disable),
    "turn of a conversation, unshared": (_turn, _unshare),
    "turn of a conversation, logged out": (_turn, _log_out),
    "progress of documents, unshared": (_progress, _unshare),
    "progress of documents, disabled": (_progress, _disable),
    "next request, key revoked": (_next_request, _revoke),
    "next request, account disabled": (_next_request, _disable),
    "next search, left the group": (_next_search, _leave_group),
    "next search, unshared": (_next_search, _unshare),
}
ENDS = {"access_ended", "rights_lost", "not found", "not_found", "server_error", "authentication_error"}
"""`server_error` and `authentication_error` are what the protocols of responses and messages have for it."""
ALL_REFUSED = f"completed, {BATCH_LINES} of {BATCH_LINES} lines refused"


def is_clean(end: str) -> bool:
    """A sentence with a code, and no connection that just broke."""
    return end in ENDS or end in {"401 access_ended", "401 not_authenticated", ALL_REFUSED}
