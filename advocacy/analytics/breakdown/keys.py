"""What the rows are called: the key of a post, a day or an hour, and the days behind a key."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from advocacy.analytics.breakdown.query import NONE, Question, year_earlier
from advocacy.core.dates import zone
from advocacy.storage import campaigns, posts, sources
from advocacy.storage.models import Campaign
from advocacy.storage.totals import NO_ID


def key_of_day(by: str, day: date) -> str:
    """Return the key of the week, the month or the day that a day is in."""
    match by:
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year:04}-W{week:02}"
        case "month":
            return f"{day.year:04}-{day.month:02}"
    return day.isoformat()


class Keys:
    """The keys of one question. They are those of its first period, from `first` to `last`."""

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
        # All of the organization: an action of one campaign may be due to a post of another.
        self.posts = {post.id: post for post in posts.list_posts(org_id)}
        self.sources = {source.id: source for source in sources.list_sources(org_id)}
        self.campaigns = campaigns.list_campaigns(org_id) if campaign is None else ()
        self._slugs = {each.id: each.slug for each in self.campaigns}
        self.slugs = None if campaign else {each.slug: each.id for each in self.campaigns}

    def labels(self) -> dict[str, str]:
        """Return what keys are called, where that is not the key itself."""
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

    def span_told(self, key: str) -> dict[str, Any]:
        """Return between which days a row is."""
        if self.by not in {"day", "week", "month"}:
            return {"from": None, "to": None}
        first, last = self.days_of(key)
        return {"from": first, "to": last}

    def of_day(self, day: date) -> str:
        """Return the key of the row that a day of the first period is in."""
        return key_of_day(self.by, day)

    def days_of(self, key: str) -> tuple[date, date]:
        """Return the days of a row, within the range."""
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
        """Return the days of a row in the period that is compared with; None where it has none."""
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
        """Return the day of the first period beside which a day of the other one stands."""
        if self._compare == "before":
            return day + timedelta((self.last - self.first).days + 1)
        if (day.month, day.day) == (2, 29):
            return min(max(date(day.year + 1, 2, 28), self.first), self.last)
        return min(max(day.replace(year=day.year + 1), self.first), self.last)

    def of_hour(self, hour: datetime, other: bool) -> str:
        """Return the key of an hour; of another period's, the hour with the same clock.

        An hour that the clocks skip, or repeat, on one of the two days stands alone: it is in the
        total and beside no hour.
        """
        clock = zone(self.zone)
        local = hour.astimezone(clock)
        if other:
            moved = datetime.combine(self._later(local.date()), local.time().replace(fold=0), clock)
            if local.fold or moved.astimezone(UTC).astimezone(clock).time() != moved.time():
                return ""
            local = moved
        return local.isoformat(timespec="minutes")

    def of(self, value: Any, other: bool) -> str:
        """Return the key for what a row of the store is of."""
        match self.by:
            case "post" | "medium" | "author":
                post = self.posts.get(value)
                if self.by == "post":
                    return str(value) if value and value != NO_ID else NONE
                return getattr(post, self.by, "") or NONE
            case "campaign":
                return self._slugs.get(value, NONE)
            case "day" | "week" | "month":
                return self.of_day(self._later(value) if other else value)
            case "hour":
                return self.of_hour(value, other)
        return str(value) if value else NONE

    def of_people(self, value: str, other: bool) -> str:
        """Return the key for what people were counted by; the store writes all of it as text."""
        match self.by:
            case "hour":
                return self.of_hour(datetime.fromisoformat(value), other)
            case "campaign":
                return self.of(UUID(value) if value else None, other)
        return value or NONE
