"""Creates the tables of the unit's half: the first revision of both services calls ``create_tables``.

A change of these tables comes as another function here, called by a new revision of each service.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create_tables() -> None:
    """Creates ``record``, ``outbox``, ``checkpoint`` and ``notice``."""
    op.create_table(
        "checkpoint",
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("log_key", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("consistent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("note"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_checkpoint_log_key"), "checkpoint", ["log_key"], unique=False)
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("hit_id", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("notice_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.Column("leaf_index", sa.BigInteger(), nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("epoch", "seq", name="outbox_epoch_seq"),
        sqlite_strict=True,
    )
    op.create_table(
        "record",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("rid", sa.LargeBinary(), nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("withdrawal_seq", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("rid"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_record_subject"), "record", ["subject"], unique=False)
    op.create_index("record_message", "record", ["epoch", "seq"], unique=False)
    op.create_index(
        "record_one_wanted",
        "record",
        ["subject"],
        unique=True,
        sqlite_where=sa.text("wanted"),
        postgresql_where=sa.text("wanted"),
    )
    op.create_index("record_state", "record", ["state", "wanted"], unique=False)
