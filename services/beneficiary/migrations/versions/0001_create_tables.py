"""create the beneficiary service's tables

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
        "item",
        sa.Column("ref", sa.LargeBinary(), nullable=False),
        sa.Column("item_ref", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
        sa.UniqueConstraint("item_ref"),
        sqlite_strict=True,
    )
    op.create_table(
        "ref_key",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_table(
        "item_notice",
        sa.Column("notice_id", sa.LargeBinary(), nullable=False),
        sa.Column("declaring_unit", sa.Text(), nullable=False),
        sa.Column("official_name", sa.Text(), nullable=False),
        sa.Column("official_unit", sa.Text(), nullable=False),
        sa.Column("official_post", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notice.notice_id"],
        ),
        sa.PrimaryKeyConstraint("notice_id"),
        sqlite_strict=True,
    )
    op.create_table(
        "person",
        sa.Column("ref", sa.LargeBinary(), nullable=False),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("idn", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.ref"],
        ),
        sa.PrimaryKeyConstraint("ref"),
        sa.UniqueConstraint("item", "kind", "idn", "capacity", name="person_identifier"),
        sqlite_strict=True,
    )
    op.create_index("person_item", "person", ["item"], unique=False)
