"""what a view link shows, kept for a day

Figures that are counted anew at each opening tell single actions by their differences.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("view_links", sa.Column("shown_on", sa.Date()))
    op.add_column("view_links", sa.Column("shown", postgresql.JSONB()))


def downgrade() -> None:
    op.drop_column("view_links", "shown")
    op.drop_column("view_links", "shown_on")
