"""The rows that a rebuild derives, without values that may differ."""

from __future__ import annotations

from datetime import UTC, datetime

from advocacy.ingestion import drain as drain_ingestion
from tests.support.sql import run
from tests.support.world import World

NOW = datetime.now(UTC).replace(microsecond=0)

DERIVED = {
    "actions": "select * from actions where org_id = :o",
    "action_names": "select name, action_id from action_names where org_id = :o",
    "duplicates": "select name, delivery_id from duplicates where org_id = :o",
    "supporters": "select id, first_acted_at from supporters where org_id = :o",
    "names": "select name, supporter_id, blocked, parts from names where org_id = :o",
    "totals": """select campaign_id, day, post_id, model, kind, tier, platform, source_id,
                        sum(units), sum(gross_minor), sum(refunded_minor)
                 from totals where org_id = :o group by 1, 2, 3, 4, 5, 6, 7, 8
                 having (sum(units), sum(gross_minor)) <> (0, 0)""",
    "generations": """select campaign_id, span, starts_on, post_id, generation, sum(actions)
                      from generation_totals where org_id = :o group by 1, 2, 3, 4, 5
                      having sum(actions) <> 0""",
    "presences": """select campaign_id, model, grain, day_span, since_span, day, since, opening,
                           value, people
                    from presences where org_id = :o and people <> 0""",
}


def rows_of(world: World) -> dict[str, list[str]]:
    """Return all derived rows."""
    drain_ingestion.compact_distinct_deltas(world.org_id, above=0)
    return {
        table: sorted(str(tuple(row)) for row in run(statement, o=world.org_id))
        for table, statement in DERIVED.items()
    }
