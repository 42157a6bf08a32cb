"""How long work goes on after its right is gone, for each kind of work and each way in which a right goes.

    python -m tests.campaigns.revocation [--rounds 20] [--database sqlite|postgres] [--gateways 1|2]

Over a stand-in engine that talks slowly, so that everything would last two minutes. With one gateway, rights are
changed by another set of identity parts on the same database, which tells the gateway nothing. With two, both are
processes of their own on one PostgreSQL: work is open at the first, and rights are changed by asking the second.
Printed are p50 and p100 of the seconds from the change to the end of the work, how each ended, and how much the engine
was asked.
"""

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from appliance.configuration import storage_settings
from appliance.foundation import configure_logging
from appliance.settings import ModelSection, Settings, load
from appliance.storage import Database, StorageSettings
from tests.campaigns.elsewhere import Beside, Elsewhere, OtherGateway, Process, Subject, door
from tests.campaigns.open_work import CASES, Act, Work, batch_of_lines, is_clean
from tests.fakes.engine import FakeEngine, serving
from tests.support import postgres
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client, Gateway, gateway, settings_for
from tests.support.process import ADMIN, PASSWORD, ApplianceProcess

LIMIT_S = 5.0
GAP_S = 0.2
LARGE_MODEL = "qwen3-8b"
WORDS = 600
TEXT = "The travel policy pays 120 euro per night for a hotel in the capital of Germany. {canary}"
WAVE = 4
"""Batches at once: so many a gateway has in work, and eight lines of them."""


@dataclass
class Outcome:
    seconds: list[float] = field(default_factory=list)
    ends: set[str] = field(default_factory=set)


Running = Gateway | Process


@dataclass(frozen=True)
class Plan:
    rounds: int
    gateways: int = 1
    database_url: str = ""


@dataclass(frozen=True)
class Scene:
    """Where work goes on, where rights go, and the database of both."""

    running: Running
    elsewhere: Elsewhere
    database: Database
    engine: FakeEngine

    @property
    def leases_left(self) -> int:
        """Of the gateway in this loop; of processes that would be their own secret."""
        return self.running.parts.access.leases.count if isinstance(self.running, Gateway) else 0


async def subject(running: Running, operator: Client, database: Database) -> Subject:
    name = uuid.uuid4().hex
    group = (await operator.ok("POST", "/api/groups", {"name": name}))["id"]
    browser = await running.person(f"{name}@x.test", groups=(group,))
    made = await browser.ok("POST", "/api/keys", {"name": "test", "expires_in_days": 1})
    collection = await operator.collection(name, [{"kind": "group", "id": group}])  # owned by the administrator
    canary = f"canary{name}"
    await operator.upload(collection, f"{name}.txt", TEXT.format(canary=canary).encode())
    await operator.until_idle(collection)
    return Subject(
        uuid.UUID((await browser.ok("GET", "/api/me"))["id"]),
        uuid.UUID(made["id"]),
        uuid.UUID(group),
        uuid.UUID(collection),
        browser,
        running.client(headers={"Authorization": f"Bearer {made['key']}"}),
        canary,
        database,
    )


