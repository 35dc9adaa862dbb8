"""Creates the tables of a unit's matters: a revision of both services calls ``create_matters``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.migrations.append_only import refuse_changes


def create_matters() -> None:
    """Creates the five tables, and the triggers that refuse to change or delete an entry."""
    _create_matter()
    _create_reports()
    op.create_table(
        "public_notice",
        sa.Column("notice_id", sa.LargeBinary(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_public_notice_case_id"), "public_notice", ["case_id"], unique=False)
    refuse_changes("matter_entry", "the steps of a matter are append-only")


def _create_matter() -> None:
    op.create_table(
        "matter",
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("notice_id", sa.LargeBinary(), nullable=False),
        sa.Column("approving_unit", sa.Text(), nullable=False),
        sa.Column("declaring_units", sa.Text(), nullable=False),
        sa.Column("official_name", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.Text(), nullable=False),
        sa.Column("notified_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_matter_state"), "matter", ["state"], unique=False)
    op.create_table(
        "matter_entry",
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "unit", "side", "seq"),
        sqlite_strict=True,
    )


def _create_reports() -> None:
    op.create_table(
        "matter_report",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sqlite_strict=True,
    )
    op.create_table(
        "matter_received",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
