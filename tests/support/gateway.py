"""A gateway inside the test's own event loop, on a real port, and a client for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from appliance.app import Parts, build_app, build_parts, running
from appliance.commands.web import server_config
from appliance.identity import HashCost
from appliance.migrations import migrate
from appliance.settings import DatabaseSection, EnginesSection, ModelSection, ServerSection, Settings

ADMIN = "admin@localhost"
PASSWORD = "correct horse battery staple"
CHAT_MODEL, EMBED_MODEL = "smollm2-135m-instruct", "multilingual-e5-small"
TOOLS_MODEL = "qwen3-0.6b"
"""One that the catalogue says to be made for tools."""
JUDGE_MODEL, HEARING_MODEL = "bge-reranker-v2-m3", "whisper-large-v3-turbo"


QUICK_HASH = HashCost(passes=1, memory_kib=8, lanes=1)
"""Passwords of people who exist for a second are not worth a tenth of one; `tests/unit` holds the real cost."""

PLAIN: dict[str, Any] = {"trust_env": False, "verify": False}
"""Of a client that speaks HTTP without TLS: to read the machine's certificates takes it 17 ms, each time."""


def settings_for(data: Path, chat_url: str, embed_url: str, database_url: str = "") -> Settings:
    """Engines elsewhere, everything else in `data`."""
    return Settings(
        data_dir=str(data),
        server=ServerSection(trusted_proxies=("127.0.0.1",)),  # so that a test may come from anywhere
        database=DatabaseSection(url=database_url),
        engines=EnginesSection(
            models=(
                ModelSection(id=CHAT_MODEL, base_urls=(chat_url,)),
                ModelSection(id=EMBED_MODEL, base_urls=(embed_url,)),
                ModelSection(id=TOOLS_MODEL, base_urls=(chat_url,)),
                ModelSection(id=JUDGE_MODEL, base_urls=(embed_url,)),
                ModelSection(id=HEARING_MODEL, base_urls=(chat_url,)),
            )
        ),
    )


@dataclass
class Gateway:
    """A running one."""

    parts: Parts
    url: str

    def client(self, **options: Any) -> "Client":
        return Client(base_url=self.url, timeout=60, **options)

    async def operator(self) -> "Client":
        """The machine's own command line."""
        return self.client(headers={"Authorization": f"Bearer {self.parts.access.operator_token}"})

    async def person(self, email: str, *, groups: tuple[str, ...] = ()) -> "Client":
        """A new account, logged in, in these groups."""
        async with await self.operator() as operator:
            made = await operator.ok("POST", "/api/users", {"email": email, "name": email, "password": PASSWORD})
            for group in groups:
                await operator.ok("PUT", f"/api/groups/{group}/members/{made['id']}")
        return await self.logged_in(email, PASSWORD)

    async def logged_in(self, email: str, password: str) -> "Client":
        client = self.client(headers={"X-Requested-With": "appliance"})
        await client.ok("POST", "/auth/login", {"email": email, "password": password})
        return client

    async def with_key(self, client: "Client", **scope: list[str]) -> "Client":
        """The same person as a program, by a key for everything or for what `scope` names."""
        made = await client.ok("POST", "/api/keys", {"name": "test", "expires_in_days": 1, "scope": scope})
        return self.client(headers={"Authorization": f"Bearer {made['key']}"})


class Client(httpx.AsyncClient):
    """httpx with the three things that tests do all the time. Like a browser, it says on whose page it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**PLAIN, **options)
        self.headers.setdefault("Origin", str(self.base_url).rstrip("/"))

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        """A call that must succeed; its value."""
        reply = await self.request(method, path, json=body)
        assert reply.status_code < 300, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    async def events(self, method: str, path: str, body: Any = None) -> list[tuple[str, Any]]:
        """All events of a stream that must succeed."""
        found: list[tuple[str, Any]] = []
        async with self.stream(method, path, json=body) as reply:
            assert reply.status_code == 200, (await reply.aread()).decode()
            name = ""
            async for line in reply.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    found.append((name, json.loads(line.removeprefix("data: "))))
        return found

    async def upload(self, collection_id: str, name: str, content: bytes) -> Any:
        """Send a document; the reply."""
        reply = await self.post(
            f"/api/collections/{collection_id}/documents", files={"file": (name, content)}, data={"path": name}
        )
        assert reply.status_code < 300, reply.text
        return reply.json()

    async def until_idle(self, collection_id: str, timeout_s: float = 120) -> list[Any]:
        """Wait for the end of all work in a collection; its documents."""
        async with asyncio.timeout(timeout_s):
            while not await self._saw_idle(collection_id):
                pass  # it was ended, as when rights could not be looked at for five seconds; a page asks anew
        found = await self.ok("GET", f"/api/collections/{collection_id}/documents?limit=1000")
        return list(found["items"])

    async def _saw_idle(self, collection_id: str) -> bool:
        async with self.stream("GET", f"/api/collections/{collection_id}/progress") as reply:
            async for line in reply.aiter_lines():
                if line == "event: idle":
                    return True
        return False

    async def collection(self, name: str, readers: list[dict[str, str]] | None = None) -> str:
        made = await self.ok("POST", "/api/collections", {"name": name, "readers": readers or []})
        return str(made["id"])


@asynccontextmanager
async def gateway(settings: Settings, *, port: int = 0) -> AsyncIterator[Gateway]:
    """Everything of `appliance up` but the process. `port` 0: any that is free."""
    settings.data.mkdir(parents=True, exist_ok=True)
    parts = build_parts(settings, hash_cost=QUICK_HASH)
    await migrate(parts.database)
    if await parts.people.first_administrator() is None:
        await parts.people.create(email=ADMIN, name="Administrator", password=PASSWORD, roles=("administrator",))
    server = uvicorn.Server(server_config(build_app(parts), port=port))
    server.config.timeout_graceful_shutdown = 5
    async with running(parts):
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        for model in (CHAT_MODEL, EMBED_MODEL):
            await parts.engines.wait_ready(model, 240)
        try:
            yield Gateway(parts, f"http://127.0.0.1:{port}")
        finally:
            server.should_exit = True
            await serving
