"""On which days people came, kept so that distinct people add up over any range of days.

Pure. A *group* is what people are counted by: a scope (a campaign, or the whole organization), a
grain and a value of it, under a model. A *presence* is a day on which a person acted in a group,
and with it goes when she was there last:

- her previous day in the group, or
- at her first day in the group (`opening`), her first day anywhere in the organization.

So whoever acted in a range has exactly one presence in it that is an opening or has its last day
before the range, and distinct people are a sum of those. Where the last day lies before the range,
opening or not, she is *returning*; else she is *new*. There are only so many pairs of days, however
many people and actions there are.

Presences are kept by day and by span (`spans`), on both sides of the pair, so that a report reads
hundreds of pairs where there are tens of thousands. Openings alone are kept a second time without
their last day (`since_span` 0): they are most of the rows, and most often all that is asked for.

What a stranger would get wrong: this is about a person's actions all together. One more action
changes the presence after it, in every group that it belongs to, and an earlier first action
changes all her openings. Hence a change is her presences after it less those before it
(`presence_changes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from advocacy.core.buckets import DAYS, NO_DAYS, cut, span_of
from advocacy.core.choices import ATTRIBUTION_MODELS

ALL_MODELS = "every"
"""The model of presences on which all models agree."""

MODELS = list(ATTRIBUTION_MODELS)
"""The models that may differ."""

GRAINS = ("all", "kind", "post", "platform", "source", "medium", "author")
"""What people of a campaign are counted by."""

GRAINS_OF_ORGANIZATION = ("all", "kind", "platform")
"""What people of a whole organization are counted by."""

ANY = date.min
"""Stands for the last day where openings are kept without it."""

Places = tuple[tuple[str, tuple[tuple[UUID | None, str], ...]], ...]
"""By model, the posts with their platforms that an action is credited to."""


class Acted(Protocol):
    """What matters of an action here; rows and actions both have it."""

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
    def path(self) -> list[dict[str, Any]] | None: ...


class Group(NamedTuple):
    """What people are counted by. `scope` is a campaign's id, or the organization's for all."""

    scope: UUID
    model: str
    grain: str
    value: str


class RangeQuery(NamedTuple):
    """Which presences a range of days asks for: those of these spans between these days."""

    day_span: int
    since_span: int
    days: tuple[date, date]
    since: tuple[date, date]


_uuid = lru_cache(maxsize=10_000)(UUID)


def range_queries(first: date, last: date) -> list[RangeQuery]:
    """Return what has to be added up for the range from `first` to `last`, both included."""
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
    """Return by model the posts, each with its platform, that have a share of an action."""
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
    """Yield (model, grain, value) of the groups that an action puts a person into, some twice.

    `posts` has the medium and the author of each. `whole` says that the scope is the organization.
    Where the models `differ` about one of her actions in the scope, they may differ about her
    presences at each post, also those that her other actions brought: then all that depends on
    posts is kept by model.
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
