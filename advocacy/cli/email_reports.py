"""`advocacy report --weekly` and `advocacy subscription`: email reports on demand and scheduled.

Note: a report created on demand belongs to no subscription. It is not stored and does not replace
the scheduled one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID, uuid4

import click

from advocacy.cli.context import Refusal, in_app, org_option, settings_now, table
from advocacy.core import periods
from advocacy.core.choices import LANGUAGES
from advocacy.core.dates import day_in

if TYPE_CHECKING:
    from advocacy.storage.models import Organization


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def address(_context: object, _parameter: object, written: str | None) -> str | None:
    """Check an email address that mail is sent to."""
    from advocacy.reporting.email.subscriptions import BadSubscription, mail_address

    if not written:
        return written
    try:
        return mail_address(written)
    except BadSubscription as error:
        raise Refusal(str(error)) from None


def weekly_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add to `advocacy report` the options of the weekly report."""
    for option in reversed(
        (
            click.option(
                "--weekly",
                is_flag=True,
                help="Create the weekly report; the following options are for it.",
            ),
            click.option("--campaign", help="One campaign. Default: all together."),
            click.option("--week", help="For example 2026-W47. Default: the last complete week."),
            click.option(
                "--until",
                type=click.DateTime(["%Y-%m-%d"]),
                help="The seven days up to and including this one.",
            ),
            click.option(
                "--pdf",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Write it to this file as PDF.",
            ),
            click.option(
                "--html",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Write it to this file as HTML.",
            ),
            click.option("--send", callback=address, help="Send it to this address now."),
            click.option(
                "--language",
                type=click.Choice(list(LANGUAGES)),
                default="en",
                show_default=True,
                help="Language of the report.",
            ),
        )
    ):
        command = option(command)
    return command


class WeeklyOptions(TypedDict):
    """The options that `weekly_options` adds."""

    campaign: str | None
    week: str | None
    until: datetime | None
    pdf: Path | None
    html: Path | None
    send: str | None
    language: str


def make_weekly(
    organization: Organization,
    *,
    campaign: str | None,
    week: str | None,
    until: datetime | None,
    pdf: Path | None,
    html: Path | None,
    send: str | None,
    language: str,
) -> None:
    """Create the report and write or send it; without either, print it."""
    from flask_babel import force_locale

    from advocacy.analytics.weekly_summary import summarize
    from advocacy.disclosure import Rounding, shared_summary
    from advocacy.reporting.email import outbox, render, smtp
    from advocacy.reporting.email.pdf import PDF_ADVICE, pdf_installed
    from advocacy.reporting.email.weekly_content import weekly_sheet
    from advocacy.storage import campaigns, organizations

    if week and until:
        raise Refusal("use either --week or --until")
    if pdf and not pdf_installed():
        raise Refusal(f"a PDF needs Typst and vl-convert; {PDF_ADVICE}")
    settings = settings_now()
    if send:
        _needs_mail()
    of = campaigns.get_campaign(organization.id, campaign) if campaign else None
    period = _period(week, until.date() if until else None, organization.timezone)
    exact = summarize(organization, of, period)
    # Files and printed reports may be passed on; for an email the recipient is known.
    base = organizations.rounding_base(organization.id, settings.shared_rounding_base)
    shown = shared_summary(exact, Rounding.of(settings.secret_key, organization.id, base))
    with force_locale(language):
        sheet = weekly_sheet(shown, settings.public_url)
        if pdf:
            _write(pdf, render.pdf(sheet, shown, language))
        if html:
            pictures = render.data_pictures(sheet, shown, language)
            _write(html, render.html(sheet, language, pictures).encode())
        if send:
            rounding = outbox.rounding_for(settings, organization.id, send)
            content = outbox.weekly_email(settings, exact, language, rounding)
            _deliver(smtp.message(content, settings.mail_from, send, uuid4().hex))
            click.echo(f"sent to {send}")
        if not (pdf or html or send):
            click.echo(render.text(sheet), nl=False)


def _period(week: str | None, until: date | None, timezone: str) -> periods.Period:
    try:
        if until:
            return periods.seven_days_until(until)
        if week:
            return periods.week_named(week)
        return periods.last_whole_week(day_in(datetime.now(UTC), timezone))
    except ValueError as error:
        raise Refusal(str(error)) from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Refusal(f"{path} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {path} ({len(content) // 1024 + 1} KB)")


def _needs_mail() -> None:
    if not settings_now().smtp_url:
        raise Refusal("no mail server is configured; set SMTP_URL and MAIL_FROM, see .env.example")


def _deliver(mail: EmailMessage) -> None:
    from advocacy.reporting.email import smtp

    try:
        smtp.deliver(settings_now().smtp_url, mail)
    except smtp.MailRejected as rejected:
        advice = smtp.ADVICE.get(rejected.reason, "check its log")
        raise Refusal(f"the mail server rejected it ({rejected.reason}); {advice}") from None
    except smtp.MailUnconfirmed:
        raise Refusal(
            "the mail server did not confirm; check whether it arrived before you send it again"
        ) from None


@click.group()
def subscription() -> None:
    """Email reports and alerts: recipients, and what was sent."""


