"""what waits and what is in quarantine as small tables of their own, beside the deliveries

A delivery is written once: it is closed by deleting its row of `waiting`. The columns for that in
`inbox` stay for the version before, which may run beside this one. It finds nothing pending in what
this version stores; what it stores as pending or quarantined, this version moves to the new tables.

`derived_version` says by which version's rules an organization's figures were last made as a whole.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "waiting",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("waiting_pk")),
    )
    op.create_table(
        "quarantine",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("quarantine_pk")),
    )
    op.add_column(
        "organizations",
        sa.Column("derived_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.drop_index("inbox_received_idx", table_name="inbox")


def downgrade() -> None:
    op.create_index("inbox_received_idx", "inbox", ["org_id", "received_at", "id"])
    op.execute(
        """update inbox i set status = 'quarantined', reason = q.reason, detail = q.detail,
                  attempts = q.attempts, done_at = q.since
           from quarantine q where q.org_id = i.org_id and q.id = i.id"""
    )
    op.execute(
        """update inbox i set status = 'pending', attempts = w.attempts
           from waiting w where w.org_id = i.org_id and w.id = i.id"""
    )
    op.drop_column("organizations", "derived_version")
    op.drop_table("quarantine")
    op.drop_table("waiting")
