"""Secrets of an installation: made once on the control machine, copied there when the description names a file."""

import os
import secrets
from pathlib import Path

from appliance.foundation import read_secret
from appliance.installation import Installation

MADE = ("database-password", "keycloak-database-password", "keycloak-admin-password", "cache-password", "metrics-token")


def ensure_secrets(installation: Installation, description: Path) -> Path:
    """The folder with one file for each secret. Raises SecretUnusable: a named file cannot be read, or others can."""
    folder = description.absolute().parent / installation.secrets_dir
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    for name in MADE:
        if not (folder / name).exists():
            write_private(folder / name, secrets.token_urlsafe(32))
    given = {
        "database-url": installation.database.url_file,
        "cache-url": installation.cache.url_file,
        "index-key": installation.index.api_key_file,
        "oidc-client": installation.identity.client_secret_file,
    }
    for name, file in given.items():
        if file:
            write_private(folder / name, read_secret(name, str(description.absolute().parent / file)))
    return folder


def write_private(file: Path, text: str) -> None:
    """Whole or not at all, for its owner's eyes."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
