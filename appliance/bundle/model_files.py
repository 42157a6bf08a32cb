"""What a model may consist of: tensors as safetensors, tokenizers and settings as text. Nothing that a reader runs."""

import json
import re
from collections.abc import Iterator
from typing import Any

from appliance.bundle.checking import HEAD, Entry, Refused

PLAIN = (".safetensors", ".json", ".txt", ".jinja", ".model", ".md")
NAMES = re.compile(r"(LICEN[CS]E|NOTICE|README|COPYING)[A-Za-z0-9._-]*|vocab|merges", re.IGNORECASE)
PICKLE = re.compile(rb"\x80[\x02-\x05]")
PROGRAM = (b"\x7fELF", b"MZ", b"#!", b"PK\x03\x04")
MOST_HEADER_BYTES = 100 << 20
SMALL_BYTES = 64 << 20


def refuse_what_runs(entries: Iterator[Entry]) -> tuple[set[str], int]:
    """Look into every file of a model.

    Returns:
        Types of the tensors, and the bytes that they have together.

    Raises:
        Refused: a file could carry code (by its name, its first bytes or a setting), or is no whole safetensors file.
    """
    dtypes: set[str] = set()
    size = 0
    for entry in entries:
        if entry.path in HEAD or entry.path == "verify.py":
            continue
        name = entry.path.rsplit("/", 1)[-1]
        if not name.endswith(PLAIN) and not NAMES.fullmatch(name):
            raise Refused(entry.path, "could carry code; a model has safetensors and text only")
        _refuse_first_bytes(entry)
        if name.endswith(".safetensors"):
            dtypes |= _dtypes_of(entry)
            size += entry.size
        elif name.endswith(".json") and entry.size <= SMALL_BYTES:
            _refuse_own_code(entry)
    if not size:
        raise Refused("model", "has no *.safetensors")
    return dtypes, size


def _refuse_first_bytes(entry: Entry) -> None:
    with entry.open() as file:
        first = file.read(8)
    if PICKLE.match(first):
        raise Refused(entry.path, "is a pickle, which runs code when it is read")
    if first.startswith(PROGRAM):
        raise Refused(entry.path, "is a program or a packed archive")


def _dtypes_of(entry: Entry) -> set[str]:
    """Read the header: a length, JSON, and tensors that fill the rest without a gap or an overlap."""
    with entry.open() as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MOST_HEADER_BYTES, entry.size - 8):
            raise Refused(entry.path, "is no safetensors file: its header does not fit into it")
        header = _json(entry, file.read(length))
    tensors = [facts for name, facts in header.items() if name != "__metadata__"]
    try:
        spans = sorted((int(facts["data_offsets"][0]), int(facts["data_offsets"][1])) for facts in tensors)
        dtypes = {str(facts["dtype"]) for facts in tensors}
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise Refused(entry.path, "is no safetensors file: a tensor has no type or place") from error
    at = 0
    for begin, end in spans:
        if begin != at or end < begin:
            raise Refused(entry.path, "is no safetensors file: its tensors overlap, or leave a gap")
        at = end
    if at != entry.size - 8 - length:
        raise Refused(entry.path, "is no safetensors file: its tensors do not fill it")
    return dtypes


def _refuse_own_code(entry: Entry) -> None:
    with entry.open() as file:
        settings = _json(entry, file.read())
    for key in ("auto_map", "custom_pipelines"):
        if key in settings:
            raise Refused(entry.path, f"wants to run code of its own ('{key}')")


def _json(entry: Entry, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused(entry.path, "is no JSON") from error
    return value if isinstance(value, dict) else {}
