"""Everything wrong that a caller can send, at all routes: answered in the right shape, and nothing left behind.

    python -m tests.campaigns.fuzz_api [--requests 200000] [--seed 1] [--lines 24] [--seconds S]

A whole gateway as a process of its own, before a stand-in engine. Bodies, headers, addresses, methods and manners of
sending are spoilt by chance from one seed. Held of every reply: no 5xx but 503 and 504, our shape of error under every
4xx, a request id, JSON that is JSON, streams that end. Held at the end: memory within a tenth of what it was after the
first part of the run (both after a collection), no task and no socket more, and no defect in the log.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from appliance.app import build_app, build_parts
from tests.architecture.test_docs import routes_of
from tests.campaigns.fuzz_bodies import CHAT, EMBED
from tests.campaigns.fuzz_requests import Shooter, Shot
from tests.campaigns.fuzz_wire import Idle, Line, NoReply, Reply
from tests.fakes.steady import steady_engine
from tests.support.gateway import settings_for
from tests.support.process import PASSWORD, ApplianceProcess

PARTS, WARM_UP = 10, 3
"""A run is so many equal parts; memory is measured first after so many of them: until then caches fill."""

GROWTH = 0.10
POOLED = 24
"""Connections to the engine that the gateway may keep open; a leak of sockets would be thousands."""

MOST_FINDINGS = 20


class WatchedProcess(ApplianceProcess):
    """The appliance with `tests.support.watched` around it."""

    def start(self, *, ready_s: float = 120) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        environment = {**self.environment, "WATCHED_FILE": str(self.data / "watched.json")}
        with (self.data / "output.log").open("ab") as log:
            command = [sys.executable, "-m", "tests.support.watched", "up"]
            root = Path(__file__).resolve().parents[2]
            self.process = subprocess.Popen(
                command, env=environment, cwd=root, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        deadline = time.monotonic() + ready_s
        while not self.is_ready():
            assert self.process.poll() is None, f"the appliance ended:\n{self.output()[-3000:]}"
            assert time.monotonic() < deadline, f"not ready:\n{self.output()[-3000:]}"
            time.sleep(0.2)

    def look(self) -> "Alive":
        """What is alive, after a collection."""
        assert self.process is not None
        file = self.data / "watched.json"
        file.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 30
        while not file.exists():
            assert time.monotonic() < deadline, "the gateway does not look"
            time.sleep(0.05)
        seen = json.loads(file.read_text())
        folder = Path(f"/proc/{self.process.pid}")
        status = (folder / "status").read_text()
        rss_kb = int(next(row for row in status.splitlines() if row.startswith("VmRSS:")).split()[1])
        links = [str(link.readlink()) for link in (folder / "fd").iterdir()]
        sockets = sum(target.startswith("socket:") for target in links)
        return Alive(rss_kb / 1024, sockets, Counter(seen["tasks"]), seen["objects"])


@dataclass(frozen=True)
class Alive:
    rss_mib: float
    sockets: int
    tasks: Counter[str]
    objects: int

    def __str__(self) -> str:
        tasks = sum(self.tasks.values())
        return f"{self.rss_mib:.1f} MiB, {self.objects} objects, {tasks} tasks, {self.sockets} sockets"


@dataclass
class Findings:
    """What came back, and what should not have."""

    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    until: float = float("inf")
    """When the run ends at the latest, monotonic."""
    sent: int = 0
    replies: int = 0

    def note(self, kind: str, shot: Shot, reply: Reply | None) -> None:
        self.kinds[f"{kind}: {shot.method} {shot.path[:60]}" if reply else kind] += 1
        if len(self.wrong) < MOST_FINDINGS:
            raw = b"".join(shot.pieces)
            told = "" if reply is None else f"\n  reply {reply.status} {reply.body[:200]!r}"
            self.wrong.append(f"{kind} ({shot.manner}): {raw[:700]!r}{told}")

    def hold(self, shot: Shot, reply: Reply) -> None:
        """Compare a reply with what every reply must be."""
        self.replies += 1
        self.statuses[str(reply.status)] += 1
        kind = wrong_with(shot, reply)
        if kind:
            self.note(kind, shot, reply)
        if reply.status >= 400 and reply.body.startswith(b'{"error"'):
            self.codes[str(json.loads(reply.body)["error"].get("code"))] += 1


def wrong_with(shot: Shot, reply: Reply) -> str:
    """Empty when the reply is as it must be."""
    if reply.status >= 500 and reply.status not in (503, 504):
        return f"status {reply.status}"
    if reply.status == 503 and "retry-after" not in reply.headers and shot.path != "/health/ready":
        return "503 without retry-after"
    if b"Traceback" in reply.body or b"site-packages" in reply.body:
        return "insides in a reply"
    ours = "x-request-id" in reply.headers
    if shot.is_http and not ours:
        return "no request id"
    if not ours or shot.method == "HEAD" or reply.status in (204, 304):
        return ""
    return wrong_body(shot, reply)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def wrong_body(shot: Shot, reply: Reply) -> str:
    media_type = reply.headers.get("content-type", "").partition(";")[0]
    value: Any = None
    if media_type in ("application/json", "application/scim+json"):
        try:
            value = json.loads(reply.body)
        except ValueError:
            return "not JSON"
    elif media_type == "application/jsonl" and not all(_is_json(line) for line in reply.body.splitlines()):
        return "a line that is not JSON"
    elif media_type.startswith("text/event-stream") and not reply.body.endswith(b"\n\n"):
        return "a stream that breaks off"
    return wrong_error(value, media_type) if reply.status >= 400 else ""


def wrong_error(value: Any, media_type: str) -> str:
    """Of SCIM's shape, of Anthropic's, or of OpenAI's."""
    if media_type == "application/scim+json":
        return "" if isinstance(value.get("detail"), str) else "an error of another shape than SCIM's"
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return "an error of another shape"
    anthropic = value.get("type") == "error"
    return "" if anthropic or isinstance(error.get("code"), str) else "an error without a code"


