"""Triggers that keep the audit append-only, for migrations to make and make anew.

They stop mistakes, and whoever got hold of the application's own statements. Who owns the database can drop them; that
is seen by `appliance audit verify`, and what is done then by the signed checkpoints outside.
"""

from alembic import op

SQLITE = (
    """CREATE TRIGGER audit_events_update BEFORE UPDATE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END""",
    """CREATE TRIGGER audit_events_delete BEFORE DELETE ON audit_events
    WHEN OLD.seq > (SELECT coalesce(max(through_seq), 0) FROM audit_cuts)
    BEGIN SELECT RAISE(ABORT, 'audit events are removed only up to a cut'); END""",
    """CREATE TRIGGER audit_events_insert BEFORE INSERT ON audit_events
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM audit_events)
    BEGIN SELECT RAISE(ABORT, 'an audit event follows the last one'); END""",
    """CREATE TRIGGER audit_cuts_update BEFORE UPDATE ON audit_cuts
    BEGIN SELECT RAISE(ABORT, 'cuts of the audit are never changed'); END""",
    """CREATE TRIGGER audit_cuts_delete BEFORE DELETE ON audit_cuts
    BEGIN SELECT RAISE(ABORT, 'cuts of the audit are never removed'); END""",
)

FUNCTION = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'audit_events' AND TG_OP = 'DELETE' THEN
    IF OLD.seq <= (SELECT coalesce(max(through_seq), 0) FROM audit_cuts) THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'what the audit wrote is never changed';
END $$
"""
TABLES = ("audit_events", "audit_cuts")


def create_audit_triggers() -> None:
    """On both tables, which must be there."""
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE:
            op.execute(statement)
        return
    op.execute(FUNCTION)
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )


def drop_audit_triggers() -> None:
    """Of PostgreSQL, which keeps the function when the tables go; SQLite's go with their tables."""
    if op.get_bind().dialect.name != "sqlite":
        for table in TABLES:
            op.execute(f"DROP TRIGGER {table}_change ON {table}")
            op.execute(f"DROP TRIGGER {table}_truncate ON {table}")
        op.execute("DROP FUNCTION refuse_audit_change()")
