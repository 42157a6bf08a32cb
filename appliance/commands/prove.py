"""`appliance prove`: the same look at a running appliance before and after a change."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer

from appliance.commands.client import Api, NotRunning, Target, connect, find_target
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, say
from appliance.foundation import SystemClock
from appliance.proving import (
    Difference,
    Plan,
    Proof,
    compare,
    observe,
    read_proof,
    read_questions,
    touched_since,
    write_proof,
)
from appliance.settings import Settings

KNOCK_S = 60
"""Longest wait for the answer to a knock, seconds."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    prove = typer.Typer(help="Whether the appliance still does what it did before a change.", no_args_is_help=True)
    prove.command("record", help="Look at everything now, and keep what was seen.")(record)
    prove.command("replay", help="Look again, and say what is worse than what was kept.")(replay)
    app.add_typer(prove, name="prove")


def record(
    to: Annotated[Path, typer.Option("--to", help="File to keep it in.")],
    questions: Annotated[Path | None, typer.Option(help="Golden questions, in TOML.")] = None,
    accounts: Annotated[int, typer.Option(min=1, max=5000, help="Accounts whose rights are looked at.")] = 200,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    settings = settings_from(config)
    written = read_questions(_file(settings, questions)) if _file(settings, questions).is_file() or questions else ()
    proof = run(_observe(settings, None, Plan(accounts=accounts), written))
    write_proof(proof, to)
    broken = [f"{name}: {wrong}" for name, wrong in proof.contract.items() if wrong]
    if as_json:
        print_json({"file": str(to), "broken": broken} | _size(proof))
    else:
        told = _size(proof)
        say(f"Kept in {to}: {', '.join(f'{count} {name}' for name, count in told.items())}.")
        for line in broken:
            say(f"Already broken: {line}.")


def replay(
    source: Annotated[Path, typer.Option("--from", help="File of 'prove record'.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exit code 1 when something is worse."""
    before = read_proof(source)
    differences = run(_replay(settings_from(config), before))
    if as_json:
        print_json([{"about": d.about, "sentence": d.sentence} for d in differences])
    else:
        for difference in differences:
            say(difference.sentence)
        say("Something is worse than before." if differences else "Everything is as it was.")
    if differences:
        raise SystemExit(1)


async def _replay(settings: Settings, before: Proof) -> list[Difference]:
    after = await _observe(settings, before, before.plan, ())
    async with connect(settings) as api:
        touched = await touched_since(_Door(api, find_target(settings)), before)
    return compare(before, after, touched)


async def _observe(settings: Settings, before: Proof | None, plan: Plan, written: Any) -> Proof:
    async with connect(settings) as api:
        door = _Door(api, find_target(settings))
        return await observe(door, SystemClock(), plan=plan, written=written, before=before)


def _file(settings: Settings, questions: Path | None) -> Path:
    return questions or settings.data / "golden.toml"


def _size(proof: Proof) -> dict[str, int]:
    return {
        "promises": len(proof.contract),
        "accounts": len(proof.rights),
        "collections": len(proof.documents),
        "golden questions": len(proof.golden),
    }


class _Door:
    """The command line's client, and knocks without its token."""

    def __init__(self, api: Api, target: Target) -> None:
        self._api = api
        self._target = target

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        return await self._api.call(method, path, body)

    def events(self, method: str, path: str, body: Any = None) -> AsyncIterator[tuple[str, Any]]:
        return self._api.events(method, path, body)

    def bytes(self, method: str, path: str, body: Any = None) -> AsyncIterator[bytes]:
        return self._api.bytes(method, path, body)

    async def knock(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        timeout = aiohttp.ClientTimeout(total=KNOCK_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.request(method, self._target.url + path, json=body) as reply,
            ):
                value = await reply.json() if "json" in reply.content_type else None
                return reply.status, value
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotRunning(
                f"Nobody answers at {self._target.url} (any more).", remedy="Start it with 'appliance up'."
            ) from error
