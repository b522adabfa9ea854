"""Live streams: events, their end, limits and cost.

That a page shows new figures is in `tests/browser`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.exc import OperationalError

from advocacy.cli.dev.up import free_port
from advocacy.ingestion import drain, erasure
from advocacy.ingestion.reassign_link import move_link
from advocacy.storage import campaigns, change_tokens, goals, posts, tokens
from advocacy.storage.figures_versions import note_change
from advocacy.storage.session import transaction
from advocacy.web.live_poller import LivePoller
from advocacy.web.pages import live
from tests.support import web_process
from tests.support.sql import run
from tests.support.world import World

STREAM = "/campaigns/stay/live"
MARK = f"{STREAM}/mark"


@pytest.fixture
def staff(world):
    client = world.app.test_client()
    client.post("/sign-in", data={"token": world.token()})
    yield client
    # Streams that a test left open give their place back.
    deadline = time.monotonic() + 5
    while world.app.extensions["live_poller"].open_pages and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.app.extensions["live_poller"].open_pages == 0


@contextlib.contextmanager
def listening(client, known: str = "", **headers: str) -> Iterator[tuple]:
    """Open a stream; yields the answer and its parts as they come."""
    answer = client.get(STREAM, query_string={"mark": known} if known else {}, headers=headers)
    assert answer.status_code == 200, answer.text
    try:
        yield answer, (part.decode() for part in answer.iter_encoded())
    finally:
        answer.close()


def token_of(client) -> str:
    found: str = client.get(MARK).get_json()["mark"]
    return found


def read_mark(world) -> str:
    """Read the mark past everything that is remembered."""
    watched = (world.org_id, world.campaign_id)
    with transaction():
        return change_tokens.read_change_tokens([watched])[watched]


def read_organization_token(world) -> str:
    with transaction():
        return change_tokens.read_change_token(world.org_id)


# What changes a mark.


def test_a_change_token_changes_with_every_figure_and_nothing_else(world):
    seen = [read_mark(world)]

    def is_new() -> bool:
        seen.append(read_mark(world))
        return seen[-1] not in seen[:-1]

    assert not is_new()
    code, now = world.links["x"], datetime.now(UTC)
    world.act("call", "m1", id="c1", code=code, at=now)
    assert is_new(), "a delivery waits"
    world.drain()
    assert is_new(), "an action"
    world.act("call", "m1", id="c1", code=code, at=now)
    world.drain()
    assert seen[-1] == read_mark(world), "the same delivery again"
    world.click("instagram")
    assert is_new(), "a click"
    world.act("donation", "m2", id="d", amount="5.00")
    world.drain()
    assert is_new(), "a gift"
    world.act("donation.refunded", "m3", id="d", amount="5.00")
    world.drain()
    assert is_new(), "a refund"
    with transaction():
        campaign = campaigns.get_campaign(world.org_id, "stay")
        posts.put_post(world.org_id, campaign.id, "x")
    assert is_new(), "a post"
    world.standard("{")
    world.drain()
    assert is_new(), "something that could not be read"


def credit_moves(world) -> None:
    move_link(world.org_id, world.links["x"], world.posts["instagram"])


def a_supporter_is_erased(world) -> None:
    erasure.erase(world.settings, world.org_id, email="a@example.org", phone="", region="US")


def figures_are_rebuilt(world) -> None:
    drain.rebuild(world.settings, world.org_id)


def a_post_is_described(world) -> None:
    with transaction():
        post = posts.get_post(world.org_id, world.posts["x"])
        posts.describe_post(post, medium="reel", author="")


def a_goal_is_set(world) -> None:
    with transaction():
        goals.put_goal(world.org_id, campaign_id=world.campaign_id, **GOAL)


def a_goal_of_the_organization_is_set(world) -> None:
    with transaction():
        goals.put_goal(world.org_id, **GOAL)


def a_gift_ends(world) -> None:
    world.act("donation.ended", "m9", id="g", at=datetime.now(UTC))
    world.drain()


def a_click_is_loaded(world) -> None:
    world.click("x")


GOAL = {
    "measure": "calls",
    "target": 100,
    "first_on": date(2026, 1, 1),
    "last_on": date(2026, 12, 31),
}


@pytest.mark.parametrize(
    "change",
    [
        credit_moves,
        a_supporter_is_erased,
        figures_are_rebuilt,
        a_post_is_described,
        a_goal_is_set,
        a_goal_of_the_organization_is_set,
        a_gift_ends,
        a_click_is_loaded,
    ],
)
def test_a_token_changes_with_every_kind_of_change(world, change):
    world.act("call", "m1", email="a@example.org", click_id=world.click("x"))
    world.act("donation", "m2", id="g", amount="5.00", recurs_as="g1")
    world.drain()
    before, of_all = read_mark(world), read_organization_token(world)
    change(world)
    assert read_mark(world) != before
    assert read_organization_token(world) != of_all


def test_a_link_that_moves_changes_the_tokens_of_both_campaigns(world):
    with transaction():
        other = campaigns.put_campaign(world.org_id, "other", "Other", "UTC")
        post = posts.put_post(world.org_id, other.id, "x")
    both = [(world.org_id, world.campaign_id), (world.org_id, other.id)]
    with transaction():
        before = change_tokens.read_change_tokens(both)
    move_link(world.org_id, world.links["x"], post.id)
    with transaction():
        after = change_tokens.read_change_tokens(both)
    assert [after[each] != before[each] for each in both] == [True, True]


def test_what_is_rolled_back_raises_no_version(world):
    before = read_mark(world)
    with pytest.raises(LookupError), transaction():
        posts.put_post(world.org_id, world.campaign_id, "x")
        raise LookupError
    with transaction():
        campaigns.find_campaign(world.org_id, "stay")
    assert read_mark(world) == before


def test_a_version_that_a_crash_lost_never_comes_again(world):
    seen = []
    for _ in range(3):
        world.click("x")
        seen.append(read_mark(world))
        with transaction():
            run("delete from figures_versions where org_id = :o", o=world.org_id)
    assert len(set(seen)) == 3


def test_versions_that_many_raise_at_once_rise_for_each_and_never_deadlock(world):
    """In opposite order, as transactions happen to change campaigns."""
    with transaction():
        other = campaigns.put_campaign(world.org_id, "other", "Other", "UTC").id
    read = "select version from figures_versions where org_id = :o and scope_id = any(:c)"
    both = [world.campaign_id, other]
    before = sum(row[0] for row in run(read, o=world.org_id, c=both))

    def change(number: int) -> None:
        with world.app.app_context(), transaction():
            for each in both if number % 2 else reversed(both):
                note_change(world.org_id, [each])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(60)))
    assert sum(row[0] for row in run(read, o=world.org_id, c=both)) >= before + 2 * 60


def test_a_change_token_is_of_one_campaign(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    before = read_mark(alice)
    bob.act("call", "m", email="b@example.org")
    bob.drain()
    assert read_mark(alice) == before


# What a stream says.


def test_a_stream_says_when_figures_changed(world, staff):
    known = token_of(staff)
    with listening(staff, known) as (answer, parts):
        assert answer.content_type == "text/event-stream; charset=utf-8"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
        assert next(parts).startswith("retry: ")
        world.act("call", "m1", email="a@example.org")
        world.drain()
        name, kind, data = next(parts).strip().split("\n")
        mark = name.removeprefix("id: ")
        assert kind == "event: figures"
        assert json.loads(data.removeprefix("data: ")) == {"mark": mark}
        assert mark != known


def test_a_reconnecting_page_learns_at_once_of_missed_changes(world, staff, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.2)
    known = token_of(staff)
    world.act("call", "m1", email="a@example.org")
    world.drain()
    with listening(staff, **{"Last-Event-ID": known}) as (_, parts):
        next(parts)
        event = next(part for part in parts if not part.startswith(":"))
        assert "event: figures" in event
    newest = event.split("\n")[0].removeprefix("id: ")
    # The browser's word counts, not the one in the address, which is from long ago.
    with listening(staff, known, **{"Last-Event-ID": newest}) as (_, parts):
        next(parts)
        assert [next(parts) for _ in range(8)] == [": still here\n\n"] * 8


def test_a_stream_ends_by_itself(staff, monkeypatch):
    monkeypatch.setattr(live, "STREAM_SECONDS", 1.5)
    began = time.monotonic()
    with listening(staff, token_of(staff)) as (_, parts):
        assert len(list(parts)) == 1
    assert 1 < time.monotonic() - began < 4


def test_a_stream_ends_soon_after_its_session(world, staff, monkeypatch):
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.1)
    with listening(staff, token_of(staff)) as (_, parts):
        next(parts)
        with transaction():
            tokens.revoke_token(world.org_id, "test", datetime.now(UTC))
        assert list(parts) == ["event: ended\ndata: signed out\n\n"]


def test_a_session_whose_time_is_over_ends_its_stream(world, staff, monkeypatch):
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.1)
    with listening(staff, token_of(staff)) as (_, parts):
        next(parts)
        twelve = world.app.permanent_session_lifetime
        try:
            world.app.permanent_session_lifetime = twelve * 0
            time.sleep(1.1)
            assert list(parts) == ["event: ended\ndata: signed out\n\n"]
        finally:
            world.app.permanent_session_lifetime = twelve


def test_a_database_that_is_gone_for_a_while_ends_no_stream(world, staff, monkeypatch):
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)

    asked = []

    def gone(*_: object) -> None:
        asked.append(1)
        raise OperationalError("", {}, Exception())

    with listening(staff, token_of(staff)) as (_, parts):
        next(parts)
        monkeypatch.setattr("advocacy.web.auth.sessions.find_session", gone)
        assert [next(parts) for _ in range(3)] == [": still here\n\n"] * 3
    assert len(asked) >= 2


def test_a_stopping_process_ends_its_streams(world, staff, monkeypatch):
    told = []
    monkeypatch.setitem(world.app.extensions, "stopping", lambda: bool(told))
    with listening(staff, token_of(staff)) as (_, parts):
        next(parts)
        told.append(True)
        assert list(parts) == []


# Who gets one.


def test_beyond_the_limit_of_streams_a_page_gets_retry_after(world, staff):
    poller = world.app.extensions["live_poller"]
    with contextlib.ExitStack() as opened:
        for _ in range(world.settings.live_streams):
            _, parts = opened.enter_context(listening(staff))
            next(parts)
        answer = staff.get(STREAM)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
        assert poller.open_pages == world.settings.live_streams
        # Who has no place can ask.
        assert token_of(staff)
    assert poller.open_pages == 0
    with listening(staff) as (_, parts):
        assert next(parts)


def test_an_unread_response_frees_its_stream(world, staff):
    for answer in (staff.head(STREAM), staff.get(STREAM)):
        assert answer.status_code == 200
        answer.close()
        answer.close()
    assert world.app.extensions["live_poller"].open_pages == 0


def test_a_stream_is_limited_to_one_s_own_campaigns(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    with transaction():
        campaigns.put_campaign(bob.org_id, "secret", "Bob's secret", "UTC")
    client = app.test_client()
    for path in (STREAM, MARK):
        assert client.get(path).status_code == 302
    client.post("/sign-in", data={"token": alice.token()})
    for path in ("/campaigns/secret/live", "/campaigns/secret/live/mark"):
        assert client.get(path).status_code == 404


# What it costs.


def key() -> tuple:
    from uuid import uuid4

    return uuid4(), uuid4()


def test_all_open_pages_share_one_query():
    asked = []

    def read(watched):
        asked.append(list(watched))
        return {each: str(len(asked) // 3) for each in watched}

    one, other = key(), key()
    poller = LivePoller(read, most_pages=20, seconds=0.05)
    for campaign in [one] * 9 + [other]:
        assert poller.join(campaign)
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: poller.wait(one, "0", 5), range(9)))
    assert set(found) == {"1"}
    assert len(asked) <= 5
    assert sorted(asked[-1]) == sorted([one, other])
    for campaign in [one] * 9 + [other]:
        poller.leave(campaign)
    time.sleep(0.2)
    before = len(asked)
    time.sleep(0.2)
    assert len(asked) == before, "nobody looks, and something is asked"


def test_a_slow_query_is_sent_less_often():
    asked = []

    def read(watched):
        asked.append(time.monotonic())
        time.sleep(0.1)
        return dict.fromkeys(watched, "same")

    poller, campaign = LivePoller(read, most_pages=1, seconds=0.01), key()
    poller.join(campaign)
    time.sleep(1.5)
    poller.leave(campaign)
    assert len(asked) == 1


def test_a_failed_query_is_repeated(monkeypatch):
    monkeypatch.setattr("advocacy.web.live_poller._PAUSE_AFTER_ERROR", 0.05)
    tries = []

    def read(watched):
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("", {}, Exception())
        return dict.fromkeys(watched, "new")

    poller, campaign = LivePoller(read, most_pages=1, seconds=0.01), key()
    poller.join(campaign)
    assert poller.wait(campaign, "old", 5) == "new"
    poller.leave(campaign)


def test_polling_pages_share_a_cached_token():
    asked = []

    def read(watched):
        asked.append(1)
        time.sleep(0.05)
        return dict.fromkeys(watched, "m")

    poller, campaign = LivePoller(read, most_pages=0), key()
    assert not poller.join(campaign)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: poller.token(campaign), range(40))) == {"m"}
    assert len(asked) == 1


# In a real process.


def ask(address: str, path: str, cookie: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
    # Closed with its answer.
    connection.request("GET", path, headers={"Cookie": cookie, "Connection": "close"})
    return connection.getresponse()


@pytest.mark.slow
def test_streams_of_a_real_process_leave_threads_for_others_and_end_with_it(
    world, environment, tmp_path: Path
):
    """Four threads, two of which streams may hold."""
    variables = {
        **environment,
        "VAR_DIR": str(tmp_path),
        "LOG_LEVEL": "WARNING",
        "LIVE_STREAMS": "2",
        "WEB_THREADS": "4",
    }
    signed = world.app.test_client().post("/sign-in", data={"token": world.token()})
    cookie = signed.headers["Set-Cookie"].partition(";")[0]
    port, log = free_port(), tmp_path / "gunicorn.log"
    with web_process.gunicorn(variables, port, log) as served:
        streams = [ask(served, STREAM, cookie) for _ in range(2)]
        for answer in streams:
            assert answer.status == 200
            assert answer.getheader("Transfer-Encoding") == "chunked"
            assert answer.readline().startswith(b"retry: ")
            assert answer.readline() == b"\n"
        refused = ask(served, STREAM, cookie)
        assert (refused.status, refused.getheader("Retry-After")) == (503, "60")
        with ThreadPoolExecutor(8) as pool:
            others = set(pool.map(lambda _: ask(served, MARK, cookie).status, range(16)))
        assert others == {200}

        world.act("call", "m1", email="a@example.org")
        world.drain()
        for answer in streams:
            lines = [answer.readline() for _ in range(2)]
            assert lines[1] == b"event: figures\n"
        # Who leaves gives the place back soon, and not only when there is something to say.
        left = time.monotonic()
        streams.pop().close()
        while (again := ask(served, STREAM, cookie)).status == 503:
            assert time.monotonic() < left + 5
            time.sleep(0.1)
        assert again.status == 200
        began = time.monotonic()
    # Without a word to the streams it would wait for all of `graceful_timeout`.
    assert time.monotonic() - began < 10
    assert streams[0].read().endswith(b"\n\n")
