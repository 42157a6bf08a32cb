"""What must not lie about in clear, encrypted by `age` to a key whose other half is kept elsewhere."""

import io
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from appliance.backup.errors import BackupFailed, BackupRefused

FILE = "secrets.tar.age"


def seal(files: Mapping[str, Path], recipients: Path, place: Path) -> None:
    """Encrypt files, under the names that they get in the archive. Raises BackupFailed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in sorted(files):
            archive.add(files[name], arcname=name, recursive=False)
    _age(["--encrypt", "--recipients-file", str(recipients), "--output", str(place)], packed.getvalue())


def unseal(place: Path, identity: Path) -> dict[str, bytes]:
    """What was sealed, by its name. Raises BackupFailed: it is not the key; BackupRefused: a name leads out."""
    data = _age(["--decrypt", "--identity", str(identity), str(place)])
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r") as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            content = archive.extractfile(member) if member.isreg() else None
            if path.is_absolute() or ".." in path.parts or content is None:
                raise BackupRefused(f"{place} holds '{member.name}', which leads out of its place.")
            found[member.name] = content.read()
    return found


def unseal_into(place: Path, identity: Path, into: Path) -> None:
    """The same as files that only their owner reads."""
    for name, content in unseal(place, identity).items():
        file = into / name
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(0o600)
        file.write_bytes(content)


def _age(arguments: list[str], given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(["age", *arguments], input=given, capture_output=True, check=False)  # noqa: S603, S607 - no shell; the host's own
    except FileNotFoundError as error:
        raise BackupFailed(
            "'age' is missing, which encrypts secrets.", remedy="On Debian: apt-get install age"
        ) from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise BackupFailed(
            f"age: {said[0] if said else 'failed'}", remedy="Check the recipient's or the identity's file."
        )
    return done.stdout
