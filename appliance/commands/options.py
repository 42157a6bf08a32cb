"""Options that every command has."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from appliance.settings import Settings, load

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file; default: appliance.toml in the data folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


def settings_from(config: Path | None) -> Settings:
    """Raises SettingsInvalid."""
    return load(config)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)
