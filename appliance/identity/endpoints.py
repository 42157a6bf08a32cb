"""Names of the things that a program can call, for the scope of a key.

A key whose scope names endpoints may call these and nothing else. A name stands for a path under `/v1` and everything
below it; `scim` stands for provisioning, `api` for everything else outside `/v1` that needs a caller.
"""

SCIM = "scim"
"""Provisioning. Never part of a key that does not name it."""

ENDPOINTS = (
    "audio/transcriptions",
    "batches",
    "chat/completions",
    "completions",
    "embeddings",
    "files",
    "images/generations",
    "messages",
    "models",
    "rerank",
    "responses",
    "score",
    "vector_stores",
    "api",
    SCIM,
)
TWO_PARTS = frozenset(name.partition("/")[0] for name in ENDPOINTS if "/" in name)
"""First parts of names that have two."""


def endpoint_of(path: str) -> str:
    """The name of a path, also of one that does not exist: `/v1/responses/resp_1` is `responses`."""
    if not path.startswith("/v1/"):
        return SCIM if path.startswith("/scim/") else "api"
    first, _, rest = path[4:].partition("/")
    return f"{first}/{rest.partition('/')[0]}" if first in TWO_PARTS else first
