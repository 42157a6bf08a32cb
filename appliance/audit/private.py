"""Secrets of the audit, each in a file that only the owner of the data folder may read."""

import os
import secrets
from pathlib import Path


def read_or_make(file: Path, size_bytes: int) -> bytes:
    """The bytes of a file; random ones are made when it is not there. Raises OSError."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return make_private(file, secrets.token_bytes(size_bytes))


def make_private(file: Path, content: bytes) -> bytes:
    """Make a file of mode 0600, whole or not at all; when another process was faster, what that one wrote."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, file)
    except FileExistsError:
        content = file.read_bytes()
    finally:
        draft.unlink()
    return content
