"""What is secret is compared in constant time, wherever it is compared."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for p in (ROOT / "appliance").rglob("*.py") if "commands" not in p.parts)
"""Commands run for the machine's own user, who has the secret already."""
SECRET = re.compile(r"(^|_)(secret|token|password|passphrase|verifier|nonce|mac|signature)(_hash)?$")


def name_of(node: ast.expr) -> str:
    """The last part of a name or attribute; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_column(node: ast.expr) -> bool:
    """A condition for the database, where hashes of random secrets are looked up by an index."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id.endswith("Row")


def plain_comparisons(source: str) -> list[int]:
    """Lines that compare something secret with a value by `==` or `!=`; with a constant nothing is learned."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        sides = (node.left, node.comparators[0])
        if any(isinstance(side, ast.Constant) or is_column(side) for side in sides):
            continue
        if any(SECRET.search(name_of(side)) for side in sides):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_secret_is_compared_character_by_character(path: Path) -> None:
    assert not plain_comparisons(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("bad", ["a.token == given", "given != self._secret", "row.secret_hash == hashed"])
def test_it_would_be_found(bad: str) -> None:
    assert plain_comparisons(bad) == [1]
