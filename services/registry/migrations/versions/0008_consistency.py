"""create the tables of the cross-check of declarations

Revision 0008 after 0007. Adds tables only: the release before this one runs on the result.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_finding()
    op.create_table(
        "consistency_letter",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("recipient"),
        sqlite_strict=True,
    )
    op.create_table(
        "consistency_heard",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sender"),
        sqlite_strict=True,
    )
    op.create_table(
        "consistency_run",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )


def _create_finding() -> None:
    op.create_table(
        "consistency_finding",
        sa.Column("finding_id", sa.LargeBinary(), nullable=False),
        sa.Column("official", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("pair", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("finding_id"),
        sa.UniqueConstraint("official", "sender", "epoch", "pair", name="consistency_finding_pair"),
        sqlite_strict=True,
    )
    op.create_index(
        "consistency_finding_sender", "consistency_finding", ["sender", "state"], unique=False
    )
