"""④ Activation by groups: of a campaign or the organization, filtered, and beside another period.

Each figure is defined in `definitions` and stands on the same rows as `report.activation`, so that
the same range gives the same figure in every view. Actions, money and clicks add up over groups;
people do not.

What a stranger would get wrong: *new* is about the days that a row is of. In a row of a day it says
whose first action of all was on that day, so that the row is what a report of that day alone says.

A day is one of the campaign's zone. For the whole organization actions, money and clicks stand on
the days of their campaigns, and people of the organization on days of its own zone (by campaign, on
its campaign's); so it is in `report.organization_activation`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from advocacy.models import Campaign, Organization
from advocacy.presence import GRAINS, GRAINS_OF_ORGANIZATION
from advocacy.report import MODELS, BadRange, days_meant, days_of
from advocacy.rollup import shared_out
from advocacy.small_groups import withheld_parts
from advocacy.spans import day_in
from advocacy.store import campaigns, presences, totals
from advocacy.store import groups as store
from advocacy.store.groups import Asked
from advocacy.store.totals import NOBODY, UNIT

TIMES = ("hour", "day", "week", "month")
GROUPS = ("post", "platform", "medium", "author", "kind", "source", *TIMES)
"""What a campaign's activation can be grouped by."""

GROUPS_OF_ORGANIZATION = ("campaign", *GROUPS)
"""What the organization's can be grouped by."""

FILTERS = ("post", "platform", "medium", "author", "kind", "source")
"""What activation can be filtered by; a click has no kind and no source."""

COMPARED = ("before", "year")
"""With what it can be compared: as many days right before, or the same days a year earlier."""

NONE = "-"
"""The key of what has no post, platform, medium, author or campaign."""

# What clicks can be grouped by: a click is on a post, and of no kind or source.
_OF_CLICKS = frozenset(GROUPS_OF_ORGANIZATION) - {"kind", "source"}


class BadFilter(ValueError):
    """A filter is none; `field` names it, and the message says what it can be."""

    def __init__(self, field_: str, message: str) -> None:
        super().__init__(message)
        self.field = field_


class BadCursor(ValueError):
    """The cursor was not given with this query."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. `filters` has by name of `FILTERS` the keys that are let through."""

    by: str
    first: date | None = None
    last: date | None = None
    model: str = MODELS[0]
    compare: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gifts: bool = False


@dataclass(slots=True)
class _Sums:
    """What adds up: units of actions, money by currency, clicks, gifts by currency."""

    units: int = 0
    credited: int = 0
    money: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 6))
    human: int = 0
    other: int = 0
    gifts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))


@dataclass(slots=True)
class _Figures:
    """The sums of a row and how many people are behind it, `givers` by currency."""

    sums: _Sums = field(default_factory=_Sums)
    people: int = 0
    new: int = 0
    givers: dict[str, int] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        sums = self.sums
        return bool(
            sums.units
            or sums.human
            or sums.other
            or self.people
            or any(any(each) for each in sums.money.values())
        )


@dataclass(slots=True)
class _Hidden:
    """What is withheld: rows, the total, how people divide into new and returning, and money."""

    rows: set[str] = field(default_factory=set)
    total: bool = False
    splits: set[str] = field(default_factory=set)
    total_split: bool = False
    money: set[tuple[str, str]] = field(default_factory=set)
    total_money: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Period:
    """The figures of one period: all together, and by key."""

    first: date
    last: date
    total: _Figures
    rows: dict[str, _Figures]
    hidden: _Hidden


