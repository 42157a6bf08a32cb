"""Triggers that count changes of rights in `rights_version`, for migrations to make and make anew.

Whoever changes rights, by whatever way, moves the count in the same transaction; processes that remember rights look at
it (decision 0017). Columns are named, so that noting a key's last use or a wrong password is no change of rights.

A migration that lets Alembic rebuild one of these tables on SQLite (`batch_alter_table`) loses the table's triggers:
call `drop_triggers` before and `create_triggers` after it. One that adds a column that decides about rights, or a
table of such, calls `renew_triggers` with all columns of that table that do.
"""

from collections.abc import Iterable, Mapping, Sequence

from alembic import op

FUNCTION = """
CREATE FUNCTION count_rights_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE rights_version SET version = version + 1 WHERE xmin <> CAST(pg_current_xact_id() AS xid);
  RETURN NULL;
END $$
"""
# xmin: once a transaction is enough; an update of ten thousand rows would rewrite the one row as often.

Columns = Mapping[str, Sequence[str]]


def create_triggers(columns: Columns, *, uncounted_inserts: Sequence[str] = ()) -> None:
    """`columns`: of each table, those that decide about rights."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(FUNCTION)
    _create(columns, uncounted_inserts)


def renew_triggers(columns: Columns, *, uncounted_inserts: Sequence[str] = ()) -> None:
    """Give these tables triggers for these columns, in place of those that they may have; other tables keep theirs."""
    _drop(columns)
    _create(columns, uncounted_inserts)


def stop_counting(tables: Iterable[str]) -> None:
    """Take these tables' triggers away; other tables keep theirs."""
    _drop(tables)


def drop_triggers(columns: Columns) -> None:
    """Of these tables, which must be all that have any; fine where one is missing."""
    _drop(columns)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION IF EXISTS count_rights_change()")


def _create(columns: Columns, uncounted_inserts: Sequence[str]) -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, names in columns.items():
        events = {"update": f"UPDATE OF {', '.join(names)}", "delete": "DELETE", "insert": "INSERT"}
        if table in uncounted_inserts:
            del events["insert"]
        for name, event in events.items():
            op.execute((_sqlite if is_sqlite else _postgresql)(table, name, event))
        if not is_sqlite:
            op.execute(
                f"CREATE TRIGGER rights_{table}_truncate AFTER TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION count_rights_change()"
            )


def _drop(tables: Iterable[str]) -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in tables:
        for name in ("update", "delete", "insert", "truncate"):
            op.execute(f"DROP TRIGGER IF EXISTS rights_{table}_{name}" + ("" if is_sqlite else f" ON {table}"))


def _sqlite(table: str, name: str, event: str) -> str:
    body = "BEGIN UPDATE rights_version SET version = version + 1; END"
    return f"CREATE TRIGGER rights_{table}_{name} AFTER {event} ON {table} {body}"


def _postgresql(table: str, name: str, event: str) -> str:
    """Deferred to the commit: the count's row is locked last and shortly, so two changes cannot lock each other out."""
    return (
        f"CREATE CONSTRAINT TRIGGER rights_{table}_{name} AFTER {event} ON {table} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_rights_change()"
    )
