"""Secrets that tests put into every flow, to look for them afterwards where none may be."""

from typing import Any

import httpx

from appliance.identity.secrets import new_api_key, random_text
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, JUDGE_MODEL


class Planted:
    """Makes secrets and remembers them."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self.bodies: list[str] = []
        """Of errors."""

    def word(self, kind: str = "text") -> str:
        return self.keep(f"CNRY{kind}{random_text(12)}")

    def keep(self, secret: str) -> str:
        self.all.append(secret)
        return secret

    def key(self) -> str:
        parts = new_api_key()
        self.keep(parts.secret)
        return parts.text()

    def seen_in(self, text: str) -> list[str]:
        return [secret for secret in self.all if secret in text]


async def send(planted: Planted, client: httpx.AsyncClient, method: str, path: str, **options: Any) -> None:
    reply = await client.request(method, path, **options)
    if reply.status_code >= 400:
        planted.bodies.append(reply.text)


async def ask_everywhere(planted: Planted, client: httpx.AsyncClient) -> None:
    """Prompts, questions and texts, in each door that takes any."""
    word = planted.word
    message = [{"role": "system", "content": word()}, {"role": "user", "content": word()}]
    tool = {"type": "function", "function": {"name": "f", "description": word(), "parameters": {"type": "object"}}}
    for more in ({}, {"stream": True}, {"tools": [tool]}, {"temperature": "hot"}, {"stop": word()}, {"user": word()}):
        body = {"model": CHAT_MODEL, "messages": message, "max_tokens": 4, **more}
        await send(planted, client, "POST", "/v1/chat/completions", json=body)
    bodies: dict[str, dict[str, object]] = {
        "/v1/completions": {"model": CHAT_MODEL, "prompt": word(), "max_tokens": 2},
        "/v1/responses": {"model": CHAT_MODEL, "input": word(), "instructions": word(), "metadata": {"a": word()}},
        "/v1/messages": {"model": CHAT_MODEL, "max_tokens": 2, "messages": [{"role": "user", "content": word()}]},
        "/v1/embeddings": {"model": EMBED_MODEL, "input": [word(), word()]},
        "/v1/rerank": {"model": JUDGE_MODEL, "query": word(), "documents": [word()]},
        "/v1/score": {"model": JUDGE_MODEL, "text_1": word(), "text_2": word()},
        "/api/ask": {"question": word()},
        "/api/search": {"query": word()},
    }
    for path, body in bodies.items():
        await send(planted, client, "POST", path, json=body)
        await send(planted, client, "POST", path, json={**body, "unknown": word()})
        await send(
            planted, client, "POST", path, content=f'{{"x": "{word()}', headers={"content-type": "application/json"}
        )
        await send(planted, client, "POST", path, content=word(), headers={"content-type": "text/plain"})
    await send(planted, client, "GET", f"/v1/models?token={word()}&q={word()}")
