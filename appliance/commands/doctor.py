"""`appliance doctor`: what is wrong, in plain words, with the remedy.

Without options: this machine and this installation as they are. With `--host`: whether this machine is fit to be
installed on, by the checks of `planning.checks`. With `--pack`: those checks as one file for a machine that has nothing
of ours yet.
"""

import shutil
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.options import ConfigOption, JsonOption, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.configuration import inference_settings
from appliance.foundation import InvalidInput
from appliance.planning import checks
from appliance.planning.checks import FAILED, SKIPPED, Finding, Host, Limits, run_checks
from appliance.settings import Settings

NEEDED_BYTES = 10 * 1024**3
PACKED_MAIN = "import sys\n\nfrom appliance.planning.checks import main\n\nsys.exit(main())\n"


class SkipUnknown(InvalidInput):
    """A check that is not there cannot be left out: a misspelt one would run although somebody thinks it does not."""

    code = "skip_unknown"
    remedy = "'appliance doctor --json' lists the ids of all checks."


def doctor(
    host: Annotated[bool, typer.Option("--host", help="Is this machine fit to be installed on?")] = False,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", metavar="ID", help="Leave a check out; repeatable.")
    ] = None,
    pack: Annotated[
        Path | None, typer.Option("--pack", help="Write the checks of --host as one file that Python 3.9 runs.")
    ] = None,
    memory_gib: Annotated[float, typer.Option(min=0, help="With --host: memory that is enough.")] = Limits.memory_gib,
    disk_gib: Annotated[float, typer.Option(min=0, help="With --host: free room that is enough.")] = Limits.disk_gib,
    certificate: Annotated[str, typer.Option(help="With --host: the proxy's certificate, PEM.")] = "",
    key: Annotated[str, typer.Option(help="With --host: its key.")] = "",
    online: Annotated[bool, typer.Option("--online", help="With --host: a way out of the machine is meant.")] = False,
    bundle: Annotated[str, typer.Option(help="With --host: folder of the bundle; is it for this machine?")] = "",
    models: Annotated[str, typer.Option(help="With --host: folder with models; how fast does its disk read?")] = "",
    issuer: Annotated[str, typer.Option(help="With --host: address of the OpenID provider.")] = "",
    authority: Annotated[str, typer.Option(help="With --host: certificates to believe for it, PEM.")] = "",
    reach: Annotated[
        list[str] | None, typer.Option(metavar="HOST:PORT", help="With --host: a part elsewhere; repeatable.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exit code 1 when a check failed."""
    if pack is not None:
        pack_checks(pack)
        say(f"Copy {pack} to the host and run it there:  python3 {pack.name}")
        return
    left_out = skip or []
    if not host and any((certificate, key, online, bundle, models, issuer, authority, reach)):
        raise typer.BadParameter("What is given is looked at together with the host: add --host.")
    if host:
        limits = Limits(memory_gib=memory_gib, disk_gib=disk_gib)
        looked_at = Host(
            limits=limits,
            air_gapped=not online,
            certificate=certificate,
            key=key,
            bundle=bundle,
            models=models,
            issuer=issuer,
            authority=authority,
            reach=reach or (),
        )
        findings = run_checks(looked_at, left_out)
    else:
        findings = _own(settings_from(config), left_out)
    missing = set(left_out) - {f.check for f in findings if f.state == SKIPPED}
    if missing:
        raise SkipUnknown(f"There is no check '{min(missing)}'.")
    if as_json:
        print_json(findings)
    else:
        print_table(("check", "state", "detail", "remedy"), [(f.check, f.state, f.detail, f.remedy) for f in findings])
    if any(f.state == FAILED for f in findings):
        raise SystemExit(1)


def pack_checks(target: Path) -> None:
    """One file: a zip that Python runs, with the checks and nothing else of ours. The same bytes every time."""
    folder = Path(checks.__file__).parent
    files = {f"appliance/planning/checks/{f.name}": f.read_text(encoding="utf-8") for f in sorted(folder.glob("*.py"))}
    files |= {"__main__.py": PACKED_MAIN, "appliance/__init__.py": "", "appliance/planning/__init__.py": ""}
    with target.open("wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w") as archive:
            for name in sorted(files):
                archive.writestr(zipfile.ZipInfo(name), files[name])
    target.chmod(0o755)


def _own(settings: Settings, left_out: list[str]) -> list[Finding]:
    looks: dict[str, Callable[[Settings], Finding]] = {
        "data-folder": _data_folder,
        "disk": _disk,
        "memory": _memory,
        "port": _port,
        "engines": _engine_environment,
    }
    return [Finding(n, SKIPPED, "by --skip") if n in left_out else look(settings) for n, look in looks.items()]


def _data_folder(settings: Settings) -> Finding:
    folder = settings.data if settings.data.exists() else settings.data.parent
    while not folder.exists():
        folder = folder.parent
    probe = folder / ".appliance-write-probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return Finding(
            "data-folder",
            "failed",
            f"{folder}: {error.strerror}",
            "Give this user the folder, or set APPLIANCE_DATA_DIR.",
        )
    return Finding("data-folder", "ok", str(settings.data))


def _disk(settings: Settings) -> Finding:
    folder = settings.data
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.0f} GiB free"
    if free < NEEDED_BYTES:
        return Finding("disk", "warning", detail, "Free at least 10 GiB for engines, models and documents.")
    return Finding("disk", "ok", detail)


def _memory(_: Settings) -> Finding:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    values = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
    free_gib = values.get("MemAvailable", 0) / 1024**2
    if free_gib < 6:
        return Finding("memory", "warning", f"{free_gib:.1f} GiB free", "Two CPU engines need about 6 GiB.")
    return Finding("memory", "ok", f"{free_gib:.1f} GiB free")


def _port(settings: Settings) -> Finding:
    address = (settings.server.host, settings.server.port)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return Finding(
                "port",
                "warning",
                f"{address[0]}:{address[1]}: {error.strerror}",
                "Fine when the appliance is running; otherwise set APPLIANCE_PORT.",
            )
    return Finding("port", "ok", f"{address[0]}:{address[1]} is free")


def _engine_environment(settings: Settings) -> Finding:
    inference = inference_settings(settings)
    if all(model.base_urls for model in inference.models) and inference.models:
        return Finding("engines", "ok", "all run elsewhere")
    if not (inference.engine_dir / "bin" / "python").exists():
        return Finding("engines", "failed", f"{inference.engine_dir} is missing", "Run 'appliance setup'.")
    return Finding("engines", "ok", str(inference.engine_dir))