async def one(elsewhere: Elsewhere, who: Subject, work: Work, act: Act) -> tuple[float, str]:
    """Seconds from the change to the end of the work, and how it ended."""
    going = asyncio.Event()
    task = asyncio.create_task(work(who, going))
    try:
        waited = asyncio.ensure_future(going.wait())
        await asyncio.wait({task, waited}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        waited.cancel()
        if not going.is_set():
            return float("inf"), "never began: " + (task.result() if task.done() else "silent")
        await act(elsewhere, who)
        began = time.monotonic()
        async with asyncio.timeout(60):
            end = await task
        return time.monotonic() - began, end
    except TimeoutError:
        return float("inf"), "went on"
    finally:
        task.cancel()


async def measure(scene: Scene, rounds: int) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    async with await scene.running.operator() as operator:
        for name, (work, act) in CASES.items():
            subjects = [await subject(scene.running, operator, scene.database) for _ in range(rounds)]
            outcome = outcomes[name] = Outcome()
            wave = WAVE if work is batch_of_lines else rounds
            for at in range(0, rounds, wave):
                together = (one(scene.elsewhere, s, work, act) for s in subjects[at : at + wave])
                for seconds, end in await asyncio.gather(*together):
                    outcome.seconds.append(seconds)
                    outcome.ends.add(end)
            for s in subjects:
                await s.aclose()
            print(
                f"{name:40} n={rounds:3} p50 {median(outcome.seconds):5.2f} s  p100 {max(outcome.seconds):5.2f} s  "
                f"{', '.join(sorted(outcome.ends))}",
                flush=True,
            )
    return outcomes


def _settings(folder: Path, engine_url: str, database_url: str) -> Settings:
    """With a larger model for the assistant: it writes, where a small one would only quote."""
    made = settings_for(folder, engine_url, engine_url, database_url)
    models = (ModelSection(id=LARGE_MODEL, base_urls=(engine_url,)), *made.engines.models)
    return replace(made, engines=replace(made.engines, models=models))


@asynccontextmanager
async def scene(folder: Path, plan: Plan) -> AsyncIterator[Scene]:
    slow = FakeEngine(answer=" ".join(f"w{n}" for n in range(WORDS)), delay_s=GAP_S)
    opened = one_gateway if plan.gateways == 1 else two_gateways
    async with serving(slow) as engine, opened(folder, engine, plan.database_url) as made:
        yield made


@asynccontextmanager
async def one_gateway(folder: Path, engine: FakeEngine, database_url: str) -> AsyncIterator[Scene]:
    async with gateway(_settings(folder, engine.url, database_url)) as running:
        other = Database(StorageSettings(running.parts.database.url, folder))
        try:
            yield Scene(running, Beside(other, folder), other, engine)
        finally:
            await other.close()


@asynccontextmanager
async def two_gateways(folder: Path, engine: FakeEngine, database_url: str) -> AsyncIterator[Scene]:
    """The first takes documents in and runs batches: their files are in its folder."""
    folder.mkdir(parents=True)
    ids = (LARGE_MODEL, CHAT_MODEL, EMBED_MODEL)
    models = "".join(f'[[engines.models]]\nid = "{m}"\nbase_urls = ["{engine.url}"]\n' for m in ids)
    (folder / "appliance.toml").write_text(models)
    variables = {"APPLIANCE_CONFIG": str(folder / "appliance.toml"), "APPLIANCE_DATABASE_URL": database_url}
    idle = {"APPLIANCE_DOCUMENTS_PARALLEL": "0", "APPLIANCE_BATCHES_PARALLEL": "0"}
    first = ApplianceProcess(folder / "first", variables)
    second = ApplianceProcess(folder / "second", {**variables, **idle})
    database = Database(storage_settings(load(None, {**variables, "APPLIANCE_DATA_DIR": str(first.data)})))
    try:
        for process in (first, second):
            await asyncio.to_thread(process.start)
        async with door(second.url) as administrator:
            await administrator.ok("POST", "/auth/login", {"email": ADMIN, "password": PASSWORD})
            made = await administrator.ok("POST", "/api/keys", {"name": "campaign", "expires_in_days": 1})
            running = Process(first.url, made["key"])
            yield Scene(running, OtherGateway(second.url, administrator), database, engine)
    finally:
        await database.close()
        for process in (first, second):
            await asyncio.to_thread(process.stop)


def faults(outcomes: dict[str, Outcome]) -> list[str]:
    """What is wrong, in sentences."""
    late = [f"{name}: went on for {max(o.seconds):.1f} s" for name, o in outcomes.items() if max(o.seconds) > LIMIT_S]
    rough = [f"{name}: ended by {end}" for name, o in outcomes.items() for end in o.ends if not is_clean(end)]
    return late + rough


async def run(folder: Path, plan: Plan) -> list[str]:
    configure_logging("critical")
    async with scene(folder, plan) as made:
        outcomes = await measure(made, plan.rounds)
        everything = [s for o in outcomes.values() for s in o.seconds]
        print(f"all: n={len(everything)} p50 {median(everything):.2f} s  p100 {max(everything):.2f} s")
        left, engine = made.leases_left, made.engine
        print(f"chats of the engine: {len(engine.chats)}, words sent: {engine.words_sent}, leases left: {left}")
        return faults(outcomes) + ([f"{left} leases are left"] if left > 2 else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--gateways", type=int, choices=(1, 2), default=1)
    asked = parser.parse_args()
    if asked.gateways == 2 and asked.database == "sqlite":
        parser.error("two gateways need --database postgres")
    with tempfile.TemporaryDirectory(prefix="pma-") as folder, ExitStack() as stack:
        place, url = Path(folder), ""
        place.chmod(0o755)
        if asked.database == "postgres":
            url = postgres.new_database(stack.enter_context(postgres.server(place / "pg")))
        wrong = asyncio.run(run(place / "data", Plan(asked.rounds, asked.gateways, url)))
    for fault in wrong:
        print("WRONG:", fault)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
