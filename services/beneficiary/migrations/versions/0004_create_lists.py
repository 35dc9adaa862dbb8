"""create the tables of lists

Persons and items that were held before are those of a proposed list that nobody signed.

Revision 0004 after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "item_list",
        sa.Column("list_id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("list_id"),
        sqlite_strict=True,
    )
    op.create_index("item_list_state", "item_list", ["state"], unique=False)
    op.create_table(
        "item_list_entry",
        sa.Column("list_id", sa.LargeBinary(), nullable=False),
        sa.Column("item_ref", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["item_list.list_id"]),
        sa.PrimaryKeyConstraint("list_id", "item_ref"),
        sqlite_strict=True,
    )
    op.create_index(
        "list_entry_one_waiting",
        "item_list_entry",
        ["item_ref"],
        unique=True,
        sqlite_where=sa.text("waiting"),
        postgresql_where=sa.text("waiting"),
    )
    _add_columns()


def _add_columns() -> None:
    op.add_column("item", sa.Column("finished", sa.Date(), nullable=True))
    op.add_column("item", sa.Column("list_id", sa.LargeBinary(), nullable=True))
    # Defaults as the release before this one may still add rows.
    yes, no = sa.true(), sa.false()
    op.add_column("person", sa.Column("in_pre", sa.Boolean(), nullable=False, server_default=yes))
    op.add_column("person", sa.Column("in_post", sa.Boolean(), nullable=False, server_default=no))
    for phase in ("pre", "post"):
        op.add_column("person", sa.Column(f"{phase}_amount_fen", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE person SET in_pre = NOT withdrawn, pre_amount_fen = "
        "(SELECT amount_fen FROM item WHERE item.ref = person.item)"
    )
