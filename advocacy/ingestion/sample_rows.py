"""Generate sample rows in bulk, in SQL.

A new organization is filled by statements that need no input: everything about action number `i`
follows from `i` and a seed, so that each batch can be written without the others. `RECOUNTS` has a
function for each table that is derived from actions and clicks.

Note: these rows have no deliveries, so a rebuild leaves such an organization empty. Everything else
holds: attributing any of them again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from advocacy.ingestion import figures
from advocacy.storage import inbox, time_zones, totals
from advocacy.storage.session import execute, scalar

DAY = 86_400
FOLLOWED_WITHIN = 3
"""The most days between two clicks of one person in one visit."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A link of a generated post, as the statements need it. `published` is in unix seconds.

    `first_id` is the first link of the post: what UTM parameters lead to.
    """

    id: UUID
    first_id: UUID
    post_id: UUID
    campaign: int
    code: str
    platform: str
    social: bool
    published: int
    calm_seconds: int
    utm: dict[str, str]
    referrer: str
    referrer_platform: str


@dataclass(frozen=True, slots=True)
class Part:
    """What an action is within a visit of its person, by its number modulo `len(pattern)`.

    `member` is one of so many people of a cycle, who comes `visits` times; this is visit `visit`.
    `step` 0 opens a visit, 1 and 2 come with a further click of their own, -1 carries nothing;
    `back` is how far before it the opening action stands. `followed` says that others follow.
    """

    member: int
    visit: int
    visits: int
    step: int
    back: int
    followed: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the statements need. Lists are looked up by number, from zero.

    `campaigns` has (id, zone, source of petitions, source of gifts); `lots` has campaign numbers by
    (block, lot), `draws` link numbers by (block, campaign, draw); `shapes` the shares of a path as
    JSON, see `shape_number`.
    """

    org_id: UUID
    seed: int
    blocks: int
    people_of_cycle: int
    pattern: Sequence[Part]
    campaigns: Sequence[tuple[UUID, str, UUID, UUID]]
    lots: Sequence[int]
    draws: Sequence[int]
    links: Sequence[Placed]
    shapes: Sequence[str]


LOTS = 64
DRAWS = 256


def shape_number(social: Sequence[bool], gaps: Sequence[int]) -> int:
    """Return where the shares of a path stand: two or three touches, `gaps` in days from 1."""
    channels = sum(1 << place for place, each in enumerate(reversed(social)) if each)
    if len(social) == 2:
        return channels * FOLLOWED_WITHIN + gaps[0] - 1
    first = 4 * FOLLOWED_WITHIN
    return first + (channels * FOLLOWED_WITHIN + gaps[0] - 1) * FOLLOWED_WITHIN + gaps[1] - 1


def _pick(of: str, salt: int, among: str | int) -> str:
    """Return SQL for a whole number from zero up to `among`, the same for the same `of`."""
    return f"((hashint8extended({of}, :seed + {salt}) & 9223372036854775807) % ({among}))"


def _chance(of: str, salt: int) -> str:
    """Return SQL for a number from 0 up to 1."""
    return f"({_pick(of, salt, 2**52)}::float8 / {2**52}::float8)"


def _soon(of: str, salt: int, usual: str | int, longest: int) -> str:
    """Return SQL for so many seconds: most of them few, none as many as `longest`."""
    return f"mod((-ln(1 - {_chance(of, salt)}) * {usual})::numeric, {longest})::int8"


def _listed(name: str, number: str) -> str:
    """Return SQL for a look-up in a list of whole numbers, which counts from zero."""
    return f"(cast(:{name} as int8[]))[({number})::int + 1]"


def _drawn(salt: int) -> str:
    """Return SQL for the number of a link of the campaign's posts in the block."""
    draw = _pick("e", salt, DRAWS)
    return _listed("draws", f"(block * :campaign_count + c) * {DRAWS} + {draw}") + "::int"


def _click_id(what: str, number: str) -> str:
    """Return SQL for a click id: 26 letters and digits as the redirect endpoint makes them."""
    return f"left(translate(md5(:seed || '{what}' || {number}), '0189', 'ghij'), 26)"


