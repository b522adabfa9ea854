"""Figures that are calculated in the background: asked for, calculated once, cached, renewed."""

from __future__ import annotations

import json
import threading
import zlib
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from redis import Redis

from advocacy.analytics import result_cache
from advocacy.analytics.engagement_ladder import ladder
from advocacy.analytics.ladder_figures import LadderCounts
from advocacy.analytics.result_cache import BeingCounted, Counting
from advocacy.ingestion import erasure
from advocacy.ingestion.reassign_link import move_link
from advocacy.ingestion.wakeup import counts_queue
from advocacy.storage import campaigns
from advocacy.storage.db import db
from advocacy.storage.goals import put_goal
from advocacy.storage.session import transaction
from advocacy.web import errors

NOW = datetime.now(UTC).replace(microsecond=0)
LADDER = "/api/v1/campaigns/stay/ladder"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture
def redis(environment):
    connection = Redis.from_url(environment["REDIS_URL"])
    connection.flushall()
    yield connection
    connection.flushall()


@pytest.fixture
def large(world, redis, monkeypatch):
    """An organization of which everything is counted in the background, and looked at each time."""
    asking = Counting(world.settings.redis_url, world.settings.queue)
    asking.live_below, asking.fresh_seconds = 0, 0
    monkeypatch.setitem(world.app.extensions, "counting", asking)
    monkeypatch.setattr(result_cache, "_CHECK_FACTOR", 0)
    code = world.links
    world.act("signature", id="a1", email="ana@example.org", code=code["x"], at=ago(60))
    world.act("call", id="a2", email="ana@example.org", code=code["instagram"], at=ago(5))
    world.act("donation", id="b1", email="ben@example.org", amount="10", currency="USD", at=ago(3))
    world.drain()
    return world


@pytest.fixture
def api(large):
    """Ask the API with a token."""
    word = large.token()

    def asked(path: str = LADDER, **query: str):
        return large.app.test_client().get(
            path, query_string=query, headers={"Authorization": f"Bearer {word}"}
        )

    return asked


def waiting(world, redis) -> list[tuple[str, str]]:
    """Return what waits to be counted: the arguments of the jobs."""
    queue = f"rq:queue:{counts_queue(world.settings.queue)}"
    jobs = [redis.hget(f"rq:job:{each.decode()}", "data") for each in redis.lrange(queue, 0, -1)]
    return [tuple(json.loads(_plain(job))[2][:2]) for job in jobs]


