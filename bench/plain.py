"""What we compare with: the same work, done in the simplest way with a good library.

`redirect` and `webhook` are WSGI applications; `one_event` is a job that processes one delivery.
"""

from __future__ import annotations

import os
from dataclasses import replace
from uuid import UUID

from flask import Flask, Response, request
from flask import redirect as redirect_to
from sqlalchemy import create_engine, text
from standardwebhooks import Webhook, WebhookVerificationError

from advocacy.ingestion import drain
from workers.context import application

ELSEWHERE = "https://actionnetwork.org/petitions/made-up"

redirect = Flask("redirect")


@redirect.get("/r/<code>")
def follow(code: str) -> Response:
    """Redirect without storing anything."""
    return redirect_to(f"{ELSEWHERE}?source={code}")  # type: ignore[return-value]


def webhook() -> Flask:
    """Return an application that verifies a webhook, inserts it as a row and commits."""
    app = Flask("webhook")
    engine = create_engine(
        os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:", 1), pool_size=16
    )
    checker = Webhook(os.environ["BENCH_SECRET"])

    @app.get("/ready")
    def ready() -> str:
        return "ok"

    @app.post("/hook")
    def hook() -> tuple[str, int]:
        body = request.get_data()
        try:
            checker.verify(body, dict(request.headers))
        except WebhookVerificationError:
            return "no", 401
        with engine.begin() as connection:
            connection.execute(
                text("insert into bench_plain (name, body) values (:name, :body)"),
                {"name": request.headers["webhook-id"], "body": body.decode()},
            )
        return "ok", 200

    return app


def one_event(org_id: str) -> None:
    """Process one pending delivery; the job of an RQ worker."""
    with application().app_context():
        settings = replace(application().extensions["settings"], batch_size=1)
        # Time for one batch of one delivery.
        drain.drain(settings, UUID(org_id), seconds=0.001)
