"""The command `appliance`: one Typer application, one module of `commands/` per noun.

Only the module of the command that was called is imported: those that run the appliance load all of it, and a question
or a list must not wait for that.
"""

import sys
from importlib import import_module

import typer

from appliance.commands.output import fail
from appliance.foundation import ApplianceError

MODULES = {
    "serving": ("up", "serve", "worker", "migrate", "doctor"),
    "background": ("start", "stop"),
    "engines": ("setup", "engine", "engines"),
    "models": ("models",),
    "knowledge": ("ingest", "ask", "search", "collections"),
    "people": ("users", "groups"),
    "roles": ("roles",),
    "access": ("access",),
    "keys": ("keys",),
    "budgets": ("limits", "usage"),
    "identity": ("identity",),
    "audit": ("audit",),
    "prove": ("prove",),
    "installing": ("install", "upgrade", "rollback", "drain"),
    "recovering": ("restore",),
    "diagnosing": ("diagnose",),
    "break_glass": ("break-glass",),
    "bundle": ("bundle",),
    "chart": ("chart",),
    "backup": ("backup",),
    "support": ("support",),
}
"""Module of `commands/` → the commands that it registers; a test holds this against the modules."""


def build(wanted: str | None = None) -> typer.Typer:
    """All commands, or those of one command's module when `wanted` is one."""
    app = typer.Typer(
        name="appliance",
        help="A firm's private chat, OpenAI-compatible API and document search, on its own machines.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(lambda: None)  # without it, an application with one command has no subcommands
    owners = [module for module, commands in MODULES.items() if wanted in commands]
    for module in owners or MODULES:
        import_module(f"appliance.commands.{module}").register(app)
    return app


def main() -> None:
    """Exit code 0 done, 1 failed, 2 bad usage."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except ApplianceError as error:
        fail(error, as_json="--json" in sys.argv)
