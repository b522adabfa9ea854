"""Counts of distinct people, updated by deltas (see `advocacy.core.distinct`).

A batch appends its deltas to `presence_news`; they are compacted into `presences` later. Readers
add the two up.

Note: The deltas of a person depend on all of their actions, so two workers must not compute them
at the same time. The person's row in `supporters` is locked first and their other actions are read
after that, in a separate statement, which sees what the other worker has committed.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.core.buckets import DAYS
from advocacy.core.distinct import ALL_MODELS, MODELS, Acted, Group, places, range_queries
from advocacy.core.distinct_deltas import Change, changes
from advocacy.core.records import StoredTouch
from advocacy.storage import time_zones
from advocacy.storage.actions import Action
from advocacy.storage.distinct_deltas import (
    DELTAS,
    add_cells_sql,
    append_deltas,
    cells_sql,
    drop_deltas,
)
from advocacy.storage.session import column, execute, run


def record_distinct_counts(
    org_id: UUID, was: Iterable[Action], now: Iterable[Action], zones: Mapping[UUID | None, str]
) -> None:
    """Write down what changes for the people behind actions that `was` and are `now` so.

    To be called after the rows of `actions` and `supporters` were written, in their transaction.
    """
    before, after = _by_person(was), _by_person(now)
    changed = [
        person
        for person in sorted({*before, *after})
        if not (before[person] and after[person])
        or _shapes(before[person]) != _shapes(after[person])
    ]
    if not changed:
        return
    _lock_supporters(org_id, changed)
    gone = [each for person in changed for each in before[person]]
    come = [each for person in changed for each in after[person]]
    others = _other_actions(org_id, changed, {each.id for each in (*gone, *come)})
    posts = _posts_of(org_id, (*gone, *come, *others))
    append_deltas(org_id, changes(org_id, gone, come, others, zones, posts))


def _by_person(actions: Iterable[Action]) -> dict[UUID, list[Action]]:
    found: dict[UUID, list[Action]] = defaultdict(list)
    for action in actions:
        if action.supporter_id and action.counted:
            found[action.supporter_id].append(action)
    return found


def _shapes(actions: Iterable[Action]) -> dict[UUID, tuple[object, ...]]:
    """Return by id the fields of each action on which distinct counts depend."""
    return {
        each.id: (
            each.campaign_id,
            each.occurred_at,
            each.occurred_on,
            each.kind,
            each.source_id,
            places(each),
        )
        for each in actions
    }


def _lock_supporters(org_id: UUID, people: Sequence[UUID]) -> None:
    execute(
        """select id from supporters where org_id = :o and id = any(cast(:ids as uuid[]))
           order by id for no key update""",
        o=org_id,
        ids=list(people),
    )


class _ActedRow(NamedTuple):
    supporter_id: UUID
    campaign_id: UUID | None
    occurred_at: datetime
    occurred_on: date
    kind: str
    source_id: UUID
    post_id: UUID | None
    platform: str
    path: list[StoredTouch] | None


def _other_actions(org_id: UUID, people: Sequence[UUID], given: Iterable[UUID]) -> list[_ActedRow]:
    return run(
        _ActedRow,
        """select supporter_id, campaign_id, occurred_at, occurred_on, kind, source_id, post_id,
                  platform, path
           from actions
           where org_id = :o and supporter_id = any(cast(:people as uuid[])) and counted
             and id <> all(cast(:given as uuid[]))""",
        o=org_id,
        people=list(people),
        given=list(given),
    )


class _PostRow(NamedTuple):
    id: UUID
    medium: str
    author: str


def _posts_of(org_id: UUID, actions: Iterable[Acted]) -> dict[UUID, tuple[str, str]]:
    """Return the medium and the author of each post that these actions are credited to.

    Call `move_people` before changing them.
    """
    ids: set[object] = set()
    for each in actions:
        ids |= {touch["post_id"] for touch in each.path} if each.path else {each.post_id}
    ids -= {None}
    if not ids:
        return {}
    return {
        row.id: (row.medium, row.author)
        for row in run(
            _PostRow,
            """select id, medium, author from posts
               where org_id = :o and id = any(cast(:ids as uuid[]))""",
            o=org_id,
            ids=list(map(str, ids)),
        )
    }


def move_people(
    org_id: UUID, post_id: UUID, described: tuple[str, str], zones: Mapping[UUID | None, str]
) -> None:
    """Write down what changes where a post turns out to be of this medium and this author.

    To be called before the post is changed, while no one else stores actions of the organization.
    """
    # Whatever has the post on its path has a share in a total of it, and is of its campaign.
    people = column(
        UUID,
        """with days as (
             select campaign_id, min(day) as first, max(day) as last from totals
             where org_id = :o and post_id = :p group by campaign_id)
           select distinct a.supporter_id
           from days d
           join actions a on a.org_id = :o and a.campaign_id = d.campaign_id
             and a.occurred_on between d.first and d.last
           where a.counted and a.supporter_id is not null
             and (a.post_id = :p or a.path @> cast(:step as jsonb))""",
        o=org_id,
        p=post_id,
        step=json.dumps([{"post_id": str(post_id)}]),
    )
    acted = _other_actions(org_id, people, ())
    posts = _posts_of(org_id, acted)
    changed: Counter[tuple[Group, date, date, bool]] = Counter()
    for sign, known in ((-1, posts), (1, {**posts, post_id: described})):
        for each in changes(org_id, (), acted, (), zones, known):
            changed[each[:4]] += sign * each.people
    append_deltas(org_id, [Change(*each, people) for each, people in changed.items() if people])


def rebuild_distinct_counts(org_id: UUID) -> None:
    """Rebuild distinct counts from all actions, as `record_distinct_counts` would have made them.

    In one statement over all actions: where everything is rebuilt, each person is looked at once
    instead of once for each of their actions. Correct counts are not written again: they are most
    of what a rebuild would write. The rules are those of `advocacy.core.distinct`.
    """
    drop_deltas(org_id)
    # A million people are sorted in it more than once.
    execute("set local work_mem = '128MB'")
    execute(
        f"""with {time_zones.CLOCKS},
           acted as (
             select a.*, min(occurred_at) over (partition by supporter_id) as first_at
             from actions a where org_id = :o and counted and supporter_id is not null),
           scoped as (
             select a.*, a.campaign_id as scope, a.occurred_on as day, false as whole,
                    {time_zones.day("a.first_at", time_zones.EACH)} as first_on
             from acted a join campaigns c on c.org_id = :o and c.id = a.campaign_id
             join clocks k on k.zone = c.timezone
             union all
             select a.*, a.org_id, {time_zones.day("a.occurred_at", time_zones.EACH)}, true,
                    {time_zones.day("a.first_at", time_zones.EACH)}
             from acted a join organizations o on o.id = :o
             join clocks k on k.zone = o.timezone),
           judged as (
             select *, bool_or(path is not null) over (partition by scope, supporter_id) as differ
             from scoped),
           placed as (
             select scope, supporter_id, day, whole, first_on, :every as model, post_id, platform
             from judged where not differ
             union all
             select scope, supporter_id, day, whole, first_on, m.model, post_id, platform
             from judged cross join unnest(cast(:models as text[])) as m (model)
             where differ and path is null
             union all
             select scope, supporter_id, day, whole, first_on, m.model,
                    cast(t ->> 'post_id' as uuid), t ->> 'platform'
             from judged, jsonb_array_elements(path) t,
                  jsonb_object_keys(t -> 'shares') as m (model)
             where path is not null),
           grouped as (
             select scope, supporter_id, day, first_on, :every as model, g.grain, g.value
             from judged
             cross join lateral (values ('all', ''), ('kind', kind), ('source', source_id::text))
                        as g (grain, value)
             where not (whole and g.grain = 'source')
             union
             select p.scope, p.supporter_id, p.day, p.first_on, p.model, g.grain, g.value
             from placed p left join posts on posts.org_id = :o and posts.id = p.post_id
             cross join lateral (values ('post', coalesce(p.post_id::text, '')),
                                        ('platform', p.platform),
                                        ('medium', coalesce(posts.medium, '')),
                                        ('author', coalesce(posts.author, ''))) as g (grain, value)
             where not p.whole or g.grain = 'platform'),
           paired as (
             select *, lag(day) over (partition by scope, model, grain, value, supporter_id
                                      order by day) as last
             from grouped),
           found as (
             select scope, model, grain, value, day, last is null as opening,
                    coalesce(last, least(first_on, day)) as since, count(*) as people
             from paired group by 1, 2, 3, 4, 5, 6, 7)
           {add_cells_sql(f"{cells_sql('found')} union all {_TAKEN_OFF}")}""",
        o=org_id,
        every=ALL_MODELS,
        models=MODELS,
        span=DAYS,
        **time_zones.of_organization(org_id),
    )


_TAKEN_OFF = """select campaign_id, model, grain, day_span, since_span, day, since, opening, value,
                        -people
                 from presences where org_id = :o"""


class PeopleRow(NamedTuple):
    """Distinct people of a group; see `read_people`."""

    scope: UUID
    grain: str
    value: str
    supporters: int
    new: int


def read_people(
    org_id: UUID,
    scopes: Sequence[UUID],
    first: date,
    last: date,
    model: str,
    grains: Sequence[str],
) -> list[PeopleRow]:
    """Return (scope, grain, value, supporters, new): distinct people from `first` to `last`.

    A scope is a campaign's id, or the organization's own for all of it. `value` is '' for the grain
    'all' and where there is none (no post); ids are written out. A supporter is new where their
    first action in the organization lies in the range. They are a post's where the model gives it
    any share of one of their actions.
    """
    asked = range_queries(first, last)
    return run(
        PeopleRow,
        # Summed up within each box: so the boxes are looked up one by one, each a part of the key.
        f"""with kept as (
             select s.scope, g.grain, p.value,
                    sum(p.people) filter (where b.since_span = 0 or not p.opening) as supporters,
                    coalesce(sum(p.people) filter (where b.since_span = 0), 0)
                    - coalesce(sum(p.people) filter (where b.since_span > 0 and p.opening), 0)
                      as new
             from unnest(cast(:day_spans as int2[]), cast(:since_spans as int2[]),
                         cast(:froms as date[]), cast(:tos as date[]),
                         cast(:since_froms as date[]), cast(:since_tos as date[]))
                  as b (day_span, since_span, day_from, day_to, since_from, since_to)
             cross join unnest(cast(:scopes as uuid[])) as s (scope)
             cross join unnest(cast(:grains as text[])) as g (grain)
             cross join unnest(array['every', :model]) as m (model)
             cross join lateral (
               select value, opening, sum(people) as people from presences
               where org_id = :o and campaign_id = s.scope and model = m.model and grain = g.grain
                 and day_span = b.day_span and since_span = b.since_span
                 and day between b.day_from and b.day_to
                 and since between b.since_from and b.since_to
               group by value, opening) as p
             group by s.scope, g.grain, p.value),
           news as (
             select n.scope_id as scope, n.grain, e.value,
                    sum(e.people) filter (where e.opening or e.since < :first) as supporters,
                    sum(e.people) filter (where e.opening and e.since >= :first) as new
             from {DELTAS}
             where n.org_id = :o and n.scope_id = any(cast(:scopes as uuid[]))
               and n.model in ('every', :model) and n.grain = any(cast(:grains as text[]))
               and e.day between :first and :last
             group by n.scope_id, n.grain, e.value)
           select scope, grain, value, coalesce(sum(supporters), 0)::int8 as supporters,
                  coalesce(sum(new), 0)::int8 as new
           from (select * from kept union all select * from news) as found
           group by scope, grain, value having sum(supporters) <> 0
           order by scope, grain, value""",
        o=org_id,
        scopes=list(scopes),
        model=model,
        grains=list(grains),
        first=first,
        last=last,
        day_spans=[box.day_span for box in asked],
        since_spans=[box.since_span for box in asked],
        froms=[box.days[0] for box in asked],
        tos=[box.days[1] for box in asked],
        since_froms=[box.since[0] for box in asked],
        since_tos=[box.since[1] for box in asked],
    )
