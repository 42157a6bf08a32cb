"""Restore beside the running appliance, and compare. A backup that was never restored is a hope."""

import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.audit.findings import Report
from appliance.backup import postgres, sqlite
from appliance.backup.errors import BackupFailed
from appliance.backup.folder import Backups
from appliance.backup.places import Places
from appliance.backup.restore import restore
from appliance.backup.tables import differences

Progress = Callable[[str], None]
LookAtAudit = Callable[[Places], Report]
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
    name = f"drill_{uuid.uuid4().hex[:12]}"
    made = bool(live.database_url)
    url = postgres.scratch_database(live.database_url, name) if made else ""
    places = Places(scratch, url, scratch / "audit", scratch / "models")
    try:
        manifest = restore(backups, backup_id, places, identity=identity, progress=progress)
        found = postgres.tables_of(url) if url else sqlite.tables_of(places.sqlite_file)
        said = [*differences(manifest.tables, found), *_audit_findings(look_at_audit(places), manifest.audit_hash)]
        said += [f"File {sha} is missing." for sha in manifest.stored if not _file(places, sha).is_file()]
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
            rows=sum(facts.rows for facts in found.values()),
            files=len(manifest.stored),
            size_bytes=manifest.size_bytes,
            differences=tuple(said),
            answer=answer,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if made:
            postgres.drop_database(live.database_url, name)


def _audit_findings(report: Report, head: str) -> list[str]:
    said = [finding.sentence for finding in report.findings]
    if head and report.head != head:
        said.append("The audit's chain does not end where it did.")
    return said


def _file(places: Places, sha256: str) -> Path:
    return places.files / sha256[:2] / sha256[2:4] / sha256
