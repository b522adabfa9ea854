"""The figures of reports: what queries fill and what pages, mails, files and the API show.

Counts of actions are whole, unless the model divides actions among posts. Amounts are whole minor
units of their currency. Shares are from 0 to 1. Rows are in the order in which they are shown.

Note: an amount is None where it must not be shown to people who are not members. The metadata of
fields is for `advocacy.disclosure`, which rounds reports for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from advocacy.core.events import Tier

Number = int | float
"""A number of actions."""

INFERRED = frozenset({Tier.REFERRER, Tier.IDENTITY})
"""Tiers at which the post or platform is inferred, not returned by the tool."""


def whole(value: Number) -> Number:
    """Return a number of actions to the billionth, as an integer if it is one."""
    rounded = round(value, 9)
    return int(rounded) if rounded == int(rounded) else rounded


@dataclass(frozen=True, slots=True)
class People:
    """Distinct supporters, and how many of them acted for the first time."""

    distinct: int = field(default=0, metadata={"measure": "supporters"})
    new: int = 0
    returning: int = 0


@dataclass(frozen=True, slots=True)
class Clicks:
    """Clicks by people, and other requests: previews, prefetches and HEAD requests."""

    human: int = field(default=0, metadata={"measure": "clicks"})
    other: int = 0


@dataclass(frozen=True, slots=True)
class Renewals:
    """Later payments of recurring gifts."""

    donations: Number = 0
    gross_minor: int | None = 0
    refunded_minor: int | None = 0


@dataclass(frozen=True, slots=True)
class Money:
    """Donations in one currency; net is gross minus refunded, and includes the renewals."""

    currency: str
    gross_minor: int | None = 0
    refunded_minor: int | None = 0
    net_minor: int | None = 0
    donations: Number = 0
    renewals: Renewals = Renewals()


def givers_at_most(people: int, sum_: Money) -> int:
    """Return how many of these people at most gave a sum; a recurring gift is one person's."""
    return int(min(people, sum_.donations - sum_.renewals.donations))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Actions whose credit is based on evidence of one tier, and their share of all."""

    tier: Tier = field(metadata={"label": True})
    actions: Number
    share: float = field(metadata={"exact": True})


def with_shares(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return evidence with the shares calculated from the actions."""
    rows = tuple(evidence)
    everything = whole(sum(each.actions for each in rows))
    return tuple(
        replace(each, share=round(each.actions / everything, 4) if everything else 0.0)
        for each in rows
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """Credited actions without those credited by inference only, and with them."""

    lower: Number
    upper: Number


def bounds_of(actions: Number, evidence: Iterable[Evidence]) -> Bounds:
    """Return how many of these actions are certainly credited, and how many may be."""
    of_tier = {each.tier: each.actions for each in evidence}
    upper = whole(max(actions - of_tier.get(Tier.UNATTRIBUTED, 0), 0))
    lower = whole(max(upper - sum(of_tier.get(tier, 0) for tier in INFERRED), 0))
    return Bounds(lower, upper)


@dataclass(frozen=True, slots=True)
class Generations:
    """Actions through a post's own link, through one that was shared once, and shared further."""

    direct: int
    first_share: int
    beyond: int

    @property
    def factor(self) -> float | None:
        """Return the number of all actions per direct action, None without direct ones."""
        every = self.direct + self.first_share + self.beyond
        return round(every / self.direct, 4) if self.direct else None


@dataclass(frozen=True, slots=True)
class KindFigures:
    """Figures of one kind of action."""

    kind: str = field(metadata={"label": True})
    actions: Number
    supporters: People


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Actions of one kind on one day."""

    day: date
    kind: str = field(metadata={"label": True})
    actions: Number


@dataclass(frozen=True, slots=True)
class PostAbout:
    """The post that figures are about."""

    id: UUID = field(metadata={"label": True})
    platform: str
    title: str
    url: str
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class PostFigures:
    """Figures of one post; without a post, those of unattributed actions."""

    post: PostAbout | None = field(metadata={"label": True})
    clicks: Clicks
    actions: Number
    by_kind: Mapping[str, Number]
    supporters: People
    money: tuple[Money, ...]
    evidence: tuple[Evidence, ...] = field(
        metadata={"rows": "evidence", "by_model": True, "keep_empty": True}
    )
    generations: Generations

    @property
    def bounds(self) -> Bounds:
        """Return the bounds of the credited actions."""
        return bounds_of(self.actions, self.evidence)

    def givers(self, sum_: Money) -> int:
        """Return how many people at most gave a sum."""
        return givers_at_most(self.supporters.distinct, sum_)

    def recalculated(self) -> PostFigures:
        """Return these figures with the shares calculated from the actions."""
        return replace(self, evidence=with_shares(self.evidence))


@dataclass(frozen=True, slots=True)
class PlatformFigures:
    """Figures of one platform; an empty name stands for actions credited to none."""

    platform: str = field(metadata={"label": True})
    clicks: Clicks
    actions: Number
    supporters: People
    money: tuple[Money, ...]

    def givers(self, sum_: Money) -> int:
        """Return how many people at most gave a sum."""
        return givers_at_most(self.supporters.distinct, sum_)


@dataclass(frozen=True, slots=True)
class RestatedDays:
    """A later change of days that were over: when (`on`), why, and how many actions it concerns."""

    on: date = field(metadata={"label": True})
    why: str = field(metadata={"label": True})
    first_on: date
    last_on: date
    actions: int


@dataclass(frozen=True, slots=True)
class CampaignAbout:
    """The campaign that figures are about."""

    slug: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class CampaignActivation:
    """What a campaign's posts led to, from `first` to `last`, both included.

    `rounded_to` is the base that counts are rounded to; 0 for exact figures.
    """

    campaign: CampaignAbout
    model: str
    first: date
    last: date
    actions: Number
    supporters: People
    clicks: Clicks
    by_kind: tuple[KindFigures, ...] = field(metadata={"rows": "kinds"})
    money: tuple[Money, ...]
    evidence: tuple[Evidence, ...] = field(
        metadata={"rows": "evidence", "by_model": True, "keep_empty": True}
    )
    restated: tuple[RestatedDays, ...] = field(metadata={"rows": "restated"})
    by_day: tuple[DayFigures, ...] = field(metadata={"rows": "kinds"})
    posts: tuple[PostFigures, ...] = field(
        metadata={"rows": "posts", "by_model": True, "ordered_by": "actions"}
    )
    platforms: tuple[PlatformFigures, ...] = field(
        metadata={"rows": "platforms", "by_model": True, "ordered_by": "actions"}
    )
    rounded_to: int = field(default=0, metadata={"exact": True})

    @property
    def bounds(self) -> Bounds:
        """Return the bounds of the credited actions."""
        return bounds_of(self.actions, self.evidence)

    def givers(self, _sum: Money) -> int:
        """Return how many people at most gave a sum."""
        donors = [each.supporters.distinct for each in self.by_kind if each.kind == "donation"]
        return sum(donors)

    def recalculated(self) -> CampaignActivation:
        """Return these figures with the shares calculated from the actions."""
        return replace(self, evidence=with_shares(self.evidence))


@dataclass(frozen=True, slots=True)
class OrganizationAbout:
    """The organization that figures are about."""

    slug: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class OrganizationPlatform:
    """Figures of one platform over all campaigns."""

    platform: str
    actions: Number
    supporters: People
    money: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class OrganizationCampaign:
    """Figures of one campaign beside the others."""

    slug: str
    name: str
    actions: Number
    supporters: People
    money: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class OrganizationActivation:
    """What all campaigns led to together, from `first` to `last`, both included."""

    organization: OrganizationAbout
    model: str
    first: date
    last: date
    actions: Number
    supporters: People
    by_kind: tuple[KindFigures, ...]
    money: tuple[Money, ...]
    platforms: tuple[OrganizationPlatform, ...]
    campaigns: tuple[OrganizationCampaign, ...]
