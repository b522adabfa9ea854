"""Statements that a cluster would refuse, each of which `make cut` has to find; see `cut.py`.

They are executed as if by a storage module.
"""

from __future__ import annotations

import sys
import types

import pytest

from advocacy.storage.session import transaction
from tests.architecture import cut
from tests.architecture.cut import PARTS

STATEMENTS = {
    "right": "update inbox set detail = detail || 'x' where org_id = :o",
    "of_all": "update inbox set detail = ''",
    "by_row": """select m.id, (select count(*) from sessions s where s.org_id = m.org_id)
                 from members m where m.org_id = :o""",
    "locks_all": "select id from supporters for no key update",
    "copies": """insert into suppressed (org_id, mark)
                 select org_id, 'x' from suppressed where org_id = :o""",
    "by_setting": """update actions set delivery_ids = cast(v.ids as uuid[])
                     from unnest(cast(:names as text[])) as v (ids) where org_id = :o""",
    "by_chance": "update inbox set detail = random()::text where org_id = :o",
    "in_case": """update inbox set done_at = coalesce(done_at, now() - interval '1 s')
                  where org_id = :o""",
    "answers": "update inbox set detail = '' where org_id = :o returning now()",
}

"""What is asked, by the name of a function."""

_BOTH = f"touches {PARTS} of {PARTS} parts"
WRONG = {
    "of_all": _BOTH,
    "by_row": _BOTH,
    "locks_all": _BOTH,
    "copies": "inserts what does not begin with one given organization",
    "by_setting": "a stable function of a column: array_in",
    "by_chance": "a volatile function in an update or delete: random",
    "in_case": "a function that is not immutable within case or coalesce",
    "answers": "a function that is not immutable in returning",
}
"""What has to be found in them; nothing in any other."""


@pytest.fixture(autouse=True)
def only_on_cut_tables(pytestconfig):
    if not pytestconfig.getoption("--cut"):
        pytest.skip("only `make cut` looks at statements")


def test_a_delete_after_an_insert_into_a_table_of_all_nodes_is_found():
    inserted: set[str] = set()
    insert = "insert into addresses (kind, word, org_id, target_id) values ('view', 'x', :o, :o)"
    delete = "delete from addresses where org_id = :o"
    assert not cut._locks_in_wrong_order(inserted, delete)
    assert not cut._locks_in_wrong_order(inserted, insert)
    assert not cut._locks_in_wrong_order(inserted, insert)
    assert cut._locks_in_wrong_order(inserted, delete).startswith("deletes of addresses")


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_invalid_statement_is_found(world, name):
    room = types.ModuleType("advocacy.storage.wrong")
    exec(  # noqa: S102 -- a function of that name in a room of that name
        f"from advocacy.storage.session import execute\ndef {name}(s, **v): execute(s, **v)",
        room.__dict__,
    )
    sys.modules[room.__name__] = room
    values = {"o": world.org_id} if ":o" in STATEMENTS[name] else {}
    if ":names" in STATEMENTS[name]:
        values["names"] = ["{}"]
    with transaction():
        getattr(room, name)(STATEMENTS[name], **values)
    found = cut.wrong.pop(f"wrong.{name}", "")
    assert found.partition("\n")[0] == WRONG.get(name, "")
