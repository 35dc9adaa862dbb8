"""create the table of accounts

Revision 0002 after 0001.
"""

from services.holder.migrations.accounts import create_accounts

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_accounts()
