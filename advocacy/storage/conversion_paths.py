"""Conversion paths of a campaign, aggregated: how often supporters took a path, and the results.

Note: paths are built at read time from the touches of attributed actions. Clicks without an action
are paths of one touch each, since their owners are unknown.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from advocacy.core.cells import EVERY, MODELS, PASSED_ON, Key, campaign_scope
from advocacy.storage import time_zones
from advocacy.storage.cells import read_cells
from advocacy.storage.distinct_counts import written_id
from advocacy.storage.money_movements import movements_sql
from advocacy.storage.session import run
from advocacy.storage.totals import ALL_MODELS, summed

GRAINS = ("post", "platform", "channel")
"""The levels of detail of a touch, in this order."""

APART = "\x1f"
"""Separates the grains of a touch: the unit separator, which names do not contain."""

_DIRECT = ("email", "sms", "web")

_OF_TOTAL = {
    "post": "post_id::text",
    "platform": "platform",
    "channel": "case when platform in ('email', 'sms', 'web') then platform else 'social' end",
}


class PathRow(NamedTuple):
    """A path of touches with its results; see `read_paths`."""

    path: list[str]
    credited: str
    actions: int
    amount_minor: int


def read_paths(
    org_id: UUID, campaign_id: UUID, first: date, last: date, currency: str, timezone: str
) -> list[PathRow]:
    """Return (path, credited, actions, amount_minor) of counted actions, grouped by path.

    `path` is an array of touches in order of time, empty without any; `credited` is the touch with
    the credit by last touch. A touch is a text of its `GRAINS` separated by `APART`, each empty if
    unknown, so that one read serves every grain. Money is net, in one currency; refunds of gifts of
    other days belong to a path without an action.
    """
    apart = f"chr({ord(APART)})"
    of_action = f"concat_ws({apart}, coalesce(post_id::text, ''), platform, {_OF_TOTAL['channel']})"
    of_touch = (
        f"concat_ws({apart}, coalesce(t ->> 'post_id', ''), coalesce(t ->> 'platform', ''),"
        " coalesce(t ->> 'channel', ''))"
    )
    came = movements_sql(
        "a.post_id, a.platform, a.tier, a.path as touches, a.currency",
        "and a.campaign_id = :c and not a.renewal",
    )
    return run(
        PathRow,
        f"""select path, credited, sum(actions)::int8 as actions,
                   sum(case when currency = :currency then gross_minor - refunded_minor else 0 end)
                     ::int8 as amount_minor
            from (
              select {of_action} as credited, actions, currency, gross_minor, refunded_minor,
                     case when touches is not null then array(
                            select {of_touch}
                            from jsonb_array_elements(touches) with ordinality e (t, n) order by n)
                          when tier <> 'unattributed' then array[{of_action}]
                          else array[]::text[] end as path
              from ({came}) as came) taken
            group by path, credited order by path, credited""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        currency=currency,
        zone=timezone,
        **time_zones.of_organization(org_id),
    )


class IdleClicks(NamedTuple):
    """Clicks of a touch that are not known to have led to an action."""

    key: str
    clicks: int


