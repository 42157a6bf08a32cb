"""The provider's public keys, each bound to the one algorithm that it may be used with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import Algorithm, get_default_algorithms
from jwt.exceptions import PyJWTError

from appliance.identity.oidc.jws import ALGORITHMS, LONGEST_KID, Signed

log = structlog.get_logger(__name__)

MOST_KEYS = 100
SHORTEST_RSA, LONGEST_RSA = 2048, 8192
"""Bits. Longer ones only take the processor's time."""
OF_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
PRIVATE = ("d", "k", "p", "q")
"""Fields of secrets: a key that is published with them is nobody's any more."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and what it checks."""

    kid: str
    algorithm: str
    method: Algorithm = field(compare=False)
    public: Any

    def signed(self, token: Signed) -> bool:
        """Whether the signature is this key's, made with this key's algorithm. About 0.05 ms."""
        if token.algorithm != self.algorithm:
            return False
        try:
            return bool(self.method.verify(token.content, self.public, token.signature))
        except (PyJWTError, ValueError, TypeError):
            return False


class KeySet:
    """Keys by their id. The first of two with the same id counts."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys: dict[str, Key] = {}
        for key in keys:
            self._keys.setdefault(key.kid, key)

    def find(self, kid: str) -> Key | None:
        return self._keys.get(kid)

    def kids(self) -> frozenset[str]:
        return frozenset(self._keys)

    def listed(self) -> tuple[Key, ...]:
        return tuple(self._keys.values())

    def lost_in(self, newer: "KeySet") -> bool:
        """Whether a key of this set is gone or another one in `newer`."""
        return any(newer.find(kid) != key for kid, key in self._keys.items())


def read_keys(document: dict[str, object]) -> KeySet:
    """Keys for signatures in a JWKS; what cannot be used is left out. Raises ValueError when nothing is left."""
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError("it has no list of keys, or an endless one")
    found = [key for entry in listed if isinstance(entry, dict) and (key := _read(entry)) is not None]
    if not found:
        raise ValueError("it has no key for signatures that can be used")
    return KeySet(found)


def _read(entry: dict[str, Any]) -> Key | None:
    kid, algorithm = entry.get("kid"), _algorithm(entry)
    if algorithm is None or not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID:
        return None
    method = get_default_algorithms()[algorithm]
    try:
        public: Any = method.from_jwk(entry)
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        log.warning("a key of the identity provider cannot be read", kid=kid, reason=type(error).__name__)
        return None
    if isinstance(public, RSAPublicKey) and not SHORTEST_RSA <= public.key_size <= LONGEST_RSA:
        log.warning("a key of the identity provider is too short or too long", kid=kid, bits=public.key_size)
        return None
    return Key(kid, algorithm, method, public)


def _algorithm(entry: dict[str, Any]) -> str | None:
    """The one that the key is for; None when it is not for signatures, or not one of those that are taken.

    Without `alg` it follows from the curve; a bare RSA key is for RS256, which OpenID Connect has by default.
    """
    operations = entry.get("key_ops", ["verify"])
    if entry.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    if any(name in entry for name in PRIVATE):
        log.warning("the identity provider publishes a secret key; it is not used")
        return None
    kind, curve = entry.get("kty"), entry.get("crv")
    if kind == "RSA":
        wanted = entry.get("alg", "RS256")
        return wanted if isinstance(wanted, str) and wanted in ALGORITHMS and wanted[:2] in ("RS", "PS") else None
    if kind in ("EC", "OKP") and isinstance(curve, str) and curve in OF_CURVE:
        return OF_CURVE[curve] if entry.get("alg", OF_CURVE[curve]) in (OF_CURVE[curve], curve) else None
    return None
