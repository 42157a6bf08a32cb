"""Every route by everybody on every object: the answer is the one that the tables say, or it is a mismatch.

    python -m tests.campaigns.access_matrix --seed 1 [--database postgres] [--share 0.1]

The routes come from the running application, the expectations from `matrix_policy.py` and the product's table of
roles; a route that the policy does not name, or that declares something else, is a mismatch too. Calls are made in the
process of the application, in an order that the seed gives. Who is let in uses objects up, so the next one gets
another; who is refused must leave the object as it was, since others are let in to the same one afterwards.
"""

import argparse
import asyncio
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import msgspec
from litestar import Litestar

from appliance.app import Parts, build_app, build_parts, running
from appliance.foundation import configure_logging
from appliance.identity import endpoint_of
from appliance.identity.roles import TABLE, Role
from appliance.migrations import migrate
from appliance.settings import ServerSection
from tests.campaigns.matrix_bodies import Bodies
from tests.campaigns.matrix_breaks import BREAKS
from tests.campaigns.matrix_objects import RELATIONS, SHELF, Objects
from tests.campaigns.matrix_policy import Line, lines
from tests.campaigns.matrix_subjects import Crowd, Subject
from tests.fakes.engine import FakeEngine, serving
from tests.support import postgres
from tests.support.gateway import ADMIN, CHAT_MODEL, EMBED_MODEL, PASSWORD, settings_for
from tests.support.inside import Reply, call
from tests.support.policies import Policy, declared

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PLACES = ("/api", "/auth", "/v1", "/scim", "/health", "/metrics")
"""Everything else is a page of the web UI: public, and the same for everybody."""
READABLE = frozenset({"own", "user", "group", "nested", "everyone"})
CLASSES = {401: "unknown", 403: "forbidden", 404: "hidden"}
KEPT = frozenset({"file", "batch", "response"})
"""Of these a narrowed key has only what it made itself."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One call."""

    line: Line | None
    method: str
    path: str
    subject: Subject
    relation: str


@dataclass
class Outcome:
    calls: Counter[str] = field(default_factory=Counter)
    """By what was expected."""
    mismatches: list[str] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)
    """Routes that the policy does not name, or that declare something else."""
    no_method: int = 0
    seconds: float = 0.0

    def lines(self) -> list[str]:
        total = sum(self.calls.values())
        kinds = ", ".join(f"{n} {what}" for what, n in self.calls.most_common())
        return [
            f"calls: {total} in {self.seconds:.0f} s, and {self.no_method} to methods that are not there ({kinds})",
            f"mismatches: {len(self.mismatches)}, routes that differ from the policy: {len(self.undeclared)}",
        ]


def reach(roles: frozenset[Role], permission: str) -> str:
    """How far roles go, by the table alone."""
    (line,) = (line for line in TABLE if line.permission == permission)
    given = {line.reach.get(role, "no") for role in roles}
    return "any" if "any" in given else "own" if "own" in given else "no"


def expected(line: Line, subject: Subject, relation: str, path: str) -> str:
    """`in`, or one of `CLASSES`."""
    if subject.state == "bad" or (line.asks and subject.state != "good"):
        return "unknown"
    if not line.asks:
        return "in"
    if subject.scope.endpoints is not None and endpoint_of(path) not in subject.scope.endpoints:
        return "forbidden"
    for ask in line.asks:
        permission, _, far = ask.partition(" ")
        if reach(subject.counted, permission) not in ("any", far):
            return "forbidden"
    if _wrong_credential(line, subject):
        return "forbidden"
    return _of_object(line, subject, relation)


def _wrong_credential(line: Line, subject: Subject) -> bool:
    return (
        "scim" in line.flags
        or ("session" in line.flags and subject.via == "key")
        or ("whole" in line.flags and subject.scope.is_narrow)
        or ("person" in line.flags and (subject.via == "operator" or subject.scope.is_narrow))
        or ("makes" in line.flags and subject.scope.collections is not None)
    )


