"""Totals: actions, money and clicks, as cells and the counters of clicks have them.

Note: Actions and money add up over days and posts; numbers of people do not (see
`advocacy.storage.distinct_counts`). `units` are billionths of an action, since most models share
one out. Days are those of the campaign's own zone, also where it is about the organization.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeVar
from uuid import UUID

from advocacy.core.buckets import DAYS, cut
from advocacy.core.cells import (
    EVERY,
    MODELS,
    NO_ID,
    PASSED_ON,
    RENEWAL,
    UNIT,
    Key,
    campaign_scope,
)
from advocacy.storage import campaigns
from advocacy.storage.cells import days_between, read_cells
from advocacy.storage.distinct_counts import ActionFilter, campaign_scopes
from advocacy.storage.session import execute, run

ALL_MODELS = "every"
"""The model of credit on which all models agree."""

Group = TypeVar("Group")
Amounts = list[int]
"""Units, gross and refunded money."""


def summed(
    org_id: UUID,
    scopes: Iterable[str],
    first: date,
    last: date,
    model: str,
    of: Callable[[str, date, Key], Group | None],
    *,
    by_day: bool = False,
) -> dict[Group, Amounts]:
    """Return the sums by a model, added up by what `of` returns; None is left out.

    `of` gets the scope, the day (or the month, unless `by_day`) and the key.
    """
    number = MODELS.index(model)
    found: dict[Group, Amounts] = {}
    for piece in read_cells(org_id, scopes, first, last, sums=True, by_day=by_day):
        scope, day = piece.scope, piece.first
        for key, of_model, units, gross, refunded in piece.sums():
            if of_model not in (EVERY, number) or key.flags & PASSED_ON:
                continue
            group = of(scope, day, key)
            if group is None:
                continue
            amounts = found.get(group)
            if amounts is None:
                found[group] = [units, gross, refunded]
            else:
                amounts[0] += units
                amounts[1] += gross
                amounts[2] += refunded
    return {group: amounts for group, amounts in found.items() if any(amounts)}


@lru_cache(maxsize=20_000)
def _id(of: bytes) -> UUID:
    return UUID(bytes=of) if of else NO_ID


def is_renewal(key: Key) -> bool:
    """Say whether it is of a recurring gift's later payments, which are shown apart."""
    return key.kind == "donation" and bool(key.flags & RENEWAL)


class TotalRow(NamedTuple):
    """Sums of a post, by platform, kind and currency or by tier; see `read_totals`."""

    post_id: UUID
    tier: str | None
    platform: str | None
    kind: str | None
    renewal: bool | None
    currency: str | None
    units: int
    gross_minor: int
    refunded_minor: int


def read_totals(
    org_id: UUID, campaign_id: UUID, first: date, last: date, model: str
) -> list[TotalRow]:
    """Return the sums by a model from `first` to `last`, twice.

    Once by post, platform, kind and currency, renewals apart; and, with `tier`, by post and tier
    alone.
    """
    by_key = summed(
        org_id,
        [campaign_scope(campaign_id)],
        first,
        last,
        model,
        lambda _scope, _day, key: (
            key.post,
            key.tier,
            key.platform,
            key.kind,
            is_renewal(key),
            key.currency,
        ),
    )
    wide: dict[tuple[bytes, str, str, bool, str], Amounts] = {}
    tiers: dict[tuple[bytes, str], Amounts] = {}
    for (post, tier, platform, kind, renewal, currency), amounts in by_key.items():
        for known in (
            wide.setdefault((post, platform, kind, renewal, currency), [0, 0, 0]),
            tiers.setdefault((post, tier), [0, 0, 0]),
        ):
            for place, amount in enumerate(amounts):
                known[place] += amount
    return [
        *(
            TotalRow(_id(post), None, platform, kind, renewal, currency, *amounts)
            for (post, platform, kind, renewal, currency), amounts in wide.items()
            if any(amounts)
        ),
        *(
            TotalRow(_id(post), tier, None, None, None, None, *amounts)
            for (post, tier), amounts in tiers.items()
            if any(amounts)
        ),
    ]


class CampaignTotal(NamedTuple):
    """Sums of a campaign by platform, kind and currency."""

    campaign_id: UUID
    platform: str
    kind: str
    renewal: bool
    currency: str
    units: int
    gross_minor: int
    refunded_minor: int


def read_campaigns(
    org_id: UUID, campaign_ids: Sequence[UUID], first: date, last: date, model: str
) -> list[CampaignTotal]:
    """Return the sums of these campaigns by a model, by campaign, platform, kind and currency.

    A day is one of the campaign's zone. `NO_ID` stands for actions of no campaign.
    """
    id_of = {campaign_scope(each): each for each in campaign_ids}
    found = summed(
        org_id,
        id_of,
        first,
        last,
        model,
        lambda scope, _day, key: (
            id_of[scope],
            key.platform,
            key.kind,
            is_renewal(key),
            key.currency,
        ),
    )
    return [CampaignTotal(*group, *amounts) for group, amounts in sorted(found.items())]


