"""Frequent queries use an index, however many rows there are."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from advocacy.analytics.activation import activation
from advocacy.storage import campaigns
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from tests.support.sql import run

FIRST, LAST = date(2025, 6, 20), date(2026, 6, 19)


@pytest.fixture
def crowded(world) -> Any:
    """A campaign beside another one of a busy year."""
    campaign = campaigns.get_campaign(world.org_id, "stay")
    with transaction():
        busy = campaigns.put_campaign(world.org_id, "busy", "Busy", "UTC")
        for campaign_id, number in ((busy.id, 900), (campaign.id, 2)):
            run(
                """insert into totals (org_id, campaign_id, day, post_id, model, kind, tier,
                                       platform, source_id, currency, slot, units, gross_minor,
                                       refunded_minor)
                   select :o, :c, cast(:first as date) + day,
                          cast(md5(cast(:c as text) || post) as uuid), model, 'call',
                          'code', 'x', :source, '', 0, 1000000000, 0, 0
                   from generate_series(0, 364, 7) day, generate_series(1, :number) post,
                        unnest(array['every', 'last_touch']) model""",
                o=world.org_id,
                c=campaign_id,
                first=FIRST,
                source=world.sources["standard"],
                number=number,
            )
        run("analyze totals")
    return campaign


def plans(work: Any) -> str:
    """Return how the statements of some work are carried out."""
    found: list[str] = []

    def look(connection: Any, cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.lstrip().lower().startswith(("select", "with")):
            asked = connection.connection.cursor()
            asked.execute(f"explain {statement}", values)
            found.extend(row[0] for row in asked.fetchall())

    event.listen(db.engine, "before_cursor_execute", look)
    try:
        with transaction():
            work()
    finally:
        event.remove(db.engine, "before_cursor_execute", look)
    return "\n".join(found)


@pytest.mark.slow
def test_a_report_reads_only_the_days_of_its_campaign(crowded):
    plan = plans(lambda: activation(crowded, FIRST, LAST, "last_touch"))
    assert "totals_pk" in plan
    assert "Seq Scan on totals" not in plan
    # That is what made it dear: see `totals.OF_MODEL`. News are few, and by their model in order.
    assert not [
        line
        for line in plan.splitlines()
        if "Index Cond" in line and "model = ANY" in line and "grain" not in line
    ]