def _plain(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error:
        return data


def work(world, redis) -> int:
    """Count what waits, as the counter does; returns how many were counted."""
    asking = world.app.extensions["counting"]
    done = 0
    for org_id, written in waiting(world, redis):
        done += asking.count(UUID(org_id), written)
    redis.delete(f"rq:queue:{counts_queue(world.settings.queue)}")
    for key in (*redis.keys("rq:job:*"), *redis.keys("*-slot-*")):
        redis.delete(key)
    return done


@contextmanager
def holding(environment, statement: str):
    """Hold a lock from outside for as long as the block runs."""
    url = environment["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:", 1)
    with psycopg.connect(url) as other:
        other.execute(statement)
        yield other
        other.rollback()


def test_what_is_not_counted_yet_is_asked_for_and_comes(large, api, redis):
    first = api()
    assert first.status_code == 202
    assert first.headers["Retry-After"] == "3"
    assert first.json["state"] == "counting"
    assert work(large, redis) == 1
    there = api()
    assert there.status_code == 200
    assert there.json["counted_at"] is not None
    with transaction():
        campaign = campaigns.get_campaign(large.org_id, "stay")
        live = ladder(large.org_id, campaign)
    for name in ("people", "joined", "climbed", "still_monthly"):
        assert there.json[name] == getattr(live, name)
    assert there.json["posts"][0]["post"]["platform"] == "instagram"
    assert there.json["from"] == live.first.isoformat()


def test_few_actions_are_counted_at_once(large, api):
    large.app.extensions["counting"].live_below = 4
    found = api()
    assert (found.status_code, found.json["counted_at"]) == (200, None)


def test_a_page_says_that_it_is_counted_and_asks_again_by_itself(large, redis):
    client = large.member("reader")
    for path in ("/ladder?from=2026-01-01", "/campaigns/stay/people", "/campaigns/stay/paths"):
        page = client.get(path)
        assert page.status_code == 202, path
        assert page.headers["Refresh"] == "3"
        assert 'role="status"' in page.text
        assert f'href="{path}"' in page.text
        assert work(large, redis) == 1
        page = client.get(path)
        assert page.status_code == 200, path
        assert "Refresh" not in page.headers
        assert "Calculated at" in page.text


def test_groups_goals_and_ways_are_kept_as_well(large, api, redis):
    with transaction():
        for measure in ("donors", "calls"):
            put_goal(
                large.org_id,
                measure=measure,
                target=10,
                first_on=ago(30).date(),
                last_on=(NOW + timedelta(days=30)).date(),
            )
    asked = {
        "/api/v1/goals": lambda body: [each["reached"] for each in body["goals"]] == [1, 1],
        "/api/v1/campaigns/stay/influence": lambda body: body["actions"] == 2,
        "/api/v1/campaigns/stay/activation/groups": lambda body: body["total"]["actions"] == 3,
    }
    for path, right in asked.items():
        query = {"group_by": "hour"} if "groups" in path else {}
        assert api(path, **query).status_code == 202, path
        # All that a page needs is asked for at once: donors, and the districts of calls.
        assert work(large, redis) == (2 if "goals" in path else 1)
        found = api(path, **query)
        assert found.status_code == 200, path
        assert right(found.json), found.json
        if "groups" in path:
            assert found.headers["Last-Modified"]
        else:
            assert found.json["counted_at"]


def test_activation_by_groups_from_totals_never_waits(large, api):
    assert api("/api/v1/activation").status_code == 200
    assert api("/api/v1/campaigns/stay/activation/groups").status_code == 200


def test_many_who_ask_at_once_are_one_question(large, api, redis):
    answers = []

    def ask() -> None:
        with large.app.app_context():
            answers.append(api().status_code)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert answers == [202] * 6
    # One that is to run, and one behind it, in case its worker is killed.
    assert len(waiting(large, redis)) == 2
    assert len(set(waiting(large, redis))) == 1


def test_a_question_is_counted_by_one_at_a_time(large, api, redis, environment):
    api()
    ((_org_id, written), *_) = waiting(large, redis)
    asking = large.app.extensions["counting"]
    counted = []

    def count() -> None:
        with large.app.app_context():
            counted.append(asking.count(large.org_id, written))

    # Whoever counts first waits for the table, so that all others come while it is at it.
    with holding(environment, "lock table actions in access exclusive mode"):
        threads = [threading.Thread(target=count) for _ in range(4)]
        for each in threads:
            each.start()
        for _ in range(200):
            if len(counted) == 3:
                break
            threading.Event().wait(0.05)
        assert counted == [False] * 3
    for each in threads:
        each.join(30)
    assert sorted(counted) == [False, False, False, True]


def test_what_did_not_change_is_not_counted_again_and_what_did_is_shown(large, api, redis):
    api()
    work(large, redis)
    before = api().json
    assert work(large, redis) == 0
    assert api().json["counted_at"] == before["counted_at"]
    large.act("call", id="c1", email="cleo@example.org", at=ago(1))
    large.drain()
    # The old figures stay until the new ones are there.
    assert api().json["people"] == before["people"] == 2
    assert work(large, redis) == 1
    after = api().json
    assert (after["people"], after["counted_at"] > before["counted_at"]) == (3, True)


def change_by_erasing(world) -> None:
    erasure.erase(world.settings, world.org_id, email="ana@example.org", phone="", region="US")


def change_by_moving_a_link(world) -> None:
    move_link(world.org_id, world.links["instagram"], world.posts["x"])


def change_by_joining_people(world) -> None:
    world.act(
        "signature",
        id="j1",
        email="ben@example.org",
        phone="+12025550123",
        at=ago(2),
    )
    world.act("signature", id="j2", email="ana@example.org", phone="+12025550123", at=ago(2))
    world.drain()


def change_by_a_rename(world) -> None:
    with transaction() as session:
        from advocacy.storage.models import Post

        session.get(Post, (world.org_id, world.posts["x"])).platform = "bluesky"


@pytest.mark.parametrize(
    "change",
    [change_by_erasing, change_by_moving_a_link, change_by_joining_people, change_by_a_rename],
)
def test_whatever_changes_the_figures_makes_them_counted_anew(large, api, redis, change):
    api()
    work(large, redis)
    api()
    change(large)
    assert work(large, redis) == 1


def test_a_gift_that_ends_is_seen_though_no_total_changes(large, api, redis):
    large.act(
        "donation",
        id="m",
        email="cleo@example.org",
        amount="5",
        currency="USD",
        recurs_as="m1",
        at=ago(2),
    )
    large.drain()
    api()
    work(large, redis)
    assert api().json["still_monthly"] == 1
    large.act("donation.ended", id="m", at=ago(1))
    large.drain()
    assert work(large, redis) == 1
    assert api().json["still_monthly"] == 0


def test_a_day_that_begins_is_counted_anew(large, api, redis, monkeypatch):
    api()
    work(large, redis)
    monkeypatch.setattr(result_cache, "day_in", lambda _now, _zone: date(2099, 1, 1))
    api()
    assert work(large, redis) == 1


def test_a_lost_redis_is_only_counted_anew(large, api, redis):
    api()
    work(large, redis)
    assert api().status_code == 200
    redis.flushall()
    assert api().status_code == 202
    work(large, redis)
    assert api().status_code == 200
    # What is no answer of ours counts as none.
    (key,) = redis.keys("*:counted:*")
    redis.set(key, b"nonsense")
    assert api().status_code == 202


def test_without_redis_it_is_counted_while_one_waits(large, api):
    asking = large.app.extensions["counting"]
    asking._redis_url = "redis://127.0.0.1:9/0"
    found = api()
    assert (found.status_code, found.json["counted_at"]) == (200, None)


def test_days_that_are_none_are_refused_before_anything_is_counted(large, api, redis):
    later = (NOW + timedelta(days=400)).date().isoformat()
    assert api(**{"from": later}).status_code == 422
    assert api("/api/v1/campaigns/stay/influence", **{"from": later}).status_code == 422
    groups = "/api/v1/campaigns/stay/activation/groups"
    assert api(groups, **{"from": later, "kind": "call"}).status_code == 422
    assert api(groups, post=str(uuid4())).status_code == 422
    assert waiting(large, redis) == []


def test_what_cannot_be_counted_says_so_and_rests(large, api, redis, monkeypatch):
    def fails(*_args: object, **_of: object) -> None:
        raise RuntimeError("no figures today")

    monkeypatch.setattr(result_cache, "COUNTS", {**result_cache.COUNTS, "ladder": fails})
    assert api().status_code == 202
    with pytest.raises(RuntimeError, match="no figures"):
        work(large, redis)
    redis.delete(f"rq:queue:{counts_queue(large.settings.queue)}")
    found = api()
    assert (found.status_code, found.headers["Retry-After"]) == (503, "60")
    assert found.content_type == "application/problem+json"
    assert waiting(large, redis) == []


def test_organizations_do_not_see_what_others_had_counted(large, api, redis):
    from tests.support.world import World

    api()
    work(large, redis)
    bob = World(large.app, "bob")
    found = large.app.test_client().get(LADDER, headers={"Authorization": f"Bearer {bob.token()}"})
    assert found.status_code == 202


def test_questions_do_not_pile_up_without_end(large, redis, monkeypatch):
    monkeypatch.setattr(result_cache, "_MAX_WAITING", 2)
    asking = large.app.extensions["counting"]
    for day in range(1, 6):
        with pytest.raises(BeingCounted):
            asking.ask(
                LadderCounts, large.org_id, None, "ladder", first=date(2026, 1, day), last=None
            )
    assert len(waiting(large, redis)) == 2


# Nothing runs for long while somebody waits ------------------------------------------------------


@pytest.fixture
def impatient(world, monkeypatch):
    monkeypatch.setattr(errors, "PAGE_SECONDS", 0.3)
    return world


def test_a_page_that_takes_too_long_says_so(impatient, environment):
    client = impatient.member("reader")
    word = impatient.token()
    with holding(environment, "lock table actions in access exclusive mode"):
        page = client.get("/campaigns/stay/people")
        assert page.status_code == 503
        assert "This takes too long" in page.text
        assert page.headers["Retry-After"]
        db.session.rollback()  # as at the end of a request; here one context is around all
        answer = client.get(LADDER, headers={"Authorization": f"Bearer {word}"})
        assert answer.status_code == 503
        assert answer.content_type == "application/problem+json"
        assert answer.json["title"] == "This takes too long"
        db.session.rollback()
    assert client.get("/campaigns/stay/people").status_code == 200


def test_many_statements_together_take_no_longer_than_one_may(impatient):
    from sqlalchemy.exc import OperationalError

    from advocacy.storage.connections import DeadlineExceeded, set_deadline
    from tests.support.sql import run

    began = datetime.now(UTC)
    with impatient.app.app_context():
        set_deadline(0.6)
        try:
            with pytest.raises((DeadlineExceeded, OperationalError)):
                for _ in range(50):
                    run("select pg_sleep(0.1)")
        finally:
            set_deadline(None)
        db.session.rollback()
        assert datetime.now(UTC) - began < timedelta(seconds=2)
        # Who comes next on this connection has the usual time.
        with transaction():
            assert run("show statement_timeout")[0][0] == "2min"


def test_webhooks_have_their_own_patience(impatient, environment):
    with holding(environment, "lock table inbox in access exclusive mode") as other:
        threading.Timer(0.8, other.rollback).start()
        assert impatient.act("call", email="ana@example.org").status_code == 200
