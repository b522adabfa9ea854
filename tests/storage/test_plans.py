"""Frequent queries use an index, however many rows there are."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from advocacy.analytics.activation import activation
from advocacy.core.cells import campaign_scope
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
        run(
            """insert into cells (org_id, scope, grain, starts_on, words, keys, sums, sets)
               select :o, :scope || number, 1, cast(:first as date) + day, '', '', '', ''
               from generate_series(0, 364) day, generate_series(1, 20) number""",
            o=world.org_id,
            scope=campaign_scope(busy.id),
            first=FIRST,
        )
        run("analyze cells")
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
    assert "cells_pk" in plan
    assert "Seq Scan on cells" not in plan
