"""requests that a source refused, and sources that are archived

A refused request leaves when, at which source and why, and nothing of what was sent. A source that
was removed by staff stays as long as its deliveries do; the old version sees it as disabled.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "refused_requests",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("refused_requests_pk")),
    )
    op.create_index(
        "refused_requests_org_id_source_id_id_idx",
        "refused_requests",
        ["org_id", "source_id", "id"],
    )


def downgrade() -> None:
    op.drop_table("refused_requests")
    op.drop_column("sources", "archived_at")
