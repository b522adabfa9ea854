"""One mail for a subscription and a period, whatever happens to the server, the net or us."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta

import pytest

from advocacy.analytics.weekly_summary import summarize
from advocacy.reporting.email import outbox, render
from advocacy.reporting.email import smtp as smtp_email
from advocacy.storage import campaigns, email_outbox, errors, links, organizations, posts
from advocacy.storage.session import transaction
from tests.support.mail import MONDAY, send, statuses, subscribe, with_server
from tests.support.sql import run


def acted(world):
    click = world.click("instagram")
    world.act("signature", id="s1", email="ana@example.org", click_id=click)
    world.act("donation", id="d1", email="eva@example.org", amount="12.50", currency="USD")
    world.drain()


def test_a_mail_says_the_same_plain_as_html_and_as_pdf(world, smtp, mailbox):
    acted(world)
    subscribe(world)
    assert send(world, smtp) == 1
    (mail,) = mailbox.mails
    assert mailbox.to == ["lead@example.org"]
    assert mail["From"] == "Hope Project <reports@example.org>"
    assert "Stay" in mail["Subject"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == "<mailto:reports@example.org?subject=unsubscribe>"
    assert mail.get_content_type() == "multipart/mixed"
    body, pdf = mail.iter_parts()
    plain, related = body.iter_parts()
    html, *pictures = related.iter_parts()
    for said in (plain.get_content(), html.get_content()):
        assert "2 supporters took part, 2 of them for the first time." in said
        assert "12.50 USD" in said
        assert "On instagram" in said
        assert "http://127.0.0.1:8000/campaigns/stay?from=" in said.replace("&amp;", "&")
        assert "ana" not in said
    assert "<script" not in html.get_content()
    assert 'src="http' not in html.get_content()
    names = {part["Content-ID"].strip("<>") for part in pictures}
    assert names == {"by_day", "posts"}
    for part in pictures:
        assert f'src="cid:{part["Content-ID"].strip("<>")}"' in html.get_content()
        assert part.get_content().startswith(b"\x89PNG")
        assert part.get_content_disposition() == "inline"
    assert pdf.get_filename().startswith("stay-")
    assert pdf.get_content().startswith(b"%PDF-")
    assert statuses(world) == [("sent", "")]
    assert all(line.isascii() for line in mail.as_bytes().split(b"\r\n"))


def test_without_the_pdf_packages_a_mail_has_the_same_figures(world, smtp, mailbox, without_pdf):
    acted(world)
    subscribe(world)
    assert send(world, smtp) == 1
    (mail,) = mailbox.mails
    assert [part.get_content_type() for part in mail.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
    ]
    for kind in ("plain", "html"):
        said = mail.get_body((kind,)).get_content()
        assert "2 supporters took part, 2 of them for the first time." in said
        assert "12.50 USD" in said
        assert "On instagram" in said
    assert "<img" not in mail.get_body(("html",)).get_content()
    assert statuses(world) == [("sent", "")]


def test_it_is_sent_once_however_often_it_is_asked_for(world, smtp, mailbox):
    subscribe(world)
    assert [send(world, smtp, MONDAY + timedelta(minutes=n)) for n in (0, 1, 2000)] == [1, 0, 0]
    assert len(mailbox.mails) == 1
    assert send(world, smtp, MONDAY + timedelta(days=7)) == 1


def test_workers_at_the_same_time_send_it_once(app, world, smtp, mailbox):
    for number in range(3):
        subscribe(world, f"{number}@example.org")
    start = threading.Barrier(4)

    def work():
        with app.app_context():
            start.wait()
            send(world, smtp)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert sorted(mailbox.to) == [f"{number}@example.org" for number in range(3)]
    assert statuses(world) == [("sent", "")] * 3


def test_without_a_server_nothing_is_claimed(world, settings):
    subscribe(world)
    assert send(world, settings) == 0
    assert statuses(world) == []


def test_a_server_that_is_down_gets_it_when_it_is_up(world, settings, serve, mailbox):
    from advocacy.cli.dev.up import free_port

    port = free_port()
    away = with_server(settings, f"smtp-plain://localhost:{port}")
    subscribe(world)
    subscribe(world, "second@example.org")
    assert send(world, away) == 0
    # The second waits unclaimed: the server that did not take the first would not take it either.
    assert statuses(world) == [("waiting", "server_away")]
    assert send(world, away, MONDAY + timedelta(seconds=30)) == 0
    serve(port)
    assert send(world, away, MONDAY + timedelta(minutes=2)) == 2
    assert sorted(mailbox.to) == ["lead@example.org", "second@example.org"]
    assert statuses(world) == [("sent", "")] * 2


def test_what_is_refused_for_now_is_tried_again_later_and_later(world, smtp, mailbox):
    mailbox.answers = ["451 try again", "452 no room"]
    subscribe(world)
    assert send(world, smtp) == 0
    assert statuses(world) == [("waiting", "refused_451")]
    assert send(world, smtp, MONDAY + timedelta(seconds=59)) == 0
    assert len(mailbox.answers) == 1
    assert send(world, smtp, MONDAY + timedelta(seconds=61)) == 0
    assert statuses(world) == [("waiting", "refused_452")]
    assert send(world, smtp, MONDAY + timedelta(seconds=120)) == 0
    assert send(world, smtp, MONDAY + timedelta(seconds=182)) == 1
    assert len(mailbox.mails) == 1


def test_it_is_given_up_after_about_a_day_and_that_is_seen(world, smtp, mailbox):
    mailbox.rcpt_answer = "450 greylisted"
    subscribe(world)
    now = MONDAY
    while statuses(world)[:1] != [("failed", "refused_450")]:
        send(world, smtp, now)
        now += timedelta(minutes=10)
        assert now < MONDAY + timedelta(days=2)
    assert now > MONDAY + timedelta(hours=20)
    with transaction():
        assert email_outbox.count_stuck(world.org_id, now) == 1


def test_what_is_refused_for_good_is_not_tried_again_and_stops_nobody_else(world, smtp, mailbox):
    mailbox.answers = ["554 no"]
    subscribe(world)
    subscribe(world, "second@example.org")
    assert send(world, smtp) == 1
    assert sorted(statuses(world)) == [("failed", "refused_554"), ("sent", "")]
    assert send(world, smtp, MONDAY + timedelta(hours=3)) == 0
    (failed,) = (row for row in list_sent(world) if row.status == "failed")
    later = MONDAY + timedelta(hours=3)
    assert outbox.resend(smtp, world.org_id, failed.id, later) == "sent"


def list_sent(world):
    with transaction():
        return email_outbox.list_sent(world.org_id)


def test_without_an_answer_nobody_sends_it_again_but_a_person(world, smtp, mailbox):
    mailbox.drop = True
    subscribe(world)
    assert send(world, smtp) == 0
    assert statuses(world) == [("sending", "no_answer")]
    assert send(world, smtp, MONDAY + timedelta(days=3)) == 0
    assert len(mailbox.mails) == 1
    with transaction():
        assert email_outbox.count_stuck(world.org_id, MONDAY) == 1
    mailbox.drop = False
    (row,) = list_sent(world)
    assert outbox.resend(smtp, world.org_id, row.id, MONDAY + timedelta(days=3)) == "sent"
    # The same name: a mailbox that has it already knows it.
    first, second = (mail["Message-ID"] for mail in mailbox.mails)
    assert first == second
    assert statuses(world) == [("sent", "")]


class Dead(BaseException):
    """The process is gone: nothing of ours runs after it."""


def test_a_process_that_dies_before_it_sends_loses_nothing(world, smtp, mailbox, monkeypatch):
    subscribe(world)
    monkeypatch.setattr(render, "email_content", lambda *_: (_ for _ in ()).throw(Dead))
    with pytest.raises(Dead):
        send(world, smtp)
    monkeypatch.undo()
    assert statuses(world) == [("making", "")]
    assert send(world, smtp, MONDAY + timedelta(minutes=5)) == 0
    assert send(world, smtp, MONDAY + timedelta(minutes=11)) == 1
    assert len(mailbox.mails) == 1


def test_a_process_that_dies_while_it_sends_is_seen_and_not_doubled(
    world, smtp, mailbox, monkeypatch
):
    subscribe(world)

    def sent_and_died(url, mail):
        deliver(url, mail)
        raise Dead

    deliver = smtp_email.deliver
    monkeypatch.setattr(smtp_email, "deliver", sent_and_died)
    with pytest.raises(Dead):
        send(world, smtp)
    monkeypatch.undo()
    assert statuses(world) == [("sending", "")]
    for minutes in (1, 11, 6000):
        assert send(world, smtp, MONDAY + timedelta(minutes=minutes)) == 0
    assert len(mailbox.mails) == 1
    (row,) = list_sent(world)
    with pytest.raises(errors.Taken):
        outbox.resend(smtp, world.org_id, row.id, MONDAY + timedelta(minutes=1))
    assert outbox.resend(smtp, world.org_id, row.id, MONDAY + timedelta(hours=1)) == "sent"


def test_a_worker_that_slept_through_its_claim_sends_nothing(world, smtp, mailbox, monkeypatch):
    subscribe(world)
    make = render.email_content

    def slow(*arguments):
        monkeypatch.setattr(render, "email_content", make)
        assert send(world, smtp, MONDAY + timedelta(minutes=11)) == 1
        return make(*arguments)

    monkeypatch.setattr(render, "email_content", slow)
    assert send(world, smtp) == 0
    assert len(mailbox.mails) == 1
    assert statuses(world) == [("sent", "")]


def test_what_cannot_be_made_stops_nobody_else(world, smtp, mailbox, monkeypatch):
    subscribe(world)
    subscribe(world, "second@example.org")
    make = render.email_content

    def fails_once(*arguments):
        monkeypatch.setattr(render, "email_content", make)
        raise RuntimeError("no chart")

    monkeypatch.setattr(render, "email_content", fails_once)
    assert send(world, smtp) == 1
    assert sorted(statuses(world)) == [("sent", ""), ("waiting", "not_made")]
    assert send(world, smtp, MONDAY + timedelta(minutes=2)) == 1


def test_sent_again_it_has_the_figures_it_had_and_another_name(world, smtp, mailbox):
    acted(world)
    subscribe(world)
    send(world, smtp)
    world.act("signature", id="s2", email="ida@example.org")
    world.drain()
    (row,) = list_sent(world)
    assert outbox.resend(smtp, world.org_id, row.id, MONDAY) == "sent"
    first, second = mailbox.mails
    assert first["Subject"] == second["Subject"]
    bodies = [mail.get_body(("plain",)).get_content() for mail in mailbox.mails]
    assert bodies[0] == bodies[1]
    pdfs = [next(mail.iter_attachments()).get_content() for mail in mailbox.mails]
    assert pdfs[0] == pdfs[1]
    # It had arrived; a mailbox would drop another of the same name.
    assert first["Message-ID"] != second["Message-ID"]


def test_what_was_due_before_somebody_subscribed_is_not_for_her(world, smtp):
    subscribe(world)
    assert send(world, smtp, datetime.now(UTC)) == 0


def test_who_has_ended_it_gets_nothing_and_her_address_is_gone(world, smtp, mailbox):
    made = subscribe(world)
    mailbox.answers = ["451 later"]
    send(world, smtp)
    with transaction():
        email_outbox.end_subscription(world.org_id, made, MONDAY)
    assert send(world, smtp, MONDAY + timedelta(days=7)) == 0
    assert mailbox.mails == []
    assert run("select count(*) from report_subscriptions where email <> ''")[0][0] == 0
    (row,) = list_sent(world)
    with pytest.raises(errors.NotFound):
        outbox.resend(smtp, world.org_id, row.id, MONDAY + timedelta(days=7))


def test_before_a_meeting_it_is_about_the_seven_days_before(world, smtp, mailbox):
    on = (MONDAY + timedelta(days=2)).date()
    subscribe(world, what="once", weekday=None, on_date=on)
    assert send(world, smtp, MONDAY + timedelta(days=1)) == 0
    assert send(world, smtp, MONDAY + timedelta(days=2, hours=2)) == 1
    assert send(world, smtp, MONDAY + timedelta(days=3)) == 0
    (row,) = list_sent(world)
    assert row.period == f"{on - timedelta(7)}/{on - timedelta(1)}"


def test_the_whole_organization_and_each_her_language(world, smtp, mailbox):
    acted(world)
    subscribe(world, campaign_id=None)
    subscribe(world, "fr@example.org", language="fr")
    assert send(world, smtp) == 2
    by_to = {mail["To"]: mail.get_body(("plain",)).get_content() for mail in mailbox.mails}
    assert by_to["lead@example.org"].splitlines()[0] == "Hope"
    assert by_to["fr@example.org"].splitlines()[0] == "Stay"
    assert "12.50 USD" in by_to["lead@example.org"]
    assert "12,50 USD" in by_to["fr@example.org"]


def test_one_organization_never_sees_the_other(app, world, smtp, mailbox):
    from tests.support.world import World

    other = World(app, "other")
    other.act("signature", id="s1", email="ana@example.org")
    other.drain()
    subscribe(world, campaign_id=None)
    outbox.send_due(smtp, other.org_id, MONDAY)
    assert mailbox.mails == []
    send(world, smtp)
    assert "No actions in this" in mailbox.mails[0].get_body(("plain",)).get_content()


# The way to the server ------------------------------------------------------------------------


def mail():
    content = smtp_email.EmailContent("A\nbroken – subject", "Fünf.\n.\n", "<p>Fünf</p>")
    return smtp_email.message(content, "Hope Project <reports@example.org>", "a@example.org", "x.0")


def test_a_subject_has_no_line_breaks_and_a_lone_dot_does_not_end_the_text(smtp, mailbox):
    smtp_email.deliver(smtp.smtp_url, mail())
    (got,) = mailbox.mails
    assert got["Subject"] == "A broken – subject"
    assert got.get_body(("plain",)).get_content() == "Fünf.\r\n.\r\n"


def test_starttls_with_a_password(serve, mailbox, certificate, monkeypatch):
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    port = serve(tls_context=context, require_starttls=True, authenticator=mailbox.authenticate)
    smtp_email.deliver(f"smtp://hope:p%40ss%2Fword@localhost:{port}", mail())
    assert (mailbox.users, mailbox.tls) == (["hope"], [True])
    with pytest.raises(smtp_email.MailRejected, match="login_refused"):
        smtp_email.deliver(f"smtp://hope:wrong@localhost:{port}", mail())
    assert len(mailbox.mails) == 1


def test_tls_from_the_start(serve, mailbox, certificate, monkeypatch):
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    port = serve(ssl_context=context)
    smtp_email.deliver(f"smtps://localhost:{port}", mail())
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_does_not_hold_gets_nothing(serve, mailbox, certificate, scheme):
    _, context = certificate
    more = {"tls_context": context} if scheme == "smtp" else {"ssl_context": context}
    with pytest.raises(smtp_email.MailRejected, match="tls_failed"):
        smtp_email.deliver(f"{scheme}://localhost:{serve(**more)}", mail())
    assert mailbox.mails == []


def test_a_certificate_of_another_host_gets_nothing(serve, mailbox, certificate, monkeypatch):
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(smtp_email.MailRejected, match=r"tls_failed|server_away"):
        smtp_email.deliver(f"smtp://127.0.0.1:{serve(tls_context=context)}", mail())
    assert mailbox.mails == []


def test_a_server_without_starttls_gets_neither_password_nor_mail(serve, mailbox):
    port = serve(authenticator=mailbox.authenticate, auth_require_tls=False)
    with pytest.raises(smtp_email.MailRejected, match="no_starttls"):
        smtp_email.deliver(f"smtp://hope:p%40ss%2Fword@localhost:{port}", mail())
    assert (mailbox.users, mailbox.mails) == ([], [])


def test_a_server_that_says_nothing_is_not_waited_for_for_ever():
    import socket

    with socket.create_server(("localhost", 0)) as silent:
        url = f"smtp-plain://localhost:{silent.getsockname()[1]}"
        began = datetime.now(UTC)
        with pytest.raises(smtp_email.MailRejected, match="server_away"):
            smtp_email.deliver(url, mail(), timeout=0.5)
        assert datetime.now(UTC) - began < timedelta(seconds=5)


# When it is due -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "due_at", "period"),
    [
        # Clocks go back on Sunday, 2026-11-01: that Monday's eight o'clock is 13:00 UTC.
        ("2026-11-02T12:59:59+00:00", "2026-10-26T12:00:00+00:00", "2026-W43"),
        ("2026-11-02T13:00:00+00:00", "2026-11-02T13:00:00+00:00", "2026-W44"),
        # Clocks go forward on Sunday, 2026-03-08.
        ("2026-03-09T11:59:59+00:00", "2026-03-02T13:00:00+00:00", "2026-W09"),
        ("2026-03-09T12:00:00+00:00", "2026-03-09T12:00:00+00:00", "2026-W10"),
        # A year's last week can begin the year before.
        ("2027-01-04T13:00:00+00:00", "2027-01-04T13:00:00+00:00", "2026-W53"),
    ],
)
def test_a_week_is_the_organizations_also_when_clocks_change(instant, due_at, period):
    from advocacy.core.periods import last_weekly

    found = last_weekly(datetime.fromisoformat(instant), 0, time(8), "America/New_York")
    assert (found[0], found[1].name) == (datetime.fromisoformat(due_at), period)
    assert found[1].days == 7


def test_an_hour_that_clocks_skip_or_repeat_is_due_once(world):
    from advocacy.core.periods import instant

    assert instant(date(2026, 3, 8), time(2, 30), "America/New_York").hour == 7
    assert instant(date(2026, 11, 1), time(1, 30), "America/New_York").hour == 5


def test_actions_of_the_week_in_which_clocks_change_are_in_it(world, smtp, mailbox):
    from advocacy.core.periods import week_named

    # 2024-11-03 has 25 hours in New York; its last second is 04:59:59 UTC of Monday.
    for number, at in enumerate(
        ("2024-10-28T03:59:59", "2024-10-28T04:00:00", "2024-11-04T04:59:59", "2024-11-04T05:00:00")
    ):
        instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
        world.act("signature", id=f"s{number}", email=f"{number}@example.org", at=instant)
    world.drain()
    with transaction():
        organization = organizations.get_organization("hope")
        campaign = campaigns.get_campaign(world.org_id, "stay")
        figures = summarize(organization, campaign, week_named("2024-W44"))
    assert figures.now.actions == 2
    assert figures.before.actions == 1


# What is in it --------------------------------------------------------------------------------


def gave(world, number, amount="10.00", at=None, **more):
    world.act(
        "donation",
        f"m{number}{more.get('refunded', '')}",
        id=f"d{number}",
        email=f"{number}@example.org",
        amount=amount,
        currency="USD",
        at=at or datetime.now(UTC),
        **more,
    )


def test_the_next_report_says_what_is_other_than_it_was_told(world, smtp, mailbox):
    subscribe(world)
    gave(world, 1)
    world.drain()
    send(world, smtp)
    # It came late, for a day that was told already.
    gave(world, 2, "5.00")
    world.drain()
    send(world, smtp, MONDAY + timedelta(days=7))
    first, second = (mail.get_body(("plain",)).get_content() for mail in mailbox.mails)
    assert "were told as" not in first
    assert "actions were reported as 1 and are now 2." in second
    assert "supporters were reported as 1 and are now 2." in second
    assert "net raised were reported as 10.00 USD and are now 15.00 USD." in second


def test_a_report_has_the_figures_of_the_page(world):
    for number in range(4):
        gave(world, number)
    click = world.click("x")
    world.act("signature", id="s1", email="0@example.org", click_id=click)
    world.drain()
    period = outbox.periods.last_whole_week(MONDAY.date())
    with transaction():
        organization = organizations.get_organization("hope")
        one, whole = (
            summarize(organization, of, period)
            for of in (campaigns.get_campaign(world.org_id, "stay"), None)
        )
    page = world.report(first=period.first, last=period.last)
    assert one.now.actions == page.actions == 5
    assert one.now.supporters == page.supporters.distinct == 4
    assert one.now.money == page.money
    assert one.posts[0].actions == page.posts[0].actions
    assert [each.actions for each in one.evidence] == [each.actions for each in page.evidence]
    assert whole.now == one.now
    assert whole.campaigns[0].now == one.now


def test_people_are_counted_once_over_campaigns(world):
    with transaction():
        water = campaigns.put_campaign(world.org_id, "water", "Water", "America/New_York")
        post = posts.put_post(world.org_id, water.id, "x", title="Wells")
        code = links.put_link(
            world.org_id, post, "https://actionnetwork.org/petitions/w", "action_network", {}
        ).code
    world.act("signature", id="s1", email="ana@example.org", code=world.links["x"])
    world.act("signature", id="s2", email="ana@example.org", code=code)
    world.drain()
    period = outbox.periods.last_whole_week(MONDAY.date())
    with transaction():
        figures = summarize(organizations.get_organization("hope"), None, period)
    assert [each.now.supporters for each in figures.campaigns] == [1, 1]
    assert (figures.now.supporters, figures.now.actions) == (1, 2)


@pytest.mark.parametrize("title", ["#let x = [", "</script><b>", "$ \\ @ * _ ` <a>", "🙂📣", ""])
def test_a_title_is_text_wherever_it_stands(world, smtp, mailbox, title):
    with transaction():
        post = posts.put_post(world.org_id, world.campaign_id, "x", title=title)
        code = links.put_link(
            world.org_id, post, "https://actionnetwork.org/petitions/w", "action_network", {}
        ).code
    world.act("signature", id="s1", email="ana@example.org", code=code)
    world.drain()
    subscribe(world)
    assert send(world, smtp) == 1
    html = mailbox.mails[0].get_body(("html",)).get_content()
    assert "<b>" not in html
    assert title in mailbox.mails[0].get_body(("plain",)).get_content()
