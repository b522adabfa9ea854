"""room in the pages of what is counted up again and again

A row that finds room for its next version in its own page leaves the index as it is.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COUNTED = (
    "totals",
    "span_totals",
    "day_totals",
    "click_totals",
    "click_span_totals",
    "generation_totals",
    "presences",
)


def upgrade() -> None:
    for table in COUNTED:
        op.execute(f"alter table {table} set (fillfactor = 80)")


def downgrade() -> None:
    for table in COUNTED:
        op.execute(f"alter table {table} reset (fillfactor)")
