"""Read the figures of a period from storage and add them up, row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from advocacy.analytics.breakdown.accumulators import (
    Period,
    RowSums,
    add_actions,
    add_clicks,
    add_gifts,
    set_people,
)
from advocacy.analytics.breakdown.keys import Keys, KeyValue
from advocacy.analytics.breakdown.query import OF_CLICKS, TIMES, Question, narrowed
from advocacy.core.cells import UNIT
from advocacy.core.dates import day_in, hour_in
from advocacy.ingestion.rollup import shared_out
from advocacy.storage import breakdowns as store
from advocacy.storage import totals
from advocacy.storage.distinct_counts import ActionFilter
from advocacy.storage.models import Campaign


class _Credit(NamedTuple):
    """The share of actions that falls to a key, and whether it is credited to a post."""

    row: store.SingleRow | store.SharedRow
    key: str
    credited: bool
    units: int
    gross: int
    refunded: int


class PeriodReader:
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
        actions = ActionFilter(
            org_id=org_id,
            campaign_id=campaign.id if campaign else None,
            zone=zone,
            first=first,
            last=last,
            model=question.model,
        )
        self.actions = narrowed(
            actions, question, self.keys.posts, self.keys.sources, self.keys.slugs
        )

    @property
    def clicks(self) -> ActionFilter:
        """Whose clicks belong to the question: those on the posts of its platforms."""
        return self.actions._replace(posts=self._posts_of_clicks(self.actions))

    def read(self, first: date, last: date) -> Period:
        """Return the figures of a period."""
        actions = self.actions._replace(first=first, last=last)
        rows: dict[str, RowSums] = defaultdict(RowSums)
        total = RowSums()
        other = (first, last) != (self.first, self.last)
        if self.by == "hour" or actions.hours is not None:
            self._read_actions(actions, rows, total, other)
        else:
            self._read_sums(actions, rows, total, other)
            self._read_clicks(actions, rows, total, other)
        if self.question.gifts:
            self._read_gifts(actions, rows, total, other)
        self._read_people(actions, rows, total, other)
        rows.pop("", None)
        filled = {key: each for key, each in rows.items() if each.anything}
        if self.by == "campaign" and not other:
            filled |= {
                each.slug: rows[each.slug]
                for each in self.keys.campaigns
                if (each.slug in filled or each.archived_at is None)
                and (actions.campaigns is None or each.id in actions.campaigns)
            }
        return Period(first, last, total, filled)

    def _read_sums(
        self, actions: ActionFilter, rows: dict[str, RowSums], total: RowSums, other: bool
    ) -> None:
        by = {"medium": "post", "author": "post", "week": "day", "month": "day"}.get(
            self.by, self.by
        )
        keys: dict[KeyValue, str] = {}
        for row in totals.read_sums(actions, by):
            if row.key not in keys:
                keys[row.key] = self.keys.of(row.key, other)
            for figures in (rows[keys[row.key]], total):
                add_actions(
                    figures.sums,
                    row,
                    credited=row.credited,
                    units=row.units,
                    gross=row.gross_minor,
                    refunded=row.refunded_minor,
                )

    def _read_clicks(
        self, actions: ActionFilter, rows: dict[str, RowSums], total: RowSums, other: bool
    ) -> None:
        posts = self._posts_of_clicks(actions)
        for row in store.read_clicks(actions._replace(posts=posts), self.by in TIMES):
            for figures in (rows[self._key_of_clicks(row, row.day, other)], total):
                add_clicks(figures.sums, row.clicks, human=row.human)

    def _key_of_clicks(
        self,
        row: store.ClickRow | store.ClickSlotRow,
        slot: datetime | date | None,
        other: bool,
    ) -> str:
        if self.by not in OF_CLICKS:
            return ""
        value: KeyValue = slot if self.by in TIMES else row.post_id
        if self.by == "campaign":
            value = row.campaign_id
        elif self.by == "platform":
            post = self.keys.posts.get(row.post_id)
            value = post.platform if post else ""
        return self.keys.of(value, other)

    def _posts_of_clicks(self, actions: ActionFilter) -> frozenset[UUID | None] | None:
        if actions.platforms is None:
            return actions.posts
        return frozenset(
            post.id
            for post in self.keys.posts.values()
            if post.platform in actions.platforms
            and (actions.posts is None or post.id in actions.posts)
        )

    def _read_actions(
        self, actions: ActionFilter, rows: dict[str, RowSums], total: RowSums, other: bool
    ) -> None:
        """Read action by action what totals do not have: hours, as groups or as a filter."""
        for each in self._credits(actions, other):
            for figures in (rows[each.key], total):
                add_actions(
                    figures.sums,
                    each.row,
                    credited=each.credited,
                    units=each.units,
                    gross=each.gross,
                    refunded=each.refunded,
                )
        slot = self._slot
        posts = self._posts_of_clicks(actions)
        for row in store.read_clicks_by_hour(actions._replace(posts=posts), slot):
            key = self._key_of_clicks(row, row.slot, other)
            for figures in (rows[key], total):
                add_clicks(figures.sums, row.clicks, human=row.human)

    def _read_gifts(
        self, actions: ActionFilter, rows: dict[str, RowSums], total: RowSums, other: bool
    ) -> None:
        if actions.kinds is not None and "donation" not in actions.kinds:
            return
        donations = actions._replace(kinds=frozenset({"donation"}))
        for each in self._credits(donations, other):
            for figures in (rows[each.key], total):
                add_gifts(
                    figures.sums,
                    each.row,
                    units=each.units,
                    gross=each.gross,
                    refunded=each.refunded,
                )

    def _credits(self, actions: ActionFilter, other: bool) -> Iterable[_Credit]:
        """Yield the share of actions of each key; refunds count in the slot in which they came."""
        for row in store.read_single(actions, self._slot):
            value = self._value(row, row.slot, row.post_id, row.platform)
            yield _Credit(
                row,
                self.keys.of(value, other),
                row.post_id is not None,
                row.actions * UNIT,
                row.gross_minor,
                row.refunded_minor,
            )
        for action in store.read_shared(actions):
            for touch, units, gross, refunds in shared_out(action, actions.model):
                post_id = UUID(touch["post_id"]) if touch["post_id"] else None
                if not (
                    (actions.posts is None or post_id in actions.posts)
                    and (actions.platforms is None or touch["platform"] in actions.platforms)
                ):
                    continue
                events = [(action.occurred_at, action.occurred_on, units, gross, 0)]
                for each, amount in zip(action.returns or [], refunds, strict=True):
                    at = datetime.fromisoformat(each["at"])
                    events.append((at, day_in(at, action.zone), 0, 0, amount))
                for at, on, *sums in events:
                    hour = hour_in(at, actions.zone)
                    if actions.first <= on <= actions.last and _has_hour(actions, hour):
                        slot = hour if self._slot == "hour" else on
                        value = self._value(action, slot, post_id, touch["platform"])
                        key = self.keys.of(value, other)
                        yield _Credit(action, key, post_id is not None, *sums)

    @property
    def _slot(self) -> str:
        return "hour" if self.by == "hour" else "day" if self.by in TIMES else ""

    def _value(
        self,
        row: store.SingleRow | store.SharedRow,
        slot: datetime | date | None,
        post_id: UUID | None,
        platform: str,
    ) -> KeyValue:
        match self.by:
            case "campaign":
                return row.campaign_id
            case "platform":
                return platform
            case "kind":
                return row.kind
            case "source":
                return row.source_id
        return slot if self.by in TIMES else post_id

    # People

    def _read_people(
        self, actions: ActionFilter, rows: dict[str, RowSums], total: RowSums, other: bool
    ) -> None:
        set_people(total, next(iter(store.count_people(actions, "")), None))
        if self.by in TIMES and self.by != "hour":
            days_by_key = self._days_by_key(rows, actions)
            keys = list(days_by_key)
            if keys:
                for row in store.count_people(actions, "range", list(days_by_key.values())):
                    set_people(rows[keys[int(row.key)]], row)
        else:
            for row in store.count_people(actions, self.by):
                set_people(rows[self.keys.of_people(row.key, other)], row)

    def _days_by_key(
        self, rows: Mapping[str, RowSums], actions: ActionFilter
    ) -> dict[str, tuple[date, date]]:
        """Return the days of each row that may have people.

        People of the organization are counted on days of its own time zone, which may differ from
        the days of the actions by up to two.
        """
        period = actions.first, actions.last
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


def _has_hour(actions: ActionFilter, hour: datetime) -> bool:
    return actions.hours is None or hour.hour in actions.hours
