"""The key that signs checkpoints: made at the first start, kept in a file of mode 0600, never in the database."""

import subprocess
import sys
from pathlib import Path

from appliance.audit.private import make_private, read_or_make

SEED_BYTES, PUBLIC_BYTES, SIGNATURE_BYTES = 32, 32, 64
KEY_FILE, PUBLIC_FILE = "signing-key", "signing-key.pub"
SIGNING_S = 60.0
PROGRAM = Path(__file__).with_name("sign.py")


class Signer:
    """Signs with the key of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sign(self, message: bytes) -> bytes:
        """64 bytes; takes a tenth of a second, so call it from a thread. Raises OSError."""
        file = self._folder / KEY_FILE
        read_or_make(file, SEED_BYTES)
        try:
            done = subprocess.run(  # noqa: S603 - our own program, with a path of ours
                [sys.executable, "-I", str(PROGRAM), str(file)],
                input=message,
                capture_output=True,
                timeout=SIGNING_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OSError("a checkpoint could not be signed in time") from error
        if len(done.stdout) != PUBLIC_BYTES + SIGNATURE_BYTES:
            raise OSError(f"a checkpoint could not be signed with {file}")
        public, signature = done.stdout[:PUBLIC_BYTES], done.stdout[PUBLIC_BYTES:]
        if not (self._folder / PUBLIC_FILE).exists():
            make_private(self._folder / PUBLIC_FILE, public.hex().encode())
        return signature


def is_signed(public_key: str, signature: bytes, message: bytes) -> bool:
    """Whether the key of `public_key` (hexadecimal) signed the message; False for what is no key or signature."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - 7 MB, for commands only
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - 7 MB, for commands only

    try:
        ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
