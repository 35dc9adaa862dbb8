"""create the tables of draws and leads

Revision 0006 after 0005.
"""

from services.process.migrations.draws_and_leads import create_draws_and_leads

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_draws_and_leads()
