"""The pages of sources and quarantine: what they show, and what they must not show."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from advocacy.core.tabular.table import Row
from advocacy.ingestion import csv_import, drain
from advocacy.storage import inbox, organizations, source_health, sources, tokens
from advocacy.storage.session import transaction
from tests.support.deliveries import DELIVERIES
from tests.support.sql import run
from tests.support.world import World


@pytest.fixture
def staff(world):
    return world.member("editor")


def unread(world, *bodies: str) -> None:
    """Send deliveries that are verified but cannot be read."""
    for number, body in enumerate(bodies):
        world.standard(body, message_id=f"bad{number}")
    world.drain()


def row_of(page: str, name: str) -> list[str]:
    """Return the cells of a source's row, without markup."""
    (row,) = (row for row in re.findall(r"<tr>(.*?)</tr>", page, re.S) if f">{name} <" in row)
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
    return [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in cells]


# Sources.


def test_each_source_shows_its_health(world, staff):
    world.act("call", "m1", email="a@example.org")
    world.drain()
    unread(world, "{", "[1]")
    world.act("call", "m2", email="b@example.org")
    page = staff.get("/sources").text
    name, newest, of_a_day, waiting, quarantined, _codes, _switch = row_of(page, "standard")
    assert name == "standard Standard Webhooks, Stay"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", newest)
    assert (of_a_day, waiting, quarantined) == ("4", "1", "2")
    assert 'href="/quarantine?source=standard"' in page
    assert row_of(page, "actblue")[1:5] == ["none in 30 days", "0", "0", "0"]


def test_unreadable_contacts_are_shown_at_their_source(world, staff):
    for number, email in enumerate(
        ("ana at example", "b@example.org, c@example.org", "d@example.org", "n/a")
    ):
        world.act("call", f"m{number}", email=email)
    world.act("call", "m9", phone="555-0123")
    world.drain()
    assert unread_of(world) == {"standard": 3}
    assert row_of(staff.get("/sources").text, "standard")[0].endswith(
        "3 actions in 7 days have email addresses or phone numbers that could not be read"
    )
    assert "cannot be read" not in row_of(staff.get("/sources").text, "actblue")[0]
    # A rebuild reads the bodies again, and what they could not be read for before.
    with transaction():
        run("update inbox set unread_contacts = 1 - least(unread_contacts, 1)")
    drain.rebuild(world.settings, world.org_id)
    assert unread_of(world) == {"standard": 3}
    with transaction():
        run("update inbox set received_at = received_at - interval '8 days'")
    assert unread_of(world) == {}


def test_unreadable_contacts_of_an_import_are_shown_too(world):
    source = next(each for each in sources.list_sources(world.org_id) if each.provider == "actblue")
    rows = [
        Row(
            n, {"Lineitem ID": str(n), "Date": "2025-11-01", "Amount": "5.00", "Donor Email": email}
        )
        for n, email in enumerate(("ana@", "Ben <ben@example.org>"), start=2)
    ]
    for _ in range(2):
        csv_import.import_rows(world.settings, source, rows, {}, lambda *_: None)
        assert unread_of(world) == {"actblue": 1}


def unread_of(world) -> dict[str, int]:
    found = source_health.read_health(world.org_id)
    return {each.name: each.unread for each in found if each.unread}


def test_the_last_delivery_is_searched_for_some_days_back(world, staff):
    for days, name in ((3, "standard"), (40, "action_network")):
        with transaction():
            run(
                """insert into inbox (org_id, id, source_id, external_id, body_digest, received_at,
                                      status)
                   values (:o, gen_random_uuid(), :s, 'x', '', now() - make_interval(days => :d),
                           'done')""",
                o=world.org_id,
                s=world.sources[name],
                d=days,
            )
    found = {each.name: each for each in source_health.read_health(world.org_id)}
    assert (datetime.now(UTC) - found["standard"].newest).days == 3
    assert found["standard"].of_a_day == 0
    assert found["action_network"].newest is None


def test_an_integration_test_is_not_a_delivery_of_a_source(world, staff):
    with transaction():
        key = sources.put_test_key(world.org_id, world.sources["action_network"])
    world.app.test_client().post(f"/webhooks/{key}", data=b"[{}]")
    assert run("select test from inbox")[0].test
    assert row_of(staff.get("/sources").text, "action_network")[2:5] == ["0", "0", "0"]


