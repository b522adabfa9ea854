"""The settings of an organization, for owners: its name, API tokens, outgoing webhooks.

Note: the text of a token and the secret of a webhook are shown once, since only a digest of the
one is stored, and the other encrypted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from advocacy.core.choices import SCOPES
from advocacy.core.plain_text import visible
from advocacy.reporting.webhooks import events, outbox
from advocacy.reporting.webhooks.http_client import BadAddress
from advocacy.storage import organizations, outgoing_webhooks, tokens
from advocacy.storage.errors import NotFound
from advocacy.storage.models import Organization, OutgoingWebhook
from advocacy.storage.session import transaction
from advocacy.web import auth
from advocacy.web.errors import Problem

blueprint = Blueprint("settings", __name__)

for_owners = auth.needs_role("owner")

LONGEST_NAME = 200
_LONGEST_LABEL = 100
_COARSEST = 1000
_DAYS = (30, 90, 365, 1095)
_SHOWN_ATTEMPTS = 10


@blueprint.get("/settings")
@for_owners
def page() -> str:
    """Show the settings, with a form for each of them."""
    return _page(done=request.args.get("done", ""))


@blueprint.post("/settings")
@for_owners
def change() -> auth.Page:
    """Change the organization's name, and to what figures for others are rounded."""
    name = _text("name")
    least = current_app.extensions["settings"].shared_rounding_base
    written = request.form.get("rounding_base", "").strip()
    base = int(written) if written.isascii() and written.isdigit() and len(written) < 5 else -1
    if not name or len(name) > LONGEST_NAME:
        return _page(
            trouble=_("Enter a name of at most %(most)s characters.", most=LONGEST_NAME)
        ), 422
    if not least <= base <= _COARSEST:
        return _page(
            trouble=_("Round to a number from %(least)s to %(most)s.", least=least, most=_COARSEST)
        ), 422
    with transaction():
        organizations.update_organization(_organization(), name=name, rounding_base=base)
        auth.record_audit("organization_changed", name)
    return _back("organization")


# API tokens.


@blueprint.post("/settings/tokens")
@for_owners
def make_token() -> auth.Page:
    """Make an API token and show it, once."""
    name, scope = _text("name"), request.form.get("scope", "")
    days = request.form.get("days", type=int)
    if not name or len(name) > _LONGEST_LABEL:
        return _page(
            trouble=_("Enter a name of at most %(most)s characters.", most=_LONGEST_LABEL)
        ), 422
    if scope not in SCOPES or days not in _DAYS:
        return _page(trouble=_("Choose what the token may do, and for how long.")), 422
    with transaction():
        until = datetime.now(UTC) + timedelta(days=days)
        _token, word = tokens.put_token(g.org_id, name, scope, until)
        auth.record_audit("token_made", f"{name}, {scope}")
    return _page(token=word)


@blueprint.post("/settings/tokens/<uuid:token_id>/revoke")
@for_owners
def revoke_token(token_id: UUID) -> Response:
    """Revoke an API token immediately."""
    try:
        with transaction():
            token = tokens.revoke_token_by_id(g.org_id, token_id, datetime.now(UTC))
            auth.record_audit("token_revoked", token.name)
    except NotFound:
        raise Problem(404, _("Not Found"), _("There is no such token.")) from None
    return _back("token")


# Outgoing webhooks.


@blueprint.post("/settings/webhooks")
@for_owners
def make_webhook() -> auth.Page:
    """Make an outgoing webhook and show its secret, once."""
    name, form = _text("name"), request.form.get("form", "")
    wanted = tuple(each for each in events.EVENTS if each in request.form.getlist("events"))
    if not name or len(name) > _LONGEST_LABEL:
        return _page(
            trouble=_("Enter a name of at most %(most)s characters.", most=_LONGEST_LABEL)
        ), 422
    if form not in events.FORMS or not wanted:
        return _page(trouble=_("Choose a format and at least one event.")), 422
    try:
        with transaction():
            made, secret = outbox.connect(
                current_app.extensions["settings"],
                g.org_id,
                name=name,
                url=request.form.get("url", "").strip(),
                form=form,
                wanted=wanted,
                language=str(get_locale()),
            )
            auth.record_audit("webhook_made", made.name)
    except BadAddress:
        return _page(
            trouble=_("Enter a public address that begins with https://, without a user name.")
        ), 422
    if form != "standard":
        return _back("webhook")
    return _page(secret=secret)


@blueprint.post("/settings/webhooks/<uuid:webhook_id>/<any(test, on, off, remove):what>")
@for_owners
def change_webhook(webhook_id: UUID, what: str) -> Response:
    """Send a test message to an outgoing webhook, disable, enable or remove it."""
    settings, now = current_app.extensions["settings"], datetime.now(UTC)
    with transaction():
        webhook = outgoing_webhooks.find_webhook(g.org_id, webhook_id)
        if webhook is None:
            raise Problem(404, _("Not Found"), _("There is no such webhook."))
        name = webhook.name
        match what:
            case "test":
                outbox.store_test(settings, webhook, now)
            case "on":
                outgoing_webhooks.enable_webhook(webhook)
            case "off":
                outgoing_webhooks.disable_webhook(webhook, now)
            case _:
                outgoing_webhooks.delete_webhook(webhook)
        if what != "test":
            auth.record_audit("webhook_removed" if what == "remove" else "webhook_changed", name)
    return _back("test" if what == "test" else "webhook")


def _organization() -> Organization:
    found = organizations.find_organization(g.org_id)
    if found is None:
        raise Problem(404, _("Not Found"), _("This page does not exist."))
    return found


def _text(name: str) -> str:
    return " ".join(visible(request.form.get(name, "")).split())


def _back(done: str) -> Response:
    return redirect(url_for("settings.page", done=done), 303)


def _page(trouble: str = "", token: str = "", secret: str = "", done: str = "") -> str:
    settings, owner = current_app.extensions["settings"], _organization()
    webhooks = outgoing_webhooks.list_webhooks(g.org_id)
    return render_template(
        "settings.html",
        organization=owner,
        base=max(owner.rounding_base, settings.shared_rounding_base),
        least=settings.shared_rounding_base,
        coarsest=_COARSEST,
        longest=LONGEST_NAME,
        longest_label=_LONGEST_LABEL,
        tokens=[each for each in tokens.list_tokens(g.org_id) if not each.revoked_at],
        now=datetime.now(UTC),
        days=_DAYS,
        webhooks=[(each, _attempts(each)) for each in webhooks],
        scopes=_scopes(),
        events=_events(),
        forms={"standard": _("JSON, signed"), "slack": "Slack", "teams": "Microsoft Teams"},
        trouble=trouble,
        token=token,
        secret=secret,
        done=_done().get(done, ""),
    )


def _attempts(webhook: OutgoingWebhook) -> list[outgoing_webhooks.ListedAttempt]:
    return outgoing_webhooks.list_attempts(g.org_id, webhook.id, _SHOWN_ATTEMPTS)


def _scopes() -> dict[str, str]:
    return {
        "reports": _("read figures and lists"),
        "write": _("also make, change and archive campaigns, posts, links and sources"),
        "admin": _("also outgoing webhooks and metrics"),
    }


def _events() -> dict[str, str]:
    return {
        events.SURGE: _("a post is surging"),
        events.WEEKLY: _("the figures of the week, on Mondays at 8:00"),
    }


def _done() -> dict[str, str]:
    return {
        "organization": _("The settings are saved."),
        "token": _("The token is revoked."),
        "webhook": _("The webhook is changed."),
        "test": _("The test message is sent within seconds. Reload this page to see its result."),
    }
