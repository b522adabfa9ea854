"""contacts that could not be read are counted, and links are found by folded UTM

A delivery keeps how many of its actions gave an address or a number that could not be read. An
older version leaves the column at zero. Links are looked up by `utm_campaign` without its case.

Indexes are built concurrently, so that deliveries are stored meanwhile; that commits on the way. A
migration that was broken off can be run again: what it has left is built again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table inbox add column if not exists unread_contacts smallint default 0 not null"
    )
    with op.get_context().autocommit_block():
        # It waits for transactions that are open, and blocks nobody meanwhile.
        op.execute("set lock_timeout = '10min'")
        op.execute("set statement_timeout = 0")
        op.execute("drop index concurrently if exists inbox_unread_idx")
        op.create_index(
            "inbox_unread_idx",
            "inbox",
            ["org_id", "source_id", "received_at"],
            postgresql_where=sa.text("unread_contacts > 0"),
            postgresql_concurrently=True,
        )
        op.execute("drop index concurrently if exists links_utm_campaign_idx")
        op.create_index(
            "links_utm_campaign_idx",
            "links",
            ["org_id", sa.text("lower(btrim(utm ->> 'campaign'))")],
            postgresql_concurrently=True,
        )
        op.execute("set lock_timeout = '5s'")
        op.execute("reset statement_timeout")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("drop index concurrently if exists links_utm_campaign_idx")
        op.execute("drop index concurrently if exists inbox_unread_idx")
    op.drop_column("inbox", "unread_contacts")
