"""Groups page by page: a cursor is the place of the last group, bound to its question."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from typing import NamedTuple

from advocacy.analytics.breakdown.query import NONE, TIMES
from advocacy.analytics.breakdown.result import Breakdown, Group


class BadCursor(ValueError):
    """The cursor does not belong to this query."""


class Place(NamedTuple):
    """Where a group stands: those without a key last, the most actions first, then by key."""

    last: int
    fewer: float
    key: str


def page_of(report: Breakdown, limit: int, cursor: str = "") -> tuple[Sequence[Group], str | None]:
    """Return at most `limit` groups of a report after a cursor, and the cursor of the next page.

    A cursor is the place of the last group shown, so that a new group in between moves nothing.
    Raises `BadCursor` for one that does not belong to the same question.
    """
    by, groups = report.group_by, report.groups
    digest = _digest(report)
    if cursor:
        after = _read_cursor(cursor, digest)
        groups = tuple(each for each in groups if place_of(by, each) > after)
    page = groups[:limit]
    if len(groups) <= limit:
        return page, None
    text = json.dumps([digest, *place_of(by, page[-1])], separators=(",", ":"))
    return page, base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(by: str, group: Group) -> Place:
    """Return where a group stands in the order of groups by this."""
    if by == "hour":
        return Place(0, 0, datetime.fromisoformat(group.key).astimezone(UTC).isoformat())
    if by in TIMES:
        return Place(0, 0, group.key)
    return Place(int(group.key == NONE), -group.actions, group.key)


def _digest(report: Breakdown) -> str:
    """Return a digest of the question with its days, not of the figures."""
    question = (
        astuple(report.about),
        report.group_by,
        report.model,
        report.first,
        report.last,
        astuple(report.compare) if report.compare else None,
        sorted(report.filters.items()),
    )
    return hashlib.blake2b(json.dumps(question, default=str).encode(), digest_size=6).hexdigest()


def _read_cursor(cursor: str, digest: str) -> Place:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        match json.loads(base64.urlsafe_b64decode(padded.encode("ascii"))):
            case [str() as of, int() as last, int() | float() as fewer, str() as key] if (
                of == digest
            ):
                return Place(last, fewer, key)
    except (binascii.Error, ValueError, RecursionError):
        pass
    raise BadCursor("was not given with these parameters; begin without a cursor")
