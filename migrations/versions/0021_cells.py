"""cells: sums and sets of people by day and month, in place of presences and totals

They are filled for each organization by `advocacy migrate`, from its actions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cells",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("grain", sa.SmallInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("sums", sa.LargeBinary(), nullable=False),
        sa.Column("kinds", sa.LargeBinary(), nullable=True),
        sa.Column("places", sa.LargeBinary(), nullable=True),
        sa.Column("sources", sa.LargeBinary(), nullable=True),
        sa.Column("sets", sa.LargeBinary(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "scope", "grain", "starts_on", name=op.f("cells_pk")),
    )
    # They are compressed already, or cannot be.
    for column in ("words", "keys", "sums", "kinds", "places", "sources", "sets", "counts"):
        op.execute(f"alter table cells alter column {column} set storage external")
    op.create_table(
        "cell_news",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("taken", postgresql.ARRAY(sa.Date()), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "seq", name=op.f("cell_news_pk")),
    )
    op.execute("alter table cell_news alter column body set storage external")
    op.create_table(
        "cell_counters",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("people", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("news", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "zones", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.PrimaryKeyConstraint("org_id", name=op.f("cell_counters_pk")),
    )
    op.create_table(
        "person_numbers",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("person_numbers_pk")),
    )
    op.create_index(
        "person_numbers_org_id_number_idx", "person_numbers", ["org_id", "number"], unique=True
    )


def downgrade() -> None:
    op.drop_table("person_numbers")
    op.drop_table("cell_counters")
    op.drop_table("cell_news")
    op.drop_table("cells")
