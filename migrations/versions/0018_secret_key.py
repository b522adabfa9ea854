"""which SECRET_KEY the data was sealed and hashed under: a keyed digest, in one row

Stored by the first process that starts with a key that opens what is sealed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "secret_key_digests",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name=op.f("secret_key_digests_pk")),
    )


def downgrade() -> None:
    op.drop_table("secret_key_digests")
