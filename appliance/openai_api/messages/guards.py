"""The version header."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from appliance.openai_api.messages.errors import VersionMissing

VERSIONS = frozenset({"2023-06-01", "2026-10-21"})
"""The newer one took the sampling fields away; they work here with both, since open models know them."""


def requires_version(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let in callers who know the shapes that are spoken here. Raises VersionMissing."""
    named = connection.headers.get("anthropic-version")
    if named is None:
        raise VersionMissing("The header 'anthropic-version' is missing.")
    if named.strip() not in VERSIONS:
        raise VersionMissing(f"The version '{named[:40]}' is not spoken here.")
