"""A drain that reads ahead: while a batch is kept, which PostgreSQL does, the next one is read.

What a stranger would get wrong: batches are kept one after the other, as by a worker that does not
read ahead. Two kept at a time got into each other's way over people who act again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Flask

from advocacy.core.prefetch import background_thread
from advocacy.ingestion import drain as drain_ingestion
from advocacy.storage import inbox
from advocacy.storage.session import transaction


def drain(app: Flask, org_id: UUID, others_wait: Callable[[], bool] = lambda: False) -> bool:
    """Work through what waits for one organization; says whether there is more.

    It ends early where others wait for their turn. A single batch is not worth a second connection.
    """
    settings = app.extensions["settings"]
    with app.app_context():
        with transaction():
            many = inbox.waits_more_than(org_id, settings.batch_size)
        if not many:
            return drain_ingestion.drain(settings, org_id, others_wait=others_wait).stopped_early
        with background_thread(app.app_context) as begin:
            return drain_ingestion.drain(
                settings, org_id, others_wait=others_wait, begin=begin
            ).stopped_early
