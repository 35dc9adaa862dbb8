"""Alembic's entry: runs migrations on the connection that ``services.chassis.schema`` hands over.

There is no offline mode and no ini file: a service migrates its own database when it starts.
"""

from __future__ import annotations

from alembic import context

_attributes = context.config.attributes

context.configure(
    connection=_attributes["connection"],
    target_metadata=_attributes.get("metadata"),
    # DDL is transactional, in SQLite once BEGIN is ours: all migrations happen or none.
    transactional_ddl=True,
    render_as_batch=False,
    **_attributes.get("options", {}),
)
with context.begin_transaction():
    context.run_migrations()
