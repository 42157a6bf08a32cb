"""The command line's way to a running appliance."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp

from appliance.foundation import ApplianceError, CapacityError
from appliance.settings import Settings, environment_value

CHUNK_BYTES = 256 * 1024


class NotRunning(CapacityError):
    """Nobody answers at the address."""

    code = "not_running"


class CallFailed(ApplianceError):
    """The appliance refused a call; message, way out and `code_given` are its own."""

    code = "call_failed"

    def __init__(self, message: str, *, remedy: str, status: int, code_given: str) -> None:
        super().__init__(message, remedy=remedy)
        self.status_given = status
        self.code_given = code_given


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    token: str


def find_target(settings: Settings) -> Target:
    """Where the appliance runs and how to be let in. Raises NotRunning."""
    url, key = environment_value("URL"), environment_value("API_KEY")
    if url and key:
        return Target(url.rstrip("/"), key)
    note = settings.operator_file
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
        return Target(found["url"], found["token"])
    except (OSError, ValueError, KeyError) as error:
        raise NotRunning(
            f"No appliance is running on {settings.data}.",
            remedy="Start it with 'appliance up', or set APPLIANCE_URL and APPLIANCE_API_KEY for one elsewhere.",
        ) from error


class Api:
    """Calls that end in a value or in an error with a way out."""

    def __init__(self, session: aiohttp.ClientSession, target: Target) -> None:
        self._session = session
        self._target = target

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One JSON call. Raises CallFailed, NotRunning."""
        try:
            async with self._session.request(method, self._target.url + path, json=body) as reply:
                await _refuse(reply)
                return await reply.json() if reply.content_length != 0 and reply.status != 204 else None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _gone(self._target) from error

    async def upload(self, path: str, file: Path, name: str) -> Any:
        """Send one file. Raises CallFailed, NotRunning."""
        form = aiohttp.FormData()
        form.add_field("path", name)
        try:
            with file.open("rb") as handle:
                # As chunks: aiohttp would put the handle's own name, which need not be text, into a header.
                form.add_field("file", _chunks(handle), filename="file", content_type="application/octet-stream")
                async with self._session.post(self._target.url + path, data=form) as reply:
                    await _refuse(reply)
                    return await reply.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _gone(self._target) from error

    async def bytes(self, method: str, path: str, body: Any = None) -> AsyncIterator[bytes]:
        """What a long reply brings, as it comes. Raises CallFailed, NotRunning."""
        try:
            async with self._session.request(method, self._target.url + path, json=body) as reply:
                await _refuse(reply)
                async for chunk in reply.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _gone(self._target) from error

    async def events(self, method: str, path: str, body: Any = None) -> AsyncIterator[tuple[str, Any]]:
        """(name, data) of each server-sent event. Raises CallFailed, NotRunning."""
        try:
            async with self._session.request(method, self._target.url + path, json=body) as reply:
                await _refuse(reply)
                name = ""
                async for raw in reply.content:
                    line = raw.decode("utf-8").rstrip("\n")
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        yield name, json.loads(line.removeprefix("data: "))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _gone(self._target) from error


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Api]:
    """A client for the appliance of these settings. Raises NotRunning."""
    target = find_target(settings)
    headers = {"Authorization": f"Bearer {target.token}"}
    timeout = aiohttp.ClientTimeout(total=None, connect=10)
    async with aiohttp.ClientSession(
        headers=headers, timeout=timeout, trust_env=False, read_bufsize=1024 * 1024
    ) as session:
        yield Api(session, target)


async def _chunks(handle: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(handle.read, CHUNK_BYTES):
        yield chunk


async def _refuse(reply: aiohttp.ClientResponse) -> None:
    if reply.status < 400:
        return
    try:
        error = (await reply.json()).get("error", {})
    except (aiohttp.ContentTypeError, ValueError):
        error = {}
    message = error.get("message") or f"The appliance answered {reply.status}."
    code = str(error.get("code", ""))
    raise CallFailed(message, remedy=error.get("remedy", ""), status=reply.status, code_given=code)


def _gone(target: Target) -> NotRunning:
    return NotRunning(
        f"Nobody answers at {target.url} (any more).",
        remedy="Start it with 'appliance up' and look at its log; what it has accepted is kept and goes on then.",
    )
