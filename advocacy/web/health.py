"""Whether this process lives, and whether it can serve.

Note: `/live` asks nobody, so that a database that is down does not get web processes killed.
`/ready` asks the database. Work that is postponed is told there and changes no status: deliveries
are still accepted.
"""

from __future__ import annotations

from contextlib import suppress

import structlog
from flask import Blueprint, Flask, Response, current_app, request
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from advocacy.identity.key_check import WrongKey
from advocacy.ingestion.postponement import Postponed, list_postponed
from advocacy.ingestion.wakeup import connect
from advocacy.storage import server
from config.settings import Settings

blueprint = Blueprint("health", __name__)

log = structlog.get_logger()


def refuse_wrong_key(app: Flask) -> None:
    """Answer 503 where `SECRET_KEY` is not the database's: this started while that was away."""

    @app.before_request
    def look() -> Response | None:
        if request.blueprint == blueprint.name:
            return None
        try:
            app.extensions["key_check"].require()
        except WrongKey as wrong:
            log.error("wrong_secret_key")
            return Response(f"{wrong}\n", 503, content_type="text/plain")
        except SQLAlchemyError:
            # Whatever is asked says so in its own words.
            return None
        return None


@blueprint.get("/live")
def live() -> Response:
    """Say that this process answers."""
    return Response("ok\n", content_type="text/plain")


@blueprint.get("/ready")
def ready() -> Response:
    """Say whether the database answers and has its tables, and whether work is postponed."""
    try:
        missing = server.lacks_migrations()
        current_app.extensions["key_check"].require()
    except WrongKey as wrong:
        return Response(f"{wrong}\n", 503, content_type="text/plain")
    except SQLAlchemyError:
        return Response("database does not answer\n", 503, content_type="text/plain")
    if missing:
        text = "the database has not the tables of this version; run `advocacy migrate`\n"
        return Response(text, 503, content_type="text/plain")
    names = sorted({each.name for each in postponed()})
    text = "".join(f"postponed: {name}\n" for name in names)
    return Response(f"ok\n{text}", content_type="text/plain")


def postponed() -> list[Postponed]:
    """Return the work that waits for the infrastructure; none if Redis does not say."""
    settings: Settings = current_app.extensions["settings"]
    with suppress(RedisError, OSError):
        return list_postponed(connect(settings.redis_url), settings.queue)
    return []
