"""Questions about activation by groups: grouping, filters, and the period to compare with."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from advocacy.analytics.activation import MODELS, BadRange, days_meant, days_of
from advocacy.core.cells import NO_ID
from advocacy.core.messages import say
from advocacy.storage import campaigns, totals
from advocacy.storage.distinct_counts import ActionFilter
from advocacy.storage.models import Campaign, Organization, Post

TIMES = ("hour", "day", "week", "month")
GROUPS = ("post", "platform", "medium", "author", "kind", "source", *TIMES)
"""What a campaign's activation can be grouped by."""

GROUPS_OF_ORGANIZATION = ("campaign", *GROUPS)
"""What the organization's can be grouped by."""

FILTERS = ("post", "platform", "medium", "author", "kind", "source", "hour")
"""What activation can be filtered by; a click has no kind and no source.

An hour is one of the clock, from 00 to 23. Days, weeks and months are filtered by the range.
"""

FILTERS_OF_ORGANIZATION = ("campaign", *FILTERS)
"""What the organization's can be filtered by."""

HOURS = tuple(f"{hour:02}" for hour in range(24))
"""The hours of the clock, as filters name them."""

COMPARED = ("before", "year")
"""What it can be compared with: as many days right before, or the same days a year earlier."""

NONE = "-"
"""The key of what has no post, platform, medium, author or campaign."""

OF_CLICKS = frozenset(GROUPS_OF_ORGANIZATION) - {"kind", "source"}
"""What clicks can be grouped by: a click is on a post, and of no kind or source."""


class BadFilter(ValueError):
    """A filter is invalid; `field` names it, and the message says what it can be."""

    def __init__(self, field_: str, message: str) -> None:
        super().__init__(message)
        self.field = field_


@dataclass(frozen=True, slots=True)
class Question:
    """A question; `filters` has the allowed keys by name of a filter."""

    by: str
    first: date | None = None
    last: date | None = None
    model: str = MODELS[0]
    compare: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gifts: bool = False


def days_of_question(scope: Campaign | Organization, question: Question) -> tuple[date, date]:
    """Return the first and the last day; by default from the first with data to today."""
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
    actions: ActionFilter,
    question: Question,
    posts: Mapping[UUID, Post],
    sources: Container[UUID],
    slugs: Mapping[str, UUID] | None,
) -> ActionFilter:
    """Return these actions narrowed by the filters of a question. Raises `BadFilter`.

    `slugs` are the campaigns of the organization, None for the figures of one campaign.
    """
    wanted = {name: frozenset(keys) for name, keys in question.filters.items() if keys}
    filters = FILTERS if slugs is None else FILTERS_OF_ORGANIZATION
    if unknown := set(wanted) - set(filters):
        raise BadFilter(min(unknown), f"is no filter; they are {', '.join(filters)}")
    if hours := wanted.get("hour"):
        if bad := hours - set(HOURS):
            raise BadFilter("hour", f"is an hour of the clock, from 00 to 23, and not {min(bad)}")
        actions = actions._replace(hours=frozenset(map(int, hours)))
    if slugs is not None and (chosen := wanted.get("campaign")):
        if missing_slugs := chosen - {NONE, *slugs}:
            raise BadFilter("campaign", f"there is no campaign {min(missing_slugs)}")
        campaign_ids = frozenset(None if slug == NONE else slugs[slug] for slug in chosen)
        actions = actions._replace(campaigns=campaign_ids)
    if {"post", "medium", "author"} & set(wanted):
        actions = actions._replace(posts=_posts(wanted, posts))
    if platforms := wanted.get("platform"):
        names = frozenset("" if key == NONE else key for key in platforms)
        actions = actions._replace(platforms=names)
    if kinds := wanted.get("kind"):
        actions = actions._replace(kinds=kinds)
    if keys := wanted.get("source"):
        source_ids = frozenset(each for key in keys if (each := _id("source", key)))
        if missing := {each for each in source_ids if each not in sources}:
            raise BadFilter("source", f"there is no source {min(map(str, missing))}")
        actions = actions._replace(sources=source_ids)
    return actions


def _posts(
    wanted: Mapping[str, frozenset[str]], posts: Mapping[UUID, Post]
) -> frozenset[UUID | None]:
    """Return the posts that match the filters; None for "no post"."""
    found: dict[UUID | None, Post | None] = dict(posts.items())
    found[None] = None
    if "post" in wanted:
        chosen = {_id("post", key) for key in wanted["post"]}
        if missing := chosen - set(found):
            raise BadFilter("post", f"there is no post {min(map(str, missing))} here")
        found = {post_id: found[post_id] for post_id in chosen}
    if media := wanted.get("medium"):
        found = {key: post for key, post in found.items() if key_of_medium(post) in media}
    if authors := wanted.get("author"):
        found = {key: post for key, post in found.items() if key_of_author(post) in authors}
    return frozenset(found)


def key_of_medium(post: Post | None) -> str:
    """Return the key of a post's medium."""
    return post.medium or NONE if post else NONE


def key_of_author(post: Post | None) -> str:
    """Return the key of a post's author."""
    return post.author or NONE if post else NONE


def _id(name: str, key: str) -> UUID | None:
    try:
        return None if key == NONE else UUID(key)
    except ValueError:
        raise BadFilter(name, f"is an id, or {NONE} for none") from None
