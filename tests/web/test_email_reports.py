"""The email reports page: subscriptions, sent mails, and resending, with a real mail server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from advocacy.analytics.weekly_figures import from_json
from advocacy.reporting.email import outbox
from advocacy.storage import email_outbox
from advocacy.storage.session import transaction
from tests.support.mail import next_monday, statuses, subscribe
from tests.support.world import World

WANTED = {
    "email": "Lead@example.org",
    "what": "weekly",
    "campaign": "stay",
    "weekday": "4",
    "on": "",
    "at": "07:30",
    "language": "es",
}


@pytest.fixture
def editor(world):
    world.act("signature", id="s1", email="ana@example.org", code=world.links["x"])
    world.drain()
    return world.member("editor")


def test_a_subscription_is_added_and_ended(world, editor):
    assert "No one receives an email report yet" in editor.get("/reports").text
    assert 'value="editor@example.org"' in editor.get("/reports").text
    page = editor.post("/reports", data=WANTED, follow_redirects=True).text
    for said in ("lead@example.org", "Friday 07:30", "Stay", "Español"):
        assert said in page
    (made,) = email_outbox.list_subscriptions(world.org_id)
    assert (made.what, made.weekday, made.campaign_id) == ("weekly", 4, world.campaign_id)
    again = editor.post("/reports", data=WANTED)
    assert (again.status_code, "already receives this report" in again.text) == (409, True)
    page = editor.post(f"/reports/{made.id}/end", follow_redirects=True).text
    assert "lead@example.org" not in page
    audit = world.member("owner").get("/members").text
    assert "added email reports stay" in audit
    assert "lead@example.org" not in audit
    assert editor.post(f"/reports/{made.id}/end").status_code == 404


def test_a_report_before_a_meeting_and_an_alert(world, editor):
    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    editor.post("/reports", data=WANTED | {"what": "once", "on": day, "campaign": ""})
    editor.post("/reports", data=WANTED | {"what": "alert", "on": day})
    once, alert = email_outbox.list_subscriptions(world.org_id)
    assert (once.what, str(once.on_date), once.weekday, once.campaign_id) == (
        "once",
        day,
        None,
        None,
    )
    assert (alert.what, alert.on_date, alert.weekday) == ("alert", None, None)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"email": "nobody"}, "is not a valid email address"),
        ({"email": "a@example.org\nBcc: b@example.org"}, "is not a valid email address"),
        ({"what": "daily"}, "no report to send"),
        ({"what": "once"}, "enter the date of the meeting"),
        ({"what": "once", "on": "soon"}, "enter the date of the meeting"),
        ({"what": "once", "on": "2020-01-01"}, "this date is in the past"),
        ({"at": "8"}, "is not a time of day"),
        ({"weekday": "7"}, "no report to send"),
        ({"weekday": "x"}, "choose a day and a language"),
        ({"language": "de"}, "choose a day and a language"),
        ({"campaign": "none"}, "there is no such campaign"),
    ],
)
def test_an_invalid_subscription_is_explained_and_the_form_keeps_its_values(
    world, editor, changed, said
):
    answer = editor.post("/reports", data=WANTED | changed)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert "Nothing was changed:" in answer.text
    assert email_outbox.list_subscriptions(world.org_id) == []


def test_a_sent_mail_is_downloaded_and_sent_again_once(world, editor, smtp, mailbox):
    subscribe(world, language="fr")
    monday = next_monday()
    assert outbox.send_due(smtp, world.org_id, monday) == 1
    (row,) = email_outbox.list_sent(world.org_id)
    page = editor.get("/reports").text
    assert f"/reports/sent/{row.id}.pdf" in page
    taken = editor.get(f"/reports/sent/{row.id}.pdf")
    assert (taken.status_code, taken.mimetype) == (200, "application/pdf")
    assert taken.data.startswith(b"%PDF-")
    assert 'filename="stay-' in taken.headers["Content-Disposition"]

    # Whatever comes later, it has the figures it had; it goes once, under another name.
    world.act("signature", id="s2", email="eli@example.org", code=world.links["x"])
    world.drain()
    for _ in range(2):
        assert editor.post(f"/reports/sent/{row.id}/again").status_code == 302
    assert statuses(world) == [("waiting", "")]
    assert "waiting to be sent" in editor.get("/reports").text
    soon = monday + timedelta(minutes=1)
    assert outbox.send_due(smtp, world.org_id, soon) == 1
    assert outbox.send_due(smtp, world.org_id, soon) == 0
    first, second = mailbox.mails
    assert first["Subject"] == second["Subject"]
    assert first["Message-ID"] != second["Message-ID"]
    assert "/reports" in first.get_body(("plain",)).get_content()


def test_the_pdf_is_the_one_that_was_enclosed(world, editor, smtp, mailbox):
    """The process of its own makes the same bytes as the worker did."""
    subscribe(world)
    outbox.send_due(smtp, world.org_id, next_monday())
    (row,) = email_outbox.list_sent(world.org_id)
    (enclosed,) = mailbox.mails[0].iter_attachments()
    with transaction():
        found = email_outbox.find_sent(world.org_id, row.id)
    assert outbox.stored_pdf(smtp, from_json(found.figures), "en") == enclosed.get_content()


def test_without_the_pdf_packages_the_page_says_so(world, editor, smtp, without_pdf):
    subscribe(world)
    outbox.send_due(smtp, world.org_id, next_monday())
    (row,) = email_outbox.list_sent(world.org_id)
    answer = editor.get(f"/reports/sent/{row.id}.pdf")
    assert answer.status_code == 503
    assert "This server cannot create PDF files" in answer.text


def test_a_mail_that_is_on_its_way_is_left_alone(world, editor, smtp):
    subscription = subscribe(world)
    with transaction():
        email_outbox.claim_report(
            world.org_id, world.campaign_id, subscription, "2026-W47", datetime.now(UTC)
        )
    answer = editor.post(f"/reports/sent/{world.campaign_id}/again")
    assert (answer.status_code, "It is being sent" in answer.text) == (409, True)
    assert statuses(world) == [("making", "")]
    assert editor.get(f"/reports/sent/{world.campaign_id}.pdf").status_code == 404


def test_without_a_mail_server_the_page_says_so(editor):
    assert "No mail server is configured" in editor.get("/reports").text


def test_it_is_for_editors_of_the_organization(world, editor, smtp):
    made = subscribe(world)
    outbox.send_due(smtp, world.org_id, next_monday())
    (row,) = email_outbox.list_sent(world.org_id)
    reader = world.member("reader")
    bob = World(world.app, "bob").member("owner", "bob@example.org")
    away = {"Sec-Fetch-Site": "cross-site"}
    paths = (f"/reports/{made}/end", f"/reports/sent/{row.id}/again")
    assert reader.get("/reports").status_code == 403
    assert reader.get(f"/reports/sent/{row.id}.pdf").status_code == 403
    assert reader.post("/reports", data=WANTED).status_code == 403
    assert bob.get(f"/reports/sent/{row.id}.pdf").status_code == 404
    for path in paths:
        assert reader.post(path).status_code == 403
        assert bob.post(path).status_code == 404
        assert editor.post(path, headers=away).status_code == 403
    assert "lead@example.org" not in bob.get("/reports").text
    assert [row.email for row in email_outbox.list_subscriptions(world.org_id)] == [
        "lead@example.org"
    ]
    assert statuses(world) == [("sent", "")]