def grouped(scope: Campaign | Organization, question: Question, least: int = 0) -> dict[str, Any]:
    """Return the activation of a campaign or an organization by groups, all of them, in order.

    Groups of time are in order of time; others have the most actions first, what is not known
    behind them, and what is withheld last. A row is there where anything is, in one of the periods.
    Without a range it is from the first day with data to today. Figures about fewer than `least`
    people, and those that would tell them, are None.

    Without filters it is read from totals and presences. With filters, by hour, with gifts, or
    where figures are withheld, all actions of the range are read (see `store.groups`).

    Raises `BadRange` and `BadFilter`, and `KeyError` for a model or a group that is none.
    """
    campaign = scope if isinstance(scope, Campaign) else None
    if question.model not in MODELS:
        raise KeyError(question.model)
    if question.by not in (GROUPS if campaign else GROUPS_OF_ORGANIZATION):
        raise KeyError(question.by)
    org_id = campaign.org_id if campaign else scope.id
    first, last = _days(scope, question)
    reading = _Reading(org_id, campaign, scope.timezone, question, first, last)
    asked = reading.asked
    period = reading.period(asked, first, last, least)
    earlier = None
    if question.compare:
        earlier = reading.period(asked, *earlier_days(first, last, question.compare), least)
    keys = {*period.rows, *(earlier.rows if earlier else ())}
    labels = reading.labels()
    return {
        "about": {
            "campaign": campaign.slug if campaign else None,
            "name": scope.name,
            "timezone": scope.timezone,
        },
        "group_by": question.by,
        "model": question.model,
        "from": first,
        "to": last,
        "compare": earlier
        and {"with": question.compare, "from": earlier.first, "to": earlier.last},
        "filters": {name: list(question.filters.get(name) or ()) for name in FILTERS},
        "total": _told(period, earlier, None, question),
        "groups": sorted(
            (
                {
                    "key": key,
                    "label": labels.get(key, "" if key == NONE else key),
                    **reading.span_told(key),
                    **_told(period, earlier, key, question),
                }
                for key in keys
            ),
            key=partial(_place, question.by),
        ),
        "least": least,
    }


def days_read(
    scope: Campaign | Organization, question: Question, least: int = 0
) -> tuple[date, date] | None:
    """Return the days whose actions are all read for a question; None where totals answer it.

    Raises what `grouped` raises.
    """
    campaign = scope if isinstance(scope, Campaign) else None
    org_id = campaign.org_id if campaign else scope.id
    first, last = _days(scope, question)
    reading = _Reading(org_id, campaign, scope.timezone, question, first, last)
    if question.compare:
        first = min(first, earlier_days(first, last, question.compare)[0])
    from_totals = {"campaign", "day", "week", "month", *GRAINS_OF_ORGANIZATION}
    walks = (
        least > 1
        or question.gifts
        or question.by == "hour"
        or reading.asked.narrowed
        or (campaign is None and question.by not in from_totals)
    )
    return (first, last) if walks else None


def page_of(
    report: Mapping[str, Any], limit: int, cursor: str = ""
) -> tuple[list[dict[str, Any]], str | None]:
    """Return at most `limit` groups of a report behind a cursor, and the cursor of those after.

    A cursor is the place of the last group shown, so that one that comes in between moves nothing.
    Raises `BadCursor` for one that was not given with the same question.
    """
    by, groups = report["group_by"], report["groups"]
    mark = _mark(report)
    if cursor:
        after = _read_cursor(cursor, mark, _place(by, groups[0]) if groups else None)
        groups = [each for each in groups if _place(by, each) > after]
    shown = groups[:limit]
    if len(groups) <= limit:
        return shown, None
    written = json.dumps([mark, *_place(by, shown[-1])], separators=(",", ":"))
    return shown, base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _mark(report: Mapping[str, Any]) -> str:
    """Return what a cursor is of: the question with its days, not the figures."""
    names = ("about", "group_by", "model", "from", "to", "compare", "filters", "least")
    said = json.dumps([report[name] for name in names], default=str, sort_keys=True)
    return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()


def _read_cursor(cursor: str, mark: str, like: tuple[Any, ...] | None) -> tuple[Any, ...]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        if not isinstance(found, list) or found[:1] != [mark]:
            raise ValueError
        place = tuple(found[1:])
        # Whoever makes one up must not make us compare a word with a number.
        if (
            like
            and place
            and [type(each) is str for each in place] != [type(each) is str for each in like]
        ):
            raise ValueError
        if not place or any(not isinstance(each, str | int | float) for each in place):
            raise ValueError
    except (binascii.Error, ValueError, RecursionError):
        raise BadCursor("was not given with these parameters; begin without a cursor") from None
    return place


