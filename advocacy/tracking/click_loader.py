"""Load clicks from the log on disk into PostgreSQL, in bulk.

Note: loading a segment twice is harmless, removing it too early is not. It is removed after its
clicks are committed; one that the database rejects is renamed with another suffix, so that it does
not block others and nothing is lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from advocacy.core.records import Click
from advocacy.storage import actions
from advocacy.storage import clicks as clicks_storage
from advocacy.storage.session import transaction
from advocacy.tracking import click_log

log = structlog.get_logger()


def ship(folder: Path) -> set[UUID]:
    """Load every segment that no process writes to.

    Returns the organizations with actions that waited for one of these clicks.
    """
    waited: set[UUID] = set()
    while True:
        with click_log.ready_segment(folder) as segment:
            if segment is None:
                return waited
            path, batches = segment
            try:
                for batch in batches:
                    waited |= _keep(batch)
            except (OperationalError, InterfaceError) as error:
                log.warning("clicks_not_shipped", error=type(error).__name__)
                return waited
            except DBAPIError as error:
                log.error("clicks_refused", error=type(error).__name__, work=path.name)
                path.rename(path.with_suffix(".refused"))
                continue
            except SQLAlchemyError as error:
                log.warning("clicks_not_shipped", error=type(error).__name__)
                return waited
            path.unlink(missing_ok=True)


def _keep(batch: Iterable[Click]) -> set[UUID]:
    by_org: dict[UUID, list[Click]] = {}
    for click in batch:
        by_org.setdefault(click.org_id, []).append(click)
    waited = set()
    for org_id, clicks in by_org.items():
        with transaction():
            clicks_storage.put_clicks(org_id, clicks, os.getpid() % clicks_storage.STRIPES)
        with transaction():
            if actions.ids_waiting_for_clicks(org_id, 1):
                waited.add(org_id)
    return waited