def test_the_alarm_names_the_source_that_lost_its_codes(world, staff, monkeypatch):
    monkeypatch.setattr(
        "advocacy.web.pages.sources.totals.carried_codes",
        lambda *_: [("actblue", "actblue", 40, 0, 400, 300)],
    )
    cells = row_of(staff.get("/sources").text, "actblue")
    assert cells[5].startswith("No longer returned. 75% of its actions carried our code")
    assert "refcode" in cells[5]
    assert "Stopped" not in row_of(staff.get("/sources").text, "standard")[5]


def test_keys_and_secrets_are_not_on_the_page_and_how_to_get_new_ones_is(world, staff):
    page = staff.get("/sources").text
    for secret in (*world.keys.values(), world.secret, world.login):
        assert secret not in page
    assert "http://127.0.0.1:8000/webhooks/src_…" in page
    assert "advocacy source create --provider" in page


def test_without_a_source_it_says_how_to_connect_one(app):
    with transaction():
        org = organizations.put_organization("new", "New", "UTC")
        _, word = tokens.put_token(org.id, "t", "reports", datetime(2999, 1, 1, tzinfo=UTC))
    client = app.test_client()
    client.post("/sign-in", data={"token": word})
    assert "No tool is connected yet" in client.get("/sources").text
    assert "Nothing is quarantined" in client.get("/quarantine").text


# Quarantine.

CANARY = "canary@example.org"


def test_quarantined_deliveries_have_their_reason_and_no_body(world, staff):
    who = {"email": CANARY}
    unread(
        world,
        "{",
        json.dumps({"type": "dance", "timestamp": "2026-05-01T00:00:00Z", "data": who}),
        json.dumps({"type": "call", "data": who}),
    )
    page = staff.get("/quarantine").text
    rows = run(f"select reason, detail from {DELIVERIES} where status = 'quarantined'")
    assert len(rows) == 3
    for row in rows:
        assert f"<td>{row.reason}</td>" in page
    assert "not_json" in page and "Not valid JSON." in page
    assert CANARY not in page
    only = staff.get("/quarantine?reason=not_json&source=standard").text
    assert only.count('name="id"') == 1
    assert staff.get("/quarantine?source=actblue").text.count('name="id"') == 0


def mended(monkeypatch) -> None:
    """Let the room read what it could not read before."""
    from advocacy.providers import standard_webhooks

    monkeypatch.setattr(standard_webhooks, "parse", lambda _verified: [])


