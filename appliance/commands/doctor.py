"""`appliance doctor`: what is wrong, in plain words, with the remedy."""

import shutil
import socket
from pathlib import Path

from msgspec import Struct

from appliance.commands.options import ConfigOption, JsonOption, settings_from
from appliance.commands.output import print_json, print_table
from appliance.configuration import inference_settings
from appliance.settings import Settings

NEEDED_BYTES = 10 * 1024**3


class Finding(Struct):
    """One check: its name, how it went, and what to do."""

    check: str
    state: str
    """ok, warning or failed."""
    detail: str
    remedy: str = ""


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Exit code 1 when a check failed."""
    settings = settings_from(config)
    findings = [_data_folder(settings), _disk(settings), _memory(), _port(settings), _engine_environment(settings)]
    if as_json:
        print_json(findings)
    else:
        print_table(("check", "state", "detail", "remedy"), [(f.check, f.state, f.detail, f.remedy) for f in findings])
    if any(f.state == "failed" for f in findings):
        raise SystemExit(1)


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
            "data folder",
            "failed",
            f"{folder}: {error.strerror}",
            "Give this user the folder, or set APPLIANCE_DATA_DIR.",
        )
    return Finding("data folder", "ok", str(settings.data))


def _disk(settings: Settings) -> Finding:
    folder = settings.data
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.0f} GiB free"
    if free < NEEDED_BYTES:
        return Finding("disk", "warning", detail, "Free at least 10 GiB for engines, models and documents.")
    return Finding("disk", "ok", detail)


def _memory() -> Finding:
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