async def shoot(shooter: Shooter, line: Line, found: Findings) -> None:
    """One request on one line."""
    shot = shooter.shot()
    found.sent += 1
    try:
        await line.send(*shot.pieces, pause_s=0.02 if shot.manner == "pieces" else 0.0)
        if shot.replies == 0 or not shot.is_http:
            try:
                async with asyncio.timeout(0.05 if shot.replies == 0 else 2.0):
                    found.hold(shot, await line.reply(bodiless=shot.method == "HEAD"))
            except (NoReply, Idle, TimeoutError):
                found.statuses["none"] += 1
            line.drop()
            return
        for _ in range(shot.replies):
            reply = await line.reply(bodiless=shot.method == "HEAD")
            found.hold(shot, reply)
            if shot.method == "POST" and reply.status in (200, 201, 202) and reply.body.startswith(b"{"):
                shooter.learn(json.loads(reply.body).get("id"))
    except TimeoutError:
        found.note("no reply in time", shot, None)
    except NoReply as error:
        found.note(f"no reply ({error})", shot, None)
    except (Idle, ConnectionError):
        line.drop()
        found.statuses["closed"] += 1


async def volley(shooter: Shooter, port: int, count: int, lines: int, found: Findings) -> None:
    """Send so many requests over so many lines at once."""
    left = count

    async def work() -> None:
        nonlocal left
        line = Line(port)
        while left > 0 and time.monotonic() < found.until:
            left -= 1
            await shoot(shooter, line, found)
        line.drop()

    await asyncio.gather(*(work() for _ in range(lines)))


def operations(work: Path) -> list[str]:
    """`METHOD /path` of every route that the application has."""
    nowhere = "http://127.0.0.1:1/v1"
    app = build_app(build_parts(settings_for(work / "unused", nowhere, nowhere)))
    found = {f"{method} {path}" for method, path in routes_of(app) if method not in ("HEAD", "OPTIONS")}
    found |= {"GET /health/live", "GET /health/ready", "GET /metrics", "GET /schema/openapi.json", "GET /"}
    return sorted(found)


