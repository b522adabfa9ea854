"""Divide days into spans of sixteen, so that a report over years reads few rows.

Pure. What is counted by day is also counted by *span*: sixteen consecutive days, the same for
everyone. A range of days consists of its whole spans and the single days at both ends, at most
thirty.

Note: spans are not weeks or months. They divide time evenly, so that the work for a range does not
depend on where it begins.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

DAYS = 16
"""The length of a span in days."""

NO_DAYS = (date.max, date.min)
"""An empty range."""


class Pieces(NamedTuple):
    """The parts of a range: starts of its whole spans, and the single days at its ends."""

    spans: tuple[date, date]
    head: tuple[date, date]
    tail: tuple[date, date]


def span_of(day: date) -> date:
    """Return the first day of the span of a day."""
    return date.fromordinal(day.toordinal() - (day.toordinal() - 1) % DAYS)


def cut(first: date, last: date) -> Pieces:
    """Divide the range from `first` to `last`, both included; parts without days are `NO_DAYS`."""
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
