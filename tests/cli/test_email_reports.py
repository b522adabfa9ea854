"""`advocacy report --weekly` and `advocacy subscription`, as an operator runs them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.support.mail import SENDER
from tests.support.operator import Operator, operator  # noqa: F401 -- a fixture


@pytest.fixture
def staff(operator, world):  # noqa: F811
    world.act("signature", id="s1", email="ana@example.org", code=world.links["x"])
    world.drain()
    return operator


def of_mail(staff: Operator, smtp) -> Operator:
    staff.environment |= {"SMTP_URL": smtp.smtp_url, "MAIL_FROM": SENDER}
    return staff


def test_a_report_is_made_at_once(staff, tmp_path):
    today = staff.does("report", "--weekly", "--until", "2026-11-22")
    assert today.startswith("Hope\n")
    pdf, html = tmp_path / "week.pdf", tmp_path / "week.html"
    told = staff.does(
        "report", "--weekly", "--campaign", "stay", "--week", "2026-W47", "--language", "es",
        "--pdf", pdf, "--html", html,
    )  # fmt: skip
    assert f"wrote {pdf} " in told
    assert pdf.read_bytes().startswith(b"%PDF-")
    page = html.read_text()
    assert '<html lang="es">' in page
    assert "16–22 nov 2026" in page


def test_a_printed_report_is_rounded_for_sharing(staff, world):
    for number in range(12):
        world.act("call", id=f"c{number}", email=f"{number}@example.org")
    world.drain()
    today = datetime.now(UTC).date().isoformat()
    printed = staff.does("report", "--weekly", "--campaign", "stay", "--until", today)
    assert "rounded to a multiple of 5" in printed
    assert re.search(r"^Actions: (10|15)\b", printed, re.M)
    staff.environment |= {"SHARED_ROUNDING_BASE": "0"}
    printed = staff.does("report", "--weekly", "--campaign", "stay", "--until", today)
    assert re.search(r"^Actions: 13\b", printed, re.M)
    assert "rounded" not in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--week", "2026-47"), "write it as 2026-W47"),
        (("--week", "2025-W53"), "write it as 2026-W47"),
        (("--week", "0001-W01"), "write it as 2026-W47"),
        (("--until", "0001-01-10"), "reports do not cover the year 1"),
        (("--week", "2026-W47", "--until", "2026-11-22"), "either --week or --until"),
        (("--campaign", "none"), "there is no campaign none"),
        (("--pdf", "/none/such/folder.pdf"), "cannot be written"),
        (("--send", "nobody"), "is not a valid email address"),
        (("--send", "ana@example.org"), "set SMTP_URL and MAIL_FROM"),
    ],
)
def test_a_failure_is_reported_in_one_line(staff, words, said):
    assert said in staff.fails("report", "--weekly", *words)


def test_without_the_pdf_packages_a_page_is_written_and_a_pdf_refused(staff, tmp_path, without_pdf):
    pdf, html = tmp_path / "week.pdf", tmp_path / "week.html"
    assert staff.fails("report", "--weekly", "--pdf", pdf) == (
        "a PDF needs Typst and vl-convert; install them with `pip install 'advocacy[pdf]'`, or "
        "`make pdf` in a checkout"
    )
    assert f"wrote {html} " in staff.does("report", "--weekly", "--html", html)
    assert not pdf.exists()
    assert "data:image" not in html.read_text()


def test_without_a_campaign_it_asks_for_one(staff):
    assert "advocacy report SLUG" in staff.fails("report")


def test_it_is_sent_to_an_address(staff, smtp, mailbox):
    of_mail(staff, smtp)
    assert "sent to lead@example.org" in staff.does(
        "report", "--weekly", "--send", "Lead@example.org"
    )
    assert mailbox.to == ["lead@example.org"]
    mailbox.answers = ["554 no"]
    assert "rejected it (refused_554)" in staff.fails(
        "report", "--weekly", "--send", "lead@example.org"
    )


def test_subscriptions_are_made_listed_and_ended(staff):
    made = staff.does(
        "subscription", "add", "--to", "lead@example.org", "--weekday", "friday", "--at", "07:30"
    ).strip()
    staff.does("subscription", "add", "--to", "a@example.org", "--campaign", "stay", "--alerts")
    staff.does("subscription", "add", "--to", "b@example.org", "--on", "2199-01-15")
    told = staff.does("subscription", "list")
    assert "friday 07:30" in told
    assert "2199-01-15 08:00" in told
    assert "America/New_York" in told
    assert "already receives this report" in staff.fails(
        "subscription", "add", "--to", "LEAD@example.org", "--weekday", "friday", "--at", "07:30"
    )
    staff.does("subscription", "remove", made)
    assert "lead@example.org" not in staff.does("subscription", "list")
    assert "there is no subscription" in staff.fails("subscription", "remove", made)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "nobody"), "is not a valid email address"),
        (("--to", "fünf@example.org"), "is not a valid email address"),
        (("--to", "a@example.org\nBcc: b@example.org"), "is not a valid email address"),
        (("--to", "a@example.org", "--at", "8"), "is not a time of day"),
        (("--to", "a@example.org", "--on", "2020-01-01"), "this date is in the past"),
        (("--to", "a@example.org", "--alerts", "--weekday", "monday"), "use only one of"),
        (("--to", "a@example.org", "--campaign", "none"), "there is no campaign none"),
    ],
)
def test_an_invalid_subscription_is_reported_in_one_line(staff, words, said):
    assert said in staff.fails("subscription", "add", *words)


def test_sent_mails_are_listed_and_sent_again(staff, smtp, mailbox, world):
    from advocacy.reporting.email import outbox
    from tests.support.mail import next_monday, subscribe

    of_mail(staff, smtp)
    subscribe(world)
    mailbox.drop = True
    outbox.send_due(smtp, world.org_id, next_monday())
    told = staff.does("subscription", "sent")
    assert "unsure" in told
    assert "no_answer" in told
    report_id = told.splitlines()[1].split()[0]
    mailbox.drop = False
    assert staff.does("subscription", "resend", report_id) == "sent\n"
    assert "unsure" not in staff.does("subscription", "sent")
    assert len(mailbox.mails) == 2
    mailbox.answers = ["451 later"]
    assert "not sent; see" in staff.fails("subscription", "resend", report_id)
    assert "waiting" in staff.does("subscription", "sent")


def test_the_first_page_says_that_a_report_could_not_be_sent(staff, smtp, mailbox, world, client):
    from advocacy.reporting.email import outbox
    from tests.support.mail import next_monday, subscribe

    subscribe(world)
    mailbox.answers = ["554 no"]
    outbox.send_due(smtp, world.org_id, next_monday())
    client.post("/sign-in", data={"token": world.token()})
    assert "1 report could not be sent." in client.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"SMTP_URL": "mail.example.org"}, "SMTP_URL must look like"),
        ({"SMTP_URL": "smtp-plain://a:b@mail.example.org"}, "must not send a password"),
        ({"SMTP_URL": "smtp://mail.example.org:many"}, "SMTP_URL has an invalid port"),
        ({"SMTP_URL": "smtp://mail.example.org", "MAIL_FROM": ""}, "MAIL_FROM is not set"),
        ({"MAIL_FROM": "nobody"}, "MAIL_FROM must look like"),
        ({"SURGE_TIMES": "1"}, "SURGE_TIMES must be from 2"),
    ],
)
def test_invalid_settings_stop_the_start_with_a_message(staff, values, said):
    staff.environment |= values
    assert said in staff.fails("org", "list")


def test_the_doctor_reports_mail_problems(staff, serve, world):
    from tests.support.mail import subscribe

    def doctor(**environment: str) -> str:
        staff.environment |= environment
        lines = staff.says("doctor").stdout.splitlines()
        return next(line for line in lines if " mail" in line)

    assert doctor().startswith("off")
    subscribe(world)
    assert "1 subscriptions are waiting; set SMTP_URL and MAIL_FROM" in doctor()
    port = serve()
    assert "rejects email (no_starttls)" in doctor(
        SMTP_URL=f"smtp://localhost:{port}", MAIL_FROM=SENDER
    )
    assert doctor(SMTP_URL=f"smtp-plain://localhost:{port}").startswith("ok")
