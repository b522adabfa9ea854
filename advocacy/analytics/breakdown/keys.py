"""The keys and labels of groups: of a post, a day or an hour; and the days of a key."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from advocacy.analytics.breakdown.query import (
    NONE,
    Question,
    key_of_author,
    key_of_medium,
    year_earlier,
)
from advocacy.core.cells import NO_ID
from advocacy.core.dates import zone
from advocacy.storage import campaigns, posts, sources
from advocacy.storage.models import Campaign

KeyValue: TypeAlias = str | UUID | date | datetime | None
"""What rows of storage are grouped by."""


def key_of_day(by: str, day: date) -> str:
    """Return the key of a day, or of the week or month that it is in."""
    match by:
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year:04}-W{week:02}"
        case "month":
            return f"{day.year:04}-{day.month:02}"
    return day.isoformat()


class Keys:
    """The keys of one question; days are of its own period, from `first` to `last`."""

    def __init__(
        self,
        org_id: UUID,
        campaign: Campaign | None,
        zone: str,
        question: Question,
        first: date,
        last: date,
    ) -> None:
        self.by, self._compare = question.by, question.compare
        self.zone = zone
        self.first, self.last = first, last
        # All of the organization: an action of one campaign may be credited to a post of another.
        self.posts = {post.id: post for post in posts.list_posts(org_id)}
        self.sources = {source.id: source for source in sources.list_sources(org_id)}
        self.campaigns = campaigns.list_campaigns(org_id) if campaign is None else ()
        self._slugs = {each.id: each.slug for each in self.campaigns}
        self.slugs = None if campaign else {each.slug: each.id for each in self.campaigns}

    def labels(self) -> dict[str, str]:
        """Return the names to show, where they are not the keys themselves."""
        match self.by:
            case "post":
                return {
                    str(post.id): post.title or post.url or str(post.id)
                    for post in self.posts.values()
                }
            case "source":
                return {str(source.id): source.name for source in self.sources.values()}
            case "campaign":
                return {each.slug: each.name for each in self.campaigns}
        return {}

    def days_shown(self, key: str) -> tuple[date, date] | None:
        """Return the first and last day of a day, week or month; None for other groups."""
        return self.days_of(key) if self.by in {"day", "week", "month"} else None

    def of_day(self, day: date) -> str:
        """Return the key of a day of the first period."""
        return key_of_day(self.by, day)

    def days_of(self, key: str) -> tuple[date, date]:
        """Return the days of a key, within the range."""
        match self.by:
            case "week":
                year, week = map(int, key.split("-W"))
                first = date.fromisocalendar(year, week, 1)
                length = 7
            case "month":
                first = date.fromisoformat(f"{key}-01")
                length = monthrange(first.year, first.month)[1]
            case _:
                first, length = date.fromisoformat(key), 1
        end = date.fromordinal(min(first.toordinal() + length - 1, date.max.toordinal()))
        return max(first, self.first), min(end, self.last)

    def days_of_period(self, key: str, period: tuple[date, date]) -> tuple[date, date] | None:
        """Return the days of a key in either period; None if it has none there."""
        first, last = self.days_of(key)
        if period == (self.first, self.last):
            return first, last
        begin = period[0] if first == self.first else self._earlier(first)
        end = period[1] if last == self.last else self._earlier(last + timedelta(1)) - timedelta(1)
        return (begin, end) if begin <= end else None

    def _earlier(self, day: date) -> date:
        if self._compare == "before":
            return day - timedelta((self.last - self.first).days + 1)
        return year_earlier(day, 29)

    def _later(self, day: date) -> date:
        """Return the day of the first period that a day of the earlier one is compared with."""
        if self._compare == "before":
            return day + timedelta((self.last - self.first).days + 1)
        if (day.month, day.day) == (2, 29):
            return min(max(date(day.year + 1, 2, 28), self.first), self.last)
        return min(max(day.replace(year=day.year + 1), self.first), self.last)

    def of_hour(self, hour: datetime, other: bool) -> str:
        """Return the key of an hour; for the earlier period, the hour with the same clock.

        An hour that the clocks skip or repeat on one of the two days has no counterpart, and so no
        key: it is in the total only.
        """
        clock = zone(self.zone)
        local = hour.astimezone(clock)
        if other:
            moved = datetime.combine(self._later(local.date()), local.time().replace(fold=0), clock)
            if local.fold or moved.astimezone(UTC).astimezone(clock).time() != moved.time():
                return ""
            local = moved
        return local.isoformat(timespec="minutes")

    def of(self, value: KeyValue, other: bool) -> str:
        """Return the key for what a row of storage is grouped by; `other` is the earlier period."""
        match self.by:
            case "post":
                return str(value) if value and value != NO_ID else NONE
            case "medium" | "author":
                post = self.posts.get(value) if isinstance(value, UUID) else None
                return key_of_medium(post) if self.by == "medium" else key_of_author(post)
            case "campaign":
                return self._slugs.get(value, NONE) if isinstance(value, UUID) else NONE
            case "hour" if isinstance(value, datetime):
                return self.of_hour(value, other)
            case "day" | "week" | "month" if isinstance(value, date):
                return self.of_day(self._later(value) if other else value)
        return str(value) if value else NONE

    def of_people(self, value: str, other: bool) -> str:
        """Return the key for what people were counted by, which storage returns as text."""
        match self.by:
            case "hour":
                return self.of_hour(datetime.fromisoformat(value), other)
            case "campaign":
                return self.of(UUID(value) if value else None, other)
        return value or NONE
