"""what went back of gifts is found without a look at every action

It counts on the day on which it went back, so it is looked for among gifts of all days.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "actions_returned_idx",
        "actions",
        ["org_id", "campaign_id"],
        postgresql_where=sa.text("counted and returns is not null"),
    )


def downgrade() -> None:
    op.drop_index("actions_returned_idx", table_name="actions")
