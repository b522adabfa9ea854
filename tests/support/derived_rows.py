"""The rows that a rebuild derives, without values that may differ."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.sql import run
from tests.support.stored_figures import stored_figures
from tests.support.world import World

NOW = datetime.now(UTC).replace(microsecond=0)

DERIVED = {
    "actions": "select * from actions where org_id = :o",
    "action_names": "select name, action_id from action_names where org_id = :o",
    "duplicates": "select name, delivery_id from duplicates where org_id = :o",
    "supporters": "select id, first_acted_at from supporters where org_id = :o",
    "people with numbers": "select id, first_at from person_numbers where org_id = :o",
    "names": "select name, supporter_id, blocked, parts from names where org_id = :o",
}


def rows_of(world: World) -> dict[str, list[str]]:
    """Return all derived rows."""
    return {
        table: sorted(str(tuple(row)) for row in run(statement, o=world.org_id))
        for table, statement in DERIVED.items()
    } | {"cells": stored_figures(world.org_id)}
