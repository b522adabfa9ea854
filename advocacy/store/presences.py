"""Presences: what distinct people are counted from, kept by deltas (see `advocacy.presence`).

What a stranger would get wrong: the deltas of a person depend on all of her actions, so two workers
must not work them out side by side. Her row in `supporters` is locked first, and her other actions
are read after that, in a statement of its own: it sees what the other worker has committed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from advocacy.presence import EVERY, MODELS, Acted, Cell, Group, boxes, changes, places
from advocacy.spans import DAYS
from advocacy.store import run
from advocacy.store.actions import Action


def add_presences(
    org_id: UUID,
    was: Iterable[Action],
    now: Iterable[Action],
    zones: Mapping[UUID | None, str],
    slot: int,
) -> None:
    """Add what changes for the people behind actions that `was` and are `now` so.

    To be called after the rows of `actions` and `supporters` were written, in their transaction.
    """
    before, after = _by_person(was), _by_person(now)
    changed = [
        person
        for person in sorted({*before, *after})
        if _shapes(before[person]) != _shapes(after[person])
    ]
    if not changed:
        return
    _lock_supporters(org_id, changed)
    told = [each.id for actions in (*before.values(), *after.values()) for each in actions]
    others = _other_actions(org_id, changed, told)
    acted: list[tuple[Sequence[Acted], Sequence[Acted]]] = [
        ([*others[person], *before[person]], [*others[person], *after[person]])
        for person in changed
    ]
    posts = _posts_of(org_id, [each for pair in acted for side in pair for each in side])
    _put(org_id, changes(org_id, acted, zones, posts), slot)


def _by_person(actions: Iterable[Action]) -> dict[UUID, list[Action]]:
    found: dict[UUID, list[Action]] = defaultdict(list)
    for action in actions:
        if action.supporter_id and action.counted:
            found[action.supporter_id].append(action)
    return found


def _shapes(actions: Iterable[Action]) -> dict[UUID, tuple[object, ...]]:
    """Return by id what presences depend on of each action."""
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
    run(
        """select id from supporters where org_id = :o and id = any(cast(:ids as uuid[]))
           order by id for no key update""",
        o=org_id,
        ids=list(people),
    )


def _other_actions(
    org_id: UUID, people: Sequence[UUID], told: Sequence[UUID]
) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in run(
        """select supporter_id, campaign_id, occurred_at, occurred_on, kind, source_id, post_id,
                  platform, path
           from actions
           where org_id = :o and supporter_id = any(cast(:people as uuid[])) and counted
             and id <> all(cast(:told as uuid[]))""",
        o=org_id,
        people=list(people),
        told=list(told),
    ):
        found[row.supporter_id].append(row)
    return found


def _posts_of(org_id: UUID, actions: Iterable[Acted]) -> dict[UUID, tuple[str, str]]:
    """Return the medium and the author of each post that these actions are credited to.

    No command changes them once the post is made. One that does has to rebuild afterwards.
    """
    ids = {post for each in actions for _, credited in places(each) for post, _ in credited if post}
    if not ids:
        return {}
    return {
        row.id: (row.medium, row.author)
        for row in run(
            """select id, medium, author from posts
               where org_id = :o and id = any(cast(:ids as uuid[]))""",
            o=org_id,
            ids=sorted(ids),
        )
    }


def _put(org_id: UUID, deltas: Mapping[Group, Mapping[Cell, int]], slot: int) -> None:
    """Add deltas, in the order of their keys, into this worker's slot."""
    if not deltas:
        return
    groups = sorted(deltas)
    rows = [
        (str(place), *_written(cell), str(deltas[group][cell]))
        for place, group in enumerate(groups, start=1)
        for cell in sorted(deltas[group])
    ]
    columns = [f"{{{','.join(column)}}}" for column in zip(*rows, strict=True)]
    run(
        # Written as text here: the driver would look at each of a hundred thousand values.
        """insert into presences (org_id, campaign_id, model, grain, day_span, since_span, day,
                                  since, opening, value, slot, people)
           select :o, g.scope, g.model, g.grain, v.day_span, v.since_span, v.day, v.since,
                  v.opening, g.value, :slot, v.people
           from unnest(cast(:places as int4[]), cast(:day_spans as int2[]),
                       cast(:since_spans as int2[]), cast(:days as date[]), cast(:sinces as date[]),
                       cast(:openings as bool[]), cast(:people as int8[]))
                with ordinality
                as v (place, day_span, since_span, day, since, opening, people, number)
           join unnest(cast(:scopes as uuid[]), cast(:models as text[]), cast(:grains as text[]),
                       cast(:values as text[]))
                with ordinality as g (scope, model, grain, value, place) on g.place = v.place
           order by v.number
           on conflict (org_id, campaign_id, model, grain, day_span, since_span, day, since,
                        opening, value, slot)
           do update set people = presences.people + excluded.people""",
        o=org_id,
        slot=slot,
        scopes=[group.scope for group in groups],
        models=[group.model for group in groups],
        grains=[group.grain for group in groups],
        values=[group.value for group in groups],
        **dict(
            zip(
                ("places", "day_spans", "since_spans", "days", "sinces", "openings", "people"),
                columns,
                strict=True,
            )
        ),
    )


