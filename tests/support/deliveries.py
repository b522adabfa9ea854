"""Deliveries with the state they are in, for tests that look at them in SQL."""

from __future__ import annotations

from advocacy.ingestion.facts import facts_of
from advocacy.ingestion.reconcile import Fact
from tests.support.sql import run
from tests.support.world import World

DELIVERIES = """(
  select i.org_id, i.id, i.source_id, i.external_id, i.received_at, i.body, i.test,
         case when w.id is not null then 'pending' when q.id is not null then 'quarantined'
              else 'done' end as status,
         coalesce(q.reason, '') as reason, coalesce(q.detail, '') as detail,
         coalesce(w.attempts, q.attempts, 0) as attempts
  from inbox i
  left join waiting w on w.org_id = i.org_id and w.id = i.id
  left join quarantine q on q.org_id = i.org_id and q.id = i.id) deliveries"""
"""To be selected from: each delivery with its status, reason, detail and attempts."""


def facts_in(world: World) -> list[Fact]:
    """Return what all deliveries of the organization say."""
    ids = [id for (id,) in run("select id from inbox where org_id = :o", o=world.org_id)]
    return facts_of(world.master, world.org_id, ids)