def _named(text: str) -> str:
    """Return SQL for the UUIDv8 that a text names, as `events.stable_id` of its digest."""
    versioned = "set_byte(d, 6, get_byte(d, 6) & 15 | 128)"
    whole = f"set_byte({versioned}, 8, get_byte(d, 8) & 63 | 128)"
    digest = f"substr(sha256(convert_to({text}, 'UTF8')), 1, 16)"
    return f"(select encode({whole}, 'hex')::uuid from (select {digest} as d) digests)"


def _written(seconds: str) -> str:
    """Return SQL that writes an instant as Python does."""
    pattern = 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'
    return f"to_char(to_timestamp({seconds}) at time zone 'UTC', '{pattern}')"


_LINKS = """
    select (n - 1)::int as n, id, first_id, post_id, code, platform, social, utm, referrer,
           referrer_platform
    from unnest(cast(:link_ids as uuid[]), cast(:first_ids as uuid[]), cast(:post_ids as uuid[]),
                cast(:codes as text[]), cast(:platforms as text[]), cast(:socials as bool[]),
                cast(:utms as text[]), cast(:referrers as text[]),
                cast(:referrer_platforms as text[]))
         with ordinality as v (id, first_id, post_id, code, platform, social, utm, referrer,
                               referrer_platform, n)"""

_CAMPAIGNS = """
    select (n - 1)::int as n, id, zone, petitions, gifts
    from unnest(cast(:campaign_ids as uuid[]), cast(:zones as text[]), cast(:petitions as uuid[]),
                cast(:gifts as uuid[])) with ordinality as v (id, zone, petitions, gifts, n)"""

_PATTERN = """
    select (n - 1)::int as n, member, visit, visits, step, back, followed
    from unnest(cast(:members as int[]), cast(:visit_numbers as int[]),
                cast(:visit_counts as int[]), cast(:steps as int[]),
                cast(:backs as int[]), cast(:followeds as bool[]))
         with ordinality as v (member, visit, visits, step, back, followed, n)"""


def _given(plan: Plan) -> dict[str, object]:
    ids, zones, petitions, gifts = zip(*plan.campaigns, strict=True)
    links, pattern = plan.links, plan.pattern
    return {
        "o": plan.org_id,
        "seed": plan.seed,
        "blocks": plan.blocks,
        "campaign_count": len(plan.campaigns),
        "lots": list(plan.lots),
        "draws": list(plan.draws),
        "published": [link.published for link in links],
        "calm": [link.calm_seconds for link in links],
        "shapes": list(plan.shapes),
        "link_ids": [link.id for link in links],
        "first_ids": [link.first_id for link in links],
        "post_ids": [link.post_id for link in links],
        "codes": [link.code for link in links],
        "platforms": [link.platform for link in links],
        "socials": [link.social for link in links],
        "utms": [json.dumps(link.utm) for link in links],
        "referrers": [link.referrer for link in links],
        "referrer_platforms": [link.referrer_platform for link in links],
        "campaign_ids": list(ids),
        "zones": list(zones),
        **time_zones.of_zones(zones),
        "petitions": list(petitions),
        "gifts": list(gifts),
        "cycle": len(pattern),
        "people": plan.people_of_cycle,
        "members": [part.member for part in pattern],
        "visit_numbers": [part.visit for part in pattern],
        "visit_counts": [part.visits for part in pattern],
        "steps": [part.step for part in pattern],
        "backs": [part.back for part in pattern],
        "followeds": [part.followed for part in pattern],
    }


_SHAPE = f"""(cast(:shapes as text[]))[1 + case step
      when 1 then (2 * p0.social::int + p1.social::int) * {FOLLOWED_WITHIN} + g1 - 1
      else {4 * FOLLOWED_WITHIN} + ((4 * p0.social::int + 2 * p1.social::int + p2.social::int)
           * {FOLLOWED_WITHIN} + g1 - 1) * {FOLLOWED_WITHIN} + g2 - 1 end]::jsonb"""


