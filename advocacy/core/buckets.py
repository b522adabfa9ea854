"""Days in rows of sixteen, so that a report over years reads few rows and any day can begin it.

Pure. What is counted by day is also counted by *span*: sixteen days in a row, from a day that is
the same for everybody. A range of days is its whole spans and the single days at its ends, at most
thirty of them.

What a stranger would get wrong: spans are no weeks or months. They divide time evenly, so that the
work for a range does not depend on where it begins.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

DAYS = 16
"""So many days are one span."""

NO_DAYS = (date.max, date.min)
"""A range in which no day is."""


class Pieces(NamedTuple):
    """A range cut up: (first, last) starts of its whole spans, and the single days at its ends."""

    spans: tuple[date, date]
    head: tuple[date, date]
    tail: tuple[date, date]


def span_of(day: date) -> date:
    """Return the first day of the span that a day lies in."""
    return date.fromordinal(day.toordinal() - (day.toordinal() - 1) % DAYS)


def cut(first: date, last: date) -> Pieces:
    """Cut the range from `first` to `last`, both included; what is not there is `NO_DAYS`."""
    begin, end = first.toordinal(), last.toordinal()
    start = begin + -(begin - 1) % DAYS
    stop = end - end % DAYS  # the last day of the last span that ends within the range
    if start > stop:
        return Pieces(NO_DAYS, (first, last), NO_DAYS)
    return Pieces(
        (date.fromordinal(start), date.fromordinal(stop - DAYS + 1)),
        (first, date.fromordinal(start - 1)) if begin < start else NO_DAYS,
        (date.fromordinal(stop + 1), last) if stop < end else NO_DAYS,
    )
