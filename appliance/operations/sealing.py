"""The key pair that secrets in backups are sealed to, in the form of age; hosts know its public half only.

age writes X25519 keys in Bech32: a word, the digit 1, the bytes in groups of five bits, a checksum of six characters.
"""

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def make_key_pair() -> tuple[str, str]:
    """(identity, as `age-keygen` writes it; its public half)."""
    key = X25519PrivateKey.generate()
    recipient = bech32("age", key.public_key().public_bytes_raw())
    identity = bech32("age-secret-key-", key.private_bytes_raw()).upper()
    return f"# public key: {recipient}\n{identity}", recipient


def bech32(word: str, data: bytes) -> str:
    """As BIP 173 has it."""
    values = list(_groups_of_five(data))
    head = [ord(c) >> 5 for c in word] + [0] + [ord(c) & 31 for c in word]
    checksum = _polymod([*head, *values, 0, 0, 0, 0, 0, 0]) ^ 1
    ends = [(checksum >> 5 * (5 - i)) & 31 for i in range(6)]
    return f"{word}1{''.join(CHARSET[v] for v in [*values, *ends])}"


def _groups_of_five(data: bytes) -> Iterable[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    for at in range(0, len(bits), 5):
        yield int(bits[at : at + 5].ljust(5, "0"), 2)


def _polymod(values: Iterable[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for at, term in enumerate(GENERATOR):
            found ^= term if (top >> at) & 1 else 0
    return found
