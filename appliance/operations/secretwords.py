"""Secrets of an installation: made once on the control machine, copied there when the description names a file."""

import os
import secrets
from pathlib import Path

from appliance.foundation import read_secret
from appliance.installation import Installation, InstallationInvalid
from appliance.operations.sealing import make_key_pair

RECIPIENTS = "backup-recipients"
"""To whom secrets in backups are encrypted: public keys, which lie beside the secrets so that hosts get them alike."""
IDENTITY = "backup-identity"
"""Opens them. Made beside the other secrets where a description names no recipient, to be taken to a safe."""
MADE = ("database-password", "keycloak-database-password", "keycloak-admin-password", "cache-password", "metrics-token")


def ensure_secrets(installation: Installation, description: Path) -> Path:
    """The folder with one file for each secret.

    Raises:
        SecretUnusable: a named file cannot be read, or others can.
        InstallationInvalid: the recipients of backups cannot be read, or are no public keys.
    """
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
    if installation.backup.recipient_file:
        write_private(
            folder / RECIPIENTS, _recipients(description.absolute().parent / installation.backup.recipient_file)
        )
    elif not (folder / RECIPIENTS).exists():
        identity, recipient = make_key_pair()
        write_private(folder / IDENTITY, identity)
        write_private(folder / RECIPIENTS, recipient)
    return folder


def _recipients(file: Path) -> str:
    """Lines of public keys; others may read them."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError) as error:
        raise InstallationInvalid(f"backup.recipient_file: {file} cannot be read: {type(error).__name__}.") from error
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys or not all(key.startswith(("age1", "ssh-")) for key in keys):
        raise InstallationInvalid(
            f"backup.recipient_file: {file} holds something else than public keys.",
            remedy="Name the public half, as 'age-keygen -y KEY' prints it; the key itself belongs into a safe.",
        )
    return "\n".join(keys)


def write_private(file: Path, text: str) -> None:
    """Whole or not at all, for its owner's eyes."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
