"""names and digests in few bytes, no keys of derived tables

Digests of actions go into columns of bytes, whom they name into `names`. Names that another tool
reports better go into `duplicates`; such actions leave `actions` when everything is rebuilt. The
old version goes on with its own columns and with `identifiers`. Keys from derived tables to others
go: they cost a look-up for each row, and a rebuild makes nothing that they would refuse.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_DIGESTS = {"email": "email_hash", "phone": "phone_hash", "person": "person_hash"}
_KEYS = {
    "actions": "actions_org_id_source_id_fk",
    "supporters": "supporters_org_id_fk",
    "action_names": "action_names_org_id_fk",
    "identifiers": "identifiers_org_id_fk",
}


def upgrade() -> None:
    for table, key in _KEYS.items():
        op.execute(f"alter table {table} drop constraint if exists {key}")
    op.create_table(
        "names",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("supporter_id", sa.Uuid(), nullable=True),
        sa.Column("blocked", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("parts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "name", name=op.f("names_pk")),
    )
    op.create_table(
        "duplicates",
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "name", "delivery_id", name=op.f("duplicates_pk")),
    )
    if _is_spread():
        for table in ("names", "duplicates"):
            _run(
                f"select create_distributed_table('{table}', 'org_id', colocate_with => 'actions')"
            )
    for name in _DIGESTS:
        op.add_column("actions", sa.Column(f"{name}_digest", sa.LargeBinary(), nullable=True))
    for (org_id,) in op.get_bind().execute(sa.text("select id from organizations")).all():
        _convert(org_id)
    for name in _DIGESTS:
        seen = f"{name}_digest is not null"
        if name == "email":
            seen += " and (phone_digest is not null or person_digest is not null)"
        op.create_index(
            f"actions_{name}_digest_idx",
            "actions",
            ["org_id", f"{name}_digest"],
            postgresql_where=sa.text(seen),
        )


def _is_spread() -> bool:
    """Say whether the tables are spread over machines: then new ones are before they get rows."""
    has_citus = sa.text("select 1 from pg_extension where extname = 'citus'")
    if not op.get_bind().execute(has_citus).first():
        return False
    spread = sa.text("select 1 from citus_tables where table_name = 'actions'::regclass")
    return op.get_bind().execute(spread).first() is not None


def _convert(org_id: object) -> None:
    # As a rebuild does: nothing is applied meanwhile.
    _run("select pg_advisory_xact_lock(:key)", key=org_id.int % (2**63))  # type: ignore[attr-defined]
    columns = ", ".join(
        f"{name}_digest = decode(nullif({text}, ''), 'hex')" for name, text in _DIGESTS.items()
    )
    given = " or ".join(f"{text} <> ''" for text in _DIGESTS.values())
    _run(f"update actions set {columns} where org_id = :o and ({given})", o=org_id)  # noqa: S608
    _run(
        """insert into names (org_id, name, supporter_id, blocked, parts)
           select org_id,
                  convert_to(case kind when 'email' then 'e' when 'phone' then 'p' else 'i' end,
                             'UTF8') || decode(digest, 'hex'),
                  supporter_id,
                  case blocked when 'too_many_emails' then 1 when 'several_emails' then 2
                               when 'too_large' then 3 else 0 end, parts
           from identifiers
           where org_id = :o and kind in ('email', 'phone', 'person_id')""",
        o=org_id,
    )
    _run(
        """insert into duplicates (org_id, name, delivery_id)
           select distinct cast(:o as uuid), cast(f ->> 'action_id' as uuid), i.id
           from inbox i, jsonb_array_elements(i.facts) f
           where i.org_id = :o and i.status = 'done' and f ->> 'said' = 'elsewhere'""",
        o=org_id,
    )


def _run(statement: str, **values: object) -> None:
    op.get_bind().execute(sa.text(statement), values)


def downgrade() -> None:
    for name in _DIGESTS:
        op.drop_column("actions", f"{name}_digest")
    op.drop_table("duplicates")
    op.drop_table("names")
