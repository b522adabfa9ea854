"""The figures of reports: what queries fill and what pages, mails, files and the API show.

Counts of actions are whole, unless the model divides actions among posts. Amounts are whole minor
units of their currency. Shares are from 0 to 1. Rows are in the order in which they are shown.

Note: an amount is None where it must not be shown to people who are not members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from advocacy.core.events import Tier


@dataclass(frozen=True, slots=True)
class People:
    """Distinct supporters, and how many of them acted for the first time."""

    distinct: int = 0
    new: int = 0
    returning: int = 0


@dataclass(frozen=True, slots=True)
class Clicks:
    """Clicks by people, and other requests: previews, prefetches and HEAD requests."""

    human: int = 0
    other: int = 0


@dataclass(frozen=True, slots=True)
class Renewals:
    """Later payments of recurring gifts."""

    donations: float = 0
    gross_minor: int | None = 0
    refunded_minor: int | None = 0


@dataclass(frozen=True, slots=True)
class Money:
    """Donations in one currency; net is gross minus refunded, and includes the renewals."""

    currency: str
    gross_minor: int | None = 0
    refunded_minor: int | None = 0
    net_minor: int | None = 0
    donations: float = 0
    renewals: Renewals = Renewals()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Actions whose credit is based on evidence of one tier, and their share of all."""

    tier: Tier
    actions: float
    share: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """Credited actions without those credited by inference only, and with them."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Generations:
    """Actions through a post's own link, through one shared once, and through one shared further.

    `factor` is all of them per direct action; None without direct ones.
    """

    direct: int
    first_share: int
    beyond: int
    factor: float | None


@dataclass(frozen=True, slots=True)
class KindFigures:
    """Figures of one kind of action."""

    kind: str
    actions: float
    supporters: People


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Actions of one kind on one day."""

    day: date
    kind: str
    actions: float


@dataclass(frozen=True, slots=True)
class PostAbout:
    """The post that figures are about."""

    id: UUID
    platform: str
    title: str
    url: str
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class PostFigures:
    """Figures of one post; without a post, those of unattributed actions."""

    post: PostAbout | None
    clicks: Clicks
    actions: float
    by_kind: Mapping[str, float]
    supporters: People
    money: tuple[Money, ...]
    evidence: tuple[Evidence, ...]
    bounds: Bounds
    generations: Generations


@dataclass(frozen=True, slots=True)
class PlatformFigures:
    """Figures of one platform; an empty name stands for actions credited to none."""

    platform: str
    clicks: Clicks
    actions: float
    supporters: People
    money: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class RestatedDays:
    """A later change of days that were over: when (`on`), why, and how many actions it concerns."""

    on: date
    why: str
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
    """What a campaign's posts led to, from `first` to `last`, both included."""

    campaign: CampaignAbout
    model: str
    first: date
    last: date
    actions: float
    supporters: People
    clicks: Clicks
    by_kind: tuple[KindFigures, ...]
    money: tuple[Money, ...]
    evidence: tuple[Evidence, ...]
    bounds: Bounds
    restated: tuple[RestatedDays, ...]
    by_day: tuple[DayFigures, ...]
    posts: tuple[PostFigures, ...]
    platforms: tuple[PlatformFigures, ...]


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
    actions: float
    supporters: People
    money: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class OrganizationCampaign:
    """Figures of one campaign beside the others."""

    slug: str
    name: str
    actions: float
    supporters: People
    money: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class OrganizationActivation:
    """What all campaigns led to together, from `first` to `last`, both included."""

    organization: OrganizationAbout
    model: str
    first: date
    last: date
    actions: float
    supporters: People
    by_kind: tuple[KindFigures, ...]
    money: tuple[Money, ...]
    platforms: tuple[OrganizationPlatform, ...]
    campaigns: tuple[OrganizationCampaign, ...]
