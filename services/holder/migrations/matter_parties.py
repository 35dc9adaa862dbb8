"""Creates what a unit keeps of the other parties of its cases, and how its reports fare on their way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create_matter_parties() -> None:
    """Creates the table of parties; reports and public notices get columns."""
    op.create_table(
        "matter_party",
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "unit"),
        sqlite_strict=True,
    )
    op.create_index("matter_party_told", "matter_party", ["told"], unique=False)
    for column in (
        sa.Column("resealed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
    ):
        op.add_column("matter_report", column)
    op.add_column("public_notice", sa.Column("gone_at", sa.BigInteger(), nullable=True))
    op.create_index("matter_report_sent", "matter_report", ["sent_at"], unique=False)
    op.create_index(op.f("ix_matter_received_case_id"), "matter_received", ["case_id"])
