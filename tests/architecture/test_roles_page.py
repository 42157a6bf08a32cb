"""The page about roles is what the program does."""

from tests.support.role_tables import tables, written


def test_the_documentation_has_the_table_of_roles_and_what_each_call_asks_for() -> None:
    assert written() == tables(), "run: python -m tests.support.role_tables"
