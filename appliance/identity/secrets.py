"""Secrets: made, checked, never stored.

Key format: `pma_<8 characters to find it>_<43 characters of secret>_<CRC-32 in hex>`. The checksum lets scanners tell a
real key from noise and lets us refuse a mistyped one without a query. 43 base62 characters hold 256 bits, so a plain
SHA-256 of the secret is safe to keep (it cannot be guessed as a password can).
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass

ALPHABET = string.ascii_letters + string.digits
KEY_PATTERN = re.compile(r"pma_([A-Za-z0-9]{8})_([A-Za-z0-9]{43})_([0-9a-f]{8})")
OPERATOR_PREFIX = "pmo_"


@dataclass(frozen=True, slots=True)
class ApiKeyParts:
    lookup: str
    secret: str

    def text(self) -> str:
        body = f"pma_{self.lookup}_{self.secret}"
        return f"{body}_{_checksum(body)}"


def random_text(length: int) -> str:
    """Base62 characters from the system's random source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_api_key() -> ApiKeyParts:
    return ApiKeyParts(lookup=random_text(8), secret=random_text(43))


def read_api_key(text: str) -> ApiKeyParts | None:
    """None when the text is not a key of ours or was mistyped."""
    match = KEY_PATTERN.fullmatch(text)
    if match is None or _checksum(text.rpartition("_")[0]) != match[3]:
        return None
    return ApiKeyParts(lookup=match[1], secret=match[2])


def fingerprint(secret: str) -> str:
    """SHA-256, hex: what is stored instead of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
