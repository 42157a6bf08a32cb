"""Digests of tables, to say after a restore that nothing differs."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from appliance.backup.manifest import TableFacts

MODULUS = 1 << 256


def facts_of(rows: Iterable[Sequence[Any]]) -> TableFacts:
    """Rows may come in any order, which another server's collation would change: their hashes are added up."""
    total, count = 0, 0
    for row in rows:
        digest = hashlib.sha256()
        for value in row:
            text = bytes(value) if isinstance(value, bytes | memoryview) else repr(value).encode()
            digest.update(len(text).to_bytes(8, "big") + text)
        total = (total + int.from_bytes(digest.digest(), "big")) % MODULUS
        count += 1
    return TableFacts(count, f"{total:064x}")


def differences(before: dict[str, TableFacts], after: dict[str, TableFacts]) -> list[str]:
    """One sentence for each table that is not the same."""
    said = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            said.append(f"Table {name} is {'new' if old is None else 'missing'}.")
        elif old.rows != new.rows:
            said.append(f"Table {name} has {new.rows} rows, and had {old.rows}.")
        elif old.digest != new.digest:
            said.append(f"Table {name} has as many rows as before, and not the same.")
    return said