class DayUnits(NamedTuple):
    """Units of a kind on a day."""

    day: date
    kind: str
    units: int


def read_days(
    org_id: UUID, campaign_id: UUID, first: date, last: date, model: str
) -> list[DayUnits]:
    """Return (day, kind, units) from `first` to `last` by a model, in this order."""
    found = summed(
        org_id,
        [campaign_scope(campaign_id)],
        first,
        last,
        model,
        lambda _scope, day, key: (day, key.kind),
        by_day=True,
    )
    return [DayUnits(*group, amounts[0]) for group, amounts in sorted(found.items()) if amounts[0]]


class GenerationActions(NamedTuple):
    """Actions of a post through links of a generation."""

    post_id: UUID
    generation: int
    actions: int


def read_generations(
    org_id: UUID, campaign_id: UUID, first: date, last: date
) -> list[GenerationActions]:
    """Return (post_id, generation, actions) by last touch; generation 2 stands for 2 and beyond."""
    found: dict[tuple[bytes, str], int] = {}
    for piece in read_cells(org_id, [campaign_scope(campaign_id)], first, last, sums=True):
        for key, _, units, _, _ in piece.sums():
            if key.flags & PASSED_ON:
                found[key.post, key.tier] = found.get((key.post, key.tier), 0) + units
    return [
        GenerationActions(_id(post), int(tier), units // UNIT)
        for (post, tier), units in found.items()
        if units
    ]


class SumRow(NamedTuple):
    """Sums of a key; see `read_sums`."""

    key: str | UUID | date
    credited: bool
    kind: str
    renewal: bool
    currency: str
    units: int
    gross_minor: int
    refunded_minor: int


def read_sums(asked: ActionFilter, by: str) -> list[SumRow]:
    """Return (key, credited, kind, renewal, currency, units, gross_minor, refunded_minor).

    `by` is '' or one of campaign, post, platform, kind, source, day. `credited` says whether they
    are a post's. Renewals are donations, and stand apart. A day is one of the campaign's zone. Of
    no hours.
    """
    ids = [asked.campaign_id] if asked.campaign_id else list(campaigns.zones(asked.org_id))
    if asked.campaigns is not None:
        ids = [each for each in ids if each in asked.campaigns]
    id_of = {campaign_scope(each): each or NO_ID for each in ids}
    posts, sources = asked.post_bytes, asked.source_bytes

    def group(
        scope: str, day: date, key: Key
    ) -> tuple[str | UUID | date, bool, str, bool, str] | None:
        if (
            (asked.kinds is not None and key.kind not in asked.kinds)
            or (asked.platforms is not None and key.platform not in asked.platforms)
            or (posts is not None and key.post not in posts)
            or (sources is not None and key.source not in sources)
        ):
            return None
        of: str | UUID | date = ""
        match by:
            case "campaign":
                of = id_of[scope]
            case "post":
                of = _id(key.post)
            case "platform":
                of = key.platform
            case "kind":
                of = key.kind
            case "source":
                of = _id(key.source)
            case "day":
                of = day
        return of, bool(key.post), key.kind, is_renewal(key), key.currency

    found = summed(
        asked.org_id, id_of, asked.first, asked.last, asked.model, group, by_day=by == "day"
    )
    return [SumRow(*of, *amounts) for of, amounts in found.items()]


def _pieces(first: date, last: date) -> dict[str, date]:
    """Return the whole spans and the single days of a range, as the statements here name them."""
    return {
        f"{piece}_{end}": day
        for piece, days in cut(first, last)._asdict().items()
        for end, day in zip(("from", "to"), days, strict=True)
    }


class PostClicks(NamedTuple):
    """Clicks on a post, of people or of others."""

    post_id: UUID
    human: bool
    clicks: int


def read_clicks(org_id: UUID, campaign_id: UUID, first: date, last: date) -> list[PostClicks]:
    """Return the clicks from `first` to `last` by post, people and others apart."""
    return run(
        PostClicks,
        """select post_id, human, sum(clicks)::int8 as clicks
           from (
             select post_id, human, clicks from click_span_totals
             where org_id = :o and campaign_id = :c and starts_on between :spans_from and :spans_to
             union all
             select post_id, human, clicks from click_totals
             where org_id = :o and campaign_id = :c and day between :head_from and :head_to
             union all
             select post_id, human, clicks from click_totals
             where org_id = :o and campaign_id = :c and day between :tail_from and :tail_to
           ) as found
           group by post_id, human""",
        o=org_id,
        c=campaign_id,
        **_pieces(first, last),
    )


def correct_click_spans(org_id: UUID) -> None:
    """Make clicks by span again the sums of those by day, should they not be.

    An older version of the code, running beside this one, counts by day alone. One statement, so
    that it sees both tables at the same moment while clicks go on coming.
    """
    execute(
        f"""insert into click_span_totals (org_id, campaign_id, starts_on, post_id, human, slot,
                                           clicks)
            select :o, campaign_id, starts_on, post_id, human, 0, sum(clicks)
            from (
              select campaign_id, date '0001-01-01' + (day - date '0001-01-01') / {DAYS} * {DAYS}
                                  as starts_on, post_id, human, clicks
              from click_totals where org_id = :o
              union all
              select campaign_id, starts_on, post_id, human, -clicks
              from click_span_totals where org_id = :o) as difference
            group by 2, 3, 4, 5 having sum(clicks) <> 0 order by 2, 3, 4, 5
            on conflict (org_id, campaign_id, starts_on, post_id, human, slot)
            do update set clicks = click_span_totals.clicks + excluded.clicks""",
        o=org_id,
    )


class SourceCodes(NamedTuple):
    """How many actions of a source came with a code, lately and before."""

    source: str
    provider: str
    recent: int
    recent_with_code: int
    before: int
    before_with_code: int


class _SourceRow(NamedTuple):
    id: UUID
    name: str
    provider: str


def carried_codes(org_id: UUID, lately_days: int, before_days: int) -> list[SourceCodes]:
    """Return per source how many actions came with a code of ours lately, and before that.

    A code that is none of ours counts as none: it brings nothing back.
    """
    today = datetime.now(UTC).date()
    split = today - timedelta(days=lately_days)
    found = summed(
        org_id,
        campaign_scopes(campaigns.zones(org_id), None),
        split - timedelta(days=before_days - 1),
        date.max,
        "last_touch",
        lambda _scope, day, key: (key.source, day > split, key.tier in {"click_id", "code"}),
        by_day=True,
    )
    rows = run(
        _SourceRow,
        """select id, name, provider from sources
           where org_id = :o and disabled_at is null order by name""",
        o=org_id,
    )
    counts = []
    for row in rows:
        actions = {
            group[1:]: amounts[0] // UNIT
            for group, amounts in found.items()
            if group[0] == row.id.bytes
        }
        if actions:
            with_code = actions.get((True, True), 0), actions.get((False, True), 0)
            counts.append(
                SourceCodes(
                    row.name,
                    row.provider,
                    with_code[0] + actions.get((True, False), 0),
                    with_code[0],
                    with_code[1] + actions.get((False, False), 0),
                    with_code[1],
                )
            )
    return counts


class _Span(NamedTuple):
    first: date | None
    last: date | None


def span(org_id: UUID, campaign_id: UUID) -> tuple[date | None, date | None]:
    """Return the first and the last day on which the campaign has actions or clicks."""
    row = run(
        _Span,
        """select min(day) as first, max(day) as last from click_totals
           where org_id = :o and campaign_id = :c""",
        o=org_id,
        c=campaign_id,
    )[0]
    days = [
        each
        for each in (*row, *days_between(org_id, [campaign_scope(campaign_id)]))
        if each is not None
    ]
    return (min(days), max(days)) if days else (None, None)


def span_of_actions(org_id: UUID, campaign_ids: Sequence[UUID]) -> tuple[date | None, date | None]:
    """Return the first and the last day on which one of these campaigns has actions."""
    return days_between(org_id, [campaign_scope(each) for each in campaign_ids])


def count_actions(
    org_id: UUID, campaign_id: UUID | None, days: tuple[date, date] | None = None
) -> int:
    """Return how many actions a campaign or the organization has, on these days."""
    first, last = days or (date.min, date.max)
    found = summed(
        org_id,
        campaign_scopes(campaigns.zones(org_id), campaign_id),
        first,
        last,
        "last_touch",
        lambda _scope, _day, _key: True,
    )
    return found[True][0] // UNIT if found else 0


def read_units_by_post(
    org_id: UUID, campaign_ids: Iterable[UUID], first: date, last: date
) -> dict[tuple[UUID, date, UUID], int]:
    """Return units by last touch by (campaign, day, post); of posts alone."""
    id_of = {campaign_scope(each): each for each in campaign_ids}
    found = summed(
        org_id,
        id_of,
        first,
        last,
        "last_touch",
        lambda scope, day, key: (id_of[scope], day, _id(key.post)) if key.post else None,
        by_day=True,
    )
    return {group: amounts[0] for group, amounts in found.items()}


def campaigns_with_actions(org_id: UUID, first: date, last: date) -> set[UUID]:
    """Return the campaigns that have actions or refunds on these days; `NO_ID` is for none."""
    id_of = {campaign_scope(each): each or NO_ID for each in campaigns.zones(org_id)}
    found = summed(org_id, id_of, first, last, "last_touch", lambda scope, _day, _key: id_of[scope])
    return set(found)
