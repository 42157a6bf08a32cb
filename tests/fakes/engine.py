"""A stand-in for an inference engine, for tests that are not about engines: fast, and it does what it is told.

    python -m tests.fakes.engine --port 9000

Embeddings count hashed words, so that texts with common words are near each other. Chat says `Berlin` when asked for
the capital of Germany (the known-answer probe), otherwise a sentence, word by word.
"""

import argparse
import asyncio
import hashlib
import json
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

DIMENSION = 384
ANSWER = "This is what the stand-in always says when somebody asks it something."


E = TypeVar("E", bound="FakeEngine")


@dataclass
class FakeEngine:
    """Its knobs and what it saw."""

    answer: str = ANSWER
    delay_s: float = 0.0
    """Between two words."""
    break_after: int | None = None
    """Close the connection after so many words."""
    deltas: list[dict[str, Any]] = field(default_factory=list)
    """What the next answers consist of instead of words, as deltas of a stream: calls, reasoning, pieces of text."""
    finish: str = "stop"
    chats: list[dict[str, Any]] = field(default_factory=list)
    completions: list[dict[str, Any]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    """Parts of what came to be transcribed."""
    embedded: int = 0
    words_sent: int = 0
    left_early: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client went away in mid-answer."""
    serves: str = ""
    """The only model that it knows; empty: whichever it is asked for."""
    url: str = ""

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/health", self._health)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/completions", self._complete)
        app.router.add_post("/v1/embeddings", self._embeddings)
        app.router.add_post("/tokenize", self._tokenize)
        app.router.add_get("/version", self._version)
        app.router.add_post("/v1/rerank", self._rerank)
        app.router.add_post("/v1/score", self._score)
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": self.serves or "anything", "object": "model"}]})

    async def _rerank(self, request: web.Request) -> web.Response:
        """Common words decide; the best comes first, as the real ones answer."""
        body = await request.json()
        asked = set(re.findall(r"\w+", body["query"].lower()))
        judged = [len(asked & set(re.findall(r"\w+", d.lower()))) / len(asked) for d in body["documents"]]
        results = [{"index": i, "relevance_score": score} for i, score in enumerate(judged)]
        best = sorted(results, key=lambda r: -r["relevance_score"])[: body.get("top_n") or None]
        return web.json_response({"model": body["model"], "results": best, "usage": {"total_tokens": 7}})

    async def _score(self, request: web.Request) -> web.Response:
        body = await request.json()
        left = body["text_1"] * (len(body["text_2"]) if len(body["text_1"]) == 1 else 1)
        pairs = zip(left, body["text_2"], strict=True)
        data = [{"index": i, "object": "score", "score": float(a == b)} for i, (a, b) in enumerate(pairs)]
        return web.json_response({"object": "list", "model": body["model"], "data": data, "usage": {"total_tokens": 7}})

    async def _transcribe(self, request: web.Request) -> web.Response:
        form = await request.post()
        recording = form["file"]
        assert isinstance(recording, web.FileField)
        if recording.file.read(4) != b"RIFF":
            return web.json_response({"error": {"message": "no recording"}}, status=400)
        self.forms.append({k: v for k, v in form.items() if isinstance(v, str)} | {"filename": recording.filename})
        if form.get("response_format") == "text":
            return web.Response(text="Hello.")
        return web.json_response({"text": "Hello.", "usage": {"type": "duration", "seconds": 1}})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if self.serves and body["model"] != self.serves:
            return web.json_response({"error": {"message": "The model does not exist."}}, status=404)
        text = self.answer
        if "capital of Germany" in _said(body["messages"][-1]):
            text = "Berlin."
        else:
            self.chats.append(body)
        words = text.split(" ")[: body.get("max_completion_tokens") or body.get("max_tokens") or 1000]
        usage = {"prompt_tokens": 7, "completion_tokens": len(words), "total_tokens": 7 + len(words)}
        if not body.get("stream"):
            await self._think(self.delay_s * len(words))
            message = _message(self.deltas) if self.deltas else {"content": " ".join(words)}
            choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": self.finish}
            return web.json_response(_frame(body, "chat.completion", [choice]) | {"usage": usage})
        reply = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await reply.prepare(request)
        try:
            await self._stream(request, reply, body, words, usage)
        except (ConnectionError, asyncio.CancelledError):
            self.left_early.set()
            raise
        return reply

    async def _think(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.left_early.set()
            raise

    async def _stream(
        self, request: web.Request, reply: web.StreamResponse, body: dict[str, Any], words: list[str], usage: object
    ) -> None:
        deltas = self.deltas or [{"content": word if at == 0 else f" {word}"} for at, word in enumerate(words)]
        for at, delta in enumerate(deltas):
            if at == self.break_after and request.transport is not None:
                request.transport.abort()
                return
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            await _send(reply, _frame(body, "chat.completion.chunk", [choice]))
            self.words_sent += 1
            await asyncio.sleep(self.delay_s)
        end = {"index": 0, "delta": {}, "finish_reason": self.finish}
        await _send(reply, _frame(body, "chat.completion.chunk", [end]))
        await _send(reply, _frame(body, "chat.completion.chunk", []) | {"usage": usage})
        await reply.write(b"data: [DONE]\n\n")

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.completions.append(body)
        choice = {"index": 0, "text": self.answer, "finish_reason": "stop"}
        usage = {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}
        frame = _frame(body, "text_completion", [choice])
        if not body.get("stream"):
            return web.json_response(frame | {"usage": usage})
        reply = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await reply.prepare(request)
        await _send(reply, frame)
        await _send(reply, frame | {"choices": [], "usage": usage})
        await reply.write(b"data: [DONE]\n\n")
        return reply

    async def _embeddings(self, request: web.Request) -> web.Response:
        body = await request.json()
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        self.embedded += len(texts)
        data = [{"object": "embedding", "index": i, "embedding": embed(t)} for i, t in enumerate(texts)]
        usage = {"prompt_tokens": 3 * len(texts), "total_tokens": 3 * len(texts)}
        return web.json_response({"object": "list", "model": body["model"], "data": data, "usage": usage})

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": "stand-in"})

    async def _tokenize(self, request: web.Request) -> web.Response:
        body = await request.json()
        text = " ".join([*(_said(m) for m in body["messages"]), json.dumps(body.get("tools") or "")])
        count = len(re.findall(r"\w+|[^\w\s]", text)) * 4 // 3
        return web.json_response({"count": count, "max_model_len": 4096, "tokens": []})


def _said(message: dict[str, Any]) -> str:
    """The text of a message, whichever way it is written."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _message(deltas: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that the deltas of a stream add up to."""
    whole: dict[str, Any] = {"content": "".join(d.get("content") or "" for d in deltas) or None}
    if reasoning := "".join(d.get("reasoning") or "" for d in deltas):
        whole["reasoning"] = reasoning
    calls: dict[int, dict[str, Any]] = {}
    for piece in (call for delta in deltas for call in delta.get("tool_calls") or []):
        call = calls.setdefault(piece["index"], {"type": "function", "function": {"name": "", "arguments": ""}})
        call["id"] = piece.get("id") or call["id"]
        call["function"]["name"] += piece["function"].get("name") or ""
        call["function"]["arguments"] += piece["function"].get("arguments") or ""
    return whole | ({"tool_calls": list(calls.values())} if calls else {})


def embed(text: str) -> list[float]:
    """Counts of hashed words (pairs of characters for CJK), as a unit vector."""
    vector = [0.0] * DIMENSION
    for word in re.findall(r"[a-z0-9]+|[^\x00-\x7f]{1,2}", text.lower()):
        vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % DIMENSION] += 1.0
    vector[0] += 0.01
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector]


def _frame(body: dict[str, Any], kind: str, choices: list[Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body["model"], "choices": choices}


async def _send(reply: web.StreamResponse, value: object) -> None:
    await reply.write(f"data: {json.dumps(value)}\n\n".encode())


@asynccontextmanager
async def serving(engine: E, port: int = 0) -> AsyncIterator[E]:
    """Listen on the loopback address while the block runs; `engine.url` ends in `/v1`."""
    runner = web.AppRunner(engine.application(), handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    engine.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield engine
    finally:
        await runner.cleanup()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-s", type=float, default=0.0)
    chosen = parser.parse_args()
    async with serving(FakeEngine(delay_s=chosen.delay_s), chosen.port) as engine:
        print(engine.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
