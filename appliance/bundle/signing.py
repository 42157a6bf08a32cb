"""Keys and signatures with OpenSSH alone: the only signer and checker that every target has already."""

import subprocess
from pathlib import Path

from appliance.bundle.checking import NAMESPACE
from appliance.bundle.errors import BundleUnmade

WHO = "appliance-release"
"""Name under which a key made here stands in an `allowed_signers` file."""


def make_key(path: Path) -> tuple[Path, str]:
    """Make an Ed25519 key without a passphrase, and the line that lets others check what it signs.

    Returns:
        The file with that line, `<path>.allowed_signers`, and the key's fingerprint.

    Raises:
        BundleUnmade: there is a file already, or OpenSSH is missing.
    """
    if path.exists():
        raise BundleUnmade(f"{path} is there already.", remedy="Name another file; a key is never written over.")
    path.parent.mkdir(parents=True, exist_ok=True)
    _run(["-q", "-t", "ed25519", "-N", "", "-C", WHO, "-f", str(path)])
    kind, text = path.with_name(path.name + ".pub").read_text(encoding="ascii").split()[:2]
    signers = path.with_name(path.name + ".allowed_signers")
    signers.write_text(f'{WHO} namespaces="{NAMESPACE}" {kind} {text}\n', encoding="ascii")
    return signers, fingerprint(path)


def fingerprint(key: Path) -> str:
    """`SHA256:…` of a key, from its private or public half. Raises BundleUnmade."""
    return _run(["-l", "-f", str(key)]).split()[1]


def sign(file: Path, key: Path) -> None:
    """Write `<file>.sig`. The same bytes and key give the same signature (Ed25519). Raises BundleUnmade."""
    signature = file.with_name(file.name + ".sig")
    signature.unlink(missing_ok=True)
    _run(["-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE, str(file)])
    signature.chmod(0o644)


def _run(arguments: list[str]) -> str:
    try:
        done = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607 - no shell; the host's own
    except FileNotFoundError as error:
        raise BundleUnmade(
            "ssh-keygen is not on this machine.", remedy="On Debian: apt-get install openssh-client"
        ) from error
    if done.returncode != 0:
        raise BundleUnmade(f"ssh-keygen: {done.stderr.strip()[:300]}", remedy="Check the path and rights of the key.")
    return done.stdout
