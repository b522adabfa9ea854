"""a version of each campaign's figures: a counter that is raised by whatever changes them

Until now each look hashed the totals. An older version of the code beside this one raises no
counter; what it changes is seen with the next change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figures_versions",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "scope_id", name=op.f("figures_versions_pk")),
    )


def downgrade() -> None:
    op.drop_table("figures_versions")