def _touch(place: int) -> str:
    """Return SQL for a touch of a path, as `ingestion.pipeline` stores it."""
    return f"""jsonb_build_object(
        'post_id', p{place}.post_id, 'link_id', p{place}.id, 'platform', p{place}.platform,
        'channel', case when p{place}.social then 'social' else p{place}.platform end,
        'tier', case when step = {place} then 'click_id' else 'identity' end,
        'at', {_written(f"t{place}")}, 'shares', {_SHAPE} -> {place})"""


_PATH = f"""
    case step when 1 then jsonb_build_array({_touch(0)}, {_touch(1)})
              when 2 then jsonb_build_array({_touch(0)}, {_touch(1)}, {_touch(2)}) end"""

# Visits of one person begin at least two blocks apart, which is longer than any window reaches
# back: what is found in one visit is never evidence in the next.
_VISITED = f"""
    numbered as (
      select i, i - back as e, i / :cycle * :people + member as person, visit, visits, step,
             followed
      from generate_series(cast(:first as int8), cast(:last as int8) - 1) as i
      join pattern on pattern.n = i % :cycle),
    in_block as (
      select *, {_pick("person", 1, ":blocks - 2 * (visits - 1)")} + 2 * visit as block
      from numbered),
    in_campaign as (
      select *, {_listed("lots", f"block * {LOTS} + {_pick('e', 2, LOTS)}")}::int as c
      from in_block),
    drawn as (
      select *, {_drawn(3)} as l0, {_drawn(4)} as other1, {_drawn(5)} as other2,
             1 + {_pick("e", 6, FOLLOWED_WITHIN)} as g1,
             1 + {_pick("e", 7, FOLLOWED_WITHIN)} as g2
      from in_campaign),
    first_click as (
      select *, {_listed("published", "l0")}
                + {_soon("e", 8, _listed("calm", "l0"), 5 * DAY)} as t0
      from drawn),
    next_clicks as (
      select *, t0 + g1 * {DAY} as t1, t0 + (g1 + g2) * {DAY} as t2 from first_click),
    visited as materialized (
      select *, case when {_listed("published", "other1")} <= t1 then other1 else l0 end as l1,
             case when {_listed("published", "other2")} <= t2 then other2 else l0 end as l2
      from next_clicks)"""

_ACTED = f"""
    acted as materialized (
      select *,
             case step when 1 then l1 when 2 then l2 else l0 end as l,
             case step when 1 then t1 when 2 then t2 else t0 end as t,
             case when step > 0 or followed then 'click_id' when step < 0 then 'identity'
                  else (array['click_id', 'code', 'utm', 'referrer', 'unattributed'])
                       [width_bucket({_pick("e", 9, 100)}, array[0, 66, 78, 82, 85]::int8[])]
                  end as tier,
             (array['signature', 'call', 'letter', 'donation', 'submission', 'attendance',
                    'other'])
               [width_bucket({_pick("i", 12, 1000)},
                             array[0, 560, 680, 780, 940, 970, 995]::int8[])] as kind,
             followed or step <> 0 or {_pick("e", 10, 100)} >= 4 as known
      from visited),
    reported as (
      select a.*, k.id as campaign_id, k.zone, k.petitions, k.gifts, links.id as link_id,
             links.first_id, links.post_id, links.code, links.platform, links.utm,
             links.referrer, links.referrer_platform,
             t + case when step < 0 then {DAY // 4} + {_pick("i", 11, 4 * DAY)}
                      else 30 + {_soon("i", 11, 600, DAY // 4)} end as at,
             tier = 'unattributed' and {_pick("i", 13, 40)} = 0 as test,
             kind = 'donation' as gave,
             (array[500, 1000, 1500, 2500, 5000, 10000, 350, 333, 2001, 2500])
               [1 + {_pick("i", 14, 10)}] as amount, {_PATH} as path
      from acted a join links on links.n = a.l join owned k on k.n = a.c
      left join links p0 on p0.n = l0 and step > 0
      left join links p1 on p1.n = l1 and step > 0
      left join links p2 on p2.n = l2 and step > 1),
    rows as materialized (
      select reported.*, 'generated:' || i as external_id,
             case when gave then gifts else petitions end as source_id,
             case when known then {_named(":seed || 'person' || person")} end as supporter_id,
             {_click_id("click", "i")} as click_id,
             case when gave then amount else 0 end as gross,
             case when not gave or {_pick("i", 15, 25)} > 0 then 0
                  when {_pick("i", 16, 2)} = 0 then amount else amount / 2 end as refunded,
             at + {DAY} + {_pick("i", 17, 5 * DAY)} as returned_at
      from reported)"""

