"""Groups a page at a time: a cursor is the place of a row, and says of what question it is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from advocacy.analytics.breakdown.query import NONE, TIMES


class BadCursor(ValueError):
    """The cursor was not given with this query."""


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
        after = _read_cursor(cursor, mark, place_of(by, groups[0]) if groups else None)
        groups = [each for each in groups if place_of(by, each) > after]
    shown = groups[:limit]
    if len(groups) <= limit:
        return shown, None
    written = json.dumps([mark, *place_of(by, shown[-1])], separators=(",", ":"))
    return shown, base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _mark(report: Mapping[str, Any]) -> str:
    """Return what a cursor is of: the question with its days, not the figures."""
    names = ("about", "group_by", "model", "from", "to", "compare", "filters")
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


def place_of(by: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return where a row stands."""
    if by == "hour":
        return (datetime.fromisoformat(row["key"]).astimezone(UTC).isoformat(),)
    if by in TIMES:
        return (row["key"],)
    return (row["key"] == NONE, -row["actions"], row["key"])
