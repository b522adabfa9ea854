"""members of an organization, their sessions, what they did, and links that show one report"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BEFORE = ("source", "rehearsal", "token", "link")
ADDED = ("member", "one_time", "view")


def _let_addresses_be(kinds: tuple[str, ...]) -> None:
    """Say which kinds of words there may be, without a scan under the lock that stops writers."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("addresses_kind_check"), "addresses", type_="check")
    op.execute(
        f"alter table addresses add constraint addresses_kind_check check (kind in ({listed})) not valid"
    )
    op.execute("alter table addresses validate constraint addresses_kind_check")


def upgrade() -> None:
    _let_addresses_be(BEFORE + ADDED)
    op.create_table(
        "audit",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organizations.id"], name=op.f("audit_org_id_fk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("audit_pk")),
    )
    op.create_index("audit_org_id_at_idx", "audit", ["org_id", "at"], unique=False)
    op.create_table(
        "members",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("one_time_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role in ('reader', 'editor', 'owner')", name=op.f("members_role_check")
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organizations.id"], name=op.f("members_org_id_fk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("members_pk")),
        sa.UniqueConstraint("org_id", "email", name=op.f("members_org_id_email_key")),
    )
    op.create_table(
        "sessions",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(member_id is null) <> (token_id is null)", name=op.f("sessions_whose_check")
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "member_id"],
            ["members.org_id", "members.id"],
            name=op.f("sessions_org_id_member_id_fk"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "token_id"],
            ["tokens.org_id", "tokens.id"],
            name=op.f("sessions_org_id_token_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "digest", name=op.f("sessions_pk")),
    )
    op.create_index(
        "sessions_org_id_member_id_idx", "sessions", ["org_id", "member_id"], unique=False
    )
    op.create_table(
        "view_links",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("first_on", sa.Date(), nullable=True),
        sa.Column("last_on", sa.Date(), nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_opened_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "campaign_id"],
            ["campaigns.org_id", "campaigns.id"],
            name=op.f("view_links_org_id_campaign_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("view_links_pk")),
    )
    op.create_index(
        "view_links_org_id_campaign_id_idx", "view_links", ["org_id", "campaign_id"], unique=False
    )
    op.create_index(
        "addresses_member_idx",
        "addresses",
        ["word"],
        unique=False,
        postgresql_ops={"word": "text_pattern_ops"},
        postgresql_where=sa.text("kind = 'member'"),
    )


def downgrade() -> None:
    op.drop_index(
        "addresses_member_idx",
        table_name="addresses",
        postgresql_ops={"word": "text_pattern_ops"},
        postgresql_where=sa.text("kind = 'member'"),
    )
    op.drop_index("view_links_org_id_campaign_id_idx", table_name="view_links")
    op.drop_table("view_links")
    op.drop_index("sessions_org_id_member_id_idx", table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("members")
    op.drop_index("audit_org_id_at_idx", table_name="audit")
    op.drop_table("audit")
    op.execute("delete from addresses where kind in ('member', 'one_time', 'view')")
    _let_addresses_be(BEFORE)
