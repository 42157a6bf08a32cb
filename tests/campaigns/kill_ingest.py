"""Kill the appliance in the middle of its work, again and again, and see that nothing is lost, doubled or half there.

    python -m tests.campaigns.kill_ingest --files 200 --kills 10 --seed 1
        [--engines stand-in|real] [--database sqlite|postgres]

A client uploads, changes and deletes generated documents and repeats what was not acknowledged; a witness searches all
the while; `kill -9` hits the one process at random moments, uniform over the work. Afterwards answers, database, index
and files are compared with what the client was promised. The same seed makes the same documents, steps and moments.
"""

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from appliance.settings import Settings, load
from tests.campaigns import aftermath, papers
from tests.campaigns.papers import Step, Version
from tests.campaigns.pointers import Pointers
from tests.campaigns.promises import Promises, Story
from tests.campaigns.witness import Witness
from tests.support import postgres
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client
from tests.support.process import ADMIN, PASSWORD, ROOT, ApplianceProcess, alive, wait_until

AHEAD = 10
"""Documents in work before the client waits, so that uploads go on as long as the work does."""
UPLOAD_SHARE = 0.5
"""Of the kills, how many hit while an upload or a removal has no answer yet."""
DEATH_S = {"stand-in": 5.0, "real": 20.0}
"""How long children may outlive the process: engines have ten seconds to end in order."""
SWEEP_S = 60.0
DOOMED_FILES = 5


@dataclass(frozen=True)
class Plan:
    files: int
    kills: int
    seed: int
    engines: str = "stand-in"
    database: str = "sqlite"
    work_s: float = 3600
    """Longest that the work may take."""


@dataclass
class Outcome:
    broken: list[str]
    kills: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


