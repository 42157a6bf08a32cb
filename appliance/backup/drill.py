"""Restore beside the running appliance, and compare. A backup that was never restored is a hope."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.backup import postgres
from appliance.backup.compare import LookAtAudit, compare
from appliance.backup.errors import BackupFailed
from appliance.backup.folder import Backups
from appliance.backup.places import Places
from appliance.backup.restore import restore

Progress = Callable[[str], None]
Ask = Callable[[Places], str]
"""Answers a question from what was restored; the sentence to report. Raises BackupFailed."""


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill found."""

    backup: str
    rpo_s: float
    """Age of the point when the drill began: so much would be lost."""
    rto_s: float
    """From an empty place to every check passed."""
    rows: int
    files: int
    size_bytes: int
    differences: tuple[str, ...]
    """One sentence each; empty when everything is as it was."""
    answer: str

    @property
    def is_good(self) -> bool:
        return not self.differences


def drill(
    backups: Backups,
    backup_id: str,
    live: Places,
    *,
    scratch: Path,
    identity: Path | None,
    look_at_audit: LookAtAudit,
    ask: Ask | None,
    progress: Progress,
) -> Drill:
    """Restore into a scratch folder (and, with PostgreSQL, a scratch database), compare, and take it away again.

    Args:
        backups: Where backups lie.
        backup_id: Which; "" is the newest.
        live: The running appliance, of which nothing but the database server is used.
        scratch: Folder to work in; it must not be there.
        identity: `age` key; without one the audit's private parts are not looked at.
        look_at_audit: The whole check of the audit's chain.
        ask: A golden question to the restored appliance; None asks none.
        progress: Told what is going on.

    Raises:
        BackupRefused, BackupFailed: it cannot be restored at all.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    name, url = postgres.scratch_database(live.database_url) if live.database_url else ("", "")
    places = Places(scratch, url, scratch / "audit", scratch / "models")
    try:
        manifest = restore(backups, backup_id, places, identity=identity, progress=progress)
        said = compare(manifest, places, look_at_audit)
        answer = ""
        if ask is not None:
            progress("asking the golden question")
            try:
                answer = ask(places)
            except BackupFailed as failed:
                said.append(failed.message)
        return Drill(
            backup=manifest.id,
            rpo_s=(now - manifest.point).total_seconds(),
            rto_s=time.monotonic() - began,
            rows=manifest.rows,
            files=len(manifest.stored),
            size_bytes=manifest.size_bytes,
            differences=tuple(said),
            answer=answer,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if name:
            postgres.drop_database(live.database_url, name)