@contextmanager
def gateway(work: Path, engine_url: str, database_url: str = "") -> Iterator[WatchedProcess]:
    data = work / "data"
    data.mkdir()
    models = "".join(f'[[engines.models]]\nid = "{m}"\nbase_urls = ["{engine_url}"]\n' for m in (CHAT, EMBED))
    (data / "appliance.toml").write_text(models + "[documents]\nparallel = 0\n")
    process = WatchedProcess(data, {"APPLIANCE_DATABASE_URL": database_url} if database_url else {})
    process.start()
    try:
        yield process
    finally:
        process.stop()


def keys_of(process: WatchedProcess) -> list[str]:
    """Credentials: mostly a person's key, sometimes an administrator's."""
    admin = str(process.cli_json("keys", "create", "fuzz")["key"])
    with httpx.Client(
        base_url=process.url, headers={"x-requested-with": "appliance", "origin": process.url}, trust_env=False
    ) as browser:
        account = {"email": "fuzz@example.org", "name": "fuzz", "password": PASSWORD}
        made = browser.post("/api/users", json=account, headers={"authorization": f"Bearer {admin}"})
        assert made.status_code == 201, made.text
        browser.post("/auth/login", json={"email": "fuzz@example.org", "password": PASSWORD}).raise_for_status()
        reply = browser.post("/api/keys", json={"name": "fuzz", "expires_in_days": 1})
        person = str(reply.raise_for_status().json()["key"])
    return [*[f"Bearer {person}"] * 9, f"Bearer {admin}"]


async def run(work: Path, count: int, seed: int, lines: int, seconds: float = float("inf")) -> list[str]:
    """The whole campaign; what is wrong, empty when nothing is. It ends after `seconds` with fewer requests."""
    async with steady_engine() as engine:
        manager = gateway(work, engine.url)
        process = await asyncio.to_thread(manager.__enter__)
        try:
            keys = await asyncio.to_thread(keys_of, process)
            shooter = Shooter(random.Random(seed), operations(work), keys)
            found = Findings(until=time.monotonic() + seconds)
            began = time.monotonic()
            for part in range(PARTS):
                await volley(shooter, process.port, count * (part + 1) // PARTS - count * part // PARTS, lines, found)
                print(f"{found.sent} requests, {found.replies} replies in {time.monotonic() - began:.0f} s", flush=True)
                if part + 1 == WARM_UP:
                    warm = await settled(process)
            end = await settled(process)
            print(f"{engine.requests} reached the engine")
        finally:
            await asyncio.to_thread(manager.__exit__, None, None, None)
    return judged(found, warm, end, process.output())


async def settled(process: WatchedProcess) -> Alive:
    """What is alive when nobody has asked for some seconds."""
    await asyncio.sleep(3)
    return await asyncio.to_thread(process.look)


def judged(found: Findings, warm: Alive, end: Alive, log: str) -> list[str]:
    print("statuses:", ", ".join(f"{status} {count}" for status, count in sorted(found.statuses.items())))
    print("codes:", ", ".join(f"{code} {count}" for code, count in found.codes.most_common()))
    print(f"after the warm-up: {warm}\nat the end:        {end}")
    wrong = [*found.wrong, *(f"{count} x {kind}" for kind, count in found.kinds.most_common(40))]
    if end.rss_mib > warm.rss_mib * (1 + GROWTH):
        wrong.append(f"memory grew from {warm.rss_mib:.1f} to {end.rss_mib:.1f} MiB")
    if more := end.tasks - warm.tasks:
        wrong.append(f"tasks that were left: {dict(more)}")
    if end.sockets > warm.sockets + POOLED:
        wrong.append(f"sockets: {warm.sockets} after the warm-up, {end.sockets} at the end")
    defects = [row for row in log.splitlines() if "level='error'" in row or "Traceback" in row]
    if defects:
        wrong.append(f"{len(defects)} errors in the log, the first: {defects[0][:1500]}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = asyncio.run(run(Path(folder), given.requests, given.seed, given.lines, given.seconds))
    print("\n".join(wrong) or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
