"""What can be asked of activation by groups: by what, with which filters, beside which days."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from advocacy.analytics.activation import MODELS, BadRange, days_meant, days_of
from advocacy.core.messages import say
from advocacy.storage import campaigns, totals
from advocacy.storage.models import Campaign, Organization
from advocacy.storage.totals import NO_ID

TIMES = ("hour", "day", "week", "month")
GROUPS = ("post", "platform", "medium", "author", "kind", "source", *TIMES)
"""What a campaign's activation can be grouped by."""

GROUPS_OF_ORGANIZATION = ("campaign", *GROUPS)
"""What the organization's can be grouped by."""

FILTERS = ("post", "platform", "medium", "author", "kind", "source", "hour")
"""What activation can be filtered by; a click has no kind and no source.

An hour is one of the clock, from 00 to 23. Days, weeks and months are chosen as a range.
"""

FILTERS_OF_ORGANIZATION = ("campaign", *FILTERS)
"""What the organization's can be filtered by."""

HOURS = tuple(f"{hour:02}" for hour in range(24))
"""The hours of the clock, as filters name them."""

COMPARED = ("before", "year")
"""With what it can be compared: as many days right before, or the same days a year earlier."""

NONE = "-"
"""The key of what has no post, platform, medium, author or campaign."""

OF_CLICKS = frozenset(GROUPS_OF_ORGANIZATION) - {"kind", "source"}
"""What clicks can be grouped by: a click is on a post, and of no kind or source."""


class BadFilter(ValueError):
    """A filter is none; `field` names it, and the message says what it can be."""

    def __init__(self, field_: str, message: str) -> None:
        super().__init__(message)
        self.field = field_


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. `filters` has by name of a filter the keys that are let through."""

    by: str
    first: date | None = None
    last: date | None = None
    model: str = MODELS[0]
    compare: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gifts: bool = False


def days_asked(scope: Campaign | Organization, question: Question) -> tuple[date, date]:
    """Return the first and the last day; without a range from the first with data to today."""
    if isinstance(scope, Campaign):
        return days_of(scope, question.first, question.last)
    ids = [*(each.id for each in campaigns.list_campaigns(scope.id)), NO_ID]
    earliest, latest = totals.span_of_actions(scope.id, ids)
    return days_meant(question.first, question.last, earliest, latest, scope.timezone)


def earlier_days(first: date, last: date, compare: str) -> tuple[date, date]:
    """Return the period that a range is compared with. Raises `BadRange` before all days.

    A year earlier the 29th of February is the 28th, where it is a range's only day or its end.
    """
    try:
        if compare == "before":
            days = (last - first).days + 1
            return first - timedelta(days), last - timedelta(days)
        end = year_earlier(last, 28)
        return min(year_earlier(first, 29), end), end
    except (OverflowError, ValueError):
        raise BadRange(
            say("there is no earlier period to compare with; choose a later date")
        ) from None


def year_earlier(day: date, of_leap: int) -> date:
    """Return the same day a year earlier; for the 29th of February, the 28th or what follows it."""
    if (day.month, day.day) != (2, 29):
        return day.replace(year=day.year - 1)
    return date(day.year - 1, 2, 28) if of_leap == 28 else date(day.year - 1, 3, 1)


def narrowed(
    question: Question,
    posts: Mapping[UUID, Any],
    sources: Container[UUID],
    slugs: Mapping[str, UUID] | None,
) -> dict[str, Any]:
    """Return what a question lets through, as fields of `Asked`. Raises `BadFilter`.

    `slugs` are the campaigns of the organization, None where one of them is asked about.
    """
    wanted = {name: frozenset(keys) for name, keys in question.filters.items() if keys}
    filters = FILTERS if slugs is None else FILTERS_OF_ORGANIZATION
    if unknown := set(wanted) - set(filters):
        raise BadFilter(min(unknown), f"is no filter; they are {', '.join(filters)}")
    found: dict[str, Any] = {}
    if "hour" in wanted:
        if bad := wanted["hour"] - set(HOURS):
            raise BadFilter("hour", f"is an hour of the clock, from 00 to 23, and not {min(bad)}")
        found["hours"] = frozenset(map(int, wanted["hour"]))
    if slugs is not None and "campaign" in wanted:
        if missing_slugs := wanted["campaign"] - {NONE, *slugs}:
            raise BadFilter("campaign", f"there is no campaign {min(missing_slugs)}")
        found["campaigns"] = frozenset(
            None if slug == NONE else slugs[slug] for slug in wanted["campaign"]
        )
    if {"post", "medium", "author"} & set(wanted):
        every = [None, *posts.values()]
        known = {post and post.id: post for post in every}
        if "post" in wanted:
            chosen = {_id("post", key) for key in wanted["post"]}
            if missing := chosen - set(known):
                raise BadFilter("post", f"there is no post {min(map(str, missing))} here")
            known = {post_id: known[post_id] for post_id in chosen}
        for name in ("medium", "author"):
            if name in wanted:
                known = {
                    post_id: post
                    for post_id, post in known.items()
                    if (getattr(post, name, "") or NONE) in wanted[name]
                }
        found["posts"] = frozenset(known)
    if "platform" in wanted:
        found["platforms"] = frozenset("" if key == NONE else key for key in wanted["platform"])
    if "kind" in wanted:
        found["kinds"] = wanted["kind"]
    if "source" in wanted:
        found["sources"] = frozenset(
            each for key in wanted["source"] if (each := _id("source", key))
        )
        if missing := {each for each in found["sources"] if each not in sources}:
            raise BadFilter("source", f"there is no source {min(map(str, missing))}")
    return found


def _id(name: str, key: str) -> UUID | None:
    try:
        return None if key == NONE else UUID(key)
    except ValueError:
        raise BadFilter(name, f"is an id, or {NONE} for none") from None
