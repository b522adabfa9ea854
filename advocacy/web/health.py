"""Health checks: whether this process is alive, and whether it can serve requests.

Note: `/live` depends on nothing, so that a database outage does not get web processes killed.
`/ready` checks the database. It lists postponed work without failing, since deliveries are still
accepted, and nodes of a cluster that do not answer, since the organizations on all others go on: a
load balancer that took this process out would take all of them away.
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
from advocacy.storage import citus, server
from config.settings import Settings

blueprint = Blueprint("health", __name__)

log = structlog.get_logger()


def refuse_wrong_key(app: Flask) -> None:
    """Respond with 503 if `SECRET_KEY` is wrong, which is unknown if started during an outage."""

    @app.before_request
    def check() -> Response | None:
        if request.blueprint == blueprint.name:
            return None
        try:
            app.extensions["key_check"].require()
        except WrongKey as wrong:
            log.error("wrong_secret_key")
            return Response(f"{wrong}\n", 503, content_type="text/plain")
        except SQLAlchemyError:
            # The endpoint itself reports the outage.
            return None
        return None


@blueprint.get("/live")
def live() -> Response:
    """Respond that this process is alive."""
    return Response("ok\n", content_type="text/plain")


@blueprint.get("/ready")
def ready() -> Response:
    """Report whether the database responds and is migrated, and which work is postponed."""
    try:
        missing = server.lacks_migrations()
        current_app.extensions["key_check"].require()
        down = citus.nodes_down() if citus.has_citus() else []
    except WrongKey as wrong:
        return Response(f"{wrong}\n", 503, content_type="text/plain")
    except SQLAlchemyError:
        return Response("database does not answer\n", 503, content_type="text/plain")
    if missing:
        text = "the database lacks tables of this version; run `advocacy migrate`\n"
        return Response(text, 503, content_type="text/plain")
    names = sorted({each.name for each in postponed()})
    text = "".join(f"node down: {node}\n" for node in down)
    text += "".join(f"postponed: {name}\n" for name in names)
    return Response(f"ok\n{text}", content_type="text/plain")


def postponed() -> list[Postponed]:
    """Return the work that is postponed by an outage; none if Redis is down."""
    settings: Settings = current_app.extensions["settings"]
    with suppress(RedisError, OSError):
        return list_postponed(connect(settings.redis_url), settings.queue)
    return []
