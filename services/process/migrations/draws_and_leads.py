"""Creates the tables of draws and leads: a revision of three services calls ``create_draws_and_leads``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.migrations.append_only import refuse_changes


def create_draws_and_leads() -> None:
    """Creates the four tables, and the triggers that refuse to change or delete a result or a step."""
    _create_draws()
    op.create_table(
        "lead_entry",
        sa.Column("lead_id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "unit", "seq"),
        sqlite_strict=True,
    )
    for table in ("check_result", "lead_entry"):
        refuse_changes(table, f"{table} is append-only")


def _create_draws() -> None:
    op.create_table(
        "draw",
        sa.Column("draw_id", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("replaces", sa.LargeBinary(), nullable=True),
        sa.Column("voided_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("draw_id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("replaces"),
        sqlite_strict=True,
    )
    op.create_table(
        "draw_item",
        sa.Column("draw_id", sa.LargeBinary(), nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("draw_id", "item"),
        sqlite_strict=True,
    )
    op.create_table(
        "check_result",
        sa.Column("draw_id", sa.LargeBinary(), nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("checked_by", sa.Text(), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("lead_id", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("draw_id", "item"),
        sqlite_strict=True,
    )
