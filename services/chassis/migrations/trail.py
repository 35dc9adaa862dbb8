"""Creates the audit trail's table: the first revision of every service calls ``create_trail``.

A change of the table comes as another function here, called by a new revision of each service.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.migrations.append_only import refuse_changes


def create_trail() -> None:
    """Creates table ``audit`` and the triggers that refuse to change or delete its rows."""
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    refuse_changes("audit", "the audit trail is append-only")
