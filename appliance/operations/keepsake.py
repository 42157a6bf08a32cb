"""What only the control machine has, sealed beside a backup that was brought there: description and secrets.

Without the realm's administrator and the authority's key an installation can be restored, but not as the same one.
"""

from pathlib import Path

from appliance.backup import seal, unseal
from appliance.foundation import InvalidInput
from appliance.installation import hosts_with, load
from appliance.operations.secretwords import IDENTITY, RECIPIENTS, write_private

SUFFIX = ".control.age"
ADMINISTRATOR = "keycloak-admin-password"


class NoKeepsake(InvalidInput):
    """Secrets of the control machine are missing, and nothing brings them back."""

    code = "no_keepsake"
    remedy = (
        "Bring the folder of secrets from where it is kept; or name with --identity the key that opens the file "
        f"'{SUFFIX}' beside the packed backup."
    )


def keep(description: Path, archive: Path) -> Path:
    """Seal them into a file beside a packed backup; its name. Raises BackupFailed: `age` is missing here."""
    secrets = _secrets(description)
    files = {f"secrets/{p.name}": p for p in secrets.iterdir() if p.is_file() and p.name != IDENTITY}
    place = archive.with_name(archive.name.removesuffix(".tar") + SUFFIX)
    place.unlink(missing_ok=True)
    seal({**files, "installation.yml": description}, secrets / RECIPIENTS, place)
    return place


def take_back(description: Path, archive: Path, identity: Path) -> list[str]:
    """Secrets that are missing here, from the file beside a packed backup; their names. One that is here stays.

    Raises:
        BackupFailed: the key does not fit, or `age` is missing here.
    """
    place = archive.with_name(archive.name.removesuffix(".tar") + SUFFIX)
    if not place.is_file():
        return []
    secrets = _secrets(description)
    secrets.mkdir(parents=True, mode=0o700, exist_ok=True)
    brought = []
    for name, content in unseal(place, identity).items():
        folder, _, file = name.partition("/")
        if folder == "secrets" and "/" not in file and not (secrets / file).exists():
            write_private(secrets / file, content.decode().removesuffix("\n"))
            brought.append(file)
    return brought


def refuse_without(description: Path) -> None:
    """Raises NoKeepsake: our Keycloak would come back with an administrator whose password nobody here has."""
    installation = load(description)
    wanted = _secrets(description) / ADMINISTRATOR
    if hosts_with(installation, "identity") and not wanted.exists():
        raise NoKeepsake(f"{wanted} is missing, and the realm in the backup belongs to that administrator.")


def _secrets(description: Path) -> Path:
    return description.absolute().parent / load(description).secrets_dir
