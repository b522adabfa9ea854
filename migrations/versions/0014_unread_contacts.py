"""contacts that could not be read are counted, and links are found by folded UTM

A delivery keeps how many of its actions gave an address or a number that could not be read. An
older version leaves the column at zero. Links are looked up by `utm_campaign` without its case.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "inbox", sa.Column("unread_contacts", sa.SmallInteger(), server_default="0", nullable=False)
    )
    op.create_index(
        "inbox_unread_idx",
        "inbox",
        ["org_id", "source_id", "received_at"],
        postgresql_where=sa.text("unread_contacts > 0"),
    )
    op.create_index(
        "links_utm_campaign_idx", "links", ["org_id", sa.text("lower(btrim(utm ->> 'campaign'))")]
    )


def downgrade() -> None:
    op.drop_index("links_utm_campaign_idx", table_name="links")
    op.drop_index("inbox_unread_idx", table_name="inbox")
    op.drop_column("inbox", "unread_contacts")
