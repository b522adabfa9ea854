"""what workers are at, a row for a batch; until now it stood in each delivery

Old and new workers may run side by side: new ones heed what old ones have leased, and old ones find
what new ones have closed, and keep nothing.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("claims_pk")),
    )
    op.create_index(
        "inbox_tried_idx",
        "inbox",
        ["org_id", "received_at", "id"],
        postgresql_where=sa.text("status = 'pending' and attempts > 0"),
    )


def downgrade() -> None:
    op.drop_index("inbox_tried_idx", table_name="inbox")
    op.drop_table("claims")
