"""archived campaigns, posts and links; the scope `write`; requests of the API by the client's key

The old version goes on showing what is archived, and grants `write` nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ARCHIVED = ("campaigns", "posts", "links")


def upgrade() -> None:
    for table in _ARCHIVED:
        op.add_column(table, sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    _allow("'reports', 'write', 'admin'")
    op.create_table(
        "idempotency_keys",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("location", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["organizations.id"],
            name=op.f("idempotency_keys_org_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("org_id", "key", name=op.f("idempotency_keys_pk")),
    )
    if _is_spread():
        op.execute(
            "select create_distributed_table('idempotency_keys', 'org_id',"
            " colocate_with => 'tokens')"
        )


def _allow(scopes: str) -> None:
    op.drop_constraint(op.f("tokens_scope_check"), "tokens")
    op.create_check_constraint(op.f("tokens_scope_check"), "tokens", f"scope in ({scopes})")


def _is_spread() -> bool:
    """Say whether the tables are spread over machines."""
    has_citus = sa.text("select 1 from pg_extension where extname = 'citus'")
    if not op.get_bind().execute(has_citus).first():
        return False
    spread = sa.text("select 1 from citus_tables where table_name = 'tokens'::regclass")
    return op.get_bind().execute(spread).first() is not None


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.execute("update tokens set scope = 'reports' where scope = 'write'")
    _allow("'reports', 'admin'")
    for table in _ARCHIVED:
        op.drop_column(table, "archived_at")
