"""A backup counts when it is whole, says what it lacks, and comes back as it was."""

import fcntl
import gzip
import hashlib
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from appliance.audit.findings import Report
from appliance.backup import (
    BackupFailed,
    BackupManifest,
    BackupRefused,
    Backups,
    Places,
    compare,
    drill,
    pack,
    restore,
    unpack,
    verify,
)
from appliance.backup import create as make
from appliance.backup.sqlite import tables_of
from appliance.migrations import migrate
from appliance.storage import Database, StorageSettings

SECRETS = ("c7ab21-key-of-checkpoints", "99f0de-key-of-sessions")
FILES = [b"first document", b"second document", b""]
STEPS = [
    ("appliance.backup.moment", "_copy_audit"),
    ("appliance.backup.moment", "_hold_files"),
    ("appliance.backup.sqlite.SqliteSnapshot", "write"),
    ("appliance.backup.sqlite.SqliteSnapshot", "tables"),
    ("appliance.backup.create", "take"),
    ("appliance.backup.create", "_pack"),
    ("appliance.backup.create", "_pack_files"),
    ("appliance.backup.create", "write_manifest"),
    ("appliance.backup.folder.Backups", "finish"),
    ("appliance.backup.folder.Backups", "keep_newest"),
    ("appliance.backup.folder.Backups", "_drop_unused"),
]


def add_file(places: Places, data: bytes) -> str:
    name = hashlib.sha256(data).hexdigest()
    path = places.files / name[:2] / name[2:4] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


@pytest.fixture
async def places(tmp_path: Path) -> Places:
    """A data folder with something of everything."""
    data = tmp_path / "data"
    data.mkdir()
    found = Places(data, "", data / "audit", data / "models", settings_file=data / "appliance.toml")
    url = f"sqlite+aiosqlite:///{found.sqlite_file}"
    database = Database(StorageSettings(database_url=url, files_dir=found.files))
    await migrate(database)
    await database.close()
    for content in FILES:
        add_file(found, content)
    (found.index / "space" / "shard").mkdir(parents=True)
    (found.index / "space" / "shard" / "segment").write_bytes(os.urandom(4096))
    found.audit.mkdir()
    (found.audit / "checkpoints.jsonl").write_text('{"number": 1}\n')
    (found.audit / "signing-key.pub").write_text("ab")
    (found.audit / "signing-key").write_text(SECRETS[0])
    (data / "secrets").mkdir()
    (data / "secrets" / "session-key").write_text(SECRETS[1])
    (data / "appliance.toml").write_text("")
    (found.models / "tiny").mkdir(parents=True)
    (found.models / "tiny" / "appliance-manifest.json").write_text("{}")
    (found.models / "tiny" / "model.safetensors").write_text("large")
    (found.adapters / "a").mkdir(parents=True)
    (found.adapters / "a" / "adapter.safetensors").write_text("small")
    return found


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path / "backups")


def silent(_: str) -> None:
    """Progress that nobody reads."""


def made(places: Places, backups: Backups, *, recipients: Path | None = None, keep: int = 3) -> BackupManifest:
    return make(places, backups, recipients=recipients, keep=keep, progress=silent)


def elsewhere(tmp_path: Path, name: str = "new") -> Places:
    data = tmp_path / name
    return Places(data, "", data / "audit", data / "models")