def read_idle_clicks(
    org_id: UUID, campaign_id: UUID, first: date, last: date, timezone: str
) -> list[IdleClicks]:
    """Return (key, clicks) of people's clicks that are not known to have led to an action.

    `key` is a touch as in `read_paths`.
    """
    return run(
        IdleClicks,
        f"""select concat_ws(chr({ord(APART)}), post_id::text, platform,
                             {_OF_TOTAL["channel"]}) as key,
                   sum(clicks)::int8 as clicks
            from (
              select t.post_id, p.platform, count(*) as clicks
              from touches t join posts p on p.org_id = t.org_id and p.id = t.post_id
              where t.org_id = :o and t.campaign_id = :c and t.human
                and not exists (
                  select 1 from actions a
                  where a.org_id = :o and a.click_id = t.click_id and a.click_id <> ''
                    and not a.test and a.supporter_id is not null)
                and t.clicked_at >= :since and t.clicked_at < :until
                and {time_zones.day("t.clicked_at", time_zones.OWN)} between :first and :last
              group by t.post_id, p.platform) idle
            group by 1 order by 1""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        **time_zones.of_zone(timezone),
        **time_zones.around(first, last),
    )


class Delays(NamedTuple):
    """The number of actions with a known click, and quartiles of the delay in seconds."""

    known: int
    quarter: float | None
    half: float | None
    three_quarters: float | None


def read_delays(org_id: UUID, campaign_id: UUID, first: date, last: date) -> Delays:
    """Return how many actions have a known click, and the quartiles of the delay in seconds."""
    return run(
        Delays,
        """select count(*) as known,
                  percentile_cont(0.25) within group (order by delay) as quarter,
                  percentile_cont(0.5) within group (order by delay) as half,
                  percentile_cont(0.75) within group (order by delay) as three_quarters
           from (
             select greatest(extract(epoch from a.occurred_at - t.clicked_at), 0) as delay
             from actions a
             join touches t on t.org_id = a.org_id and t.click_id = a.click_id
             where a.org_id = :o and a.campaign_id = :c and a.counted and not a.renewal
               and a.tier = 'click_id' and a.occurred_on between :first and :last) delays""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
    )[0]


DELAY_STEPS = (60, 300, 1800, 3600, 6 * 3600, 86400, 3 * 86400, 7 * 86400, 30 * 86400)
"""The bin edges of the histogram of the time from click to action, in seconds."""


class DelayStep(NamedTuple):
    """Actions within one of `DELAY_STEPS`."""

    step: int
    actions: int


def read_delay_steps(org_id: UUID, campaign_id: UUID, first: date, last: date) -> list[DelayStep]:
    """Return (step, actions): the number of actions in each bin of `DELAY_STEPS`.

    Step 0 is before the first edge; bins without an action are missing.
    """
    return run(
        DelayStep,
        """select width_bucket(
                    greatest(extract(epoch from a.occurred_at - t.clicked_at), 0)::float8,
                    cast(:steps as float8[])) as step,
                  count(*)::int8 as actions
           from actions a
           join touches t on t.org_id = a.org_id and t.click_id = a.click_id
           where a.org_id = :o and a.campaign_id = :c and a.counted and not a.renewal
             and a.tier = 'click_id' and a.occurred_on between :first and :last
           group by 1 order by 1""",
        o=org_id,
        c=campaign_id,
        first=first,
        last=last,
        steps=[float(each) for each in DELAY_STEPS],
    )


class CreditRow(NamedTuple):
    """Credit of a key by a model, in billionths of an action and in minor units."""

    model: str
    key: str
    units: int
    amount_minor: int


def read_credits(
    org_id: UUID, campaign_id: UUID, first: date, last: date, by: str, currency: str
) -> list[CreditRow]:
    """Return (model, key, units, amount_minor) by the models of single actions, from totals.

    `model` is `every` for credit on which all models agree; `key` is empty for unattributed.
    `units` are billionths of an action; money is net, of one currency.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for piece in read_cells(org_id, [campaign_scope(campaign_id)], first, last, sums=True):
        for key, number, units, gross, refunded in piece.sums():
            if key.flags & PASSED_ON:
                continue
            model = ALL_MODELS if number == EVERY else MODELS[number]
            credited = found.setdefault((model, _of_key(by, key)), [0, 0])
            credited[0] += units
            credited[1] += gross - refunded if key.currency == currency else 0
    return [CreditRow(*of, *credited) for of, credited in sorted(found.items()) if any(credited)]


def _of_key(by: str, key: Key) -> str:
    if by == "post":
        return written_id(key.post)
    if by == "channel" and key.platform and key.platform not in _DIRECT:
        return "social"
    return key.platform


def read_currencies(org_id: UUID, campaign_id: UUID, first: date, last: date) -> list[str]:
    """Return the currencies of gifts and refunds of a campaign, the most used first."""
    found = summed(
        org_id,
        [campaign_scope(campaign_id)],
        first,
        last,
        "last_touch",
        lambda _scope, _day, key: key.currency or None,
    )
    return sorted(found, key=lambda currency: (-found[currency][0], currency))
