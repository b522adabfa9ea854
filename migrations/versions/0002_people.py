"""people: what an action named, and whom each identifier names

Actions that were counted before have no hashes yet; `advocacy rebuild` gives them theirs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

HASHES = ("email_hash", "phone_hash", "person_hash")
INDEXES = {
    "actions_email_idx": ("email_hash", "phone_hash <> '' or person_hash <> ''"),
    "actions_phone_idx": ("phone_hash", "phone_hash <> ''"),
    "actions_person_idx": ("person_hash", "person_hash <> ''"),
    "actions_click_idx": ("click_id", "click_id <> ''"),
}


def upgrade() -> None:
    for name in HASHES:
        op.add_column("actions", sa.Column(name, sa.Text(), server_default="", nullable=False))
    for name, (column, where) in INDEXES.items():
        op.create_index(name, "actions", ["org_id", column], postgresql_where=sa.text(where))
    op.create_table(
        "identifiers",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("supporter_id", sa.Uuid(), nullable=True),
        sa.Column("blocked", sa.Text(), server_default="", nullable=False),
        sa.Column("parts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organizations.id"], name=op.f("identifiers_org_id_fk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("org_id", "kind", "digest", name=op.f("identifiers_pk")),
    )


def downgrade() -> None:
    op.drop_table("identifiers")
    for name in INDEXES:
        op.drop_index(name, table_name="actions")
    for name in HASHES:
        op.drop_column("actions", name)