_PUT_ACTIONS = f"""
    with {time_zones.CLOCKS}, pattern as ({_PATTERN}), links as ({_LINKS}), owned as ({_CAMPAIGNS}),
    {_VISITED}, {_ACTED},
    clicked as (
      insert into touches (org_id, click_id, link_id, post_id, campaign_id, clicked_at, seen_at,
                           human)
      select :o, click_id, link_id, post_id, campaign_id, to_timestamp(t),
             to_timestamp(t + 1 + case {_pick("i", 18, 20)} when 0 then {_pick("i", 19, 2 * DAY)}
                                  else 0 end),
             true
      from rows where tier = 'click_id' order by click_id)
    insert into actions (org_id, id, source_id, external_id, kind, counted, occurred_at,
                         occurred_on, campaign_id, supporter_id, post_id, link_id, platform, tier,
                         code, click_id, click_found, email_digest, utm, referrer, path,
                         gross_minor, refunded_minor, currency, returns, target, test, delivery_ids)
    select :o, {_named("source_id || chr(31) || external_id")} as id, source_id, external_id, kind,
           not test, to_timestamp(at), {time_zones.day("to_timestamp(at)", time_zones.EACH)},
           campaign_id,
           supporter_id,
           case when tier not in ('referrer', 'unattributed') then post_id end,
           case tier when 'referrer' then null when 'unattributed' then null
                     when 'utm' then first_id else link_id end,
           case tier when 'referrer' then referrer_platform when 'unattributed' then ''
                     else platform end,
           tier, case when tier in ('click_id', 'code') then code else '' end,
           case when tier = 'click_id' then click_id else '' end, tier = 'click_id',
           uuid_send(supporter_id),
           case when tier = 'utm' then utm::jsonb else '{{}}' end,
           case when tier = 'referrer' then referrer else '' end, path, gross, refunded,
           case when gave then 'USD' else '' end,
           case when refunded > 0 then jsonb_build_array(jsonb_build_object(
             'at', {_written("returned_at")}, 'amount_minor', refunded)) end,
           case when kind <> 'call' then ''
                else 'ocd-division/country:us/state:tx/sldl:' || 1 + {_pick("i", 20, 150)} end,
           test, '{{}}'
    from rows join clocks k on k.zone = rows.zone order by id"""


def put_actions(plan: Plan, first: int, last: int) -> None:
    """Write actions `first` up to `last`, and the clicks that led to them."""
    execute(_PUT_ACTIONS, first=first, last=last, **_given(plan))


_PUT_IDLE_CLICKS = f"""
    with links as ({_LINKS}), owned as ({_CAMPAIGNS}),
    in_block as (
      select e, {_pick("e", 31, ":blocks")} as block
      from generate_series(cast(:first as int8), cast(:last as int8) - 1) as e),
    in_campaign as (
      select *, {_listed("lots", f"block * {LOTS} + {_pick('e', 32, LOTS)}")}::int as c
      from in_block),
    drawn as (select *, {_drawn(33)} as l from in_campaign),
    clicked as (
      select *, {_listed("published", "l")} + {_soon("e", 34, _listed("calm", "l"), 5 * DAY)} as t,
             case when {_pick("e", 35, 100)} >= 88 then 1 + {_pick("e", 36, 3)} else 0 end as why
      from drawn)
    insert into touches (org_id, click_id, link_id, post_id, campaign_id, clicked_at, seen_at,
                         human, not_human_why)
    select :o, {_click_id("idle", "e")}, links.id, links.post_id, owned.id, to_timestamp(t),
           to_timestamp(t + 1), why = 0,
           case why when 0 then '' when 1 then 'head' when 2 then 'prefetch' else 'preview' end
    from clicked join links on links.n = l join owned on owned.n = c order by 2"""


