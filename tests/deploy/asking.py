"""A program that asks without a pause, over TLS: with new connections and a kept one, plain answers and streams.

    python -m tests.deploy.asking FACTS.json

Runs in the lab's network until the file `stop` of the facts is there, then prints what it has seen as one JSON value:
how often it asked, whatever failed, the longest wait, and when each stream was open.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests.deploy.visit import resolve_as

QUESTION = {"messages": [{"role": "user", "content": "Count from one to a hundred in words."}], "temperature": 0}
PATIENCE_S = 180


class Seen:
    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.failed: list[str] = []
        self.longest_s: dict[str, float] = {}
        self.streams: list[tuple[float, float]] = []

    def took(self, kind: str, began: float, wrong: str = "") -> None:
        now = time.time()
        self.asked[kind] = self.asked.get(kind, 0) + 1
        self.longest_s[kind] = round(max(self.longest_s.get(kind, 0.0), now - began), 2)
        if wrong:
            self.failed.append(f"{kind} at {began:.2f} after {now - began:.1f} s: {wrong}")


async def plain(client: httpx.AsyncClient, model: str) -> str:
    """What is wrong with one plain answer; empty when nothing is."""
    reply = await client.post("/v1/chat/completions", json={"model": model, "max_tokens": 8, **QUESTION})
    if reply.status_code != 200:
        return f"{reply.status_code} {reply.text[:200]}"
    return "" if reply.json()["choices"][0]["message"]["content"] else "no text"


async def listed(client: httpx.AsyncClient, model: str) -> str:
    reply = await client.get("/v1/models")
    there = reply.status_code == 200 and any(m["id"] == model for m in reply.json()["data"])
    return "" if there else f"{reply.status_code} {reply.text[:200]}"


async def streamed(client: httpx.AsyncClient, model: str) -> str:
    """A stream must have text, a reason for its end, and its last word."""
    body = {"model": model, "max_tokens": 96, "stream": True, **QUESTION}
    text, ended, reason = "", False, None
    async with client.stream("POST", "/v1/chat/completions", json=body) as reply:
        if reply.status_code != 200:
            return f"{reply.status_code} {(await reply.aread()).decode()[:200]}"
        async for line in reply.aiter_lines():
            if line == "data: [DONE]":
                ended = True
            elif line.startswith("data: "):
                chunk = json.loads(line.removeprefix("data: "))
                for choice in chunk.get("choices", ()):
                    text += choice["delta"].get("content") or ""
                    reason = choice.get("finish_reason") or reason
    return "" if ended and text and reason else f"the stream broke off after {len(text)} characters, reason {reason}"


async def again(kind: str, ask: Any, make: Any, seen: Seen, facts: dict[str, Any], *, kept: bool) -> None:
    """The same question until somebody says stop."""
    client = make()
    while not Path(facts["stop"]).exists():
        began = time.time()
        try:
            wrong = await ask(client, facts["model"])
        except (httpx.HTTPError, OSError, ValueError) as error:
            wrong = f"{type(error).__name__}: {error}"
        seen.took(kind, began, wrong)
        if ask is streamed:
            seen.streams.append((began, time.time()))
        if not kept:
            await client.aclose()
            client = make()
        await asyncio.sleep(0.05)
    await client.aclose()


async def main(facts: dict[str, Any]) -> dict[str, Any]:
    resolve_as(facts["names"])
    import ssl  # noqa: PLC0415 - after names are what they are here

    trusted = ssl.create_default_context(cafile=facts["ca"])
    headers = {"authorization": f"Bearer {facts['key']}"}

    def make() -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=facts["url"], verify=trusted, trust_env=False, timeout=PATIENCE_S, headers=headers
        )

    seen = Seen()
    await asyncio.gather(
        again("new connection", plain, make, seen, facts, kept=False),
        again("kept connection", listed, make, seen, facts, kept=True),
        again("stream", streamed, make, seen, facts, kept=True),
        again("stream", streamed, make, seen, facts, kept=False),
    )
    return {"asked": seen.asked, "failed": seen.failed, "longest_s": seen.longest_s, "streams": seen.streams}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))))
