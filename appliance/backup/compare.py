"""Whether what was restored is what the backup says: every table, the audit's chain, every file."""

from collections.abc import Callable
from pathlib import Path

from appliance.audit.findings import Report
from appliance.backup import postgres, sqlite
from appliance.backup.manifest import BackupManifest, TableFacts
from appliance.backup.places import Places
from appliance.backup.tables import differences

LookAtAudit = Callable[[Places], Report]
"""The whole check of the audit's chain."""


def compare(manifest: BackupManifest, places: Places, look_at_audit: LookAtAudit) -> list[str]:
    """One sentence for each difference; before anything of the restored appliance has started."""
    said = [*differences(manifest.tables, tables_at(places)), *_audit_findings(look_at_audit(places), manifest)]
    if places.realm_url and manifest.realm:
        said += [f"Realm: {s}" for s in differences(manifest.realm, postgres.tables_of(places.realm_url))]
    return said + [f"File {sha} is missing." for sha in manifest.stored if not _file(places, sha).is_file()]


def tables_at(places: Places) -> dict[str, TableFacts]:
    return postgres.tables_of(places.database_url) if places.database_url else sqlite.tables_of(places.sqlite_file)


def _audit_findings(report: Report, manifest: BackupManifest) -> list[str]:
    said = [finding.sentence for finding in report.findings]
    if manifest.audit_hash and report.head != manifest.audit_hash:
        said.append("The audit's chain does not end where it did.")
    return said


def _file(places: Places, sha256: str) -> Path:
    return places.files / sha256[:2] / sha256[2:4] / sha256
