"""Worked examples and builders that the attribution tests share.

The small data sets are worked out by hand in `docs/attribution.md`; `data/` has a larger one of
our own with the results of two independent packages (`data/README.md`).
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

from advocacy.attribution.campaign_models import Journey
from advocacy.attribution.rules import Rule
from advocacy.core.events import Tier, Touch

DATA = Path(__file__).parent.parent / "attribution" / "data"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def journey(path: str, actions: int, amount_minor: int = 0, nulls: int = 0) -> Journey[str]:
    return Journey(tuple(path.split(">")), actions, amount_minor, nulls)


MIXED = [
    journey("A", 2, 20, 4),
    journey("B", 1, 30, 3),
    journey("A>B", 2, 60, 2),
    journey("B>A", 1, 10, 1),
    journey("A>B>C", 1, 90, 1),
    journey("A>B>A>C", 1, 100, 0),
    journey("C>C", 0, 0, 2),
]
BRYL = [journey("C1>C2>C3", 1, 1000), journey("C1", 0, 0, 1), journey("C2>C3", 0, 0, 1)]
PUZYROV = [journey("G", 2, 20, 1), journey("M", 1, 10), journey("G>M", 1, 10)]
PYCHATTR = [journey("A>B>A>B>B>A", 1), journey("A>B>B>A>A", 1), journey("A>A", 1)]
ORDER_2 = [
    journey("A>B", 3, 30, 1),
    journey("B>A", 1, 10, 3),
    journey("A", 1, 5, 1),
    journey("A>B>A", 1, 8, 1),
]


def synthetic() -> list[Journey[str]]:
    with (DATA / "synthetic.csv").open() as file:
        return [
            Journey(
                tuple(row["path"].split(" > ")),
                int(row["total_conversions"]),
                int(row["total_conversion_value"]),
                int(row["total_null"]),
            )
            for row in csv.DictReader(file, delimiter=";")
        ]


def expected(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def touch(
    key: str = "A",
    ago: timedelta = timedelta(0),
    tier: Tier = Tier.IDENTITY,
    click_id: str = "",
    channel: str = "social",
    seen_at: datetime | None = None,
) -> Touch:
    """A touch of the post and platform named `key`; with a tier of clicks it gets a click id."""
    if not click_id and tier in (Tier.IDENTITY, Tier.CLICK_ID):
        click_id = f"{key}@{ago}"
    return Touch(
        tier=tier,
        at=NOW - ago,
        click_id=click_id,
        post_id=UUID(bytes=key.encode().rjust(16, b"\0")[-16:]),
        platform=key,
        channel=channel,
        seen_at=seen_at,
    )


def path(keys: Iterable[str], hours: Sequence[float] | None = None) -> list[Touch]:
    """Touches in order of time; without `hours` one each hour, the last at the action."""
    keys = list(keys)
    ages = hours if hours is not None else range(len(keys) - 1, -1, -1)
    return [touch(key, timedelta(hours=age)) for key, age in zip(keys, ages, strict=True)]


def tally(
    journeys: Iterable[Journey[str]], rule: Rule
) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Apply a rule to every journey that ended in an action; returns actions and money by key."""
    actions: dict[str, Fraction] = defaultdict(Fraction)
    amounts: dict[str, Fraction] = defaultdict(Fraction)
    for each in journeys:
        if each.actions:
            for key, share in zip(each.path, rule(path(each.path), NOW), strict=True):
                actions[key] += share * each.actions
                amounts[key] += share * each.amount_minor
    return actions, amounts
