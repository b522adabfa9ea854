"""Match a file's headings with known columns, whatever their case, spacing and punctuation.

Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

# Invisible characters that str.strip leaves, and that editors and spreadsheets insert.
INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\0\x1a"
_EDGES = re.compile(rf"^[\s{INVISIBLE}]+|(?<![\s{INVISIBLE}])[\s{INVISIBLE}]+$")


_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f]|[\ud800-\udfff]")


def fold(name: str) -> str:
    """Return a heading without case, white space and punctuation; every letter stays.

    `Created (UTC)`, `created_utc` and `CREATED UTC` are equal; `Título` and `Titulo` differ.
    """
    return _folded(name) if len(name) < 1_000 else _folded.__wrapped__(name)


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    letters = "".join(each for each in composed if unicodedata.category(each)[0] in "LMN")
    return letters or _EDGES.sub("", composed)


def clean(heading: str) -> str:
    """Return a heading for display: on one line, without invisible characters around it."""
    return _UNSHOWN.sub("\ufffd", " ".join(_EDGES.sub("", heading).split()))


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that a reader knows.

    `needed` has groups of spellings; one of each group is required. `exact` means that rows carry
    the names as spelled here, since the reader looks them up literally.
    """

    needed: tuple[tuple[str, ...], ...] = ()
    known: tuple[str, ...] = ()
    exact: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All spellings, those of needed columns first."""
        return (*(name for group in self.needed for name in group), *self.known)


@dataclass(frozen=True, slots=True)
class Matched:
    """The result of matching a row of headings. `names` has one entry for each column."""

    names: tuple[str, ...]
    known: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    missing: tuple[tuple[str, ...], ...] = ()
    twice: tuple[tuple[str, list[int]], ...] = field(default=())


def match(headings: Sequence[str], layout: Layout) -> Matched:
    """Match headings with a layout. A column without a heading has an empty name."""
    spelled = {fold(name): name for name in reversed(layout.names)}
    names: list[str] = []
    places: dict[str, list[int]] = {}
    for place, heading in enumerate(map(clean, headings), start=1):
        name = heading
        if heading:
            folded = fold(heading)
            if folded in spelled:
                places.setdefault(folded, []).append(place)
                name = spelled[folded] if layout.exact else heading
        names.append(name)
    known = tuple(dict.fromkeys(name for name in names if name and fold(name) in places))
    return Matched(
        names=tuple(_told_apart(names)),
        known=known,
        ignored=tuple(name for name in names if name and fold(name) not in places),
        missing=tuple(
            group for group in layout.needed if not any(fold(name) in places for name in group)
        ),
        twice=tuple((names[found[0] - 1], found) for found in places.values() if len(found) > 1),
    )


def _told_apart(names: Iterable[str]) -> Iterable[str]:
    """Yield the names, made unique unless empty: `Note`, `Note (2)`."""
    seen: set[str] = set()
    for name in names:
        unique, number = name, 1
        while unique and unique in seen:
            number += 1
            unique = f"{name} ({number})"
        seen.add(unique)
        yield unique
