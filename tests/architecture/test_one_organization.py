"""Statements that write or lock are about one organization, and so are nearly all that read.

`pytest --cut` runs any test on tables partitioned by organization (see `cut.py`), and `make cut`
all that use storage. Citus itself is not available where these tests run.
"""

from __future__ import annotations

import ast
import re

from advocacy.storage import citus, inbox, leases
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.architecture.modules import MODULES
from tests.support.sql import run
from tests.support.world import World

# What is asked of all organizations.


def test_the_organization_that_waits_longest_comes_first(app):
    first, second, idle = (World(app, slug) for slug in ("first", "second", "idle"))
    assert inbox.organizations_with_work() == []
    assert inbox.oldest_pending_seconds() == 0
    for world in (second, first, second):
        world.act("signature", email="ana@example.org")
    assert inbox.organizations_with_work() == [second.org_id, first.org_id]
    with transaction():
        for world, minutes in ((first, 9), (second, 3)):
            run(
                """update waiting set since = since - make_interval(mins => :minutes)
                   where org_id = :o""",
                o=world.org_id,
                minutes=minutes,
            )
    assert inbox.organizations_with_work() == [first.org_id, second.org_id]
    assert 540 <= inbox.oldest_pending_seconds() < 560
    first.drain()
    assert inbox.organizations_with_work() == [second.org_id]
    with transaction():
        assert len(leases.claim_batch(second.org_id, leases.new_lease_id(), 30, 10)) == 2
    assert inbox.organizations_with_work() == [second.org_id], "there may be more of it"
    assert 180 <= inbox.oldest_pending_seconds() < 200, "and it still waits"
    assert idle.org_id not in inbox.organizations_with_work()


# What holds for every key, in the database as it was migrated.


def test_every_key_of_the_migrated_tables_names_the_organization(app):
    ours = [name for name in db.metadata.tables if name not in citus.GLOBAL]
    with transaction():
        keys = run(
            """select c.conrelid::regclass::text as name, c.conname, c.contype::text as sort,
                      c.confrelid::regclass::text as other, c.confdeltype::text as on_delete,
                      (select attname from pg_attribute
                       where attrelid = c.conrelid and attnum = c.conkey[1]) as here,
                      (select attname from pg_attribute
                       where attrelid = c.confrelid and attnum = c.confkey[1]) as there
               from pg_constraint c
               where c.contype in ('p', 'u', 'f', 'x') and c.conparentid = 0
                 and c.conrelid::regclass::text = any(cast(:ours as text[]))""",
            ours=ours,
        )
        indexes = run(
            """select i.indexrelid::regclass::text as name, a.attname as first
               from pg_index i
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
               where i.indrelid::regclass::text = any(cast(:ours as text[]))""",
            ours=ours,
        )
        made_up = run(
            """select attrelid::regclass::text as name, attname from pg_attribute a
               left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
               where attrelid::regclass::text = any(cast(:every as text[])) and attnum > 0
                 and (attidentity <> '' or attgenerated <> ''
                      or pg_get_expr(d.adbin, d.adrelid) ~ 'nextval|random|clock')""",
            every=list(db.metadata.tables),
        )
        triggers = run(
            """select tgrelid::regclass::text as name, tgname from pg_trigger
               where not tgisinternal
               union all select relname, 'a rule' from pg_class
               where relhasrules and relname = any(cast(:every as text[]))""",
            every=list(db.metadata.tables),
        )
    assert {row.name for row in keys} == set(ours), "each has a key"
    for row in keys:
        assert row.here == "org_id", row.conname
        if row.sort == "f":
            there = "id" if row.other == "organizations" else "org_id"
            assert row.there == there, row.conname
            # Setting a part of a key to null would set the organization to null.
            assert row.on_delete in {"a", "c", "r"}, row.conname
    for row in indexes:
        assert row.first == "org_id", row.name
    assert not made_up and not triggers


def test_reference_tables_have_no_keys_to_distributed_tables(app):
    for name in citus.GLOBAL:
        for key in db.metadata.tables[name].foreign_keys:
            assert key.column.table.name in citus.GLOBAL


# What a session would keep, and the next one to get it would find.


def test_no_state_is_left_in_a_database_session():
    """PgBouncer lends a connection for one transaction. Migrations do not go through it."""
    left = re.compile(
        r"^\s*(set (?!local\b)[\w.]+ *(=|to)\W|set session\b|(un)?listen\b|deallocate\b"
        r"|prepare \w+ as\b|declare \w+ cursor with hold|create temp(orary)? (table|view))"
        # Citus sends `set local` along to the nodes, and no function that sets something.
        r"|pg_(try_)?advisory_(un)?lock(?!_shared_xact)\w*\(|\bset_config\(",
        re.I,
    )
    found = [
        f"{path}:{node.lineno} {node.value[:60]!r}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and left.search(node.value)
    ]
    assert found == []
