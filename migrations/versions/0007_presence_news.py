"""what changed of presences, before it is folded into them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "presence_news",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("groups", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("days", postgresql.ARRAY(sa.Date()), nullable=False),
        sa.Column("sinces", postgresql.ARRAY(sa.Date()), nullable=False),
        sa.Column("openings", postgresql.ARRAY(sa.Boolean()), nullable=False),
        sa.Column("people", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint(
            "org_id", "scope_id", "model", "grain", "id", name=op.f("presence_news_pk")
        ),
    )


def downgrade() -> None:
    op.drop_table("presence_news")
