"""keep when hits ended

Revision 0005 after 0004. Of hits that ended before, it is the moment of the upgrade: never too early.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hit", sa.Column("withdrawn_at", sa.BigInteger(), nullable=True))
    hit = sa.table("hit", sa.column("live", sa.Boolean()), sa.column("withdrawn_at"))
    ended = sa.update(hit).where(sa.not_(hit.c.live))
    op.execute(ended.values(withdrawn_at=time.time_ns() // 1000))
