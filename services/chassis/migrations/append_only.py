"""Triggers that refuse to change or delete rows: for revisions, on both databases.

Against accidents and injected SQL. Who holds the database can drop them; what shows that is a chain, a log.
"""

from __future__ import annotations

from alembic import op


def refuse_changes(table: str, message: str) -> None:
    """From now on UPDATE and DELETE (and TRUNCATE) of ``table`` fail with ``message``."""
    if op.get_context().dialect.name == "postgresql":
        _in_postgresql(table, message)
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )


def _in_postgresql(table: str, message: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_refuse_changes() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE integrity_constraint_violation USING MESSAGE = '{message}'; END $$"
    )
    for verb, level in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION {table}_refuse_changes()"
        )
