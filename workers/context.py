"""The application and the Redis connection of a worker process."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from uuid import UUID

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from advocacy.app import create_app
from advocacy.ingestion.wakeup import connect
from config.logging import configure
from config.settings import read_settings

# An organization has at most two jobs in the queue, so those behind soon are others'.
_LOOKED_AT = 10


@lru_cache(maxsize=1)
def application() -> Flask:
    """Return this process's application."""
    settings = read_settings()
    configure(settings.log_level)
    return create_app(settings)


@lru_cache(maxsize=1)
def connection() -> Redis:
    """Return this process's Redis connection, with timeouts that suit a worker."""
    return connect(application().extensions["settings"].redis_url, timeout=5.0)


def others_wait(org_id: UUID) -> bool:
    """Return whether work of other organizations waits; False if Redis does not answer."""
    with suppress(RedisError, OSError):
        name = application().extensions["settings"].queue
        queue = Queue(name, connection=connection(), serializer=JSONSerializer)
        return any(str(org_id) not in job_id for job_id in queue.get_job_ids(0, _LOOKED_AT))
    return False