@subscription.command("add")
@org_option
@click.option("--to", "email", required=True, callback=address)
@click.option("--campaign", help="One campaign. Default: the whole organization.")
@click.option(
    "--weekday", type=click.Choice(_WEEKDAYS), help="Each week on this day. Default: monday."
)
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Once, on the day of a meeting: the seven days before it.",
)
@click.option("--alerts", is_flag=True, help="When a post is surging.")
@click.option(
    "--at", default="08:00", show_default=True, help="Time in the organization's time zone."
)
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en", show_default=True)
@in_app
def subscription_add(
    org: str | None,
    email: str,
    campaign: str | None,
    weekday: str | None,
    on: datetime | None,
    alerts: bool,
    at: str,
    language: str,
) -> None:
    """Send reports or alerts to an email address.

    \b
    Example: advocacy subscription add --to lead@example.org --weekday monday --at 07:30
    Example: advocacy subscription add --to board@example.org --campaign stay --on 2027-01-15
    Example: advocacy subscription add --to press@example.org --alerts --language es
    """
    from advocacy.reporting.email.subscriptions import BadSubscription, clock, subscribe
    from advocacy.storage import campaigns, organizations
    from advocacy.storage.session import transaction

    if sum(map(bool, (weekday, on, alerts))) > 1:
        raise Refusal("use only one of --weekday, --on and --alerts")
    try:
        with transaction():
            owner = organizations.get_organization(org)
            made = subscribe(
                owner,
                email,
                "once" if on else "alert" if alerts else "weekly",
                datetime.now(UTC),
                campaign=campaigns.get_campaign(owner.id, campaign) if campaign else None,
                weekday=_WEEKDAYS.index(weekday or "monday"),
                on=on.date() if on else None,
                at=clock(at),
                language=language,
            )
            click.echo(made)
    except BadSubscription as error:
        advice = "; create it now with `advocacy report --weekly --until DATE`" if on else ""
        raise Refusal(f"{error}{advice}") from None
    if not settings_now().smtp_url:
        click.echo(
            "Nothing is sent until SMTP_URL and MAIL_FROM are set; see .env.example", err=True
        )


@subscription.command("list")
@org_option
@in_app
def subscription_list(org: str | None) -> None:
    """List subscriptions.

    Example: advocacy subscription list
    """
    from advocacy.storage import campaigns, email_outbox, organizations

    owner = organizations.get_organization(org)
    names = {each.id: each.slug for each in campaigns.list_campaigns(owner.id)}
    rows = []
    for each in email_outbox.list_subscriptions(owner.id):
        match each.what:
            case "weekly":
                when = f"{_WEEKDAYS[each.weekday or 0]} {each.send_at:%H:%M}"
            case "once":
                when = f"{each.on_date} {each.send_at:%H:%M}"
            case _:
                when = "immediately"
        about = names[each.campaign_id] if each.campaign_id else "(all)"
        rows.append((each.id, each.email, each.what, about, when, each.language))
    table(("id", "to", "what", "campaign", f"when ({owner.timezone})", "language"), rows)


@subscription.command("remove")
@org_option
@click.argument("subscription_id", type=click.UUID)
@in_app
def subscription_remove(org: str | None, subscription_id: UUID) -> None:
    """End a subscription and delete its address.

    Example: advocacy subscription remove 0199b7c2-1f6e-7a3b-9c1d-5e8f2a4b6c7d
    """
    from advocacy.storage import email_outbox, organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        email_outbox.end_subscription(owner.id, subscription_id, datetime.now(UTC))
    click.echo("ended the subscription and deleted its address")


@subscription.command("sent")
@org_option
@in_app
def subscription_sent(org: str | None) -> None:
    """List recently sent emails and their status.

    \b
    unsure   the mail server did not confirm: ask whether it arrived before you resend it
    waiting  it is retried automatically
    failed   it is not retried: correct the problem and resend it

    Example: advocacy subscription sent
    """
    from advocacy.reporting.email.outbox import state
    from advocacy.storage import email_outbox, organizations

    owner = organizations.get_organization(org)
    now = datetime.now(UTC)
    rows = [
        (
            row.id,
            row.email or "(ended)",
            row.campaign or "(all)",
            row.period if row.what != "alert" else "alert",
            state(row, now),
            row.attempts,
            f"{row.sent_at or row.claimed_at:%Y-%m-%d %H:%M}",
            row.error,
        )
        for row in email_outbox.list_sent(owner.id)
    ]
    table(("id", "to", "campaign", "period", "status", "attempts", "last (UTC)", "why"), rows)


@subscription.command("resend")
@org_option
@click.argument("report_id", type=click.UUID)
@in_app
def subscription_resend(org: str | None, report_id: UUID) -> None:
    """Send an email again, with the same figures.

    Example: advocacy subscription resend 0199b7c2-1f6e-7a3b-9c1d-5e8f2a4b6c7d
    """
    from advocacy.reporting.email import outbox
    from advocacy.storage import organizations

    _needs_mail()
    owner = organizations.get_organization(org)
    outcome = outbox.resend(settings_now(), owner.id, report_id)
    if outcome != "sent":
        raise Refusal(f"{outcome}; see `advocacy subscription sent`")
    click.echo("sent")
