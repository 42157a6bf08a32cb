"""Identifiers."""

import uuid


def new_id() -> uuid.UUID:
    """Make a random identifier. It is a name, never a secret."""
    return uuid.uuid4()
