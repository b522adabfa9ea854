"""What a job needs around it: the application and a connection, made once in each process."""

from __future__ import annotations

from functools import lru_cache

from flask import Flask
from redis import Redis

from advocacy import create_app
from advocacy.nudge import connect
from config.logging import configure
from config.settings import read_settings


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
