"""The backup of a cluster is the backup of a host: the same command, in a pod of its own."""

import pytest
from typer.main import get_command

from appliance import cli
from tests.support.chart import named, render


def test_the_job_calls_a_command_that_is_there() -> None:
    if "backup" not in cli.MODULES:
        pytest.skip("SKIPPED: there is no backup command yet")
    job = named(render("ha"), "CronJob", "chat-backup")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    words = job["containers"][0]["command"]
    command = get_command(cli.build("backup"))
    for word in words[1:3]:
        command = command.commands[word]  # type: ignore[attr-defined] # groups have them
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words[3:] if word.startswith("--")} <= options


def test_without_keys_secrets_are_left_out() -> None:
    with_keys = named(render("ha"), "CronJob", "chat-backup")
    without = named(render("ha", "--set", "backup.recipients=null"), "CronJob", "chat-backup")
    assert "--recipient-file" in str(with_keys)
    assert "--without-secrets" in str(without)
    assert "--without-secrets" not in str(with_keys)


def test_no_backup_without_being_told() -> None:
    assert not [o for o in render("ci") if o["kind"] == "CronJob"]
