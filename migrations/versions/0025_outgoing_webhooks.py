"""outgoing webhooks: addresses of the organization's own, their messages and attempts

The old version knows nothing of them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def _instant(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    server = None if default is None else sa.text(f"'{default}'")
    return sa.Column(name, sa.Text(), server_default=server, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger(), server_default=sa.text("0"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "outgoing_webhooks",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("name"),
        _text("form", "standard"),
        _text("host"),
        sa.Column("sealed_url", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        _text("language", "en"),
        _instant("failing_since"),
        _instant("disabled_at"),
        _instant("created_at", now=True),
        sa.CheckConstraint(
            "form in ('standard', 'slack', 'teams')", name=op.f("outgoing_webhooks_form_check")
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organizations.id"],
            name=op.f("outgoing_webhooks_org_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("outgoing_webhooks_pk")),
    )
    _spread("outgoing_webhooks")
    op.create_table(
        "outgoing_messages",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        _text("event"),
        _text("body"),
        _text("status", "waiting"),
        _number("attempts"),
        _instant("next_try_at"),
        _instant("created_at", now=True),
        sa.CheckConstraint(
            "status in ('waiting', 'sent', 'failed')", name=op.f("outgoing_messages_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "webhook_id"],
            ["outgoing_webhooks.org_id", "outgoing_webhooks.id"],
            name=op.f("outgoing_messages_org_id_webhook_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("outgoing_messages_pk")),
    )
    _spread("outgoing_messages")
    op.create_index(
        "outgoing_messages_org_id_webhook_id_idx", "outgoing_messages", ["org_id", "webhook_id"]
    )
    op.create_index(
        "outgoing_messages_waiting_idx",
        "outgoing_messages",
        ["org_id", "next_try_at"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "outgoing_attempts",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        _instant("at", now=True),
        _number("status"),
        _text("error", ""),
        sa.ForeignKeyConstraint(
            ["org_id", "message_id"],
            ["outgoing_messages.org_id", "outgoing_messages.id"],
            name=op.f("outgoing_attempts_org_id_message_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("outgoing_attempts_pk")),
    )
    _spread("outgoing_attempts")
    op.create_index(
        "outgoing_attempts_org_id_message_id_idx", "outgoing_attempts", ["org_id", "message_id"]
    )


def _spread(table: str) -> None:
    """Distribute a new table where the others are distributed."""
    run = op.get_bind().execute
    if not run(sa.text("select 1 from pg_extension where extname = 'citus'")).first():
        return
    others = "select 1 from citus_tables where table_name = 'tokens'::regclass"
    if run(sa.text(others)).first():
        op.execute(
            f"select create_distributed_table('{table}', 'org_id', colocate_with => 'tokens')"
        )


def downgrade() -> None:
    for table in ("outgoing_attempts", "outgoing_messages", "outgoing_webhooks"):
        op.drop_table(table)
