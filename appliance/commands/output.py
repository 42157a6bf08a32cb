"""How commands speak: tables and sentences for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from appliance.foundation import ApplianceError

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 300
"""Characters of a line that goes into a pipe or file."""


def console() -> "Console":
    """Standard output with tables and progress, plain when it is no terminal."""
    from rich.console import Console  # noqa: PLC0415 - takes 5 MB, for which a server has no use

    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)


def say(text: str) -> None:
    """A line for people, on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_json(value: Any) -> None:
    """The one value that `--json` prints."""
    sys.stdout.write(json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Nothing is cut: names are there to be copied. What is too long for a terminal is folded."""
    from rich.table import Table  # noqa: PLC0415 - see above

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
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
