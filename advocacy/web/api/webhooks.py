"""Outgoing webhooks: list, make, change, try and remove them, and read their log."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from flask import current_app, g, url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from advocacy.core.choices import LANGUAGES
from advocacy.reporting.webhooks import events, outbox
from advocacy.reporting.webhooks.http_client import BadAddress
from advocacy.storage import outgoing_webhooks
from advocacy.storage.models import OutgoingWebhook
from advocacy.web import auth
from advocacy.web.api import pages
from advocacy.web.api.endpoint import Query, endpoint
from advocacy.web.api.transactions import invalid
from advocacy.web.errors import Problem

blueprint = Blueprint(
    "outgoing",
    __name__,
    url_prefix="/api/v1/webhooks",
    description="Requests that we send to your own address when something happens.",
)

_LONGEST_NAME = 100
_SHOWN_ATTEMPTS = 50


class WebhookSetup(Schema):
    """An outgoing webhook."""

    id = fields.UUID()
    name = fields.Str()
    form = fields.Str(data_key="format", metadata={"description": "standard, slack or teams."})
    host = fields.Str(metadata={"description": "The host of its URL, which is not shown again."})
    events = fields.List(fields.Str())
    language = fields.Str(metadata={"description": "Of messages for Slack and Teams."})
    failing_since = fields.DateTime(allow_none=True)
    disabled_at = fields.DateTime(
        allow_none=True,
        metadata={"description": "By staff, by an answer 410, or after five days of failures."},
    )
    created_at = fields.DateTime()


class WebhookMade(WebhookSetup):
    """A new outgoing webhook. The secret is shown once."""

    secret = fields.Str(
        metadata={"description": "Verify `webhook-signature` with it (Standard Webhooks)."}
    )


class WebhookList(Schema):
    webhooks = fields.List(fields.Nested(WebhookSetup))


def _events(*, required: bool = False) -> fields.List[str]:
    return fields.List(
        fields.Str(validate=validate.OneOf(events.EVENTS)),
        validate=validate.Length(min=1),
        metadata={"description": f"Some of {', '.join(events.EVENTS)}."},
        required=required,
    )


class NewOutgoingWebhook(Schema):
    name = pages.text(_LONGEST_NAME, shortest=1, required=True)
    url = fields.Str(
        required=True, metadata={"description": "Where to send to: public, and with https."}
    )
    form = fields.Str(
        data_key="format",
        load_default="standard",
        validate=validate.OneOf(events.FORMS),
        metadata={
            "description": "standard: signed JSON with exact figures; slack, teams: a message for "
            "an incoming webhook of that tool, with rounded figures."
        },
    )
    events = _events(required=True)
    language = fields.Str(load_default="en", validate=validate.OneOf(list(LANGUAGES)))


class WebhookChange(Schema):
    """What to change; what is not sent stays."""

    events = _events()
    disabled = fields.Bool()


class Attempt(Schema):
    id = fields.UUID()
    message_id = fields.Str(metadata={"description": "As in the header `webhook-id`."})
    event = fields.Str()
    at = fields.DateTime()
    status = fields.Int(metadata={"description": "What was answered; 0: nothing."})
    error = fields.Str(metadata={"description": "Empty: it was accepted."})
    outcome = fields.Str(metadata={"description": "Of the message: waiting, sent or failed."})


class AttemptList(Schema):
    attempts = fields.List(fields.Nested(Attempt))


class Queued(Schema):
    message_id = fields.Str(metadata={"description": "As in the header `webhook-id`."})


@blueprint.route("")
class Webhooks(MethodView):
    """Outgoing webhooks."""

    @endpoint(blueprint, WebhookList, "Outgoing webhooks", scope="admin", of_one=False)
    def get(self) -> dict[str, object]:
        """Return the outgoing webhooks, the oldest first."""
        return {"webhooks": outgoing_webhooks.list_webhooks(g.org_id)}

    @endpoint(
        blueprint,
        WebhookMade,
        "Make an outgoing webhook",
        body=NewOutgoingWebhook,
        once=True,
        scope="admin",
        status=201,
        of_one=False,
    )
    def post(self, asked: Query) -> tuple[dict[str, object], int, dict[str, str]]:
        """Make an outgoing webhook and return its secret, once."""
        try:
            made, secret = outbox.connect(
                current_app.extensions["settings"],
                g.org_id,
                name=asked["name"],
                url=asked["url"],
                form=asked["form"],
                wanted=tuple(dict.fromkeys(asked["events"])),
                language=asked["language"],
            )
        except BadAddress as error:
            raise invalid("url", str(error)) from None
        auth.record_audit("webhook_made", made.name)
        names = ("id", "name", "form", "host", "events", "language", "created_at")
        shown = {name: getattr(made, name) for name in names}
        shown |= {"failing_since": None, "disabled_at": None, "secret": secret}
        return shown, 201, {"Location": url_for("outgoing.OneWebhook", webhook_id=made.id)}


@blueprint.route("/<uuid:webhook_id>")
class OneWebhook(MethodView):
    """An outgoing webhook."""

    @endpoint(blueprint, WebhookSetup, "An outgoing webhook", scope="admin")
    def get(self, webhook_id: UUID) -> OutgoingWebhook:
        """Return an outgoing webhook."""
        return _found(webhook_id)

    @endpoint(
        blueprint, WebhookSetup, "Change an outgoing webhook", body=WebhookChange, scope="admin"
    )
    def patch(self, asked: Query, webhook_id: UUID) -> OutgoingWebhook:
        """Change the events, disable or enable. What waits is sent when it is enabled again."""
        webhook = _found(webhook_id)
        if "events" in asked:
            outgoing_webhooks.set_events(webhook, tuple(dict.fromkeys(asked["events"])))
        if "disabled" in asked:
            if asked["disabled"]:
                outgoing_webhooks.disable_webhook(webhook, datetime.now(UTC))
            else:
                outgoing_webhooks.enable_webhook(webhook)
        if asked:
            auth.record_audit("webhook_changed", webhook.name)
        return webhook

    @endpoint(
        blueprint, Schema, "Remove an outgoing webhook", body=Schema, scope="admin", status=204
    )
    def delete(self, _asked: Query, webhook_id: UUID) -> None:
        """Remove an outgoing webhook with its log."""
        webhook = _found(webhook_id)
        auth.record_audit("webhook_removed", webhook.name)
        outgoing_webhooks.delete_webhook(webhook)


@blueprint.route("/<uuid:webhook_id>/test")
class TestOfWebhook(MethodView):
    """A test of an outgoing webhook."""

    @endpoint(blueprint, Queued, "Send a test message", body=Schema, scope="admin", status=202)
    def post(self, _asked: Query, webhook_id: UUID) -> dict[str, object]:
        """Send `webhook.test` within seconds; the attempts say what came of it."""
        webhook, settings = _found(webhook_id), current_app.extensions["settings"]
        return {"message_id": _named(outbox.store_test(settings, webhook, datetime.now(UTC)))}


@blueprint.route("/<uuid:webhook_id>/attempts")
class Attempts(MethodView):
    """The log of an outgoing webhook."""

    @endpoint(blueprint, AttemptList, "The last attempts", scope="admin")
    def get(self, webhook_id: UUID) -> dict[str, object]:
        """Return the last 50 attempts, the newest first; they are stored for 30 days."""
        webhook = _found(webhook_id)
        rows = outgoing_webhooks.list_attempts(g.org_id, webhook.id, _SHOWN_ATTEMPTS)
        return {
            "attempts": [{**row._asdict(), "message_id": _named(row.message_id)} for row in rows]
        }


def _named(message_id: UUID) -> str:
    return f"msg_{message_id.hex}"


def _found(webhook_id: UUID) -> OutgoingWebhook:
    found = outgoing_webhooks.find_webhook(g.org_id, webhook_id)
    if found is None:
        raise Problem(404, "Not Found", f"There is no webhook {webhook_id}.")
    return found