def _of_object(line: Line, subject: Subject, relation: str) -> str:
    far = max((reach(subject.counted, ask.partition(" ")[0]) for ask in line.asks), key=("no", "own", "any").index)
    if RELATIONS[line.kind] is SHELF:
        return _of_shelf(line.act, subject, relation, far)
    if line.kind == "membership" and line.act == "manage" and far == "own":
        return "in" if relation == "theirs" else "forbidden"
    if relation == "missing" and "calm" in line.flags:
        return "in"
    if relation == "missing" or (line.kind in KEPT and subject.scope.is_narrow):
        return "hidden"
    if line.act != "read" or relation == "own":
        return "in"
    is_program = line.kind in ("program", "program key")
    return "in" if is_program and (relation == "group" or far == "any") else "hidden"


def _of_shelf(act: str, subject: Subject, relation: str, far: str) -> str:
    sees = relation in READABLE and subject.scope.collections is None
    if relation == "missing" or act == "read":
        return "in" if sees else "hidden"
    if act == "explain":
        return "in" if sees or (far == "any" and subject.scope.collections is None) else "hidden"
    may = far == "any" or relation == "own"
    if subject.scope.collections is not None or (act == "manage read" and not sees):
        return "hidden"
    return "in" if may else "forbidden" if sees else "hidden"


class Matrix:
    """The cells, and what came of each."""

    def __init__(self, app: Litestar, parts: Parts, outcome: Outcome) -> None:
        self._app = app
        self._parts = parts
        self._outcome = outcome
        self._crowd = Crowd(app, parts)

    async def prepare(self) -> None:
        stranger = await self._crowd.person("stranger")
        self._objects = Objects(self._app, self._parts, self._crowd, stranger)
        await self._objects.prepare()
        self._bodies = Bodies(self._objects)
        await self._crowd.gather(stranger)
        for account in self._crowd.accounts:
            if account.email and account is not stranger:
                await self._parts.people.add_member(self._objects.inner, account.id)

    def cells(self) -> Iterator[Cell]:
        """All calls, and for each path the methods that it does not have."""
        known = {line.call: line for line in lines()}
        routes: dict[str, set[str]] = {}
        for route in declared(self._app):
            path = re.sub(r"\{[^}]*\}", "{}", route.path)
            routes.setdefault(path, set()).add(route.method)
            line = known.pop(f"{route.method} {path}", None)
            if path.startswith(PLACES):
                self._hold_declared(f"{route.method} {path}", line, route.policy)
            elif not route.policy.public:
                self._outcome.undeclared.append(f"{route.method} {path} is no page, and no line names it")
            yield from self._of_line(line)
        self._outcome.undeclared += [f"{name} is in the policy only" for name in known]
        for path, methods in routes.items():
            for verb in VERBS:
                if verb not in methods and path.startswith(PLACES):
                    yield from (Cell(None, verb, path, subject, "-") for subject in self._crowd.subjects)

    def _of_line(self, line: Line | None) -> Iterator[Cell]:
        if line is not None:
            for subject in self._crowd.subjects:
                yield from (Cell(line, line.method, line.path, subject, r) for r in RELATIONS[line.kind])

    def _hold_declared(self, name: str, line: Line | None, policy: Policy) -> None:
        if line is None:
            self._outcome.undeclared.append(f"{name} is not in the policy")
        elif line != _declared_line(line, policy):
            self._outcome.undeclared.append(f"{name} declares {policy}, and the policy says {sorted(line.asks)}")

    async def run(self, seed: int, share: float, only: str) -> None:
        """All cells whose path begins with `only`, or a share of them, in the seed's order."""
        chance = random.Random(f"matrix {seed}")
        cells = [c for c in self.cells() if c.path.startswith(only) and (share >= 1 or chance.random() < share)]
        chance.shuffle(cells)
        began = time.monotonic()
        for cell in cells:
            await self._try(cell)
        self._outcome.seconds += time.monotonic() - began

    async def _try(self, cell: Cell) -> None:
        if cell.line is None:
            path = re.sub(r"\{\}", lambda _: str(uuid4()), cell.path)
            reply = await call(self._app, cell.method, path, cell.subject.headers)
            self._outcome.no_method += 1
            if reply.status not in (401, 403, 404, 405):
                self._mismatch(cell, "no such method", reply)
            return
        ids = await self._objects.ids(cell.line.kind, cell.relation, cell.subject.account)
        left = iter(ids)
        path = re.sub(r"\{\}", lambda _: next(left), cell.path)
        query, body = self._bodies.of(cell.line, ids)
        reply = await call(self._app, cell.method, path + query, cell.subject.headers, body)
        wanted = expected(cell.line, cell.subject, cell.relation, path)
        self._outcome.calls[wanted] += 1
        if not _fits(wanted, reply.status, cell.line):
            self._mismatch(cell, wanted, reply)
        if reply.status < 300:
            await self._used(cell)

    async def _used(self, cell: Cell) -> None:
        assert cell.line is not None
        if "uses-up" in cell.line.flags:
            self._objects.spend(cell.line.kind, cell.relation, cell.subject.account)
        if "ends" in cell.line.flags and cell.subject.via == "session":
            cell.subject.headers = await self._crowd.session(cell.subject.account)

    def _mismatch(self, cell: Cell, wanted: str, reply: Reply) -> None:
        got = f"{reply.status} {reply.body[:160].decode(errors='replace')}"
        text = f"{cell.method} {cell.path}, {cell.subject.name}, {cell.relation}: not '{wanted}' but {got}"
        self._outcome.mismatches.append(text)


