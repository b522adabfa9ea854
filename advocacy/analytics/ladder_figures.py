"""The figures of the engagement ladder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from advocacy.analytics.weekly_figures import Climb
from advocacy.storage.engagement_ladder import Cohort, Gifts, RungCount


@dataclass(frozen=True, slots=True)
class LadderCounts:
    """What the database counts for a ladder; names of posts are added when it is shown."""

    first: date
    last: date
    rungs: tuple[RungCount, ...]
    cohorts: tuple[Cohort, ...]
    repeat: tuple[int, int]
    gifts: tuple[Gifts, ...]


@dataclass(frozen=True, slots=True)
class LadderAbout:
    """The campaign, or without one the organization, that a ladder is about."""

    campaign: str | None
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Rung:
    """People whose highest rung this is; `joined` and `climbed` of them came in the range."""

    rung: str
    people: int
    joined: int
    climbed: int


@dataclass(frozen=True, slots=True)
class LadderPost:
    """The post through which people climbed."""

    id: UUID
    platform: str
    title: str


@dataclass(frozen=True, slots=True)
class PostClimbs:
    """People who climbed or joined through a post; without a post, unattributed."""

    post: LadderPost | None
    climbed: int
    joined: int


@dataclass(frozen=True, slots=True)
class ClimbLeader:
    """The post through which the most people climbed from one rung to another; None: no post."""

    lower: str
    higher: str
    people: int
    post: LadderPost | None
    through_post: int


@dataclass(frozen=True, slots=True)
class CohortMonth:
    """People of a cohort who acted `since` months after their first month."""

    since: int
    people: int
    share: float | None


@dataclass(frozen=True, slots=True)
class CohortRetention:
    """People by the month of their first action, as YYYY-MM, and who acted later."""

    month: str
    people: int
    months: tuple[CohortMonth, ...]


@dataclass(frozen=True, slots=True)
class RepeatFigures:
    """People whose first `days` ended in the range, and those of them who acted again."""

    days: int
    people: int
    again: int
    share: float | None


@dataclass(frozen=True, slots=True)
class GiftFigures:
    """Gifts in a currency; `gifts` and their average are of one-time gifts."""

    currency: str
    gifts: int
    average_minor: int | None
    net_minor: int
    recurring_net_minor: int
    recurring_share: float | None


@dataclass(frozen=True, slots=True)
class Ladder:
    """The engagement ladder, from `first` to `last`, both included."""

    about: LadderAbout
    first: date
    last: date
    people: int
    joined: int
    climbed: int
    rungs: tuple[Rung, ...]
    still_monthly: int
    climbs: tuple[Climb, ...]
    posts: tuple[PostClimbs, ...]
    retention: tuple[CohortRetention, ...]
    repeat: RepeatFigures
    gifts: tuple[GiftFigures, ...]
    leaders: tuple[ClimbLeader, ...] = ()
    counted_at: datetime | None = None
