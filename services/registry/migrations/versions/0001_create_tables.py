"""create the registry's tables

Revision 0001 after nothing.
"""

import sqlalchemy as sa
from alembic import op

from services.chassis.migrations.trail import create_trail
from services.holder.migrations.first import create_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_trail()
    create_tables()
    op.create_table(
        "official",
        sa.Column("ref", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("idn", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("political", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("rank", sa.Text(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("discipline", sa.Boolean(), nullable=True),
        sa.Column("household", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("unsigned", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
        sa.UniqueConstraint("kind", "idn", name="official_identifier"),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_official_name"), "official", ["name"], unique=False)
    op.create_table(
        "official_notice",
        sa.Column("notice_id", sa.LargeBinary(), nullable=False),
        sa.Column("approving_unit", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("item_ref", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notice.notice_id"],
        ),
        sa.PrimaryKeyConstraint("notice_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "relative",
        sa.Column("ref", sa.LargeBinary(), nullable=False),
        sa.Column("official", sa.LargeBinary(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=True),
        sa.Column("idn", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("political", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("household", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(kind IS NULL) = (idn IS NULL)", name="relative_kind_with_idn"),
        sa.ForeignKeyConstraint(
            ["official"],
            ["official.ref"],
        ),
        sa.PrimaryKeyConstraint("ref"),
        sa.UniqueConstraint("official", "relation", "kind", "idn", name="relative_identifier"),
        sqlite_strict=True,
    )
    op.create_index("relative_official", "relative", ["official"], unique=False)