def _place(by: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return where a row stands. Of a row that is withheld it tells nothing."""
    if by == "hour":
        return (datetime.fromisoformat(row["key"]).astimezone(UTC).isoformat(),)
    if by in TIMES:
        return (row["key"],)
    return (row["withheld"], row["key"] == NONE, -(row["actions"] or 0), row["key"])


def earlier_days(first: date, last: date, compare: str) -> tuple[date, date]:
    """Return the period that a range is compared with. Raises `BadRange` before all days.

    A year earlier the 29th of February is the 28th, where it is a range's only day or its end.
    """
    try:
        if compare == "before":
            days = (last - first).days + 1
            return first - timedelta(days), last - timedelta(days)
        end = _year_earlier(last, 28)
        return min(_year_earlier(first, 29), end), end
    except (OverflowError, ValueError):
        raise BadRange("there are no days before it to compare with; choose a later one") from None


def _year_earlier(day: date, of_leap: int) -> date:
    """Return the same day a year earlier; for the 29th of February, the 28th or what follows it."""
    if (day.month, day.day) != (2, 29):
        return day.replace(year=day.year - 1)
    return date(day.year - 1, 2, 28) if of_leap == 28 else date(day.year - 1, 3, 1)


def _days(scope: Campaign | Organization, question: Question) -> tuple[date, date]:
    if isinstance(scope, Campaign):
        return days_of(scope, question.first, question.last)
    ids = [*(each.id for each in campaigns.list_campaigns(scope.id)), NOBODY]
    earliest, latest = totals.span_of_actions(scope.id, ids)
    return days_meant(question.first, question.last, earliest, latest, scope.timezone)


class _Reading:
    """Reads the figures of periods for one question. Keys are those of the first period."""

    def __init__(
        self,
        org_id: UUID,
        campaign: Campaign | None,
        zone: str,
        question: Question,
        first: date,
        last: date,
    ) -> None:
        self.question = question
        self.by = question.by
        self.campaign = campaign
        self.first, self.last = first, last
        # All of the organization: an action of one campaign may be due to a post of another.
        self.posts = {post.id: post for post in campaigns.list_posts(org_id)}
        self.sources = {source.id: source for source in campaigns.list_sources(org_id)}
        self.campaigns = campaigns.list_campaigns(org_id) if campaign is None else ()
        self.asked = Asked(
            org_id=org_id,
            campaign_id=campaign.id if campaign else None,
            zone=zone,
            first=first,
            last=last,
            model=question.model,
            **self._filters(),
        )
        self._alone = self._only_filter()

    # What is asked for, and what keys are called.

    def _filters(self) -> dict[str, Any]:
        wanted = {name: frozenset(keys) for name, keys in self.question.filters.items() if keys}
        if unknown := set(wanted) - set(FILTERS):
            raise BadFilter(min(unknown), f"is no filter; they are {', '.join(FILTERS)}")
        found: dict[str, Any] = {}
        if {"post", "medium", "author"} & set(wanted):
            every = [None, *self.posts.values()]
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
            if missing := found["sources"] - set(self.sources):
                raise BadFilter("source", f"there is no source {min(map(str, missing))}")
        return found

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
        first, last = self._days_of(key)
        return {"from": first, "to": last}

    # Groups of days.

    def _key_of_day(self, day: date) -> str:
        match self.by:
            case "week":
                year, week, _ = day.isocalendar()
                return f"{year:04}-W{week:02}"
            case "month":
                return f"{day.year:04}-{day.month:02}"
        return day.isoformat()

    def _days_of(self, key: str) -> tuple[date, date]:
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

    def _days_of_period(self, key: str, period: tuple[date, date]) -> tuple[date, date] | None:
        """Return the days of a row in the period that is compared with; None where it has none."""
        first, last = self._days_of(key)
        if period == (self.first, self.last):
            return first, last
        begin = period[0] if first == self.first else self._earlier(first)
        end = period[1] if last == self.last else self._earlier(last + timedelta(1)) - timedelta(1)
        return (begin, end) if begin <= end else None

    def _earlier(self, day: date) -> date:
        if self.question.compare == "before":
            return day - timedelta((self.last - self.first).days + 1)
        return _year_earlier(day, 29)

    def _later(self, day: date) -> date:
        """Return the day of the first period beside which a day of the other one stands."""
        if self.question.compare == "before":
            return day + timedelta((self.last - self.first).days + 1)
        if (day.month, day.day) == (2, 29):
            return min(max(date(day.year + 1, 2, 28), self.first), self.last)
        return min(max(day.replace(year=day.year + 1), self.first), self.last)

    def _key_of_hour(self, hour: datetime, other: bool) -> str:
        """Return the key of an hour; of another period's, the hour with the same clock.

        An hour that the clocks skip, or repeat, on one of the two days stands alone: it is in the
        total and beside no hour.
        """
        zone = ZoneInfo(self.asked.zone)
        local = hour.astimezone(zone)
        if other:
            moved = datetime.combine(self._later(local.date()), local.time().replace(fold=0), zone)
            if local.fold or moved.astimezone(UTC).astimezone(zone).time() != moved.time():
                return ""
            local = moved
        return local.isoformat(timespec="minutes")

    # The figures of one period.

    def period(self, asked: Asked, first: date, last: date, least: int) -> _Period:
        """Read what a period has."""
        asked = asked._replace(first=first, last=last)
        rows: dict[str, _Figures] = defaultdict(_Figures)
        total = _Figures()
        other = (first, last) != (self.first, self.last)
        if self.by == "hour":
            self._read_hours(asked, rows, total, other)
        else:
            self._read_sums(asked, rows, total, other)
            self._read_clicks(asked, rows, total, other)
        if self.question.gifts:
            self._read_gifts(asked, rows, total, other)
        self._read_people(asked, rows, total, other)
        rows.pop("", None)
        kept = {key: each for key, each in rows.items() if each.anything}
        if self.by == "campaign" and not other:
            kept |= {each.slug: rows[each.slug] for each in self.campaigns}
        if least > 1:
            self._read_givers(asked, kept, total, other)
        return _Period(first, last, total, kept, _withhold(kept, total, least))

    def _key(self, value: Any, other: bool) -> str:
        """Return the key for what a row of the store is of."""
        match self.by:
            case "post" | "medium" | "author":
                post = self.posts.get(value)
                if self.by == "post":
                    return str(value) if value and value != NOBODY else NONE
                return getattr(post, self.by, "") or NONE
            case "campaign":
                return self._slugs.get(value, NONE)
            case "day" | "week" | "month":
                return self._key_of_day(self._later(value) if other else value)
            case "hour":
                return self._key_of_hour(value, other)
        return str(value) if value else NONE

    @property
    def _slugs(self) -> dict[UUID, str]:
        return {each.id: each.slug for each in self.campaigns}

    def _read_sums(
        self, asked: Asked, rows: dict[str, _Figures], total: _Figures, other: bool
    ) -> None:
        by = {"medium": "post", "author": "post", "week": "day", "month": "day"}.get(
            self.by, self.by
        )
        keys: dict[Any, str] = {}
        for row in store.read_sums(asked, by):
            if row.key not in keys:
                keys[row.key] = self._key(row.key, other)
            for figures in (rows[keys[row.key]], total):
                _add(figures.sums, row, row.credited, row.units)

    def _read_clicks(
        self, asked: Asked, rows: dict[str, _Figures], total: _Figures, other: bool
    ) -> None:
        posts = self._posts_of_clicks(asked)
        for row in store.read_clicks(asked._replace(posts=posts), self.by in TIMES):
            value = {
                "campaign": row.campaign_id,
                "platform": getattr(self.posts.get(row.post_id), "platform", ""),
            }.get(self.by, row.day if self.by in TIMES else row.post_id)
            key = self._key(value, other) if self.by in _OF_CLICKS else ""
            for figures in (rows[key], total):
                _click(figures.sums, row)

    def _posts_of_clicks(self, asked: Asked) -> frozenset[UUID | None] | None:
        if asked.platforms is None:
            return asked.posts
        return frozenset(
            post.id
            for post in self.posts.values()
            if post.platform in asked.platforms and (asked.posts is None or post.id in asked.posts)
        )

    def _read_hours(
        self, asked: Asked, rows: dict[str, _Figures], total: _Figures, other: bool
    ) -> None:
        for row in store.read_single(asked, "hour"):
            for figures in (rows[self._key(row.slot, other)], total):
                _add(figures.sums, row, row.post_id is not None, row.actions * UNIT)
        for row, touch, units, gross, back in self._shared(asked):
            credited = touch["post_id"] is not None
            if asked.first <= row.occurred_on <= asked.last:
                for figures in (rows[self._key(_hour(row.occurred_at, asked.zone), other)], total):
                    _add(figures.sums, row, credited, units, gross, 0)
            for each, amount in zip(row.returns or [], back, strict=True):
                at = datetime.fromisoformat(each["at"])
                if asked.first <= day_in(at, row.zone) <= asked.last:
                    for figures in (rows[self._key(_hour(at, asked.zone), other)], total):
                        _add(figures.sums, row, credited, 0, 0, amount)
        posts = self._posts_of_clicks(asked)
        for row in store.read_clicks_by_hour(asked._replace(posts=posts)):
            for figures in (rows[self._key(row.hour, other)], total):
                _click(figures.sums, row)

    def _shared(
        self, asked: Asked, gifts: bool = False
    ) -> Iterable[tuple[Any, dict[str, Any], int, int, list[int]]]:
        """Yield (action, touch, units, gross, returns) of what several touches share."""
        for row in store.read_shared(asked, gifts):
            for touch, units, gross, back in shared_out(row, asked.model):
                post_id = UUID(touch["post_id"]) if touch["post_id"] else None
                if (asked.posts is None or post_id in asked.posts) and (
                    asked.platforms is None or touch["platform"] in asked.platforms
                ):
                    yield row, touch, units, gross, back

    def _read_gifts(
        self, asked: Asked, rows: dict[str, _Figures], total: _Figures, other: bool
    ) -> None:
        slot = "hour" if self.by == "hour" else "day" if self.by in TIMES else ""
        for row in store.read_single(asked, slot, gifts=True):
            key = self._key(self._value(row, row.slot, row.post_id, row.platform), other)
            for figures in (rows[key], total):
                _add_gift(
                    figures.sums, row, row.actions * UNIT, row.gross_minor, row.refunded_minor
                )
        for row, touch, units, gross, back in self._shared(asked, gifts=True):
            post_id = UUID(touch["post_id"]) if touch["post_id"] else None
            at = _hour(row.occurred_at, asked.zone) if slot == "hour" else row.occurred_on
            key = self._key(self._value(row, at, post_id, touch["platform"]), other)
            for figures in (rows[key], total):
                _add_gift(figures.sums, row, units, gross, sum(back))

    def _value(self, row: Any, slot: Any, post_id: UUID | None, platform: str) -> Any:
        return {
            "campaign": row.campaign_id,
            "platform": platform,
            "kind": row.kind,
            "source": row.source_id,
        }.get(self.by, slot if self.by in TIMES else post_id)

    # People.

    def _read_people(
        self, asked: Asked, rows: dict[str, _Figures], total: _Figures, other: bool
    ) -> None:
        days_by_key = self._days_by_key(rows, asked) if self.by in TIMES else {}
        if asked.narrowed and self._alone is None:
            (found,) = store.count_people(asked, "") or [None]
        else:
            grain, value = self._alone or ("all", "")
            found = next((row for row in self._present(asked, grain) if row.value == value), None)
        _people(total, found)
        for key, row in self._people_by_key(asked, days_by_key, other):
            _people(rows[key], row)

    def _days_by_key(
        self, rows: Mapping[str, _Figures], asked: Asked
    ) -> dict[str, tuple[date, date]]:
        """Return the days of each row that may have people.

        Where people stand on days of the organization's zone, those may be others than the days of
        the actions, by up to two.
        """
        if self.by == "hour":
            return {}
        period = asked.first, asked.last
        keys = set(rows)
        if self.campaign is None:
            begin, end = self.first.toordinal(), self.last.toordinal()
            # The day of an action may lie outside of the range, and her day in it.
            edges = {begin - 1, end + 1}
            for key in rows:
                if days := self._days_of_period(key, (self.first, self.last)):
                    edges |= {each.toordinal() for each in days}
            near = {edge + about for edge in edges for about in (-2, -1, 1, 2)}
            keys |= {
                self._key_of_day(date.fromordinal(each)) for each in near if begin <= each <= end
            }
        return {key: days for key in sorted(keys) if (days := self._days_of_period(key, period))}

    def _people_by_key(
        self, asked: Asked, days_by_key: dict[str, tuple[date, date]], other: bool
    ) -> Iterable[tuple[str, Any]]:
        if self.by in {"day", "week", "month"}:
            keys, ranges = list(days_by_key), list(days_by_key.values())
            if not keys:
                return
            if asked.narrowed and self._alone is None:
                for row in store.count_people(asked, "range", ranges):
                    yield keys[int(row.key) - 1], row
            else:
                for row in store.people_of_ranges(asked, ranges, *(self._alone or ("all", ""))):
                    yield keys[row.number], row
        elif self.by == "campaign" and not asked.narrowed:
            ids = [*(each.id for each in self.campaigns), NOBODY]
            for row in presences.read_people(
                asked.org_id, ids, asked.first, asked.last, asked.model, ["all"]
            ):
                yield self._key(row.scope, other), row
        elif self._alone and self._alone[0] == self.by:
            for row in self._present(asked, self.by):
                if row.value == self._alone[1]:
                    yield row.value or NONE, row
        elif not asked.narrowed and self.by in self._grains:
            for row in self._present(asked, self.by):
                yield row.value or NONE, row
        else:
            for row in store.count_people(asked, self.by):
                yield self._key_of_people(row.key, other), row

    @property
    def _grains(self) -> tuple[str, ...]:
        return GRAINS if self.campaign else GRAINS_OF_ORGANIZATION

    def _present(self, asked: Asked, grain: str) -> list[Any]:
        scope = asked.campaign_id or asked.org_id
        return presences.read_people(
            asked.org_id, [scope], asked.first, asked.last, asked.model, [grain]
        )

    def _only_filter(self) -> tuple[str, str] | None:
        """Return the one thing that is let through, as (grain, value), where presences have it."""
        wanted = [(name, keys) for name, keys in self.question.filters.items() if keys]
        if len(wanted) != 1 or len(set(wanted[0][1])) != 1 or wanted[0][0] not in self._grains:
            return None
        name, (key, *_) = wanted[0]
        if name in {"post", "source"} and key != NONE:
            key = str(UUID(key))
        return name, "" if key == NONE else key

    def _key_of_people(self, value: str, other: bool) -> str:
        match self.by:
            case "hour":
                return self._key_of_hour(datetime.fromisoformat(value), other)
            case "campaign":
                return self._key(UUID(value) if value else None, other)
        return value or NONE

    def _read_givers(
        self, asked: Asked, rows: dict[str, _Figures], total: _Figures, other: bool
    ) -> None:
        """Count who gave in each currency: money of few is not shown among the actions of many."""
        if asked.kinds is not None and "donation" not in asked.kinds:
            return
        gave = asked._replace(kinds=frozenset({"donation"}))
        for row in store.count_people(gave, "", currency=True):
            total.givers[row.currency] = row.supporters
        days = self._days_by_key(rows, asked) if self.by in TIMES else {}
        if self.by in {"day", "week", "month"}:
            keys = list(days)
            found = (
                (keys[int(row.key) - 1], row)
                for row in store.count_people(gave, "range", list(days.values()), currency=True)
            )
        else:
            found = (
                (self._key_of_people(row.key, other), row)
                for row in store.count_people(gave, self.by, currency=True)
            )
        for key, row in found:
            if key in rows:
                rows[key].givers[row.currency] = row.supporters


def _id(name: str, key: str) -> UUID | None:
    try:
        return None if key == NONE else UUID(key)
    except ValueError:
        raise BadFilter(name, f"is an id, or {NONE} for none") from None


def _hour(at: datetime, timezone: str) -> datetime:
    """Return the beginning of an instant's hour on the clock of a zone."""
    return at.astimezone(ZoneInfo(timezone)).replace(minute=0, second=0, microsecond=0)


def _add(
    sums: _Sums,
    row: Any,
    credited: bool,
    units: int,
    gross: int | None = None,
    refunded: int | None = None,
) -> None:
    sums.units += units
    # A renewal is a gift for which nobody does anything: no click led to it.
    renewal = row.renewal and row.kind == "donation"
    sums.credited += units if credited and not renewal else 0
    if row.kind == "donation":
        gross = row.gross_minor if gross is None else gross
        refunded = row.refunded_minor if refunded is None else refunded
        money = sums.money[row.currency]
        for index, amount in enumerate((gross, refunded, units)):
            money[index] += amount
            money[index + 3] += amount if renewal else 0


def _add_gift(sums: _Sums, row: Any, units: int, gross: int, refunded: int) -> None:
    gifts = sums.gifts[row.currency]
    gifts[2] += gross - refunded
    if row.recurring:
        gifts[3] += gross - refunded
    else:
        gifts[0] += units
        gifts[1] += gross


def _click(sums: _Sums, row: Any) -> None:
    if row.human:
        sums.human += row.clicks
    else:
        sums.other += row.clicks


def _people(figures: _Figures, row: Any | None) -> None:
    if row:
        figures.people, figures.new = row.supporters, row.new


def _withhold(rows: Mapping[str, _Figures], total: _Figures, least: int) -> _Hidden:
    """Return what must not be shown. All of it is decided by `small_groups`.

    A row is one figure about its people: its actions follow from the total and the other rows.
    People who are in several rows make what is hidden together fewer than it seems, so one hidden
    row at least is about `least` people by itself. How a row's people divide into new and returning
    is one figure more, and what they gave in a currency another.
    """
    hidden = _Hidden()
    if least < 2:
        return hidden
    hidden.total = 0 < total.people < least
    if hidden.total:
        hidden.rows = set(rows)
        return hidden
    hidden.rows, hidden.total = _hidden_of({key: row.people for key, row in rows.items()}, least)
    shown = {key: row for key, row in rows.items() if key not in hidden.rows}
    unseen = [row for key, row in rows.items() if key in hidden.rows]
    whole = {"new": total.new, "returning": total.people - total.new}
    for name, of in (("new", _new), ("returning", _returning)):
        parts, leftover = {key: of(row) for key, row in shown.items()}, sum(map(of, unseen))
        found, all_of_it = _hidden_of(parts, least, leftover)
        hidden.splits |= found
        hidden.total_split |= all_of_it or 0 < whole[name] < least
    for currency in {*total.givers, *(each for row in rows.values() for each in row.givers)}:
        parts = {key: row.givers.get(currency, 0) for key, row in shown.items()}
        leftover = sum(row.givers.get(currency, 0) for row in unseen)
        found, all_of_it = _hidden_of(parts, least, leftover)
        hidden.money |= {(key, currency) for key in found}
        if all_of_it or 0 < total.givers.get(currency, 0) < least:
            hidden.total_money.add(currency)
            hidden.money |= {(key, currency) for key in rows}
    return hidden


def _hidden_of(parts: Mapping[str, int], least: int, leftover: int = 0) -> tuple[set[str], bool]:
    """Return which parts must not be shown, and whether their sum; `leftover` is hidden already."""
    named: dict[str | None, int] = dict(parts.items())
    if leftover:
        named[None] = leftover
    found, whole = withheld_parts(named, least)
    hidden = {key for key in found if key is not None}
    if hidden and max(parts[key] for key in hidden) < least:
        more = [key for key in parts if key not in hidden and parts[key] >= least]
        hidden |= {min(more, key=lambda key: (parts[key], key))} if more else set()
    return hidden, whole


def _new(row: _Figures) -> int:
    return row.new


def _returning(row: _Figures) -> int:
    return row.people - row.new


def _told(
    period: _Period, earlier: _Period | None, key: str | None, question: Question
) -> dict[str, Any]:
    """Return the figures of a row, or of all where there is no key, and those beside it."""
    now = _figures(period, key, question)
    if earlier is None:
        return {**now, "earlier": None, "change": None}
    then = _figures(earlier, key, question)
    return {**now, "earlier": then, "change": _change(now, then)}


def _figures(period: _Period, key: str | None, question: Question) -> dict[str, Any]:
    figures = period.total if key is None else period.rows.get(key) or _Figures()
    hidden = period.hidden
    withheld = hidden.total if key is None else key in hidden.rows
    split = hidden.total_split if key is None else key in hidden.splits
    clicks = (
        {"human": figures.sums.human, "other": figures.sums.other}
        if key is None or question.by in _OF_CLICKS
        else None
    )
    actions = None if withheld else _actions(figures.sums.units)
    people = None if withheld else figures.people
    human = clicks["human"] if clicks else 0
    return {
        "withheld": withheld,
        "actions": actions,
        "supporters": {
            "distinct": people,
            "new": None if withheld or split else figures.new,
            "returning": None if withheld or split else figures.people - figures.new,
        },
        "clicks": clicks,
        "conversion_rate": _rate(None if withheld else figures.sums.credited / UNIT, human),
        "activation_rate": _rate(people, human),
        "money": [
            _money(currency, sums, figures.sums.gifts.get(currency), question.gifts, unseen)
            for currency, sums in sorted(figures.sums.money.items())
            if any(sums)
            for unseen in [
                withheld
                or (
                    currency in hidden.total_money
                    if key is None
                    else (key, currency) in hidden.money
                )
            ]
        ],
    }


def _actions(units: int) -> int | float:
    return units // UNIT if units % UNIT == 0 else round(units / UNIT, 9)


def _rate(number: float | None, of: int) -> float | None:
    return None if number is None or not of else round(number / of, 4)


def _money(
    currency: str, sums: Sequence[int], gifts: Sequence[int] | None, asked: bool, unseen: bool
) -> dict[str, Any]:
    gross, refunded, units, *of_renewals = sums
    found: dict[str, Any] = {
        "currency": currency,
        "gross_minor": gross,
        "refunded_minor": refunded,
        "net_minor": gross - refunded,
        "donations": _actions(units),
        "renewals": {
            "donations": _actions(of_renewals[2]),
            "gross_minor": of_renewals[0],
            "refunded_minor": of_renewals[1],
        },
        "average_gift_minor": None,
        "recurring_share": None,
    }
    if unseen:
        return {name: currency if name == "currency" else None for name in found}
    if asked and gifts:
        one_time, given, net, recurring = gifts
        found["average_gift_minor"] = round(given * UNIT / one_time) if one_time else None
        found["recurring_share"] = round(recurring / net, 4) if net > 0 else None
    return found


def _change(now: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Return by how much figures changed, and by what part of the earlier one."""
    nets = {each["currency"]: each["net_minor"] for each in then["money"]}
    these = {each["currency"]: each["net_minor"] for each in now["money"]}
    return {
        "actions": _changed(now["actions"], then["actions"]),
        **{
            name: _changed(now["supporters"][of], then["supporters"][of])
            for name, of in (("supporters", "distinct"), ("new", "new"))
        },
        "clicks": _changed(
            now["clicks"] and now["clicks"]["human"], then["clicks"] and then["clicks"]["human"]
        ),
        "conversion_rate": _changed(now["conversion_rate"], then["conversion_rate"]),
        "net": [
            {"currency": currency, **_changed(these.get(currency, 0), nets.get(currency, 0))}
            for currency in sorted({*these, *nets})
        ],
    }


def _changed(now: float | None, then: float | None) -> dict[str, float | None]:
    if now is None or then is None:
        return {"by": None, "share": None}
    by = now - then
    return {
        "by": by if isinstance(by, int) else round(by, 9),
        "share": round(by / abs(then), 4) if then else None,
    }
