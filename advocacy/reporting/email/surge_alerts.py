"""The watch for surges: what the rule finds in the last minutes is kept, and mailed to who asked.

Note: a surge is kept whether or not anybody gets mail, since the first
page shows it; the mail goes by the same way as reports, once per subscription and surge.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from advocacy.analytics.surges import BASELINE_DAYS, Thresholds, surges
from advocacy.core.vocabulary import moment
from advocacy.storage import surges as kept
from advocacy.storage.session import transaction
from config.settings import Settings

SHOWN = timedelta(hours=24)
"""How long the first page shows a surge."""


def watch(settings: Settings, org_id: UUID, now: datetime | None = None) -> int:
    """Look at the last minutes of an organization's posts; returns how many surges are new."""
    now = now or datetime.now(UTC)
    minutes = settings.surge_window_minutes
    since = now - timedelta(minutes=minutes)
    quiet = timedelta(hours=settings.surge_quiet_hours)
    new = 0
    for what, read, least in (
        ("clicks", kept.clicks_now, settings.surge_least_clicks),
        ("actions", kept.actions_now, settings.surge_least_actions),
    ):
        with transaction():
            found = surges(
                read(org_id, since, now, BASELINE_DAYS),
                Thresholds(minutes, least, settings.surge_times),
            )
            if found:
                new += kept.put_surges(org_id, what, found, minutes, now, quiet)
    return new


def surge_figures(row: Any, quiet_hours: int) -> dict[str, Any]:
    """Return a surge (a row of `store.surges.list_surges`) as data that JSON can hold."""
    return {
        "what": row.what,
        "counted": row.counted,
        "usual": row.usual,
        "minutes": row.minutes,
        "title": row.title,
        "platform": row.platform,
        "url": row.url,
        "campaign": {"slug": row.slug, "name": row.name},
        "noticed": f"{moment(row.noticed_at, row.timezone)} ({row.timezone})",
        "quiet_hours": quiet_hours,
        "made_at": row.noticed_at.isoformat(timespec="seconds"),
    }
