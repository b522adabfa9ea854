"""What a job needs around it: the application and a connection, made once in each process."""

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

# An organization has two jobs in the queue at most, so those behind are soon others'.
_LOOKED_AT = 10


@lru_cache(maxsize=1)
def application() -> Flask:
    """Return this process's application."""
    settings = read_settings()
    configure(settings.log_level)
    return create_app(settings)


@lru_cache(maxsize=1)
def connection() -> Redis:
    """Return this process's connection to Redis, with patience that fits a worker."""
    return connect(application().extensions["settings"].redis_url, timeout=5.0)


def others_wait(org_id: UUID) -> bool:
    """Say whether work that is not this organization's waits. If Redis does not say, none does."""
    with suppress(RedisError, OSError):
        name = application().extensions["settings"].queue
        queue = Queue(name, connection=connection(), serializer=JSONSerializer)
        return any(str(org_id) not in job_id for job_id in queue.get_job_ids(0, _LOOKED_AT))
    return False
