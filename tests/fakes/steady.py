"""A stand-in engine that answers whatever it is asked, quickly: for campaigns in which the gateway is on trial.

Plain ASGI, for uvicorn. It parses no body, so nothing that comes through the gateway can break it.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from tests.fakes.engine import embed

ANSWER = ("Berlin", ".", " It", " is", " what", " it", " is", ".")
JSON_ANSWER = json.dumps({"a": 1})


class SteadyEngine:
    """Chat, completions, embeddings, reranking and counting, always good."""

    def __init__(self) -> None:
        self.url = ""
        self.requests = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.requests += 1
        streams = re.search(rb'"stream":\s*true', body) is not None
        data = _stream(scope["path"]) if streams else json.dumps(_whole(scope["path"], body)).encode()
        kind = b"text/event-stream" if streams else b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(data)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})


def _usage(completion: int) -> dict[str, int]:
    return {"prompt_tokens": 7, "completion_tokens": completion, "total_tokens": 7 + completion}


def _stream(path: str) -> bytes:
    chat = path.endswith("/chat/completions")
    frame = {"id": "x-1", "object": "chat.completion.chunk" if chat else "text_completion", "created": 1, "model": "m"}
    events: list[dict[str, Any]] = [
        {"index": 0, "finish_reason": None} | ({"delta": {"content": word}} if chat else {"text": word})
        for word in ANSWER
    ]
    events.append({"index": 0, "finish_reason": "stop"} | ({"delta": {}} if chat else {"text": ""}))
    lines = [json.dumps(frame | {"choices": [event]}) for event in events]
    lines.append(json.dumps(frame | {"choices": [], "usage": _usage(len(ANSWER))}, separators=(",", ":")))
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()


def _whole(path: str, body: bytes) -> dict[str, Any]:
    frame = {"id": "x-1", "object": "x", "created": 1, "model": "m", "usage": _usage(len(ANSWER))}
    if path.endswith("/embeddings"):
        vectors = [embed(text if isinstance(text, str) else "numbers") for text in _texts(body, "input")]
        return frame | {"data": [{"index": i, "embedding": vector} for i, vector in enumerate(vectors)]}
    if path.endswith("/tokenize"):
        return {"count": 20, "max_model_len": 4096, "tokens": []}
    if path.endswith(("/rerank", "/score")):
        texts = _texts(body, "documents" if path.endswith("/rerank") else "text_2")
        results = [{"index": i, "relevance_score": 0.5, "score": 0.5, "object": "score"} for i in range(len(texts))]
        frame |= {"object": "list", "usage": {"prompt_tokens": 7, "total_tokens": 7}}
        return frame | {"results": results, "data": results}
    text = JSON_ANSWER if b'"json_' in body else "".join(ANSWER)
    message = {"role": "assistant", "content": text}
    return frame | {"choices": [{"index": 0, "message": message, "text": text, "finish_reason": "stop"}]}


def _texts(body: bytes, key: str) -> list[Any]:
    """The texts that came: the gateway wrote this body, so it is JSON."""
    given = json.loads(body).get(key)
    return given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]


@asynccontextmanager
async def steady_engine() -> AsyncIterator[SteadyEngine]:
    """Listening on the loopback address while the block runs; `url` ends in `/v1`."""
    engine = SteadyEngine()
    config = uvicorn.Config(engine, host="127.0.0.1", port=0, log_config=None, lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    engine.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    try:
        yield engine
    finally:
        server.should_exit = True
        await serving
