"""Fifty clients race for a budget, and the ledger is compared with what the engine really did.

    python -m tests.campaigns.race_budget [--only NAME] [--seed 1]

500 requests, plain and streamed, against a budget that allows 100: of requests, then of tokens; then with `kill -9` of
a gateway in the middle; then with two gateways on PostgreSQL that share the budget, in Valkey and in PostgreSQL. Each
gateway is a process as people run it. The same seed makes the same requests.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from appliance.configuration import storage_settings
from appliance.settings import load
from appliance.storage import Database
from appliance.usage import UsageReports
from appliance.usage.reports import Span, Used
from tests.campaigns.race_engine import PROMPT_TOKENS, RaceEngine, wish
from tests.fakes.engine import serving
from tests.support import postgres, valkey
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL, Client
from tests.support.process import ADMIN, PASSWORD, ApplianceProcess

WORDS = 9
MAX_TOKENS = 40
ALLOWED = 100
ESTIMATE = len(wish(100, WORDS)) // 4 + 4
"""What the gateway takes the prompt for before it goes on."""


@dataclass(frozen=True)
class Race:
    name: str
    budget: str = "requests"
    gateways: int = 1
    kills: int = 0
    database: str = "sqlite"
    shared: str = ""
    """`valkey`, or empty: in memory, or in PostgreSQL with several gateways."""
    requests: int = 500
    clients: int = 50
    seed: int = 1

    @property
    def limit(self) -> dict[str, int]:
        if self.budget == "requests":
            return {"requests_per_day": ALLOWED}
        return {"tokens_total": ALLOWED * (PROMPT_TOKENS + WORDS)}


RACES = (
    Race("requests"),
    Race("tokens", "tokens"),
    Race("requests, killed", kills=2),
    Race("tokens, killed", "tokens", kills=2),
    Race("requests, PostgreSQL, killed", kills=1, database="postgres"),
    Race("requests, two gateways, Valkey", gateways=2, database="postgres", shared="valkey"),
    Race("tokens, two gateways, Valkey", "tokens", gateways=2, database="postgres", shared="valkey"),
    Race("requests, two gateways, Valkey, killed", gateways=2, kills=2, database="postgres", shared="valkey"),
    Race("tokens, two gateways, Valkey, killed", "tokens", gateways=2, kills=2, database="postgres", shared="valkey"),
    Race("requests, two gateways, PostgreSQL", gateways=2, database="postgres"),
    Race("tokens, two gateways, PostgreSQL, killed", "tokens", gateways=2, kills=1, database="postgres"),
)


@dataclass
class Outcome:
    race: Race
    answers: Counter[str] = field(default_factory=Counter)
    """`200`, the code of a refusal, or `broken off`."""
    ledger: Used | None = None
    engine_whole: int = 0
    engine_words: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Compare; what does not hold is in `broken`."""
        race, used = self.race, self.ledger
        if used is None:
            self.broken.append("there is no line in the ledger")
            return
        passed, cut = self.answers["200"], used.unsettled
        settled = used.requests - cut
        tokens = used.prompt_tokens + used.completion_tokens
        self._hold(passed <= ALLOWED, f"{passed} passed")
        self._hold(passed <= used.requests <= passed + self.answers["broken off"], f"{used.requests} in the ledger")
        self._hold(settled <= self.engine_whole <= used.requests, f"the engine did {self.engine_whole}")
        self._hold(used.prompt_tokens == settled * PROMPT_TOKENS + cut * ESTIMATE, f"{used.prompt_tokens} of prompts")
        if not race.kills:
            self._hold(passed == ALLOWED, f"{passed} passed")
            self._hold(used.unsettled == 0, f"{used.unsettled} unsettled")
            self._hold(used.completion_tokens == self.engine_words, f"{used.completion_tokens} words in the ledger")
        if race.budget == "requests":
            self._hold(used.requests == ALLOWED, f"{used.requests} in the ledger")
            self._hold(used.completion_tokens == settled * WORDS + cut * MAX_TOKENS, f"{used.completion_tokens} words")
        else:
            limit = race.limit["tokens_total"]
            self._hold(limit - ESTIMATE - 1 < tokens <= limit, f"{tokens} of {limit} tokens")
        self._hold(not self.answers["failed"], f"{self.answers['failed']} failed")

    def _hold(self, condition: bool, what: str) -> None:
        if not condition:
            self.broken.append(what)

    def row(self) -> str:
        used = self.ledger or Used("", 0, 0, 0, 0, 0, 0)
        refused = sum(n for code, n in self.answers.items() if code not in ("200", "broken off", "failed"))
        cells = (
            self.race.name,
            self.answers["200"],
            refused,
            self.answers["broken off"],
            used.requests,
            used.unsettled,
            self.engine_whole,
            used.prompt_tokens + used.completion_tokens,
            self.engine_whole * PROMPT_TOKENS + self.engine_words,
            f"{self.seconds:.1f}",
            "holds" if not self.broken else "; ".join(self.broken),
        )
        return "| " + " | ".join(str(c) for c in cells) + " |"


