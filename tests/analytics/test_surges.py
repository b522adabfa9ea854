"""A post that runs far above its usual is noticed within a minute, told once, and shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp, factorial
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.analytics.surges import Thresholds, surges, usual
from advocacy.core.records import Running
from advocacy.core.statistics import chance_of_so_many
from advocacy.reporting.email import outbox
from advocacy.storage.session import transaction
from tests.support.mail import statuses, subscribe
from tests.support.processes import CLOCK, WORKER, until
from tests.support.processes import process as running
from tests.support.sql import run
from tests.support.surges import clicks, noticed, watch

RULE = Thresholds(minutes=10, least=30, times=4)
POST, CAMPAIGN = UUID(int=1), UUID(int=2)

counts = st.integers(0, 100_000)
averages = st.floats(0, 1e6, allow_nan=False)


def post(counted: int, own: float = 0.0, of_campaign: float = 0.0) -> Running:
    return Running(POST, CAMPAIGN, counted, own, of_campaign)


@given(counts, averages, averages)
def test_what_surges_is_enough_and_far_above_the_usual(counted, own, of_campaign):
    for found in surges([post(counted, own, of_campaign)], RULE):
        assert found.counted >= RULE.least
        assert found.counted >= RULE.times * max(own, of_campaign) / 144 * (1 - 1e-9)
        assert found.usual == usual(post(counted, own, of_campaign), RULE.minutes)


@given(counts, averages, averages, st.integers(1, 100_000))
def test_more_clicks_never_end_a_surge_and_a_busier_past_never_makes_one(
    counted, own, of_campaign, more
):
    now = bool(surges([post(counted, own, of_campaign)], RULE))
    assert bool(surges([post(counted + more, own, of_campaign)], RULE)) >= now
    assert bool(surges([post(counted, own + more, of_campaign)], RULE)) <= now
    assert bool(surges([post(counted, own, of_campaign + more)], RULE)) <= now


@given(st.lists(counts, max_size=8), st.randoms())
def test_the_order_in_which_posts_are_looked_at_changes_nothing(counted, chance):
    posts = [Running(UUID(int=n), CAMPAIGN, each, 5, 5) for n, each in enumerate(counted)]
    shuffled = list(posts)
    chance.shuffle(shuffled)
    assert surges(posts, RULE) == surges(shuffled, RULE)


@given(st.integers(1, 60), st.floats(0.01, 30))
def test_the_chance_is_the_tail_of_poisson(counted, expected):
    below = sum(exp(-expected) * expected**k / factorial(k) for k in range(counted))
    found = chance_of_so_many(counted, expected)
    assert 0 <= found <= 1
    if counted > expected:
        assert found == pytest.approx(1 - below, abs=1e-9)


@pytest.mark.parametrize(
    ("counted", "own", "of_campaign", "surging"),
    [
        (29, 0, 0, False),  # too few, whatever was before
        (30, 0, 0, True),  # a first day: the least count alone decides
        (40, 144 * 9, 0, True),  # nine in ten minutes are usual, forty come
        (35, 144 * 9, 0, False),  # less than four times
        (400, 144 * 101, 0, False),
        (405, 144 * 101, 0, True),
        (40, 0, 144 * 10.5, False),  # what its neighbours do every day
    ],
)
def test_by_hand(counted, own, of_campaign, surging):
    assert bool(surges([post(counted, own, of_campaign)], RULE)) is surging


def test_clicks_of_the_last_minutes_are_noticed_once(world, settings):
    clicks(world, 30)
    clicks(world, 29, platform="x")
    assert [watch(world, settings), watch(world, settings)] == [1, 0]
    (surge,) = noticed(world)
    assert (surge.title, surge.counted, surge.what) == ("On instagram", 30, "clicks")


def test_previews_and_old_clicks_are_none(world, settings):
    clicks(world, 100, not_human_why="preview")
    clicks(world, 100, minutes_ago=11)
    assert watch(world, settings) == 0


def test_a_post_that_always_runs_so_does_not_surge(world, settings):
    clicks(world, 30)
    today = datetime.now(ZoneInfo("America/New_York")).date()  # a day is one of the campaign's zone
    with transaction():
        for days in range(1, 8):
            run(
                """insert into click_totals (org_id, campaign_id, day, post_id, human, slot, clicks)
                   values (:o, :c, :day, :p, true, 0, 2000)""",
                o=world.org_id,
                c=world.campaign_id,
                p=world.posts["instagram"],
                day=today - timedelta(days=days),
            )
    assert watch(world, settings) == 0
    clicks(world, 50)
    assert watch(world, settings) == 1
    assert 10 < noticed(world)[0].usual < 16


def test_after_the_quiet_time_it_is_told_again(world, settings):
    clicks(world, 30)
    assert watch(world, settings) == 1
    later = replace(settings, surge_quiet_hours=1)
    clicks(world, 40, minutes_ago=-70)
    at = datetime.now(UTC) + timedelta(minutes=71)
    assert [watch(world, settings, at), watch(world, later, at)] == [0, 1]


def test_actions_without_clicks_surge_too(world, settings):
    for number in range(10):
        world.act(
            "signature", id=f"s{number}", email=f"{number}@example.org", code=world.links["x"]
        )
    world.drain()
    assert watch(world, settings, datetime.now(UTC)) == 1
    assert (noticed(world)[0].what, noticed(world)[0].counted) == ("actions", 10)


def test_it_is_mailed_once_to_whoever_wants_to_know(world, smtp, mailbox):
    subscribe(world, what="alert", weekday=None, campaign_id=None)
    subscribe(world, "of@example.org", what="alert", weekday=None)
    now = datetime.now(UTC)
    clicks(world, 31)
    watch(world, smtp, now)
    assert outbox.send_due(smtp, world.org_id, now) == 2
    assert outbox.send_due(smtp, world.org_id, now + timedelta(minutes=30)) == 0
    assert sorted(mailbox.to) == ["lead@example.org", "of@example.org"]
    mail = mailbox.mails[0]
    assert "“On instagram” (Instagram) is surging" in mail["Subject"]
    said = mail.get_body(("plain",)).get_content()
    assert "31 clicks by people in 10 minutes; typical: 0.0." in said


def test_who_asked_afterwards_is_not_told_of_it(world, smtp):
    clicks(world, 31)
    watch(world, smtp, datetime.now(UTC) - timedelta(seconds=1))
    subscribe(world, what="alert", weekday=None)
    assert outbox.send_due(smtp, world.org_id) == 0


def test_the_first_page_shows_it(world, settings, client):
    clicks(world, 31)
    watch(world, settings)
    client.post("/sign-in", data={"token": world.token()})
    page = client.get("/").get_data(as_text=True)
    assert "Surging posts" in page
    assert "31 clicks by people" in page


def test_the_window_is_read_by_its_index(world):
    clicks(world, 31)
    with transaction():
        run(
            """insert into touches
                 (org_id, click_id, link_id, post_id, campaign_id, human, clicked_at, seen_at)
               select org_id, click_id || n, link_id, post_id, campaign_id, human,
                      clicked_at - n * interval '1 hour', seen_at
               from touches, generate_series(1, 400) n"""
        )
        run("analyze touches")
        plan = run(
            """explain (format json) select post_id, campaign_id, count(*) from touches
               where org_id = :o and clicked_at > now() - interval '10 minutes' and human
               group by post_id, campaign_id""",
            o=world.org_id,
        )
    assert "touches_org_id_clicked_at_idx" in json.dumps(plan[0][0])


@pytest.mark.slow
def test_real_clock_and_worker_mail_a_report_and_an_alert(world, environment, smtp, mailbox):
    """Two clocks and two workers do no harm: each mail comes once, within the minute."""
    from redis import Redis

    Redis.from_url(environment["REDIS_URL"]).flushall()
    subscribe(world)
    subscribe(world, what="alert", weekday=None)
    with transaction():
        run(
            "update report_subscriptions set created_at = now() - interval '30 days'"
            " where org_id = :o",
            o=world.org_id,
        )
    at = datetime.now(UTC)
    for _ in range(31):
        world.click("instagram", at=at)
    variables = {
        **environment,
        "VAR_DIR": str(smtp.var_dir),
        "SECRET_KEY": smtp.secret_key,
        "SMTP_URL": smtp.smtp_url,
        "MAIL_FROM": smtp.mail_from,
    }
    with (
        running(variables, *CLOCK),
        running(variables, *CLOCK),
        running(variables, *WORKER),
        running(variables, *WORKER),
    ):
        until(lambda: len(mailbox.mails) >= 2, 60)
        until(lambda: statuses(world) == [("sent", "")] * 2)
    assert sorted("surging" in mail["Subject"] for mail in mailbox.mails) == [False, True]
    Redis.from_url(environment["REDIS_URL"]).flushall()
