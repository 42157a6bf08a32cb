"""The promises of the API that programs rest on, each tried once."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from appliance.foundation import ApplianceError
from appliance.proving.door import Door

WORD = "Answer with one word: what colour is the sky?"
CLOSED = (
    ("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings"), ("GET", "/api/users"),
    ("GET", "/api/collections"), ("POST", "/api/search"), ("GET", "/api/audit"), ("GET", "/metrics"),
    ("GET", "/scim/v2/Users"),
)  # fmt: skip
"""Nobody comes in here without saying who they are."""


async def contract_of(door: Door) -> dict[str, str]:
    """Promise → what is wrong with it; empty when it holds. Raises ApplianceError when nobody answers at all."""
    models = await _models(door)
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "ready": lambda: _ready(door),
        "closed": lambda: _closed(door),
        "errors": lambda: _errors(door),
        "models": lambda: _listed(models),
    }
    chat = next((m["id"] for m in models if m["task"] == "chat" and m["owned_by"] != "assistant"), None)
    if chat:
        checks["chat"] = lambda: _chat(door, chat)
        checks["stream"] = lambda: _stream(door, chat)
    embedding = next((m["id"] for m in models if m["task"] == "embed"), None)
    if embedding:
        checks["embeddings"] = lambda: _embeddings(door, embedding)
    return {name: await _tried(check) for name, check in checks.items()}


async def _tried(check: Callable[[], Awaitable[str]]) -> str:
    try:
        return await check()
    except ApplianceError as error:
        return error.message
    except (KeyError, IndexError, TypeError) as error:
        return f"the reply has not its form: {error!r}"


async def _models(door: Door) -> list[dict[str, Any]]:
    return list((await door.call("GET", "/v1/models"))["data"])


async def _listed(models: list[dict[str, Any]]) -> str:
    odd = [m for m in models if m["object"] != "model" or not m["id"]]
    return "" if models and not odd else "the list of models is empty or has not its form"


async def _ready(door: Door) -> str:
    status, value = await door.knock("GET", "/health/ready")
    if status == 200:
        return ""
    missing = [d["name"] for d in value["dependencies"] if not d["ready"]]
    return f"not ready: {', '.join(missing)}"


async def _closed(door: Door) -> str:
    opened = []
    for method, path in CLOSED:
        status, _ = await door.knock(method, path, {} if method == "POST" else None)
        if status not in (401, 403):
            opened.append(f"{method} {path} answered {status}")
    return f"open to strangers: {'; '.join(opened)}" if opened else ""


async def _errors(door: Door) -> str:
    status, value = await door.knock("POST", "/v1/chat/completions", {})
    error = value["error"]
    good = status == 401 and {"message", "type", "code"} <= set(error)
    return "" if good else f"a refusal came as {status} {sorted(error)}"


async def _chat(door: Door, model: str) -> str:
    reply = await door.call("POST", "/v1/chat/completions", _question(model))
    choice, used = reply["choices"][0], reply["usage"]
    if not isinstance(choice["message"]["content"], str) or choice["finish_reason"] not in ("stop", "length"):
        return "the answer has no text or no end"
    return "" if used["prompt_tokens"] > 0 and used["completion_tokens"] > 0 else "no tokens were counted"


async def _stream(door: Door, model: str) -> str:
    body = _question(model) | {"stream": True, "stream_options": {"include_usage": True}}
    raw = b"".join([chunk async for chunk in door.bytes("POST", "/v1/chat/completions", body)])
    lines = [line.removeprefix(b"data: ") for line in raw.split(b"\n") if line.startswith(b"data: ")]
    if not lines or lines[-1] != b"[DONE]":
        return "the stream has no end"
    chunks = [msgspec.json.decode(line) for line in lines[:-1]]
    if not any(c["choices"] and c["choices"][0]["delta"].get("content") for c in chunks):
        return "the stream has no text"
    return "" if chunks[-1].get("usage") else "the stream does not say its usage"


async def _embeddings(door: Door, model: str) -> str:
    reply = await door.call("POST", "/v1/embeddings", {"model": model, "input": ["one", "two"]})
    first, second = (row["embedding"] for row in reply["data"])
    return "" if len(first) == len(second) > 1 and first != second else "embeddings have not their form"


def _question(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": WORD}], "max_tokens": 16, "temperature": 0}