def _fits(wanted: str, status: int, line: Line) -> bool:
    if wanted == "in":
        return status < 300 or status in line.also
    return CLASSES.get(status) == wanted


def _declared_line(line: Line, policy: Policy) -> Line:
    """The line as the application declares it."""
    declared_flags = {"session": policy.session, "whole": policy.whole, "scim": policy.scim}
    flags = line.flags - declared_flags.keys()
    flags |= {name for name, is_set in declared_flags.items() if is_set}
    return Line(line.method, line.path, policy.asks, line.kind, line.act, flags, line.also)


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int = 1
    rounds: int = 2
    share: float = 1.0
    only: str = ""
    breaks: str = ""


async def play(plan: Plan, database_url: str = "") -> Outcome:
    """The campaign, on an application of its own."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="pma-") as folder:
        async with serving(FakeEngine()) as engine:
            settings = settings_for(Path(folder), engine.url, engine.url, database_url)
            parts = build_parts(msgspec.structs.replace(settings, server=ServerSection(request_log="off")))
            await migrate(parts.database)
            await parts.people.create(email=ADMIN, name="Administrator", password=PASSWORD, roles=("administrator",))
            app = build_app(parts)
            async with running(parts):
                for model in (CHAT_MODEL, EMBED_MODEL):
                    await parts.engines.wait_ready(model, 120)
                matrix = Matrix(app, parts, outcome)
                await matrix.prepare()
                if plan.breaks:
                    BREAKS[plan.breaks](app, parts)
                for number in range(plan.rounds):
                    await matrix.run(plan.seed + number, plan.share, plan.only)
    outcome.undeclared = sorted(set(outcome.undeclared))
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2, help="each with all cells, in another order")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--only", default="", help="paths that begin so")
    parser.add_argument("--break", dest="breaks", choices=tuple(BREAKS), default="", help="break a check on purpose")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    chosen = parser.parse_args()
    configure_logging("error")
    with ExitStack() as stack:
        url = ""
        if chosen.database == "postgres":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pma-"))
            Path(folder).chmod(0o755)
            url = postgres.new_database(stack.enter_context(postgres.server(Path(folder) / "pg")))
        outcome = asyncio.run(play(Plan(chosen.seed, chosen.rounds, chosen.share, chosen.only, chosen.breaks), url))
    print("\n".join([*outcome.lines(), *outcome.undeclared, *(f"MISMATCH: {m}" for m in outcome.mismatches[:80])]))
    return 1 if outcome.mismatches or outcome.undeclared else 0


if __name__ == "__main__":
    raise SystemExit(main())
