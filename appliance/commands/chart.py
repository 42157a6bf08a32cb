"""`appliance chart`."""

from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.options import ConfigOption, settings_from
from appliance.commands.output import say
from appliance.configuration import inference_settings
from appliance.inference import Catalogue


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="The Helm chart.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("values", help="Values of the chart from the description of an installation, as YAML.")(values)
    app.add_typer(group, name="chart")


def values(
    installation: Annotated[Path, typer.Option("--installation", "-i", help="installation.yml.")],
    config: ConfigOption = None,
) -> None:
    import yaml  # noqa: PLC0415 - no other command writes YAML

    from appliance.installation import load, to_values  # noqa: PLC0415 - only this command needs it

    catalogue = Catalogue.load(inference_settings(settings_from(config)).model_dir)
    made = to_values(load(installation), catalogue)
    say(yaml.safe_dump(made, sort_keys=False, allow_unicode=True).rstrip())
