"""`appliance backup`: one point over everything, verified, restored, rehearsed."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from appliance.audit.findings import Report
from appliance.audit.verify import verify as look_at_chain
from appliance.backup import (
    BackupFailed,
    BackupManifest,
    Backups,
    Drill,
    Places,
    compare,
    create,
    drill,
    pack,
    restore,
    unpack,
    verify,
)
from appliance.commands import recovering
from appliance.commands.options import ConfigOption, JsonOption, run, settings_from
from appliance.commands.output import print_json, print_table, say
from appliance.configuration import audit_settings, inference_settings, storage_settings
from appliance.foundation import InvalidInput
from appliance.settings import Settings
from appliance.storage import Database, StorageSettings

FolderOption = Annotated[Path, typer.Option("--folder", help="Where backups lie; best on another machine's disk.")]
IdOption = Annotated[str, typer.Argument(help="Which; default: the newest.")]
IdentityOption = Annotated[Path | None, typer.Option(help="age key that opens the secrets.")]
RealmOption = Annotated[
    Path | None, typer.Option("--realm-url-file", help="File with the address of the bundled Keycloak's database.")
]
START_S, ANSWER_S = 300.0, 180.0


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="One consistent point over all data, and the way back.", no_args_is_help=True)
    group.command("create", help="Make a backup while the appliance runs, and let go of the oldest.")(make)
    group.command("list", help="Backups in the folder, oldest first.")(show)
    group.command("verify", help="Read every byte of a backup again.")(check)
    group.command("pack", help="Write a backup into one file, to carry it to another machine.")(carry_out)
    group.command("unpack", help="Bring a packed backup into a folder of backups, and verify it.")(carry_in)
    group.command("restore", help="Put a backup into an empty place and compare; nothing is written over.")(put_back)
    group.command("drill", help="Restore beside the running appliance, compare everything, and report the times.")(
        rehearse
    )
    recovering.register_backup(group)
    app.add_typer(group, name="backup")


def make(
    folder: FolderOption,
    recipients: Annotated[
        Path | None, typer.Option("--recipient-file", help="age recipients that secrets are encrypted to.")
    ] = None,
    without_secrets: Annotated[bool, typer.Option(help="Leave secrets and the audit's key out.")] = False,
    keep: Annotated[int, typer.Option(min=1, max=1000, help="So many stay, the newest.")] = 14,
    realm_url_file: RealmOption = None,
    proof: Annotated[
        Path | None, typer.Option(help="File of 'prove record', to look back at after a restore; it may be missing.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    if recipients is None and not without_secrets:
        raise InvalidInput(
            "Nobody is named to encrypt the secrets to.",
            remedy="Make a key with 'age-keygen', keep it elsewhere, and give its public half with --recipient-file; "
            "or leave secrets out with --without-secrets.",
        )
    places = _places(settings_from(config), config, realm_url_file)
    progress = _silent if as_json else say
    made = create(places, Backups(folder), recipients=recipients, keep=keep, progress=progress, proof=proof)
    if as_json:
        print_json(_row(made))
        return
    say(f"Made: {made.id}, {made.size_bytes / 1e6:.1f} MB in {made.seconds:.1f} s.")
    if made.left_out:
        say(f"Left out: {', '.join(made.left_out)}.")


def show(folder: FolderOption, as_json: JsonOption = False) -> None:
    backups = Backups(folder)
    rows = [_row(backups.manifest(backup_id)) for backup_id in backups.ids()]
    if as_json:
        print_json(rows)
        return
    columns = ("id", "point", "database", "files", "size_bytes", "seconds", "pause_s")
    print_table(columns, [[str(row[column]) for column in columns] for row in rows])


def check(folder: FolderOption, backup_id: IdOption = "", as_json: JsonOption = False) -> None:
    found = verify(Backups(folder), backup_id)
    if as_json:
        print_json(_row(found))
        return
    say(f"Whole: {found.id}, {found.rows} rows, {len(found.stored)} files.")


def carry_out(
    folder: FolderOption,
    to: Annotated[Path, typer.Option("--to", help="File to make; it must not be there.")],
    backup_id: IdOption = "",
    as_json: JsonOption = False,
) -> None:
    if to.exists():
        raise InvalidInput(f"{to} is there already.", remedy="Name another file.")
    packed = pack(Backups(folder), backup_id, to)
    if as_json:
        print_json(_row(packed) | {"file": str(to)})
        return
    say(f"{packed.id} is in {to}, {to.stat().st_size / 1e6:.1f} MB.")


def carry_in(
    folder: FolderOption,
    source: Annotated[Path, typer.Option("--from", help="File of 'backup pack'.")],
    as_json: JsonOption = False,
) -> None:
    found = unpack(source, Backups(folder))
    if as_json:
        print_json(_row(found))
        return
    say(f"Whole: {found.id}, made {found.point:%Y-%m-%d %H:%M:%S} UTC.")


def put_back(
    folder: FolderOption,
    backup_id: IdOption = "",
    identity: IdentityOption = None,
    realm_url_file: RealmOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exit code 1 when anything is not as the backup says."""
    began = time.monotonic()
    places = _places(settings_from(config), config, realm_url_file)
    progress = _silent if as_json else say
    done = restore(Backups(folder), backup_id, places, identity=identity, progress=progress)
    progress("comparing")
    found = compare(done, places, _look_at_audit)
    seconds = time.monotonic() - began
    if as_json:
        print_json(_row(done) | {"rto_s": round(seconds, 2), "differences": found})
    else:
        for sentence in found:
            say(sentence)
        word = "not as it was" if found else "everything is as it was"
        say(f"Restored {done.id} to {places.data}: {len(done.stored)} files, in {seconds:.1f} s; {word}.")
    if found:
        raise SystemExit(1)


