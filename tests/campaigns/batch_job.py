"""Many requests at once, as batch work: given to the engines straight, or as a job of `/v1/batches`."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from appliance.foundation import Lane
from appliance.inference import EngineUnavailable, Forward
from tests.campaigns.person import WORDS
from tests.support.gateway import CHAT_MODEL, Client, Gateway


@dataclass(frozen=True)
class Requests:
    count: int
    seed: int
    max_tokens: int

    def bodies(self) -> list[dict[str, Any]]:
        chance = random.Random(self.seed)
        return [
            {
                "model": CHAT_MODEL,
                "max_tokens": self.max_tokens,
                "messages": [{"role": "user", "content": f"{number}: {' '.join(chance.sample(WORDS, 6))}"}],
            }
            for number in range(self.count)
        ]


class Job(Protocol):
    """Runs while `running` does."""

    def running(self) -> Any: ...

    async def counts(self) -> tuple[int, int]:
        """Requests that ended, and that failed."""
        ...


class StraightJob:
    """All requests stand in the model's line at once."""

    def __init__(self, requests: Requests, gateway: Gateway, lane: Lane) -> None:
        self._requests = requests
        self._engines = gateway.parts.engines
        self._lane = lane
        self._done = 0
        self._failed = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._one(body)) for body in self._requests.bodies()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def counts(self) -> tuple[int, int]:
        return self._done, self._failed

    async def _one(self, body: dict[str, Any]) -> None:
        tokens = 20 + self._requests.max_tokens
        try:
            reply = await self._engines.forward(
                Forward(CHAT_MODEL, "/v1/chat/completions", json.dumps(body).encode(), self._lane, tokens)
            )
            try:
                while await reply.read():
                    pass
            finally:
                reply.close()
        except EngineUnavailable:
            self._failed += 1
            return
        self._done += reply.status == 200
        self._failed += reply.status != 200


class BatchJob:
    """One job of `/v1/batches`."""

    def __init__(self, requests: Requests, client: Client) -> None:
        self._requests = requests
        self._client = client
        self._id = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        lines = [
            {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": body}
            for number, body in enumerate(self._requests.bodies())
        ]
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        sent = await self._client.post("/v1/files", files={"file": ("in.jsonl", data)}, data={"purpose": "batch"})
        body = {
            "input_file_id": sent.json()["id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        self._id = (await self._client.ok("POST", "/v1/batches", body))["id"]
        async with asyncio.timeout(60):
            while (await self._state())["status"] != "in_progress":
                await asyncio.sleep(0.1)
        try:
            yield
        finally:
            await self._client.ok("POST", f"/v1/batches/{self._id}/cancel")

    async def counts(self) -> tuple[int, int]:
        found = (await self._state())["request_counts"]
        return found["completed"], found["failed"]

    async def _state(self) -> dict[str, Any]:
        return dict(await self._client.ok("GET", f"/v1/batches/{self._id}"))
