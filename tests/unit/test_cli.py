"""The command line's own promises: what is registered where, and that a question need not load the whole appliance."""

import subprocess
import sys

import pytest
import typer

from appliance.cli import MODULES, build

AT_REST = ("dbos", "psycopg", "alembic", "mako", "qdrant_client", "redis", "langchain_core", "opentelemetry", "aiohttp")
"""What a gateway loads when it is needed only; its memory at rest is promised."""

HEAVY = ("litestar", "sqlalchemy", "dbos", "qdrant_client", "qdrant_edge", "kreuzberg", "onnxruntime")


def names(app: typer.Typer) -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined] # a group


@pytest.mark.parametrize("module", MODULES)
def test_each_module_registers_what_the_table_says(module: str) -> None:
    for command in MODULES[module]:
        assert names(build(command)) == set(MODULES[module])


def test_without_a_known_command_all_are_there() -> None:
    assert names(build("no-such-command")) == names(build()) == {c for listed in MODULES.values() for c in listed}


@pytest.mark.parametrize("command", ["ask", "ingest", "search", "users", "keys"])
def test_a_client_s_command_loads_no_server(command: str) -> None:
    code = f"""
import sys
from appliance.cli import build
build({command!r})
print([m for m in {HEAVY!r} if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_gateway_at_rest_has_loaded_nothing_that_waits_for_work() -> None:
    code = f"""
import sys
import appliance.commands.serving
print([m for m in {AT_REST!r} if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_bad_usage_ends_with_2() -> None:
    for arguments in (["ask"], ["no-such-command"], ["search", "x", "--limit", "many"]):
        done = subprocess.run(
            [sys.executable, "-m", "appliance", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, done.stderr
