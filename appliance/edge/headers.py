"""The headers that every answer carries, whoever wrote it: they close the browser's doors."""

Headers = tuple[tuple[bytes, bytes], ...]

PAGE_POLICY = (
    b"default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    b"frame-ancestors 'none'; form-action 'self'"
)
SEALED_POLICY = b"sandbox; default-src 'none'"

FIXED: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"content-security-policy", PAGE_POLICY),
    (b"cache-control", b"no-store"),
)
"""Sent with every answer; one that an answer has of its own counts instead."""

STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
"""A year without plain HTTP. Not for subdomains: they may be somebody else's."""

FIXED_NAMES = frozenset(name for name, _ in (*FIXED, STRICT_TRANSPORT))

SEALED = {"content-security-policy": SEALED_POLICY.decode(), "x-content-type-options": "nosniff"}
"""For bytes that people or programs brought: whatever they are, a browser runs nothing of them."""


def fixed_headers(*, https: bool) -> Headers:
    """`https`: people reach the appliance by TLS only, so browsers may be told to forget plain HTTP."""
    return (*FIXED, STRICT_TRANSPORT) if https else FIXED


def with_fixed(headers: object, fixed: Headers) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, and those of `fixed` that it has not."""
    own: list[tuple[bytes, bytes]] = list(headers)  # type: ignore[call-overload] # any iterable of pairs
    names = {name for name, _ in own}
    if FIXED_NAMES.isdisjoint(names):
        own += fixed
    else:
        own += [header for header in fixed if header[0] not in names]
    return own
