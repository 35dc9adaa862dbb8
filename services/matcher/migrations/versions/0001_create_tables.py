"""create the matcher's tables

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
        "log_entry",
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index"),
        sqlite_strict=True,
    )
    op.create_table(
        "log_node",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notice",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("hit_id", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_leaf", sa.BigInteger(), nullable=True),
        sa.Column("acknowledgement", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("notice_id"),
        sqlite_strict=True,
    )
    op.create_index("notice_by_unit", "notice", ["unit", "side", "number"], unique=False)
    op.create_table(
        "owner",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("suite", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("epoch", "unit"),
        sqlite_strict=True,
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
        "record",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("rid", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["owner.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner", "rid"),
        sqlite_strict=True,
    )
    op.create_index("record_by_key", "record", ["key", "side"], unique=False)
    op.create_table(
        "submission",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["owner.id"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("owner", "side", "seq"),
        sqlite_strict=True,
    )
    op.create_table(
        "batch",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("capsule", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hashes", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"],
            ["submission.number"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sqlite_strict=True,
    )
    op.create_table(
        "hit",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hit_id", sa.LargeBinary(), nullable=False),
        sa.Column("registry_record", sa.BigInteger(), nullable=False),
        sa.Column("beneficiary_record", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["beneficiary_record"],
            ["record.id"],
        ),
        sa.ForeignKeyConstraint(
            ["registry_record"],
            ["record.id"],
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("hit_id"),
        sa.UniqueConstraint("registry_record", "beneficiary_record"),
        sqlite_strict=True,
    )
    op.create_index("hit_by_beneficiary", "hit", ["beneficiary_record"], unique=False)
    op.create_table(
        "sealed",
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("rest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record"],
            ["record.id"],
        ),
        sa.PrimaryKeyConstraint("record"),
        sqlite_strict=True,
    )