COLUMNS = (
    "race",
    "passed",
    "refused",
    "broken off",
    "ledger",
    "unsettled",
    "engine",
    "ledger tokens",
    "engine tokens",
    "s",
    "exact",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * 9}---|"


class Runner:
    """One race on running gateways."""

    def __init__(self, race: Race, processes: list[ApplianceProcess], engine: RaceEngine, key: str) -> None:
        self._race = race
        self._processes = processes
        self._engine = engine
        self._headers = {"Authorization": f"Bearer {key}"}
        self._chance = random.Random(race.seed)
        self.outcome = Outcome(race)

    async def run(self) -> None:
        left = iter(range(100, 100 + self._race.requests))
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
        async with httpx.AsyncClient(headers=self._headers, timeout=60, trust_env=False, limits=limits) as client:
            kills = asyncio.create_task(self._kill())
            await asyncio.gather(*(self._client(client, left) for _ in range(self._race.clients)))
            await kills

    async def _client(self, client: httpx.AsyncClient, left: Iterator[int]) -> None:
        for number in left:
            self.outcome.answers[await self._ask(client, number)] += 1

    async def _ask(self, client: httpx.AsyncClient, number: int) -> str:
        """Outcome of one request; it is tried again only when no gateway had it."""
        body: dict[str, Any] = {
            "model": CHAT_MODEL,
            "messages": [{"role": "user", "content": wish(number, WORDS)}],
            "max_tokens": MAX_TOKENS,
            "stream": self._chance.random() < 0.5,
        }
        while True:
            process = self._chance.choice(self._processes)
            try:
                reply = await client.post(f"{process.url}/v1/chat/completions", json=body)
            except httpx.ConnectError:
                await asyncio.sleep(0.2)
                continue
            except httpx.TransportError:
                return "broken off"
            if reply.status_code == 200:
                whole = not body["stream"] or reply.text.rstrip().endswith("[DONE]")
                return "200" if whole else "broken off"
            code = str(reply.json()["error"]["code"])
            if reply.status_code != 429:
                print(number, reply.status_code, reply.text, flush=True)
                return "failed"
            if code == "budget_in_use":
                continue  # it says: try again shortly
            return code

    async def _kill(self) -> None:
        """`kill -9` at seeded moments of the race, and a new start."""
        marks = sorted(self._chance.sample(range(15, 85), self._race.kills))
        for mark in marks:
            while len(self._engine.begun) < mark:
                await asyncio.sleep(0.002)
            victim = self._chance.choice(self._processes)
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.start)