def rehearse(
    folder: FolderOption,
    backup_id: IdOption = "",
    identity: IdentityOption = None,
    question: Annotated[str, typer.Option(help="Golden question to ask what was restored.")] = "",
    expect: Annotated[str, typer.Option(help="Words that the answer must have.")] = "",
    scratch: Annotated[Path | None, typer.Option(help="Folder to work in; default: beside the data folder.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exit code 1 when anything differs."""
    settings = settings_from(config)
    with tempfile.TemporaryDirectory(prefix="drill-", dir=scratch or settings.data.parent) as around:
        found = drill(
            Backups(folder),
            backup_id,
            _places(settings, config, None),
            scratch=Path(around) / "data",
            identity=identity,
            look_at_audit=_look_at_audit,
            ask=(lambda places: _asked(settings, places, config, question, expect)) if question else None,
            progress=_silent if as_json else say,
        )
    if as_json:
        print_json(found)
    else:
        _tell(found)
    if not found.is_good:
        raise SystemExit(1)


def _tell(found: Drill) -> None:
    for sentence in found.differences:
        say(sentence)
    if found.answer:
        say(f"Answer: {found.answer}")
    word = "Everything is as it was" if found.is_good else "Not as it was"
    say(f"{word}: {found.backup}, {found.rows} rows, {found.files} files, {found.size_bytes / 1e6:.1f} MB.")
    say(f"RPO {found.rpo_s:.0f} s (age of the point), RTO {found.rto_s:.1f} s (from empty to compared).")


def _row(manifest: BackupManifest) -> dict[str, Any]:
    return {
        "id": manifest.id,
        "point": manifest.point.isoformat(),
        "database": manifest.database,
        "rows": manifest.rows,
        "files": len(manifest.stored),
        "size_bytes": manifest.size_bytes,
        "audit_seq": manifest.audit_seq,
        "seconds": round(manifest.seconds, 2),
        "pause_s": round(manifest.pause_s, 3),
        "left_out": manifest.left_out,
    }


def _places(settings: Settings, config: Path | None, realm_url_file: Path | None) -> Places:
    """Raises InvalidInput: the index is somewhere that this cannot reach."""
    if settings.index.url:
        raise InvalidInput(
            "The index is on a Qdrant server, whose snapshots are not taken by this command yet.",
            remedy="Take a snapshot of its collections with Qdrant's own interface, after this one's point.",
        )
    given = (
        settings.database.url_file,
        settings.index.api_key_file,
        settings.identity.oidc.client_secret_file,
        settings.identity.oidc.session_key_file,
        settings.identity.oidc.directory_secret_file,
        settings.limits.url_file,
        settings.metrics.token_file,
    )
    return Places(
        data=settings.data,
        database_url=settings.database.url,
        audit=audit_settings(settings).folder,
        models=inference_settings(settings).model_dir,
        settings_file=config or settings.data / "appliance.toml",
        secret_files=tuple(Path(file) for file in given if file),
        realm_url=realm_url_file.read_text(encoding="utf-8").strip() if realm_url_file else "",
    )


def _look_at_audit(places: Places) -> Report:
    url = places.database_url or f"sqlite:///{places.sqlite_file}"
    settings = msgspec.structs.replace(Settings(), data_dir=str(places.data))
    if places.database_url:
        settings = msgspec.structs.replace(settings, database=msgspec.structs.replace(settings.database, url=url))
    return run(_verified(storage_settings(settings), places.audit))


async def _verified(storage: StorageSettings, audit: Path) -> Report:
    database = Database(storage)
    try:
        return await look_at_chain(database, [audit])
    finally:
        await database.close()


def _asked(settings: Settings, places: Places, config: Path | None, question: str, expect: str) -> str:
    """Start a gateway on what was restored, ask, and end it. Raises BackupFailed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        name: value for name, value in os.environ.items() if name not in ("APPLIANCE_URL", "APPLIANCE_API_KEY")
    }
    file = config or settings.data / "appliance.toml"
    environment |= {"APPLIANCE_DATA_DIR": str(places.data), "APPLIANCE_HOST": "127.0.0.1", "APPLIANCE_PORT": str(port)}
    environment |= {"APPLIANCE_CONFIG": str(file)} if file.is_file() else {}
    if places.database_url:
        address = places.data / "drill-database-url"  # as a file: settings may name one, and both may not be set
        address.touch(0o600)
        address.write_text(places.database_url, encoding="utf-8")
        environment["APPLIANCE_DATABASE_URL_FILE"] = str(address)
    environment["APPLIANCE_AUDIT_FOLDER"] = str(places.audit)
    command = [sys.executable, "-m", "appliance"]
    with (places.data / "drill.log").open("wb") as log:
        serving = subprocess.Popen([*command, "serve"], env=environment, stdout=log, stderr=log)  # noqa: S603 - our own
    try:
        _wait_for(places.data / "run" / "operator.json", serving)
        asked = [*command, "ask", question, "--json"]
        answer = _patiently(asked, environment)
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait()
    if expect.casefold() not in answer.casefold():
        raise BackupFailed(f"The answer to the golden question lacks '{expect}': {answer[:200]}")
    return answer


def _wait_for(note: Path, serving: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_S
    while not note.is_file():
        if serving.poll() is not None or time.monotonic() > ends:
            raise BackupFailed("A gateway on what was restored does not start.")
        time.sleep(0.2)


def _patiently(command: list[str], environment: dict[str, str]) -> str:
    """Engines may need a while. Raises BackupFailed."""
    ends = time.monotonic() + START_S
    while True:
        done = subprocess.run(  # noqa: S603 - our own
            command, env=environment, capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
        if done.returncode == 0:
            found = json.loads(done.stdout)
            return str(found.get("answer") or found.get("text") or done.stdout)
        if time.monotonic() > ends:
            raise BackupFailed(f"The golden question was not answered: {done.stdout[-300:]}{done.stderr[-300:]}")
        time.sleep(2)


def _silent(_: str) -> None:
    """With --json only the one value is printed."""
