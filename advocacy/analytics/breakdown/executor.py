"""The figures of a period are read from the store and added up, row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from advocacy.analytics.breakdown.accumulators import (
    Figures,
    Period,
    add,
    add_clicks,
    add_gift,
    put_people,
)
from advocacy.analytics.breakdown.keys import Keys
from advocacy.analytics.breakdown.query import NONE, OF_CLICKS, TIMES, Question, narrowed
from advocacy.core.dates import day_in, hour_in
from advocacy.core.distinct import GRAINS, GRAINS_OF_ORGANIZATION
from advocacy.ingestion.rollup import shared_out
from advocacy.storage import breakdowns as store
from advocacy.storage import distinct_counts
from advocacy.storage.breakdowns import ActionFilter
from advocacy.storage.models import Campaign
from advocacy.storage.totals import NO_ID, UNIT

Counted = store.KeyPeople | store.RangePeople | distinct_counts.PeopleRow


class Reading:
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
        self.keys = Keys(org_id, campaign, zone, question, first, last)
        self.asked = ActionFilter(
            org_id=org_id,
            campaign_id=campaign.id if campaign else None,
            zone=zone,
            first=first,
            last=last,
            model=question.model,
            **narrowed(question, self.keys.posts, self.keys.sources, self.keys.slugs),
        )
        self._alone = self._only_filter()

    def period(self, asked: ActionFilter, first: date, last: date) -> Period:
        """Read what a period has."""
        asked = asked._replace(first=first, last=last)
        rows: dict[str, Figures] = defaultdict(Figures)
        total = Figures()
        other = (first, last) != (self.first, self.last)
        if self.by == "hour" or asked.hours is not None:
            self._read_actions(asked, rows, total, other)
        else:
            self._read_sums(asked, rows, total, other)
            self._read_clicks(asked, rows, total, other)
        if self.question.gifts:
            self._read_gifts(asked, rows, total, other)
        self._read_people(asked, rows, total, other)
        rows.pop("", None)
        kept = {key: each for key, each in rows.items() if each.anything}
        if self.by == "campaign" and not other:
            kept |= {
                each.slug: rows[each.slug]
                for each in self.keys.campaigns
                if asked.campaigns is None or each.id in asked.campaigns
            }
        return Period(first, last, total, kept)

    def _read_sums(
        self, asked: ActionFilter, rows: dict[str, Figures], total: Figures, other: bool
    ) -> None:
        by = {"medium": "post", "author": "post", "week": "day", "month": "day"}.get(
            self.by, self.by
        )
        keys: dict[Any, str] = {}
        for row in store.read_sums(asked, by):
            if row.key not in keys:
                keys[row.key] = self.keys.of(row.key, other)
            for figures in (rows[keys[row.key]], total):
                add(figures.sums, row, row.credited, row.units)

    def _read_clicks(
        self, asked: ActionFilter, rows: dict[str, Figures], total: Figures, other: bool
    ) -> None:
        posts = self._posts_of_clicks(asked)
        for row in store.read_clicks(asked._replace(posts=posts), self.by in TIMES):
            for figures in (rows[self._key_of_clicks(row, row.day, other)], total):
                add_clicks(figures.sums, row)

    def _key_of_clicks(self, row: Any, slot: Any, other: bool) -> str:
        value = {
            "campaign": row.campaign_id,
            "platform": getattr(self.keys.posts.get(row.post_id), "platform", ""),
        }.get(self.by, slot if self.by in TIMES else row.post_id)
        return self.keys.of(value, other) if self.by in OF_CLICKS else ""

    def _posts_of_clicks(self, asked: ActionFilter) -> frozenset[UUID | None] | None:
        if asked.platforms is None:
            return asked.posts
        return frozenset(
            post.id
            for post in self.keys.posts.values()
            if post.platform in asked.platforms and (asked.posts is None or post.id in asked.posts)
        )

    def _read_actions(
        self, asked: ActionFilter, rows: dict[str, Figures], total: Figures, other: bool
    ) -> None:
        """Read what totals do not have, action by action: hours, by them or of them alone."""
        for row, key, credited, sums in self._booked(asked, other):
            for figures in (rows[key], total):
                add(figures.sums, row, credited, *sums)
        slot = self._slot
        posts = self._posts_of_clicks(asked)
        for row in store.read_clicks_by_hour(asked._replace(posts=posts), slot):
            key = self._key_of_clicks(row, row.slot, other)
            for figures in (rows[key], total):
                add_clicks(figures.sums, row)

    def _read_gifts(
        self, asked: ActionFilter, rows: dict[str, Figures], total: Figures, other: bool
    ) -> None:
        if asked.kinds is not None and "donation" not in asked.kinds:
            return
        gave = asked._replace(kinds=frozenset({"donation"}))
        for row, key, _, sums in self._booked(gave, other):
            for figures in (rows[key], total):
                add_gift(figures.sums, row, *sums)

    def _booked(
        self, asked: ActionFilter, other: bool
    ) -> Iterable[tuple[Any, str, bool, tuple[int, int, int]]]:
        """Yield (action, key, credited, (units, gross, refunded)), each in the slot it is of.

        Credited is what is a post's. What went back is of the slot in which it did.
        """
        for row in store.read_single(asked, self._slot):
            key = self.keys.of(self._value(row, row.slot, row.post_id, row.platform), other)
            sums = row.actions * UNIT, row.gross_minor, row.refunded_minor
            yield row, key, row.post_id is not None, sums
        for action in store.read_shared(asked):
            for touch, units, gross, back in shared_out(action, asked.model):
                post_id = UUID(touch["post_id"]) if touch["post_id"] else None
                if not (
                    (asked.posts is None or post_id in asked.posts)
                    and (asked.platforms is None or touch["platform"] in asked.platforms)
                ):
                    continue
                happened = [(action.occurred_at, action.occurred_on, (units, gross, 0))]
                for each, amount in zip(action.returns or [], back, strict=True):
                    at = datetime.fromisoformat(each["at"])
                    happened.append((at, day_in(at, action.zone), (0, 0, amount)))
                for at, on, sums in happened:
                    hour = hour_in(at, asked.zone)
                    if asked.first <= on <= asked.last and _is_of(asked, hour):
                        slot = hour if self._slot == "hour" else on
                        value = self._value(action, slot, post_id, touch["platform"])
                        yield action, self.keys.of(value, other), post_id is not None, sums

    @property
    def _slot(self) -> str:
        return "hour" if self.by == "hour" else "day" if self.by in TIMES else ""

    def _value(self, row: Any, slot: Any, post_id: UUID | None, platform: str) -> Any:
        return {
            "campaign": row.campaign_id,
            "platform": platform,
            "kind": row.kind,
            "source": row.source_id,
        }.get(self.by, slot if self.by in TIMES else post_id)

    # People.

    def _read_people(
        self, asked: ActionFilter, rows: dict[str, Figures], total: Figures, other: bool
    ) -> None:
        days_by_key = self._days_by_key(rows, asked) if self.by in TIMES else {}
        if asked.narrowed and self._alone is None:
            found: Counted | None = next(iter(store.count_people(asked, "")), None)
        else:
            grain, value = self._alone or ("all", "")
            found = next((row for row in self._present(asked, grain) if row.value == value), None)
        put_people(total, found)
        for key, row in self._people_by_key(asked, days_by_key, other):
            put_people(rows[key], row)

    def _days_by_key(
        self, rows: Mapping[str, Figures], asked: ActionFilter
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
            # The day of an action may lie outside of the range, and the supporter's day in it.
            edges = {begin - 1, end + 1}
            for key in rows:
                if days := self.keys.days_of_period(key, (self.first, self.last)):
                    edges |= {each.toordinal() for each in days}
            near = {edge + about for edge in edges for about in (-2, -1, 1, 2)}
            keys |= {
                self.keys.of_day(date.fromordinal(each)) for each in near if begin <= each <= end
            }
        return {
            key: days for key in sorted(keys) if (days := self.keys.days_of_period(key, period))
        }

    def _people_by_key(
        self, asked: ActionFilter, days_by_key: dict[str, tuple[date, date]], other: bool
    ) -> Iterable[tuple[str, Counted]]:
        if self.by in {"day", "week", "month"}:
            keys, ranges = list(days_by_key), list(days_by_key.values())
            if not keys:
                return
            if asked.narrowed and self._alone is None:
                for row in store.count_people(asked, "range", ranges):
                    yield keys[int(row.key)], row
            else:
                for each in store.people_of_ranges(asked, ranges, *(self._alone or ("all", ""))):
                    yield keys[each.number], each
        elif self.by == "campaign" and not asked.narrowed:
            ids = [*(each.id for each in self.keys.campaigns), NO_ID]
            for group in distinct_counts.read_people(
                asked.org_id, ids, asked.first, asked.last, asked.model, ["all"]
            ):
                yield self.keys.of(group.scope, other), group
        elif self._alone and self._alone[0] == self.by:
            for group in self._present(asked, self.by):
                if group.value == self._alone[1]:
                    yield group.value or NONE, group
        elif not asked.narrowed and self.by in self._grains:
            for group in self._present(asked, self.by):
                yield group.value or NONE, group
        else:
            for row in store.count_people(asked, self.by):
                yield self.keys.of_people(row.key, other), row

    @property
    def _grains(self) -> tuple[str, ...]:
        return GRAINS if self.campaign else GRAINS_OF_ORGANIZATION

    def _present(self, asked: ActionFilter, grain: str) -> list[distinct_counts.PeopleRow]:
        scope = asked.campaign_id or asked.org_id
        return distinct_counts.read_people(
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


def _is_of(asked: ActionFilter, hour: datetime) -> bool:
    """Say whether an hour is one of those asked for."""
    return asked.hours is None or hour.hour in asked.hours
