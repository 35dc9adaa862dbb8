"""create the inspector's tables

Revision 0001 after nothing.
"""

import sqlalchemy as sa
from alembic import op

from services.chassis.migrations.trail import create_trail

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_trail()
    op.create_table(
        "batch",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.Column("tested_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_index("batch_unfinished", "batch", ["state", "reported"], unique=False)
    op.create_table(
        "checkpoint",
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("log_key", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("note"),
        sa.UniqueConstraint("log_key", "size"),
        sqlite_strict=True,
    )
    op.create_table(
        "dispute",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("answerable", sa.Text(), nullable=False),
        sa.Column("hit_id", sa.LargeBinary(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("key"),
        sqlite_strict=True,
    )
    op.create_index("dispute_hit", "dispute", ["hit_id"], unique=False)
    op.create_table(
        "hit",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hit_id", sa.LargeBinary(), nullable=False),
        sa.Column("found_at_us", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("hit_id"),
        sqlite_strict=True,
    )
    op.create_index("hit_state", "hit", ["state", "number"], unique=False)
    op.create_table(
        "matter",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("official_kind", sa.Integer(), nullable=False),
        sa.Column("official_idn", sa.Text(), nullable=False),
        sa.Column("person_kind", sa.Integer(), nullable=False),
        sa.Column("person_idn", sa.Text(), nullable=False),
        sa.Column("approving_unit", sa.Text(), nullable=False),
        sa.Column("item_ref", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("replan", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("case_id"),
        sa.UniqueConstraint(
            "official_idn",
            "official_kind",
            "person_idn",
            "person_kind",
            "approving_unit",
            "item_ref",
            "capacity",
            name="matter_key",
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "matter_unplanned", "matter", ["number"], unique=False, sqlite_where=sa.text("replan"), postgresql_where=sa.text("replan")
    )
    op.create_table(
        "roster_seen",
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("epoch"),
        sqlite_strict=True,
    )
    op.create_table(
        "agreement",
        sa.Column("matter", sa.BigInteger(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("agreed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["matter"],
            ["matter.number"],
        ),
        sa.PrimaryKeyConstraint("matter", "officer"),
        sqlite_strict=True,
    )
    op.create_table(
        "notice",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.LargeBinary(), nullable=False),
        sa.Column("matter", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("hit_id", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("mailbox_number", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["matter"],
            ["matter.number"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("notice_id"),
        sqlite_strict=True,
    )
    op.create_index("notice_matter", "notice", ["matter"], unique=False)
    op.create_index("notice_state", "notice", ["state", "number"], unique=False)
    op.create_table(
        "pair",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("matter", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("declaring_unit", sa.Text(), nullable=False),
        sa.Column("declaring_rid", sa.LargeBinary(), nullable=False),
        sa.Column("approving_unit", sa.Text(), nullable=False),
        sa.Column("approving_rid", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("relative", sa.LargeBinary(), nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["matter"],
            ["matter.number"],
        ),
        sa.ForeignKeyConstraint(
            ["number"],
            ["hit.number"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_index("pair_matter", "pair", ["matter"], unique=False)
