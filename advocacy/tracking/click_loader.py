"""Clicks on their way from the click log on disk into PostgreSQL, in bulk.

What a stranger would get wrong: to ship a segment twice is harmless, to remove it too early is not.
It is removed after its clicks are committed; one that the database refuses for what is in it is put
aside with another ending, so that it holds up nobody behind it and nothing is thrown away.
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
    """Bring in every segment that nobody writes to.

    Returns the organizations that have actions which waited for one of these clicks.
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
