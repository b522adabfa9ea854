"""Alerts of surges: posts are checked every minute, and surges are stored and emailed.

Note: surges are stored even if nobody subscribed to alerts, since the overview shows them. Alerts
are sent like reports, once per subscription and surge.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from advocacy.analytics.surges import (
    BASELINE_DAYS,
    SurgeCampaign,
    SurgeFigures,
    Thresholds,
    surges,
)
from advocacy.core.vocabulary import moment
from advocacy.storage import surges as surges_storage
from advocacy.storage.session import transaction
from advocacy.storage.surges import ListedSurge
from config.settings import Settings

SHOWN = timedelta(hours=24)
"""How long the overview shows a surge."""


def watch(settings: Settings, org_id: UUID, now: datetime | None = None) -> int:
    """Check the last minutes of an organization's posts; return the number of new surges."""
    now = now or datetime.now(UTC)
    minutes = settings.surge_window_minutes
    since = now - timedelta(minutes=minutes)
    quiet = timedelta(hours=settings.surge_quiet_hours)
    new = 0
    for what, read, least in (
        ("clicks", surges_storage.clicks_now, settings.surge_least_clicks),
        ("actions", surges_storage.actions_now, settings.surge_least_actions),
    ):
        with transaction():
            found = surges(
                read(org_id, since, now, BASELINE_DAYS),
                Thresholds(minutes, least, settings.surge_times),
            )
            if found:
                new += surges_storage.put_surges(org_id, what, found, minutes, now, quiet)
    return new


def surge_figures(surge: ListedSurge, quiet_hours: int) -> SurgeFigures:
    """Return a stored surge as an alert shows it."""
    return SurgeFigures(
        what=surge.what,
        counted=surge.counted,
        usual=surge.usual,
        minutes=surge.minutes,
        platform=surge.platform,
        url=surge.url,
        title=surge.title,
        campaign=SurgeCampaign(surge.slug, surge.name),
        noticed=f"{moment(surge.noticed_at, surge.timezone)} ({surge.timezone})",
        quiet_hours=quiet_hours,
        made_at=surge.noticed_at.replace(microsecond=0),
    )
