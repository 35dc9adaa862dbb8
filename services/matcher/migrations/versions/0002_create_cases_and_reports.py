"""create cases and reports

Revision 0002 after 0001. Adds tables only: the release before this one runs on the result.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_hit",
        sa.Column("hit", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("assigned_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["hit"], ["hit.number"]),
        sa.PrimaryKeyConstraint("hit"),
        sqlite_strict=True,
    )
    op.create_index("case_hit_by_case", "case_hit", ["case_id"], unique=False)
    op.create_table(
        "report",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("case_id", "unit", "side", "seq"),
        sqlite_strict=True,
    )
    op.create_table(
        "report_copy",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("report", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["report"], ["report.number"]),
        sa.PrimaryKeyConstraint("recipient", "side", "report"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("report_copy_by_report", "report_copy", ["report", "side"], unique=False)
