"""Clicks that cause a surge, and the detected surges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from advocacy.reporting.email import surge_alerts
from advocacy.storage import surges as kept
from advocacy.storage.session import transaction


def clicks(world, number, minutes_ago=1.0, platform="instagram", **more):
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    for _ in range(number):
        world.click(platform, at=at, **more)


def watch(world, settings, at=None):
    return surge_alerts.watch(settings, world.org_id, at or datetime.now(UTC))


def noticed(world):
    with transaction():
        return kept.list_surges(world.org_id, datetime.now(UTC) - timedelta(days=1))
