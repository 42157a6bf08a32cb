"""The command `appliance`: one Typer application, one module of `commands/` per noun."""

import sys

import typer

from appliance.commands import background, engines, knowledge, models, people, serving
from appliance.commands.output import fail
from appliance.foundation import ApplianceError


def build() -> typer.Typer:
    """All commands."""
    app = typer.Typer(
        name="appliance",
        help="A firm's private chat, OpenAI-compatible API and document search, on its own machines.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    serving.register(app)
    background.register(app)
    engines.register(app)
    models.register(app)
    knowledge.register(app)
    people.register(app)
    return app


def main() -> None:
    """Exit code 0 done, 1 failed, 2 bad usage."""
    try:
        build()()
    except ApplianceError as error:
        fail(error, as_json="--json" in sys.argv)
