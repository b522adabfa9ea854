"""Receipts: the API matches its document, the pages, and who may see them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from advocacy.storage import campaigns, links, posts
from advocacy.storage.session import transaction
from tests.support.api import bearer, check_against, document, problem_of
from tests.support.pages import HOSTILE
from tests.support.sql import run
from tests.support.world import World

NOW = datetime.now(UTC).replace(microsecond=0)
ACTIONS = "/api/v1/campaigns/stay/actions"
EXPLAIN = "/api/v1/actions/{}/explain"


@pytest.fixture
def told(world):
    """A signature with its click, a gift with two touches and a refund, a renewal, a test."""
    who = {"email": "canary@example.org", "phone": "+1 202 555 0143"}
    first, second = (
        world.click(platform, at=NOW - timedelta(hours=hours))
        for platform, hours in (("instagram", 5), ("x", 2))
    )
    world.act("signature", "m1", id="s1", click_id=first, at=NOW - timedelta(hours=4), **who)
    world.act(
        "donation", "m2", id="d1", click_id=second, amount="25.00", recurs_as="r", at=NOW, **who
    )
    world.act("donation.refunded", "m3", id="d1", amount="10.00", at=NOW + timedelta(hours=1))
    later = NOW + timedelta(days=30)
    world.act(
        "donation", "m4", id="d2", amount="25.00", recurs_as="r", renewal=True, at=later, **who
    )
    world.act("call", "m5", id="c1", test=True)
    world.act("call", "m6", id="c2", referrer="https://t.co/")
    world.drain()
    return {row.external_id: row.id for row in run("select id, external_id from actions")}


@pytest.fixture
def ask(world):
    word = world.token()
    return lambda path: world.app.test_client().get(path, headers=bearer(word))


@pytest.fixture
def staff(world):
    client = world.app.test_client()
    client.post("/sign-in", data={"token": world.token()})
    return client


def described(spec: dict, path: str, status: int) -> str:
    kind = "application/json" if status == 200 else "application/problem+json"
    answer = spec["paths"][path]["get"]["responses"][str(status)]
    inside = f"/paths/{path.replace('/', '~1')}/get/responses/{status}"
    where = answer.get("$ref", f"#{inside}").removeprefix("#")
    return f"{where}/content/{kind.replace('/', '~1')}/schema"


# The API.


def test_every_receipt_is_what_the_document_says(world, ask, told):
    spec = document(world)
    for name, action_id in told.items():
        answer = ask(EXPLAIN.format(action_id))
        assert answer.status_code == 200, name
        found = answer.get_json()
        where = described(spec, "/api/v1/actions/{action_id}/explain", 200)
        check_against(spec, where, found)
        assert set(found) == set(spec["components"]["schemas"]["Receipt"]["properties"])
        with pytest.raises(Exception, match="7"):
            check_against(spec, where, {**found, "summary": 7})
    assert found["action"]["page"].startswith("http://127.0.0.1:8000/actions/")


def test_the_list_is_what_the_document_says_and_leads_to_receipts(world, ask, told):
    found = ask(ACTIONS).get_json()
    spec = document(world)
    check_against(spec, described(spec, "/api/v1/campaigns/{slug}/actions", 200), found)
    uncounted = ask(f"{ACTIONS}?counted=false").get_json()["actions"]
    assert [each["id"] for each in uncounted] == [str(told["c1"])]
    listed = {each["id"] for each in [*found["actions"], *uncounted]}
    assert listed == set(map(str, told.values()))
    assert found["next"] is None
    some = ask(f"{ACTIONS}?limit=2&kind=donation&post={world.posts['x']}").get_json()
    assert {each["money"]["gross_minor"] for each in some["actions"]} == {2500}
    page = ask(f"{ACTIONS}?limit=1").get_json()
    then = ask(f"{ACTIONS}?limit=1&cursor={page['next']}").get_json()
    assert [page["actions"][0]["id"], then["actions"][0]["id"]] == [
        each["id"] for each in found["actions"][:2]
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=201", "limit"),
        ("?limit=x", "limit"),
        ("?cursor=x", "cursor"),
        ("?cursor=" + "A" * 999, "cursor"),
        ("?cursor=%00", "cursor"),
        ("?post=x", "post"),
        ("?kind=dance", "kind"),
        ("?day=2026-02-30", "day"),
        ("?counted=perhaps", "counted"),
        ("?email=a@example.org", "email"),
    ],
)
def test_an_invalid_field_is_named(world, ask, query, field):
    body = problem_of(ask(ACTIONS + query), 422)
    assert [each["field"] for each in body["errors"]] == [field]
    spec = document(world)
    check_against(spec, described(spec, "/api/v1/campaigns/{slug}/actions", 422), body)


def test_what_is_not_there_is_not_found(world, ask, staff):
    for wrong in (uuid4(), "x", "%00", "1" * 300):
        problem_of(ask(EXPLAIN.format(wrong)), 404)
        assert staff.get(f"/actions/{wrong}").status_code == 404
    problem_of(ask("/api/v1/campaigns/nothing/actions"), 404)
    assert staff.get("/campaigns/nothing/actions").status_code == 404
    for query in ("?cursor=x", "?post=x", "?kind=dance"):
        assert staff.get(f"/campaigns/stay/actions{query}").status_code == 422
    problem_of(world.app.test_client().get(EXPLAIN.format(uuid4())), 401)


def test_another_organizations_action_does_not_exist(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    bob.act("call", "m1", id="c1", email="canary@example.org")
    bob.drain()
    (row,) = run("select id from actions")
    word, client = alice.token(), app.test_client()
    theirs, nobodys = (
        problem_of(client.get(EXPLAIN.format(each), headers=bearer(word)), 404)
        for each in (row.id, uuid4())
    )
    assert theirs["detail"].partition("action")[0] == nobodys["detail"].partition("action")[0]
    assert client.get(ACTIONS, headers=bearer(word)).get_json()["actions"] == []
    # A post of theirs in the query shows nothing of theirs.
    path = f"{ACTIONS}?post={bob.posts['x']}"
    assert client.get(path, headers=bearer(word)).get_json()["actions"] == []
    client.post("/sign-in", data={"token": word})
    assert client.get(f"/actions/{row.id}").status_code == 404


# The pages.


def test_from_the_campaign_to_a_receipt(staff, told):
    page = staff.get("/campaigns/stay").text
    assert 'href="/campaigns/stay/actions"' in page
    listed = staff.get("/campaigns/stay/actions").text
    counted = {str(action_id) for name, action_id in told.items() if name != "c1"}
    assert set(re.findall(r'href="/actions/([^"]+)"', listed)) == counted
    assert "renewal" in listed
    others = staff.get("/campaigns/stay/actions?counted=no").text
    assert re.findall(r'href="/actions/([^"]+)"', others) == [str(told["c1"])]
    assert '<span class="hint">test</span>' in others


def test_a_receipt_says_what_the_api_says(staff, ask, told):
    found = ask(EXPLAIN.format(told["d1"])).get_json()
    page = staff.get(f"/actions/{told['d1']}").text
    for words in (
        found["summary"],
        *(each["says"] for each in found["evidence"]),
        *(each["says"] for each in found["touches"]),
        "15.00",
        "25.00 USD given, 10.00 USD returned",
        "1/2 (50 %)",
        "equal credit to every touch",
        "action reported",
        "refunded",
    ):
        assert words.replace("'", "&#39;") in page, words
    renewal = staff.get(f"/actions/{told['d2']}").text
    assert f'href="/actions/{told["d1"]}"' in renewal
    assert "Not counted: it is marked as a test." in staff.get(f"/actions/{told['c1']}").text


def test_no_endpoint_shows_personal_data(staff, ask, told):
    (their_id,) = {
        row.supporter_id for row in run("select supporter_id from actions") if row.supporter_id
    }
    paths = [ACTIONS, "/campaigns/stay/actions"]
    paths += [EXPLAIN.format(each) for each in told.values()]
    paths += [f"/actions/{each}" for each in told.values()]
    for path in paths:
        text = (ask if path.startswith("/api") else staff.get)(path).text
        for word in ("canary", "5550143", "555 0143", str(their_id), their_id.hex):
            assert word not in text, path


def test_pages_hold_no_script_and_say_so(staff, told):
    for path in ("/campaigns/stay/actions", f"/actions/{told['d1']}"):
        answer = staff.get(path)
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        # The page's own script comes from a file, and nothing is written into the page.
        assert re.findall(r"<script[^>]*>(.*?)</script>", answer.text, re.S) == [""]
        assert not re.search(r"\son\w+=|\sstyle=", answer.text)
        # Everything that is pointed at with a scope, one heading of the page.
        assert not re.search(r"<th(?![^>]*scope=)[ >]", answer.text)
        assert answer.text.count("<h1") == 1


def test_names_are_escaped(world, staff):
    with transaction():
        campaign = campaigns.put_campaign(world.org_id, "hostile", HOSTILE, "UTC")
        post = posts.put_post(
            world.org_id, campaign.id, HOSTILE, title=HOSTILE, url="javascript:alert(1)"
        )
        to = "https://actionnetwork.org/petitions/stay"
        code = links.put_link(world.org_id, post, to, "action_network", {}).code
    world.act("call", "m1", id="c1", code=code)
    world.drain()
    (row,) = run("select id from actions")
    for path in ("/campaigns/hostile/actions", f"/actions/{row.id}"):
        page = staff.get(path).text
        assert page.count(HOSTILE[:8]) == page.count("<script") == 1 and "<img" not in page
        assert 'href="javascript:' not in page
        assert "&lt;/script&gt;" in page


def test_pages_go_on_to_earlier_actions(world, staff):
    for number in range(53):
        world.act("call", f"m{number}", code=world.links["x"], at=NOW - timedelta(hours=number))
    world.drain()
    seen = []
    path = f"/campaigns/stay/actions?kind=call&post={world.posts['x']}"
    page = staff.get(path).text
    seen += re.findall(r'href="/actions/([^"]+)"', page)
    (then,) = re.findall(r'rel="next" href="([^"]+)"', page)
    page = staff.get(then.replace("&amp;", "&")).text
    seen += re.findall(r'href="/actions/([^"]+)"', page)
    assert len(seen) == len(set(seen)) == 53
    assert 'rel="next"' not in page and ">Newest</a>" in page
    assert "No actions." in staff.get("/campaigns/stay/actions?kind=letter").text


def test_a_broken_action_reveals_no_details(world, ask, monkeypatch, told):
    def broken(*_: object) -> None:
        raise RuntimeError("canary")

    world.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("advocacy.web.api.actions.explain", broken)
    body = problem_of(ask(EXPLAIN.format(told["s1"])), 500)
    assert "canary" not in json.dumps(body)
