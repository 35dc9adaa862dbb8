"""Creates the table of accounts: a revision of both services calls ``create_accounts``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create_accounts() -> None:
    """Creates ``account``."""
    op.create_table(
        "account",
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("discipline", sa.Boolean(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("pledge_signer", sa.Text(), nullable=False),
        sa.Column("pledged_on", sa.Date(), nullable=True),
        sa.Column("opinion_approves", sa.Boolean(), nullable=True),
        sa.Column("opinion_sealed", sa.Boolean(), nullable=False),
        sa.Column("opinion_on", sa.Date(), nullable=True),
        sa.Column("filing_number", sa.Text(), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("login"),
        sqlite_strict=True,
    )