async def with_budget(race: Race, processes: list[ApplianceProcess]) -> tuple[str, str]:
    """A person with the budget: their key and id. Returns when every gateway knows the limit."""
    async with AsyncExitStack() as stack:
        admin = await stack.enter_async_context(_session(processes[0], ADMIN))
        made = await admin.ok("POST", "/api/users", {"email": "racer@example.org", "name": "R", "password": PASSWORD})
        wanted = [f"{name}={amount}" for name, amount in race.limit.items()]
        told = await asyncio.to_thread(processes[0].cli_json, "limits", "set", "user:racer@example.org", *wanted)
        assert told["limits"] == race.limit
        racer = await stack.enter_async_context(_session(processes[0], "racer@example.org"))
        key = str((await racer.ok("POST", "/api/keys", {"name": "race", "expires_in_days": 1}))["key"])
    for process in processes:
        async with Client(base_url=process.url, headers={"Authorization": f"Bearer {key}"}) as client:
            deadline = time.monotonic() + 10
            while {s["limit"] for s in (await client.ok("GET", "/api/usage"))["limits"]}.isdisjoint(race.limit):
                assert time.monotonic() < deadline, "a gateway does not learn of the limit"
                await asyncio.sleep(0.1)
    return key, str(made["id"])


@asynccontextmanager
async def _session(process: ApplianceProcess, email: str) -> AsyncIterator[Client]:
    async with Client(base_url=process.url, headers={"X-Requested-With": "appliance"}) as client:
        await client.ok("POST", "/auth/login", {"email": email, "password": PASSWORD})
        yield client


@contextmanager
def surroundings(race: Race, place: Path, engine_url: str) -> Iterator[dict[str, str]]:
    """Database and Valkey as the race wants them; variables for the gateways."""
    with ExitStack() as stack:
        models = "".join(
            f'[[engines.models]]\nid = "{m}"\nbase_urls = ["{engine_url}"]\n' for m in (CHAT_MODEL, EMBED_MODEL)
        )
        (place / "engines.toml").write_text(models)
        variables = {"APPLIANCE_CONFIG": str(place / "engines.toml"), "APPLIANCE_DOCUMENTS_PARALLEL": "0"}
        if race.database == "postgres":
            running = stack.enter_context(postgres.server(place / "pg"))
            variables["APPLIANCE_DATABASE_URL"] = postgres.new_database(running)
        if race.shared == "valkey":
            variables["APPLIANCE_LIMITS_URL"] = stack.enter_context(valkey.server(place / "valkey"))
        yield variables


async def read_ledger(variables: dict[str, str], data: Path, user_id: str) -> Used | None:
    settings = load(None, {**variables, "APPLIANCE_DATA_DIR": str(data)})
    database = Database(storage_settings(settings))
    today = datetime.now(UTC).date()
    rows = await UsageReports(database).by("user", Span(today - timedelta(days=1), today))
    await database.close()
    return next((row for row in rows if row.what == user_id), None)


async def conduct(race: Race, place: Path) -> Outcome:
    began = time.monotonic()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # a killed gateway breaks its connections off
    async with serving(RaceEngine(delay_s=0.004)) as engine:
        with surroundings(race, place, engine.url) as variables:
            processes = [ApplianceProcess(place / f"data-{n}", variables) for n in range(race.gateways)]
            try:
                for process in processes:
                    await asyncio.to_thread(process.start)
                key, user_id = await with_budget(race, processes)
                runner = Runner(race, processes, engine, key)
                await runner.run()
                for process in processes:
                    code = await asyncio.to_thread(process.stop)
                    runner.outcome._hold(code == 0, f"the orderly end gave {code}")
            except (AssertionError, TimeoutError, httpx.HTTPError):
                for process in processes:
                    print(process.output()[-4000:])
                raise
            finally:
                for process in processes:
                    await asyncio.to_thread(process.stop)
            outcome = runner.outcome
            outcome.ledger = await read_ledger(variables, processes[0].data, user_id)
    outcome.engine_whole, outcome.engine_words = len(engine.whole), sum(engine.made.values())
    outcome.seconds = time.monotonic() - began
    outcome.check()
    return outcome


def run(race: Race) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="pma-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        return asyncio.run(conduct(race, place))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="races whose name has this in it")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(HEAD, flush=True)
    broken = 0
    for race in RACES:
        if chosen.only is None or chosen.only in race.name:
            outcome = run(Race(**{**vars(race), "seed": chosen.seed}))
            broken += bool(outcome.broken)
            print(outcome.row(), flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
