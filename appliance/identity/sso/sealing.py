"""Hides and protects what is kept outside our memory: AES-256-GCM with a key from a file."""

import base64
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.foundation import InvalidInput

NONCE_BYTES = 12
KEY_BYTES = 32


class KeyFileUnusable(InvalidInput):
    """The file with the key of sessions cannot be read, or holds no key."""

    code = "session_key_unusable"
    remedy = (
        "Put 64 hexadecimal digits into it, readable by the appliance only; or remove it, and everybody logs in anew."
    )


class Seal:
    """Seals for one purpose are nothing for another."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    def seal(self, purpose: str, content: bytes) -> str:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, content, purpose.encode())
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, purpose: str, text: str) -> bytes | None:
        """The content; None when it was not sealed here for this purpose, or was changed."""
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        if len(raw) <= NONCE_BYTES:
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode())
            except InvalidTag:
                continue
        return None


def read_keys(file: Path) -> list[bytes]:
    """The keys of a file, which is made with one when it is not there. Raises KeyFileUnusable."""
    try:
        if not file.exists():
            _make(file)
        keys = [bytes.fromhex(line) for line in file.read_text(encoding="ascii").split()]
    except (OSError, ValueError) as error:
        raise KeyFileUnusable(f"{file} cannot be read: {type(error).__name__}.") from error
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise KeyFileUnusable(f"{file} holds no key.")
    return keys


def _make(file: Path) -> None:
    """Of several processes that make it at once, one wins."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as handle:
            handle.write(secrets.token_hex(KEY_BYTES) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(fresh, file)
        except FileExistsError:
            return
    finally:
        fresh.unlink(missing_ok=True)
