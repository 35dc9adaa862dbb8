"""create the tables of draws and leads

Revision 0003 after 0002.
"""

from services.process.migrations.draws_and_leads import create_draws_and_leads

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_draws_and_leads()