def _written(cell: Cell) -> tuple[str, ...]:
    return (
        str(cell.day_span),
        str(cell.since_span),
        _day(cell.day),
        _day(cell.since),
        "t" if cell.opening else "f",
    )


_day = lru_cache(maxsize=5_000)(date.isoformat)


def correct_presences(org_id: UUID) -> None:
    """Make presences again what `add_presences` would have made of all actions, should they not be.

    In one statement over all actions: where everything is made anew, each person is looked at once
    instead of once for each of her actions. What was counted rightly is not written again: it is
    most of what a rebuild would write. The rules are those of `advocacy.presence`.
    """
    # A million people are sorted in it more than once.
    run("set local work_mem = '128MB'")
    run(
        f"""with acted as (
             select a.*, min(occurred_at) over (partition by supporter_id) as first_at
             from actions a where org_id = :o and counted and supporter_id is not null),
           scoped as (
             select a.*, a.campaign_id as scope, a.occurred_on as day, false as whole,
                    (a.first_at at time zone c.timezone)::date as first_on
             from acted a join campaigns c on c.org_id = :o and c.id = a.campaign_id
             union all
             select a.*, a.org_id, (a.occurred_at at time zone o.timezone)::date, true,
                    (a.first_at at time zone o.timezone)::date
             from acted a join organizations o on o.id = :o),
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
           insert into presences (org_id, campaign_id, model, grain, day_span, since_span, day,
                                  since, opening, value, slot, people)
           select :o, scope, model, grain, day_span, since_span, day, since, opening, value, 0,
                  sum(people)
           from (
             select scope, model, grain, s.day_span, s.since_span,
                    {_span_of("day", "s.day_span")} as day,
                    case when s.since_span = 0 then date '0001-01-01'
                         else {_span_of("since", "greatest(s.since_span, 1)")} end as since,
                    opening, value, people
             from found
             cross join (values (1, 0), (:span, 0), (1, 1), (1, :span), (:span, 1), (:span, :span))
                        as s (day_span, since_span)
             where case when s.since_span = 0 then opening
                        when opening and since = day then false
                        when s.day_span = 1 and s.since_span = 1 then true
                        else {_span_of("since", ":span")} <> {_span_of("day", ":span")} end
             union all
             select campaign_id, model, grain, day_span, since_span, day, since, opening, value,
                    -people
             from presences where org_id = :o) as difference
           group by 2, 3, 4, 5, 6, 7, 8, 9, 10 having sum(people) <> 0
           order by 2, 3, 4, 5, 6, 7, 8, 9, 10
           on conflict (org_id, campaign_id, model, grain, day_span, since_span, day, since,
                        opening, value, slot)
           do update set people = presences.people + excluded.people""",
        o=org_id,
        every=EVERY,
        models=MODELS,
        span=DAYS,
    )


def _span_of(day: str, span: str) -> str:
    return f"(date '0001-01-01' + ({day} - date '0001-01-01') / {span} * {span})"


def read_people(
    org_id: UUID,
    scopes: Sequence[UUID],
    first: date,
    last: date,
    model: str,
    grains: Sequence[str],
) -> list[Any]:
    """Return (scope, grain, value, supporters, new): distinct people from `first` to `last`.

    A scope is a campaign's id, or the organization's own for all of it. `value` is '' for the grain
    'all' and where there is none (no post); ids are written out. A supporter is new where her
    first action of all in the organization lies in the range. She is a post's where the model gives
    it any share of one of her actions.
    """
    asked = boxes(first, last)
    return run(
        # Summed up within each box: so the boxes are looked up one by one, each a part of the key.
        """select s.scope, g.grain, p.value,
                  (sum(p.people) filter (where b.since_span = 0 or not p.opening))::int8
                    as supporters,
                  (coalesce(sum(p.people) filter (where b.since_span = 0), 0)
                   - coalesce(sum(p.people) filter (where b.since_span > 0 and p.opening), 0))::int8
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
           group by s.scope, g.grain, p.value
           having sum(p.people) filter (where b.since_span = 0 or not p.opening) <> 0
           order by s.scope, g.grain, p.value""",
        o=org_id,
        scopes=list(scopes),
        model=model,
        grains=list(grains),
        day_spans=[box.day_span for box in asked],
        since_spans=[box.since_span for box in asked],
        froms=[box.days[0] for box in asked],
        tos=[box.days[1] for box in asked],
        since_froms=[box.since[0] for box in asked],
        since_tos=[box.since[1] for box in asked],
    )
