"""Influence beyond the credited click: assists, top paths, and one channel helping another.

Counts over journeys that ended in an action; nothing is shared here.

Note: a post assists an action once, however often it was touched, and never if it is credited with
it. So the assists of several posts do not add up to a number of actions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from typing import Generic, TypeVar

from advocacy.attribution.campaign_models import Journey, merge

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Assists:
    """How many actions a key is credited with, and in how many others it was on the path."""

    credited: int
    assisted: int

    @property
    def ratio(self) -> Fraction | None:
        """Assists per credited action; None if nothing is credited."""
        return Fraction(self.assisted, self.credited) if self.credited else None


@dataclass(frozen=True, slots=True)
class PathCount(Generic[K]):
    """A path that several journeys share, and its share of all actions with a path."""

    path: tuple[K, ...]
    actions: int
    amount_minor: int
    nulls: int
    share: Fraction

    @property
    def ratio(self) -> Fraction:
        """Actions per journey on this path."""
        return Fraction(self.actions, self.actions + self.nulls)


@dataclass(frozen=True, slots=True)
class Helped:
    """Actions with the channel in their path, and how many of them the other channel helped."""

    actions: int
    helped: int

    @property
    def share(self) -> Fraction | None:
        """The share that was helped; None if the channel is in no path."""
        return Fraction(self.helped, self.actions) if self.actions else None


def assists(journeys: Iterable[Journey[K]]) -> dict[K, Assists]:
    """Count for each key the actions it is credited with and those it assisted, by name."""
    credited: Counter[K] = Counter()
    assisted: Counter[K] = Counter()
    for journey in journeys:
        if not journey.path or not journey.actions:
            continue
        has_it = journey.path[-1] if journey.credited is None else journey.credited
        credited[has_it] += journey.actions
        for key in set(journey.path) - {has_it}:
            assisted[key] += journey.actions
    return {
        key: Assists(credited[key], assisted[key])
        for key in sorted(credited.keys() | assisted.keys(), key=str)
    }


def top_paths(
    journeys: Iterable[Journey[K]], limit: int = 10, *, collapse: bool = False
) -> list[PathCount[K]]:
    """Return the paths with the most actions, then the most money, then by name.

    With `collapse` a key that follows itself counts once: `a a b` becomes `a b`.
    """
    if collapse:
        journeys = [
            replace(journey, path=tuple(key for key, _ in groupby(journey.path)))
            for journey in journeys
        ]
    merged = [journey for journey in merge(journeys) if journey.actions]
    actions = sum(journey.actions for journey in merged)
    # Sorting is stable, and `merge` sorts by name.
    merged.sort(key=lambda journey: (-journey.actions, -journey.amount_minor))
    return [
        PathCount(
            journey.path,
            journey.actions,
            journey.amount_minor,
            journey.nulls,
            Fraction(journey.actions, actions),
        )
        for journey in merged[:limit]
    ]


def helped(journeys: Iterable[Journey[str]], channel: str = "email", by: str = "social") -> Helped:
    """Count actions with `channel` in their path, and those with `by` before its last occurrence.

    Paths consist of channels. This is the figure behind "social helped e-mail".
    """
    actions = with_help = 0
    for journey in journeys:
        if channel not in journey.path:
            continue
        last = len(journey.path) - 1 - journey.path[::-1].index(channel)
        actions += journey.actions
        if by in journey.path[:last]:
            with_help += journey.actions
    return Helped(actions, with_help)
