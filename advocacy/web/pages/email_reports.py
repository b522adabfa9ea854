"""The email reports page: subscriptions, and sent mails to download or send again.

Note: this page sends nothing. A mail to be sent again is marked as due and sent by a worker, so
that it is sent once. The audit log does not contain recipients: an address is deleted when its
subscription ends.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from subprocess import SubprocessError
from uuid import UUID

from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from flask_babel import format_date
from flask_babel import gettext as _

from advocacy.analytics import weekly_figures
from advocacy.core import periods
from advocacy.core.choices import LANGUAGES
from advocacy.reporting import formats
from advocacy.reporting.email.outbox import file_name, state, stored_pdf
from advocacy.reporting.email.pdf import pdf_installed
from advocacy.reporting.email.subscriptions import WHAT, BadSubscription, clock, subscribe
from advocacy.storage import campaigns, email_outbox, errors, organizations
from advocacy.storage.session import transaction
from advocacy.web import auth
from advocacy.web.errors import Problem
from advocacy.web.i18n import chosen, said

blueprint = Blueprint("reports", __name__)

for_editors = auth.needs_role("editor")

_FIELDS = ("email", "what", "campaign", "weekday", "on", "at", "language")
_MONDAY = date(2024, 1, 1)


@blueprint.get("/reports")
@for_editors
def page() -> str:
    """List subscriptions and sent mails, with a form to add a subscription."""
    return _page({})


@blueprint.post("/reports")
@for_editors
def add() -> auth.Page:
    """Add a subscription to reports or alerts."""
    asked = {name: request.form.get(name, "").replace("\0", "").strip() for name in _FIELDS}
    try:
        with transaction():
            _put(asked)
            auth.record_audit("mail_subscribed", asked["campaign"])
    except BadSubscription as error:
        return _page(asked, said(error.args[0])), 422
    except errors.Taken:
        return _page(asked, _("%(email)s already receives this report", email=asked["email"])), 409
    return redirect(url_for("reports.page"))


@blueprint.post("/reports/<uuid:subscription_id>/end")
@for_editors
def end(subscription_id: UUID) -> auth.Page:
    """End a subscription, and delete its email address."""
    try:
        with transaction():
            email_outbox.end_subscription(g.org_id, subscription_id, datetime.now(UTC))
            auth.record_audit("mail_ended")
    except errors.NotFound:
        raise _not_found() from None
    return redirect(url_for("reports.page"))


@blueprint.post("/reports/sent/<uuid:report_id>/again")
@for_editors
def send_again(report_id: UUID) -> auth.Page:
    """Send a mail again, with the same figures."""
    try:
        with transaction():
            email_outbox.request_resend(g.org_id, report_id, datetime.now(UTC))
            auth.record_audit("mail_sent_again")
    except errors.NotFound:
        raise _not_found() from None
    except errors.Taken:
        trouble = _("It is being sent; check again in a few minutes")
        return _page({}, trouble), 409
    return redirect(url_for("reports.page"))


@blueprint.get("/reports/sent/<uuid:report_id>.pdf")
@for_editors
def pdf(report_id: UUID) -> Response:
    """Download a report as it was sent."""
    found = email_outbox.find_sent(g.org_id, report_id)
    if found is None or not found.figures or found.what == "alert":
        raise _not_found()
    if not pdf_installed():
        raise Problem(
            503,
            _("Not created"),
            _("This server cannot create PDF files. Its operator can install this feature."),
        )
    report = weekly_figures.from_json(found.figures)
    try:
        made = stored_pdf(current_app.extensions["settings"], report, found.language)
    except SubprocessError:
        raise Problem(
            503, _("Not created"), _("The PDF could not be made. Try again in a minute.")
        ) from None
    name = f'attachment; filename="{file_name(report)}"'
    return Response(made, mimetype="application/pdf", headers={"Content-Disposition": name})


def _put(asked: dict[str, str]) -> None:
    """Store the subscription of the form. Raises `BadSubscription` and `Taken`."""
    owner = organizations.find_organization(g.org_id)
    campaign = campaigns.find_campaign(g.org_id, asked["campaign"]) if asked["campaign"] else None
    if owner is None or (asked["campaign"] and campaign is None):
        raise BadSubscription(_("there is no such campaign"))
    if asked["language"] not in LANGUAGES or not asked["weekday"].isdecimal():
        raise BadSubscription(_("choose a day and a language from the list"))
    try:
        on = date.fromisoformat(asked["on"]) if asked["on"] else None
    except ValueError:
        raise BadSubscription(_("enter the date of the meeting")) from None
    subscribe(
        owner,
        asked["email"],
        asked["what"],
        datetime.now(UTC),
        campaign=campaign,
        weekday=int(asked["weekday"]),
        on=on,
        at=clock(asked["at"]),
        language=asked["language"],
    )


def _page(asked: dict[str, str], trouble: str = "") -> str:
    owner = organizations.find_organization(g.org_id)
    every = campaigns.list_active_campaigns(g.org_id)
    names: dict[UUID | None, str] = {each.id: each.name for each in every}
    now = datetime.now(UTC)
    usual = {
        "email": g.member.email if g.member else "",
        "weekday": "0",
        "at": "08:00",
        "language": chosen(),
    }
    return render_template(
        "reports.html",
        subscriptions=[
            (each, names.get(each.campaign_id, ""))
            for each in email_outbox.list_subscriptions(g.org_id)
        ],
        sent=[(row, state(row, now), _about(row)) for row in email_outbox.list_sent(g.org_id)],
        states=_states(),
        what={each: _what()[each] for each in WHAT},
        weekdays=[str(format_date(_MONDAY.replace(day=1 + n), "EEEE")) for n in range(7)],
        campaigns=every,
        asked=usual | asked,
        trouble=trouble,
        can_send=bool(current_app.extensions["settings"].smtp_url),
        zone=owner.timezone if owner else "UTC",
    )


def _about(row: email_outbox.ListedMail) -> str:
    """Return the period that a mail covers."""
    if row.what == "alert":
        return str(_("Alert"))
    return formats.days(periods.named(row.period))


def _what() -> dict[str, str]:
    return {
        "weekly": _("weekly report"),
        "once": _("report on the seven days before a meeting"),
        "alert": _("an alert when a post is surging"),
    }


def _states() -> dict[str, str]:
    return {
        "sent": _("sent"),
        "waiting": _("waiting to be sent or retried"),
        "making": _("is being sent"),
        "sending": _("is being sent"),
        "failed": _("was rejected; correct the problem and send it again"),
        "unsure": _(
            "the mail server did not confirm; check whether it arrived before you send it again"
        ),
    }


def _not_found() -> Problem:
    return Problem(404, _("Not Found"), _("There is no such report, or it has ended."))
