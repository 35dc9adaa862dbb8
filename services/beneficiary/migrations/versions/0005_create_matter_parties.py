"""create the table of the other parties of matters

Revision 0005 after 0004.
"""

from services.holder.migrations.matter_parties import create_matter_parties

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_matter_parties()
