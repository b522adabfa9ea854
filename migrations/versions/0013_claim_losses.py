"""how often what a claim holds was lost or failed, so that it is tried again as a batch

An older version leaves the column alone: what it claims was lost never.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "claims", sa.Column("losses", sa.SmallInteger(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("claims", "losses")
