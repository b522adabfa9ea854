"""Deltas of distinct counts: what changed since they were last compacted.

A batch appends what it changes as a row for each scope, model and grain, whatever their number:
that costs a tenth of adding it to `presences` at once, where each change stands by day and by span.
The deltas are compacted into those later, many batches together.

Note: Deltas count. Readers of `presences` add `DELTAS` in one statement, so that figures are the
same before and after they are compacted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from uuid import UUID

from advocacy.core.buckets import DAYS
from advocacy.core.distinct_deltas import Change
from advocacy.core.ids import new_id
from advocacy.storage.session import execute, scalar

FEW = 20_000
"""So many changes cost a reader no more than some milliseconds."""

MANY = 400_000
"""With more than these, compacting does not wait for an idle moment."""

DELTAS = """presence_news n
          cross join lateral unnest(n.groups, n.days, n.sinces, n.openings, n.people)
                             as e (value, day, since, opening, people)"""
"""Where deltas are read from; to be restricted by `n` to an organization, scope, models, grains."""


def append_deltas(org_id: UUID, deltas: Sequence[Change]) -> None:
    """Append changes, those of a scope, a model and a grain in one row."""
    if not deltas:
        return
    families: dict[tuple[UUID, str, str], int] = {}
    ordered = sorted(deltas, key=itemgetter(0))
    places = [families.setdefault(each.group[:3], len(families)) for each in ordered]
    execute(
        """insert into presence_news (org_id, scope_id, model, grain, id, size, groups, days,
                                      sinces, openings, people)
           select :o, f.scope, f.model, f.grain, f.id, count(*), array_agg(v.value),
                  array_agg(v.day), array_agg(v.since), array_agg(v.opening), array_agg(v.people)
           from unnest(cast(:places as int4[]), cast(:values as text[]), cast(:days as date[]),
                       cast(:sinces as date[]), cast(:openings as bool[]), cast(:people as int4[]))
                as v (place, value, day, since, opening, people)
           join unnest(cast(:scopes as uuid[]), cast(:models as text[]), cast(:grains as text[]),
                       cast(:ids as uuid[]))
                with ordinality as f (scope, model, grain, id, place) on f.place = v.place + 1
           group by f.scope, f.model, f.grain, f.id""",
        o=org_id,
        # Written as text here: the driver would look at each of tens of thousands.
        places=_listed(map(str, places)),
        values=[each.group.value for each in ordered],
        days=_listed(_day(each.day) for each in ordered),
        sinces=_listed(_day(each.since) for each in ordered),
        openings=_listed("t" if each.opening else "f" for each in ordered),
        people=_listed(str(each.people) for each in ordered),
        scopes=[scope for scope, _, _ in families],
        models=[model for _, model, _ in families],
        grains=[grain for _, _, grain in families],
        ids=[new_id() for _ in families],
    )


def _listed(values: Iterable[str]) -> str:
    return f"{{{','.join(values)}}}"


_day = lru_cache(maxsize=5_000)(date.isoformat)


def count_deltas(org_id: UUID) -> int:
    """Return how many changes are not compacted yet."""
    return scalar(
        int,
        "select coalesce(sum(size), 0)::int8 as size from presence_news where org_id = :o",
        o=org_id,
    )


def compact_deltas(org_id: UUID, most: int) -> None:
    """Compact about so many deltas into `presences`, the largest families first.

    Changes no figure. One worker at a time does so for an organization.
    """
    execute(
        f"""with families as (
              select scope_id, model, grain, sum(size) as size from presence_news
              where org_id = :o group by scope_id, model, grain),
            chosen as (
              select scope_id, model, grain,
                     sum(size) over (order by size desc, scope_id, model, grain) - size as before
              from families),
            taken as (
              delete from presence_news n using chosen c
              where n.org_id = :o and n.scope_id = c.scope_id and n.model = c.model
                and n.grain = c.grain and c.before < :most
              returning n.*),
            deltas as (
              select n.scope_id as scope, n.model, n.grain, e.value, e.day, e.since, e.opening,
                     sum(e.people) as people
              from {DELTAS.replace("presence_news", "taken")}
              group by 1, 2, 3, 4, 5, 6, 7 having sum(e.people) <> 0)
            {add_cells_sql(cells_sql("deltas"))}""",
        o=org_id,
        most=most,
        span=DAYS,
    )


def drop_deltas(org_id: UUID) -> None:
    """Remove the deltas, where the counts are rebuilt from all actions."""
    execute("delete from presence_news where org_id = :o", o=org_id)


def cells_sql(presences: str) -> str:
    """Return SQL for the cells in which these stand, by day and by span on either side.

    Given and returned are (scope, model, grain, value, day, since, opening, people), in cells also
    `day_span` and `since_span`. Within one span no range asks for more than single days: see
    `advocacy.core.distinct.range_queries`.
    """
    return f"""select scope, model, grain, s.day_span, s.since_span,
                      {_span_of("day", "s.day_span")} as day,
                      case when s.since_span = 0 then date '0001-01-01'
                           else {_span_of("since", "greatest(s.since_span, 1)")} end as since,
                      opening, value, people
               from {presences}
               cross join (values (1, 0), (:span, 0), (1, 1), (1, :span), (:span, 1),
                                  (:span, :span)) as s (day_span, since_span)
               where case when s.since_span = 0 then opening
                          when opening and since = day then false
                          when s.day_span = 1 and s.since_span = 1 then true
                          else {_span_of("since", ":span")} <> {_span_of("day", ":span")} end"""


def _span_of(day: str, span: str) -> str:
    return f"(date '0001-01-01' + ({day} - date '0001-01-01') / {span} * {span})"


def add_cells_sql(cells: str) -> str:
    """Return SQL that adds these cells to presences, in the order of their keys."""
    return f"""insert into presences (org_id, campaign_id, model, grain, day_span, since_span, day,
                                      since, opening, value, slot, people)
               select :o, scope, model, grain, day_span, since_span, day, since, opening, value, 0,
                      sum(people)
               from ({cells}) as cells
               group by 2, 3, 4, 5, 6, 7, 8, 9, 10 having sum(people) <> 0
               order by 2, 3, 4, 5, 6, 7, 8, 9, 10
               on conflict (org_id, campaign_id, model, grain, day_span, since_span, day, since,
                            opening, value, slot)
               do update set people = presences.people + excluded.people"""