def put_back(backups: Backups, places: Places, identity: Path | None = None) -> BackupManifest:
    return restore(backups, "", places, identity=identity, progress=silent)


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def age_key(folder: Path) -> tuple[Path, Path]:
    """(identity, recipients)."""
    if shutil.which("age-keygen") is None:
        pytest.skip("SKIPPED: age is missing (apt-get install age)")
    identity, recipients = folder / "identity", folder / "recipients"
    subprocess.run(["age-keygen", "-o", str(identity)], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", str(identity)], check=True, capture_output=True, text=True).stdout
    recipients.write_text(public)
    return identity, recipients


def test_everything_comes_back_as_it_was(places: Places, backups: Backups, tmp_path: Path) -> None:
    manifest, new = made(places, backups), elsewhere(tmp_path)
    put_back(backups, new)
    assert tables_of(new.sqlite_file) == tables_of(places.sqlite_file) == manifest.tables
    for folder in ("files", "index", "adapters"):
        assert content(new.data / folder) == content(places.data / folder)
    assert set(content(new.audit)) == {"checkpoints.jsonl", "signing-key.pub"}
    assert set(content(new.models)) == {"tiny/appliance-manifest.json"}
    assert manifest.left_out == ("secrets",)
    assert not (new.data / ".restore").exists()


def test_secrets_lie_encrypted_and_come_back_with_the_key_only(
    places: Places, backups: Backups, tmp_path: Path
) -> None:
    identity, recipients = age_key(tmp_path)
    assert made(places, backups, recipients=recipients).left_out == ()
    unpacked = [gzip.decompress(d) if d.startswith(b"\x1f\x8b") else d for d in content(backups.root).values()]
    for secret in SECRETS:
        assert secret.encode() not in b"".join(unpacked)
    new = elsewhere(tmp_path)
    put_back(backups, new, identity)
    assert content(new.audit) == content(places.audit)
    assert content(new.data / "secrets") == content(places.data / "secrets")
    assert (new.audit / "signing-key").stat().st_mode & 0o077 == 0
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(BackupFailed, match="age"):
        put_back(backups, elsewhere(tmp_path, "third"), age_key(other)[0])


def test_a_missing_recipient_makes_no_backup(places: Places, backups: Backups, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed):
        made(places, backups, recipients=tmp_path / "not there")
    assert backups.ids() == []


def test_files_are_kept_once_and_dropped_with_the_last_that_has_them(places: Places, backups: Backups) -> None:
    first = made(places, backups)
    shutil.rmtree(places.files)
    name = add_file(places, b"third document")
    second = made(places, backups, keep=2)
    assert set(second.stored) == {name}
    assert {p.name for p in (backups.root / "pool").glob("??/*")} == {*first.stored, name}
    made(places, backups, keep=2)
    assert backups.ids()[0] == second.id
    assert {p.name for p in (backups.root / "pool").glob("??/*")} == {name}


@pytest.mark.parametrize("what", ["database.sqlite", "index.tar.gz", "manifest.json", "manifest.sha256", "pool"])
def test_a_changed_byte_is_found(places: Places, backups: Backups, what: str) -> None:
    manifest = made(places, backups)
    folder = backups.path("")
    file = backups.pooled(next(n for n, size in manifest.stored.items() if size)) if what == "pool" else folder / what
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(BackupRefused) as refused:
        verify(backups, "")
    assert file.name in refused.value.message or "manifest" in refused.value.message


def test_a_missing_file_and_one_too_many_are_found(places: Places, backups: Backups) -> None:
    manifest = made(places, backups)
    pooled = backups.pooled(next(iter(manifest.stored)))
    pooled.rename(pooled.with_suffix(".away"))
    with pytest.raises(BackupRefused, match="is missing"):
        verify(backups, "")
    pooled.with_suffix(".away").rename(pooled)
    (backups.path("") / "more").touch()
    with pytest.raises(BackupRefused, match="does not belong"):
        verify(backups, "")


def test_nothing_is_written_over(places: Places, backups: Backups, tmp_path: Path) -> None:
    made(places, backups)
    before = content(places.data)
    with pytest.raises(BackupRefused, match="has data already"):
        put_back(backups, places)
    assert content(places.data) == before
    new = elsewhere(tmp_path)
    put_back(backups, new)
    with pytest.raises(BackupRefused, match="has data already"):
        put_back(backups, new)


def test_a_damaged_backup_restores_nothing(places: Places, backups: Backups, tmp_path: Path) -> None:
    made(places, backups)
    (backups.path("") / "index.tar.gz").write_bytes(b"")
    new = elsewhere(tmp_path)
    with pytest.raises(BackupRefused):
        put_back(backups, new)
    assert not new.data.exists()


def test_a_restore_that_was_cut_short_can_be_run_again(places: Places, backups: Backups, tmp_path: Path) -> None:
    made(places, backups)
    new = elsewhere(tmp_path)
    (new.data / ".restore" / "files").mkdir(parents=True)
    (new.index / "space").mkdir(parents=True)
    put_back(backups, new)
    assert tables_of(new.sqlite_file) == tables_of(places.sqlite_file)
    assert content(new.index) == content(places.index)


def test_a_drill_says_that_all_is_there_and_what_is_not(places: Places, backups: Backups, tmp_path: Path) -> None:
    made(places, backups)

    def rehearsed(findings: tuple[str, ...] = ()) -> tuple[str, ...]:
        def look(_: Places) -> Report:
            return Report((), 0, 0, 0, "", 0, 0, (), (), 0.0)

        def ask(restored: Places) -> str:
            assert restored.sqlite_file.is_file()
            if findings:
                raise BackupFailed(findings[0])
            return "140 euros"

        found = drill(
            backups,
            "",
            places,
            scratch=tmp_path / "scratch",
            identity=None,
            look_at_audit=look,
            ask=ask,
            progress=silent,
        )
        assert found.rto_s > 0
        assert found.rpo_s > 0
        assert found.files == len(FILES)
        return found.differences

    assert rehearsed() == ()
    assert rehearsed(("No answer.",)) == ("No answer.",)
    assert not (tmp_path / "scratch").exists()


def _die_at(where: str, name: str, places: Places, backups: Backups) -> None:
    """Runs in a child: make a backup, and be gone without a word when it comes to this step."""
    module, _, owner = where.partition(".Sqlite") if ".Sqlite" in where else where.partition(".Backups")
    __import__(module)
    target = sys.modules[module]
    if owner or where != module:
        target = getattr(target, where.rsplit(".", 1)[1])
    setattr(target, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    make(places, backups, recipients=None, keep=1, progress=silent)


@pytest.mark.parametrize(("where", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_kill_at_any_step_leaves_no_half_that_counts(
    places: Places, backups: Backups, tmp_path: Path, where: str, name: str
) -> None:
    first = made(places, backups)
    add_file(places, b"new document")
    child = multiprocessing.get_context("fork").Process(target=_die_at, args=(where, name, places, backups))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    for backup_id in backups.ids():
        verify(backups, backup_id)
    assert first.id in backups.ids() or len(backups.ids()) == 1
    second = made(places, backups, keep=1)
    assert backups.ids() == [second.id]
    assert not list(backups.root.glob("*.partial"))
    assert not places.scratch.exists()
    put_back(backups, elsewhere(tmp_path))


def test_a_disk_that_is_full_leaves_the_others(
    places: Places, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(places, backups)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys.modules["appliance.backup.create"], "write_manifest", full)
    with pytest.raises(BackupFailed, match="No space left"):
        made(places, backups, keep=1)
    assert backups.ids() == [first.id]
    verify(backups, "")


def test_two_at_once_are_refused(places: Places, backups: Backups) -> None:
    with backups.alone(), pytest.raises(BackupFailed, match="Another backup"):
        made(places, backups)


def test_writers_of_the_database_wait_for_nothing_and_those_of_the_index_for_the_point(
    places: Places, backups: Backups
) -> None:
    """The point waits for a write to the index that is under way; rows that come later are not in."""
    with closing(sqlite3.connect(places.sqlite_file)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE later (n INTEGER PRIMARY KEY)")
        writer.execute("INSERT INTO later VALUES (1)")
        writer.commit()
        with (places.data / "index.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_SH)
            done: list[BackupManifest] = []
            thread = threading.Thread(target=lambda: done.append(made(places, backups)))
            thread.start()
            time.sleep(0.3)
            assert done == []
            writer.execute("INSERT INTO later VALUES (2)")
            writer.commit()
        thread.join(30)
        writer.execute("INSERT INTO later VALUES (3)")
        writer.commit()
    assert done[0].tables["later"].rows == 2


def test_a_packed_backup_comes_to_another_machine_and_back(places: Places, backups: Backups, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text("{}")
    manifest = make(places, backups, recipients=None, keep=3, progress=silent, proof=proof)
    assert manifest.left_out == ("secrets",)
    assert make(places, backups, recipients=None, keep=3, progress=silent, proof=tmp_path / "none").left_out == (
        "proof",
        "secrets",
    )
    there, file = Backups(tmp_path / "there"), tmp_path / "carried.tar"
    pack(backups, manifest.id, file)
    for _ in range(2):
        assert unpack(file, there) == manifest
    assert content(there.path("")) == content(backups.path(manifest.id))
    assert sorted(p.name for p in there.root.glob("pool/??/*")) == sorted(manifest.stored)
    new, head = elsewhere(tmp_path), Report((), 0, 0, 0, manifest.audit_hash, 0, 0, (), (), 0.0)
    assert compare(put_back(there, new), new, lambda _: head) == []
    (new.files / (sha := next(iter(manifest.stored)))[:2] / sha[2:4] / sha).unlink()
    assert compare(manifest, new, lambda _: head) == [f"File {sha} is missing."]


@pytest.mark.parametrize("wrong", ["../out", "/out", "pool/../out", "a/b/c", "link", "byte", "none"])
def test_a_packed_backup_that_is_none_is_refused(places: Places, backups: Backups, tmp_path: Path, wrong: str) -> None:
    manifest, file, there = made(places, backups), tmp_path / "carried.tar", Backups(tmp_path / "there")
    pack(backups, "", file)
    if wrong == "byte":
        data = file.read_bytes()
        at = data.index(b"first document")
        file.write_bytes(data[:at] + b"F" + data[at + 1 :])
    elif wrong == "none":
        file.write_bytes(b"something else")
    else:
        with tarfile.open(file, "a") as archive:
            info = tarfile.TarInfo(f"{manifest.id}/link" if wrong == "link" else wrong)
            info.type, info.linkname = (tarfile.SYMTYPE, "/etc/passwd") if wrong == "link" else (tarfile.REGTYPE, "")
            archive.addfile(info)
    with pytest.raises((BackupRefused, BackupFailed)):
        unpack(file, there)
    assert there.ids() == []
    assert not (tmp_path / "out").exists()