def test_one_is_tried_again(world, staff, monkeypatch):
    unread(world, "{", "[1]")
    told: list[object] = []
    monkeypatch.setitem(
        world.app.extensions,
        "notifier",
        type("Recorder", (), {"announce": lambda _, o: told.append(o)})(),
    )
    (one, _other) = run("select id from inbox order by received_at")
    answer = staff.post("/quarantine/replay", data={"id": str(one.id)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/quarantine?tried=1")
    assert told == [world.org_id]
    assert inbox.counts(world.org_id) == {"pending": 1, "done": 0, "quarantined": 1}
    mended(monkeypatch)
    world.drain()
    assert inbox.counts(world.org_id) == {"pending": 0, "done": 1, "quarantined": 1}
    page = staff.get(answer.headers["Location"]).text
    assert "1 delivery is being processed again." in page


def test_all_of_a_reason_are_tried_again_and_then_everything(world, staff):
    unread(world, "{", "{{", "[1]")
    answer = staff.post("/quarantine/replay", data={"reason": "not_json"})
    assert answer.headers["Location"] == "/quarantine?tried=2"
    world.drain()
    assert inbox.counts(world.org_id)["quarantined"] == 3
    answer = staff.post("/quarantine/replay", data={"all": "yes"})
    assert answer.headers["Location"] == "/quarantine?tried=3"


@pytest.mark.parametrize("form", [{}, {"id": "x"}, {"all": "no"}, {"id": "", "reason": ""}])
def test_without_a_choice_nothing_is_tried(world, staff, form):
    unread(world, "{")
    answer = staff.post("/quarantine/replay", data=form)
    assert answer.status_code == 422
    assert inbox.counts(world.org_id)["quarantined"] == 1


def test_what_cannot_be_tried_again_offers_no_button(world, staff):
    world.standard("{", message_id="same")
    world.standard("{{", message_id="same")
    world.drain()
    with transaction():
        ids = [row.id for row in run(f"select id from {DELIVERIES} where reason <> 'id_reuse'")]
        inbox.drop_bodies(world.org_id, ids)
    page = staff.get("/quarantine").text
    assert "the first one counts" in page and "its content was deleted" in page
    assert 'action="/quarantine/replay"' not in page
    assert staff.post("/quarantine/replay", data={"all": "yes"}).headers["Location"].endswith("=0")


def test_it_is_paged(world, staff):
    unread(world, *("{" + " " * number for number in range(53)))
    seen: list[str] = []
    path = "/quarantine?reason=not_json"
    for _ in range(2):
        page = staff.get(path).text
        seen += re.findall(r'name="id" value="([^"]+)"', page)
        then = re.findall(r'rel="next" href="([^"]+)"', page)
        path = then[0].replace("&amp;", "&") if then else ""
    assert len(seen) == len(set(seen)) == 53 and path == ""
    for place in ("nonsense", "2026-01-01_x", "2026-01-01T00:00:00_" + seen[0]):
        assert staff.get(f"/quarantine?before={place}").status_code == 200


def test_each_organization_has_its_own(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    unread(bob, "{")
    (row,) = run("select id from inbox")
    client = alice.member("editor")
    assert "Nothing is quarantined" in client.get("/quarantine").text
    for form in ({"id": str(row.id)}, {"reason": "not_json"}, {"all": "yes"}):
        answer = client.post("/quarantine/replay", data=form)
        assert answer.headers["Location"].endswith("=0")
    assert inbox.counts(bob.org_id)["quarantined"] == 1
    assert row_of(client.get("/sources").text, "standard")[4] == "0"


def test_a_form_of_another_site_tries_nothing(world, staff):
    unread(world, "{")
    answer = staff.post(
        "/quarantine/replay", data={"all": "yes"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert inbox.counts(world.org_id)["quarantined"] == 1


# Switching off and on.


def posted(world) -> int:
    """Send a delivery to the source of Action Network; return the answer's status."""
    body = json.dumps([{"osdi:signature": {}}])
    answer = world.app.test_client().post(
        f"/webhooks/{world.keys['action_network']}", data=body, content_type="application/json"
    )
    return answer.status_code


@pytest.fixture
def nothing_remembered(monkeypatch):
    """Ask the database for each delivery: a source is remembered for a second otherwise."""
    monkeypatch.setattr("advocacy.ingestion.receive.KnownSources.remembered", lambda *_: {})


@pytest.mark.usefixtures("nothing_remembered")
def test_an_editor_switches_a_source_off_and_on_again(world, staff):
    assert posted(world) == 200
    form = {"name": "action_network", "state": "off"}
    assert staff.post("/sources/state", data=form).status_code == 303
    assert "disabled" in row_of(staff.get("/sources").text, "action_network")[0]
    unknown = world.app.test_client().post("/webhooks/src_unknown", data=b"[]")
    assert posted(world) == unknown.status_code == 401
    assert run("select count(*) from inbox")[0][0] == 1

    form["state"] = "on"
    assert staff.post("/sources/state", data=form).status_code == 303
    assert "disabled" not in row_of(staff.get("/sources").text, "action_network")[0]
    assert posted(world) == 200
    history = world.member("owner", "owner@example.org").get("/members").text
    assert "disabled the source action_network" in history
    assert "enabled the source action_network" in history


def test_earlier_deliveries_are_processed(world, staff):
    world.act("call", email="a@example.org")
    staff.post("/sources/state", data={"name": "standard", "state": "off"})
    world.drain()
    assert world.report().actions == 1


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 422),
        ({"name": "standard"}, 422),
        ({"name": "standard", "state": "gone"}, 422),
        ({"name": "nothing", "state": "off"}, 404),
        ({"name": "stan\0dard\u2028", "state": "off"}, 404),
    ],
)
def test_an_unknown_source_is_reported(world, staff, form, status):
    assert staff.post("/sources/state", data=form).status_code == status
    assert run("select count(*) from sources where disabled_at is not null")[0][0] == 0


def test_a_source_is_switched_by_its_own_editors_alone(world, app):
    other = World(app, "other")
    form = {"name": "standard", "state": "off"}
    reader = world.member("reader", "reader@example.org")
    assert reader.post("/sources/state", data=form).status_code in {302, 403}
    assert "Disable" not in reader.get("/sources").text
    away = {"Sec-Fetch-Site": "cross-site"}
    editor = other.member("editor", "ed@example.org")
    assert editor.post("/sources/state", data=form, headers=away).status_code == 403
    assert run("select count(*) from sources where disabled_at is not null")[0][0] == 0
    assert editor.post("/sources/state", data=form).status_code == 303
    (row,) = run("select org_id from sources where disabled_at is not null")
    assert row.org_id == other.org_id
