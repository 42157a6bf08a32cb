"""How commands speak: tables and sentences for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table

from appliance.foundation import ApplianceError


def console() -> Console:
    """Standard output, plain when it is no terminal."""
    return Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A line for people, on standard output."""
    console().print(text, markup=False)


def print_json(value: Any) -> None:
    """The one value that `--json` prints."""
    sys.stdout.write(json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def fail(error: ApplianceError, *, as_json: bool) -> NoReturn:
    """Say the cause and the way out, and end with code 1."""
    if as_json:
        print_json({"error": {"code": error.code, "message": error.message, "remedy": error.way_out}})
    else:
        sys.stderr.write(f"Error: {error.sentence()}\n")
    raise SystemExit(1)