def put_idle_clicks(plan: Plan, first: int, last: int) -> None:
    """Write clicks `first` up to `last` that led to no action."""
    execute(_PUT_IDLE_CLICKS, first=first, last=last, **_given(plan))


def count_owned(org_id: UUID) -> int:
    """Return the number of the organization's clicks."""
    return scalar(int, "select count(*) from touches where org_id = :o", o=org_id)


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery that is verified and encrypted, ready for the inbox."""

    id: UUID
    source_id: UUID
    external_id: str
    sealed: bytes
    digest: bytes
    content_type: str
    received_at: datetime


def put_pending(org_id: UUID, rows: Sequence[Pending]) -> None:
    """Store deliveries as the webhook endpoint does, many at once."""
    execute(
        """insert into inbox (org_id, id, source_id, external_id, body, body_digest, content_type,
                              received_at, status)
           select :o, v.id, v.source_id, v.external_id, v.body, v.digest, v.content_type, v.at,
                  'done'
           from unnest(cast(:ids as uuid[]), cast(:sources as uuid[]), cast(:names as text[]),
                       cast(:bodies as bytea[]), cast(:digests as bytea[]),
                       cast(:types as text[]), cast(:ats as timestamptz[]))
                as v (id, source_id, external_id, body, digest, content_type, at)
           order by v.source_id, v.external_id""",
        o=org_id,
        ids=[row.id for row in rows],
        sources=[row.source_id for row in rows],
        names=[row.external_id for row in rows],
        bodies=[row.sealed for row in rows],
        digests=[row.digest for row in rows],
        types=[row.content_type for row in rows],
        ats=[row.received_at for row in rows],
    )
    inbox.put_waiting(org_id, sorted(row.id for row in rows))


def count_supporters(org_id: UUID) -> None:
    """Derive `supporters` from the organization's actions."""
    execute(
        """insert into supporters (org_id, id, first_acted_at)
           select :o, supporter_id, min(occurred_at) from actions
           where org_id = :o and counted and supporter_id is not null group by supporter_id""",
        o=org_id,
    )


def count_clicks(org_id: UUID) -> None:
    """Derive `click_totals` from the organization's clicks."""
    execute(
        f"""with {time_zones.CLOCKS}
            insert into click_totals (org_id, campaign_id, day, post_id, human, slot, clicks)
            select :o, t.campaign_id, {time_zones.day("t.clicked_at", time_zones.EACH)}, t.post_id,
                   t.human, 0, count(*)
            from touches t join campaigns c on c.org_id = :o and c.id = t.campaign_id
            join clocks k on k.zone = c.timezone
            where t.org_id = :o group by 2, 3, 4, 5""",
        o=org_id,
        **time_zones.of_organization(org_id),
    )


RECOUNTS: Mapping[str, Callable[[UUID], None]] = {
    "supporters": count_supporters,
    "click_totals": count_clicks,
    "click_span_totals": totals.correct_click_spans,
    "cells": figures.refill,
}
"""The function that fills each derived table from actions and clicks, in this order.

The table must not have rows of the organization yet. A new derived table adds its function here,
and is then filled and tested with the others.
"""


def take_time() -> None:
    """Give the statements of this transaction unlimited time, and memory to sort in.

    The planner underestimates the length of the given lists; without nested loops it hashes them.
    """
    execute("set local statement_timeout = 0")
    execute("set local enable_nestloop = off")
    execute("set local work_mem = '128MB'")


def analyze() -> None:
    """Update the planner's statistics."""
    for table in ("actions", "touches", "inbox", "waiting", *RECOUNTS):
        execute(f"analyze {table}")
