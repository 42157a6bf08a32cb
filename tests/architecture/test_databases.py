"""Tests ask for a database by a fixture that stands in their signature: by that it is decided where they run."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "integration"
RULE = FOLDER / "conftest.py"
HIDDEN = ('getoption("--database")', 'getfixturevalue("postgres', 'getfixturevalue("sqlite', "new_database(")
"""Ways to a database that the rule does not see: such a test would be left out on PostgreSQL."""


@pytest.mark.parametrize(
    "path", sorted(set(FOLDER.rglob("*.py")) - {RULE}), ids=lambda path: str(path.relative_to(FOLDER))
)
def test_no_test_takes_a_database_by_another_way(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [way for way in HIDDEN if way in text] == []
