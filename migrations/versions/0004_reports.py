"""reports that come by themselves"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report_subscriptions",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("weekday", sa.SmallInteger(), nullable=True),
        sa.Column("on_date", sa.Date(), nullable=True),
        sa.Column("send_at", sa.Time(), nullable=False),
        sa.Column("language", sa.Text(), server_default=sa.text("'en'"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "what in ('weekly', 'once', 'alert')", name=op.f("report_subscriptions_what_check")
        ),
        sa.CheckConstraint(
            "(weekday is not null) = (what = 'weekly') and (on_date is not null) = (what = 'once')",
            name=op.f("report_subscriptions_when_check"),
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organizations.id"],
            name=op.f("report_subscriptions_org_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "campaign_id"],
            ["campaigns.org_id", "campaigns.id"],
            name=op.f("report_subscriptions_org_id_campaign_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("report_subscriptions_pk")),
    )
    op.create_table(
        "sent_reports",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'making'"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("resent", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "status in ('making', 'sending', 'waiting', 'sent', 'failed')",
            name=op.f("sent_reports_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "subscription_id"],
            ["report_subscriptions.org_id", "report_subscriptions.id"],
            name=op.f("sent_reports_org_id_subscription_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("sent_reports_pk")),
        sa.UniqueConstraint(
            "org_id",
            "subscription_id",
            "period",
            name=op.f("sent_reports_org_id_subscription_id_period_key"),
        ),
    )
    op.create_index(
        "sent_reports_open_idx",
        "sent_reports",
        ["org_id", "claimed_at"],
        unique=False,
        postgresql_where=sa.text("status <> 'sent'"),
    )
    op.create_table(
        "surges",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("usual", sa.Float(), nullable=False),
        sa.Column("minutes", sa.SmallInteger(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("what in ('clicks', 'actions')", name=op.f("surges_what_check")),
        sa.ForeignKeyConstraint(
            ["org_id", "post_id"],
            ["posts.org_id", "posts.id"],
            name=op.f("surges_org_id_post_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("surges_pk")),
    )
    op.create_index("surges_org_id_noticed_at_idx", "surges", ["org_id", "noticed_at"])
    # Not `concurrently`: that waits for every other transaction, the next migrator's among them,
    # which waits for this one. While it is made clicks wait on disk, where none is lost.
    op.create_index("touches_org_id_clicked_at_idx", "touches", ["org_id", "clicked_at"])


def downgrade() -> None:
    op.drop_index("touches_org_id_clicked_at_idx", table_name="touches")
    op.drop_index("surges_org_id_noticed_at_idx", table_name="surges")
    op.drop_table("surges")
    op.drop_index(
        "sent_reports_open_idx",
        table_name="sent_reports",
        postgresql_where=sa.text("status <> 'sent'"),
    )
    op.drop_table("sent_reports")
    op.drop_table("report_subscriptions")
