"""create the tables of matters

Revision 0003 after 0002.
"""

from services.holder.migrations.matters import create_matters

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_matters()
