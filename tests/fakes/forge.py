"""Makes any token, honest or not: libraries refuse to make most of the dishonest ones."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
}
CURVE_NAMES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class SigningKey:
    """A key pair, the id under which it is published, and the algorithm that it is for."""

    kid: str
    algorithm: str
    private: Any

    @classmethod
    def made(cls, kid: str, algorithm: str = "RS256", bits: int = 2048) -> "SigningKey":
        if algorithm in CURVES:
            return cls(kid, algorithm, ec.generate_private_key(CURVES[algorithm]()))
        if algorithm == "EdDSA":
            return cls(kid, algorithm, ed25519.Ed25519PrivateKey.generate())
        return cls(kid, algorithm, rsa.generate_private_key(public_exponent=65537, key_size=bits))

    def jwk(self) -> dict[str, Any]:
        """As a JWKS has it."""
        common = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        public = self.private.public_key()
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = public.public_numbers()
            return {**common, "kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            numbers, size = public.public_numbers(), (self.private.key_size + 7) // 8
            curve = CURVE_NAMES[self.algorithm]
            return {**common, "kty": "EC", "crv": curve, "x": number(numbers.x, size), "y": number(numbers.y, size)}
        return {**common, "kty": "OKP", "crv": "Ed25519", "x": base64url(public.public_bytes_raw())}

    def public_forms(self) -> dict[str, bytes]:
        """The public key in every form that somebody might take for a shared secret."""
        public = self.private.public_key()
        spki, pem = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.PEM
        text = public.public_bytes(pem, spki)
        forms = {
            "PEM": text,
            "PEM without newline": text.rstrip(b"\n"),
            "PEM with CRLF": text.replace(b"\n", b"\r\n"),
            "DER": public.public_bytes(serialization.Encoding.DER, spki),
            "JWK": json.dumps(self.jwk()).encode(),
            "JWK compact": json.dumps(self.jwk(), separators=(",", ":")).encode(),
            "JWKS": json.dumps({"keys": [self.jwk()]}).encode(),
            "empty": b"",
        }
        if isinstance(self.private, rsa.RSAPrivateKey):
            forms["PKCS1"] = public.public_bytes(pem, serialization.PublicFormat.PKCS1)
            forms["modulus"] = self.jwk()["n"].encode()
        return forms

    def sign(self, content: bytes, algorithm: str = "") -> bytes:
        """A signature as JWS has it; `algorithm` may be another one that the key can do."""
        name = algorithm or self.algorithm
        if name == "EdDSA":
            return bytes(self.private.sign(content))
        digest = HASHES[name[2:]]()
        if name.startswith("ES"):
            r, s = decode_dss_signature(self.private.sign(content, ec.ECDSA(digest)))
            size = (self.private.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        if name.startswith("PS"):
            pad: Any = padding.PSS(padding.MGF1(digest), digest.digest_size)
        else:
            pad = padding.PKCS1v15()
        return bytes(self.private.sign(content, pad, digest))


def part(value: Any) -> str:
    """A part of a token: bytes as they are, text as UTF-8, anything else as JSON."""
    if isinstance(value, bytes):
        return base64url(value)
    return base64url(value.encode() if isinstance(value, str) else json.dumps(value).encode())


def signed(header: Any, payload: Any, key: SigningKey, algorithm: str = "") -> str:
    """A token with whatever header and payload, signed by the key all the same."""
    content = f"{part(header)}.{part(payload)}"
    return f"{content}.{base64url(key.sign(content.encode(), algorithm))}"


def unsigned(header: Any, payload: Any, signature: bytes | str = b"") -> str:
    """A token with whatever for a signature."""
    return f"{part(header)}.{part(payload)}.{base64url(signature) if isinstance(signature, bytes) else signature}"


def with_secret(header: dict[str, Any], payload: Any, secret: bytes) -> str:
    """A token signed with a shared secret, whatever its header says."""
    content = f"{part(header)}.{part(payload)}"
    digest = DIGESTS.get(str(header.get("alg")), hashlib.sha256)
    return f"{content}.{base64url(hmac.new(secret, content.encode(), digest).digest())}"
