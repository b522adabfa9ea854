"""Two drains in one process: while one waits for PostgreSQL, the other reads and works out.

What a stranger would get wrong: they are as two workers are to each other, with claims and
connections of their own; nothing is shared but the process.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from flask import Flask

from advocacy import process
from advocacy.store import inbox, transaction

_DRAINS = 2


def drain(app: Flask, org_id: UUID, others_wait: Callable[[], bool] = lambda: False) -> bool:
    """Work through what waits for one organization; says whether there is more.

    It ends early where others wait for their turn. A single batch is not worth a second connection.
    Raises what a drain raised, after both ended.
    """
    settings = app.extensions["settings"]
    with app.app_context(), transaction():
        many = inbox.waits_more_than(org_id, settings.batch_size)

    def one() -> bool:
        with app.app_context():
            return process.drain(settings, org_id, others_wait=others_wait).stopped_early

    if not many:
        return one()
    with ThreadPoolExecutor(_DRAINS) as threads:
        running = [threads.submit(one) for _ in range(_DRAINS)]
    more = [each.result() for each in running]
    return any(more)
