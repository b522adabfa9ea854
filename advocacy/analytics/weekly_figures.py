"""The figures of the weekly report and of other emailed periods; stored as JSON when they are sent.

Note: names of fields are names in stored JSON. A report that was stored by an older version may
lack the fields that have a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypedDict

import msgspec

from advocacy.analytics.figures import (
    DayFigures,
    Evidence,
    Money,
    Number,
    givers_at_most,
    with_shares,
)
from advocacy.core.events import Tier
from advocacy.core.records import JsonObject


@dataclass(frozen=True, slots=True)
class CampaignName:
    """The campaign that a report is about."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """Figures of a campaign, or of the whole organization, in one period."""

    supporters: int = 0
    new: int = 0
    returning: int = 0
    actions: Number = 0
    clicks: int = 0
    donors: int = 0
    money: tuple[Money, ...] = ()

    def givers(self, _sum: Money) -> int:
        """Return how many people at most gave a sum."""
        return self.donors


@dataclass(frozen=True, slots=True)
class CampaignComparison:
    """A campaign in a period and in the one before."""

    slug: str
    name: str
    now: PeriodFigures
    before: PeriodFigures


@dataclass(frozen=True, slots=True)
class KindComparison:
    """Actions of one kind in a period and in the one before."""

    kind: str = field(metadata={"label": True})
    now: Number = field(metadata={"measure": "actions"})
    before: Number = field(metadata={"measure": "actions"})


@dataclass(frozen=True, slots=True)
class TopPost:
    """One of the posts with the most actions."""

    id: str = field(metadata={"label": True})
    campaign: str
    title: str
    platform: str
    url: str
    clicks: int
    actions: Number
    supporters: int
    new: int
    by_kind: Mapping[str, Number]
    money: tuple[Money, ...]

    def givers(self, sum_: Money) -> int:
        """Return how many people at most gave a sum."""
        return givers_at_most(self.supporters, sum_)


@dataclass(frozen=True, slots=True)
class RungFigures:
    """Supporters whose highest rung this is, by how they came to it in the period."""

    rung: str = field(metadata={"label": True})
    people: int
    joined: int
    climbed: int
    stayed: int = 0


@dataclass(frozen=True, slots=True)
class Climb:
    """Supporters who climbed from one rung to a higher one."""

    lower: str = field(metadata={"label": True})
    higher: str = field(metadata={"label": True})
    people: int


@dataclass(frozen=True, slots=True)
class PostProgress:
    """Supporters who climbed or joined through a post; without a title, through none."""

    platform: str = field(metadata={"label": True})
    url: str = field(metadata={"label": True})
    title: str | None = field(metadata={"label": True})
    climbed: int
    joined: int


@dataclass(frozen=True, slots=True)
class Climbing:
    """Where supporters are on the engagement ladder, and who climbed in the period."""

    people: int
    rungs: tuple[RungFigures, ...] = field(metadata={"rows": "rungs", "keep_empty": True})
    climbs: tuple[Climb, ...] = field(metadata={"rows": "climbs"})
    posts: tuple[PostProgress, ...] = field(
        metadata={"rows": "posts", "by_model": True, "ordered_by": "climbed"}
    )


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure of an earlier report that is different now."""

    campaign: str
    figure: str
    currency: str
    then: Number
    now: Number


@dataclass(frozen=True, slots=True)
class CampaignRestatement:
    """When and why days that were over were changed, and how many actions that concerns."""

    campaign: str
    on: date = field(metadata={"label": True})
    why: str = field(metadata={"label": True})
    actions: int
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in the days of the last report, from `first` to `last`.

    `compared` is False if there was no report before. `hidden` says that changes are left out
    because they are too small to be shown.
    """

    first: date
    last: date
    since: date
    compared: bool
    rows: tuple[FigureChange, ...]
    why: tuple[CampaignRestatement, ...]
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class WeeklySummary:
    """Some days of a campaign, or of the whole organization, compared with as many before.

    `rounded_to` is the base that counts are rounded to; 0 for exact figures.
    """

    organization: str
    timezone: str
    campaign: CampaignName | None
    model: str
    made_at: datetime
    first: date
    last: date
    before_first: date
    before_last: date
    now: PeriodFigures
    before: PeriodFigures
    campaigns: tuple[CampaignComparison, ...] = field(metadata={"keep_empty": True})
    kinds: tuple[KindComparison, ...] = field(metadata={"rows": "kinds", "ordered_by": "now"})
    evidence: tuple[Evidence, ...] = field(
        metadata={"rows": "evidence", "by_model": True, "keep_empty": True}
    )
    by_day: tuple[DayFigures, ...] = field(metadata={"rows": "kinds"})
    posts: tuple[TopPost, ...] = field(
        metadata={"rows": "posts", "by_model": True, "ordered_by": "actions"}
    )
    changed: Changes
    ladder: Climbing | None = None
    rounded_to: int = field(default=0, metadata={"exact": True})

    @property
    def attributed_share(self) -> float:
        """Return the share of actions with any evidence of where they came from."""
        shares = [each.share for each in self.evidence if each.tier != Tier.UNATTRIBUTED]
        return float(sum(shares))

    def recalculated(self) -> WeeklySummary:
        """Return these figures with the shares calculated from the actions."""
        return replace(self, evidence=with_shares(self.evidence))


_StoredClimb = TypedDict("_StoredClimb", {"from": str, "to": str, "people": int})


def to_json(report: WeeklySummary) -> JsonObject:
    """Return a report as it is stored."""
    stored: JsonObject = msgspec.to_builtins(report)
    if report.ladder:
        climbs = [
            _StoredClimb({"from": each.lower, "to": each.higher, "people": each.people})
            for each in report.ladder.climbs
        ]
        stored["ladder"] = msgspec.to_builtins(report.ladder) | {"climbs": climbs}
    return stored


def from_json(stored: JsonObject) -> WeeklySummary:
    """Return a stored report."""
    ladder = stored.get("ladder")
    if isinstance(ladder, dict):
        climbs = [
            Climb(each["from"], each["to"], each["people"])
            for each in msgspec.convert(ladder["climbs"], list[_StoredClimb])
        ]
        stored = {**stored, "ladder": ladder | {"climbs": msgspec.to_builtins(climbs)}}
    return msgspec.convert(stored, WeeklySummary)