class Campaign:
    """One run on a running appliance."""

    def __init__(
        self,
        plan: Plan,
        process: ApplianceProcess,
        client: Client,
        pointers: Pointers,
        collection_id: str,
        doomed_id: str,
    ) -> None:
        self._plan = plan
        self._process = process
        self._client = client
        self._collection_id = collection_id
        self._doomed_id = doomed_id
        self._random = random.Random(plan.seed)
        stories = papers.histories(plan.seed, plan.files)
        self.steps = papers.in_order(plan.seed, stories)
        self.promises = Promises({path: Story(steps) for path, steps in stories.items()}, len(self.steps))
        self._up = asyncio.Event()
        self._up.set()
        self.witness = Witness(client, collection_id, self.promises, pointers, self._up, plan.seed)
        self.kills: list[str] = []

    async def run(self) -> None:
        """Upload, change, delete, search and kill, until everything has ended."""
        watching = [asyncio.create_task(self.witness.watch()), asyncio.create_task(self._follow())]
        working = asyncio.create_task(self._work())
        try:
            await self._kill_now_and_then()
            await working
            await self.promises.until(lambda: self.promises.is_finished, self._plan.work_s)
        finally:
            for task in (*watching, working):
                task.cancel()
            for ended in await asyncio.gather(*watching, working, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended

    async def _work(self) -> None:
        """Take the steps in order, two at a time, but those of one path one after the other."""
        waiting = list(self.steps)
        paths = {path: asyncio.Lock() for path in self.promises.stories}

        async def take() -> None:
            while waiting:
                await self.promises.until(lambda: self.promises.busy < AHEAD, self._plan.work_s)
                if waiting:
                    step = waiting.pop(0)
                    async with paths[step.path]:
                        await self._until_acknowledged(step)

        await asyncio.gather(take(), take())

    async def _until_acknowledged(self, step: Step) -> None:
        story = self.promises.stories[step.path]
        story.sent = max(story.sent, step.step)
        while True:
            await self._up.wait()
            await self.promises.note(lambda: self._in_flight(1))
            try:
                reply = await self._send(step, story)
                break
            except httpx.TransportError:
                continue  # no answer: it may have arrived or not, so it is sent again
            finally:
                self._in_flight(-1)
        assert reply.status_code in (202, 204, 404), f"{step}: {reply.status_code} {reply.text}"
        await self.promises.note(lambda: self._acknowledged(step, story, reply))

    def _in_flight(self, change: int) -> None:
        self.promises.in_flight += change

    async def _send(self, step: Step, story: Story) -> httpx.Response:
        if not isinstance(step, Version):
            return await self._client.delete(f"/api/documents/{story.document_id}")
        return await self._client.post(
            f"/api/collections/{self._collection_id}/documents",
            files={"file": (step.path, step.content)},
            data={"path": step.path},
        )

    def _acknowledged(self, step: Step, story: Story, reply: httpx.Response) -> None:
        story.acknowledged = step.step
        self.promises.acknowledged += 1
        if isinstance(step, Version):
            document = reply.json()["document"]
            story.document_id = document["id"]
            self.promises.states[document["id"]] = document["state"]
        else:
            self.promises.states.pop(story.document_id, None)

    async def _follow(self) -> None:
        """Keep the states of documents, from the stream that people's browsers read."""
        while True:
            await self._up.wait()
            with contextlib.suppress(httpx.TransportError):
                await self._catch_up()
                path = f"/api/collections/{self._collection_id}/progress"
                async with self._client.stream("GET", path, timeout=None) as reply:
                    async for line in reply.aiter_lines():
                        if line.startswith("data: "):
                            await self._heard(json.loads(line.removeprefix("data: ")))

    async def _catch_up(self) -> None:
        listed = await self._client.get(f"/api/collections/{self._collection_id}/documents?limit=1000")
        for document in listed.json()["items"]:
            await self._heard(document)

    async def _heard(self, document: dict[str, str]) -> None:
        if "id" not in document:
            await self._catch_up()  # 'idle': nothing is in work, whatever was missed
        elif document["id"] in self.promises.states:
            await self.promises.note(lambda: self.promises.states.update({document["id"]: document["state"]}))

    async def _delete_the_doomed(self) -> None:
        """Delete a collection with documents in it; nothing of it may be left in the end."""
        while True:
            await self._up.wait()
            with contextlib.suppress(httpx.TransportError):
                reply = await self._client.delete(f"/api/collections/{self._doomed_id}")
                assert reply.status_code in (204, 404), reply.text
                return

    async def _kill_now_and_then(self) -> None:
        moments = sorted(self._random.uniform(0.02, 0.97) for _ in range(self._plan.kills))
        for number, moment in enumerate(moments):
            if number == len(moments) // 2:
                await self._delete_the_doomed()
            await self.promises.until(
                lambda share=moment: self.promises.progress >= share,  # type: ignore[misc] # bound at definition
                self._plan.work_s,
            )
            if self._random.random() < UPLOAD_SHARE:
                await self.promises.until(
                    lambda: bool(self.promises.in_flight) or self.promises.is_finished, self._plan.work_s
                )
                await asyncio.sleep(self._random.uniform(0, 0.03))  # an upload takes about as long
            else:
                await asyncio.sleep(self._random.uniform(0, 0.5))  # not only at the ends of documents
            await self._kill()

    async def _kill(self) -> None:
        family = self._process.engine_pids()
        busy, in_flight = self.promises.busy, self.promises.in_flight
        self._up.clear()
        await asyncio.to_thread(self._process.kill)
        died = time.monotonic()
        with contextlib.suppress(AssertionError):
            wait = DEATH_S[self._plan.engines]
            await asyncio.to_thread(wait_until, lambda: not any(map(alive, family)), wait, "children are gone")
        for pid in filter(alive, family):
            self.promises.accuse(f"process {pid} outlived the appliance: {_command(pid)}")
        orphaned_s = time.monotonic() - died
        began = time.monotonic()
        await asyncio.to_thread(self._process.start)
        self._up.set()
        self.kills.append(
            f"kill {len(self.kills) + 1:2} at {self.promises.progress:4.0%}: {busy:2} documents in work, "
            f"{in_flight} calls in flight, {len(family)} children gone after {orphaned_s:.1f} s, "
            f"ready again after {time.monotonic() - began:.1f} s"
        )
        print(self.kills[-1], flush=True)


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    return "?"


@contextlib.contextmanager
def stand_in() -> Iterator[str]:
    """The stand-in engine in a process of its own, which no kill hits; its address."""
    command = [sys.executable, "-m", "tests.campaigns.slow_engine"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        try:
            yield engine.stdout.readline().strip()
        finally:
            engine.terminate()


@contextlib.contextmanager
def surroundings(plan: Plan, place: Path) -> Iterator[Mapping[str, str]]:
    """Engines and database as the plan wants them; variables for the appliance."""
    with contextlib.ExitStack() as stack:
        variables: dict[str, str] = {}
        if plan.engines == "stand-in":
            url = stack.enter_context(stand_in())
            models = "".join(
                f'[[engines.models]]\nid = "{m}"\nbase_urls = ["{url}"]\n' for m in (CHAT_MODEL, EMBED_MODEL)
            )
            (place / "engines.toml").write_text(models)
            variables["APPLIANCE_CONFIG"] = str(place / "engines.toml")
        if plan.database == "postgres":
            running = stack.enter_context(postgres.server(place / "pg"))
            variables["APPLIANCE_DATABASE_URL"] = postgres.new_database(running)
        yield variables


@contextlib.asynccontextmanager
async def administrator(process: ApplianceProcess) -> AsyncIterator[Client]:
    """A client with an API key: unlike the operator's token it lives through restarts."""
    async with Client(base_url=process.url, headers={"X-Requested-With": "appliance"}) as session:
        await session.ok("POST", "/auth/login", {"email": ADMIN, "password": PASSWORD})
        made = await session.ok("POST", "/api/keys", {"name": "campaign", "expires_in_days": 1})
    headers = {"Authorization": f"Bearer {made['key']}"}
    async with Client(base_url=process.url, headers=headers, timeout=60) as client:
        yield client


async def doom(client: Client) -> str:
    """A collection that will be deleted in the middle of everything."""
    collection_id = await client.collection("Doomed")
    for number in range(DOOMED_FILES):
        await client.upload(
            collection_id, f"doomed-{number}.txt", f"Nobody will miss the doomed rule {number}.".encode()
        )
    return collection_id


async def conduct(plan: Plan, place: Path, variables: Mapping[str, str]) -> Outcome:
    """The whole campaign on an empty data folder."""
    process = ApplianceProcess(place / "data", variables)
    settings: Settings = load(None, {k: v for k, v in process.environment.items() if k.startswith("APPLIANCE_")})
    began = time.monotonic()
    await asyncio.to_thread(process.start)
    try:
        async with administrator(process) as client:
            campaign = Campaign(
                plan, process, client, Pointers(settings), await client.collection("Campaign"), await doom(client)
            )
            promises = campaign.promises
            working = time.monotonic()
            await campaign.run()
            worked = time.monotonic()
            await aftermath.until_swept(settings, SWEEP_S)
            swept = time.monotonic()
            await aftermath.check_answers(promises, campaign.witness)
        code = await asyncio.to_thread(process.stop)
        if code:
            promises.accuse(f"the orderly end gave {code}")
        counts = await aftermath.check_state(settings, promises)
    except (AssertionError, TimeoutError):
        print(process.output()[-6000:])
        raise
    finally:
        await asyncio.to_thread(process.stop)
    seen = campaign.witness
    lines = [
        f"{plan.engines} engines, {plan.database}, seed {plan.seed}, {len(campaign.kills)} kills",
        f"{len(promises.stories)} paths, {promises.total} steps",
        f"{seen.searches} searches, {seen.hits} hits judged, {seen.complete} looks for published paragraphs",
        f"left: {counts}",
        f"work {worked - working:.0f} s, sweep {swept - worked:.0f} s, all {time.monotonic() - began:.0f} s",
    ]
    return Outcome(promises.broken, campaign.kills, lines)


def run(plan: Plan) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="pma-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        with surroundings(plan, place) as variables:
            return asyncio.run(conduct(plan, place, variables))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engines", choices=("stand-in", "real"), default="stand-in")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    chosen = parser.parse_args()
    outcome = run(Plan(chosen.files, chosen.kills, chosen.seed, chosen.engines, chosen.database))
    print("\n".join(outcome.lines))
    for violation in outcome.broken:
        print(f"BROKEN: {violation}")
    print("nothing lost, doubled or half there" if not outcome.broken else f"{len(outcome.broken)} violations")
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
