"""Count distinct people over any range of days by adding up stored numbers.

Pure. A *group* is a scope (a campaign or the whole organization), a grain, a value of it, and a
model. A *presence* is a day on which a person acted in a group, together with their previous day:

- their previous day in the group, or
- on their first day in the group (`opening`), their first day anywhere in the organization.

So everyone who acted in a range has exactly one presence in it that is their first in the group or
whose previous day lies before the range; distinct people are the number of those. If the previous
day lies before the range they are *returning*, otherwise *new*. There are few pairs of days,
however many people and actions there are.

Presences are stored by day and by span (`buckets`), on both sides of the pair, so that a report
reads hundreds of pairs instead of tens of thousands. First presences are also stored without their
previous day (`since_span` 0), since they are most of the rows and usually all that is asked for.

Note: presences depend on all actions of a person. One more action changes the presence after it in
each of its groups, and an earlier first action changes all their first presences. So a change is
the presences after it minus those before it (`distinct_deltas`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple, Protocol
from uuid import UUID

from advocacy.core.buckets import DAYS, NO_DAYS, cut, span_of
from advocacy.core.choices import ATTRIBUTION_MODELS
from advocacy.core.records import StoredTouch

ALL_MODELS = "every"
"""The model of presences on which all models agree."""

MODELS = list(ATTRIBUTION_MODELS)
"""The models that may differ."""

GRAINS = ("all", "kind", "post", "platform", "source", "medium", "author")
"""By what people of a campaign are counted."""

GRAINS_OF_ORGANIZATION = ("all", "kind", "platform")
"""By what people of a whole organization are counted."""

ANY = date.min
"""Stands for the previous day where first presences are stored without it."""

Places = tuple[tuple[str, tuple[tuple[UUID | None, str], ...]], ...]
"""By model, the posts to which an action is credited, with their platforms."""


class Acted(Protocol):
    """What of an action matters here; rows and actions both have it."""

    @property
    def supporter_id(self) -> UUID | None: ...
    @property
    def campaign_id(self) -> UUID | None: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def occurred_on(self) -> date: ...
    @property
    def kind(self) -> str: ...
    @property
    def source_id(self) -> UUID: ...
    @property
    def post_id(self) -> UUID | None: ...
    @property
    def platform(self) -> str: ...
    @property
    def path(self) -> list[StoredTouch] | None: ...


class Group(NamedTuple):
    """By what people are counted. `scope` is a campaign's id, or the organization's for all."""

    scope: UUID
    model: str
    grain: str
    value: str


class RangeQuery(NamedTuple):
    """Which presences a range of days needs: those of these spans between these days."""

    day_span: int
    since_span: int
    days: tuple[date, date]
    since: tuple[date, date]


_uuid = lru_cache(maxsize=10_000)(UUID)


def range_queries(first: date, last: date) -> list[RangeQuery]:
    """Return the queries that add up to the range from `first` to `last`, both included."""
    start = span_of(first)
    before = []
    if start > date.min:
        before.append((DAYS, (date.min, span_of(date.fromordinal(start.toordinal() - 1)))))
    if start < first:
        before.append((1, (start, date.fromordinal(first.toordinal() - 1))))
    spans, head, tail = cut(first, last)
    pieces = [each for each in ((DAYS, spans), (1, head), (1, tail)) if each[1] != NO_DAYS]
    return [RangeQuery(span, 0, days, (ANY, ANY)) for span, days in pieces] + [
        RangeQuery(span, since_span, days, since)
        for span, days in pieces
        for since_span, since in before
    ]


def places(action: Acted) -> Places:
    """Return by model the posts that have a share of an action, each with its platform."""
    if not action.path:
        return ((ALL_MODELS, ((action.post_id, action.platform),)),)
    return tuple(
        (
            model,
            tuple(
                (_uuid(touch["post_id"]) if touch["post_id"] else None, touch["platform"])
                for touch in action.path
                if model in touch["shares"]
            ),
        )
        for model in ATTRIBUTION_MODELS
    )


def groups(
    action: Acted, posts: Mapping[UUID, tuple[str, str]], *, whole: bool, differ: bool
) -> Iterator[tuple[str, str, str]]:
    """Yield (model, grain, value) of the groups of an action; some may be repeated.

    `posts` has the medium and the author of each post. `whole` says that the scope is the
    organization. Where models `differ` about any of the person's actions in the scope, they may
    differ about their presences at each post; then everything that depends on posts is stored by
    model.
    """
    yield ALL_MODELS, "all", ""
    yield ALL_MODELS, "kind", action.kind
    if not whole:
        yield ALL_MODELS, "source", str(action.source_id)
    placed = places(action)
    if differ and placed[0][0] == ALL_MODELS:
        placed = tuple((model, placed[0][1]) for model in ATTRIBUTION_MODELS)
    for model, credited in placed:
        for post_id, platform in credited:
            yield model, "platform", platform
            if not whole:
                medium, author = posts.get(post_id, ("", "")) if post_id else ("", "")
                yield model, "post", str(post_id) if post_id else ""
                yield model, "medium", medium
                yield model, "author", author
