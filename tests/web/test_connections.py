"""The pages of connections and quarantine: what they show, and what they must not show."""

from __future__ import annotations

import base64
import html
import json
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from advocacy.core.tabular.table import Row
from advocacy.ingestion import csv_import, drain
from advocacy.providers import mappings
from advocacy.storage import delivery_log, inbox, organizations, source_health, sources, tokens
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
    (row,) = (row for row in re.findall(r"<tr>(.*?)</tr>", page, re.S) if f">{name}</a> <" in row)
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
    return [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in cells]


# Sources.


def test_each_source_shows_its_health(world, staff):
    world.act("call", "m1", email="a@example.org")
    world.drain()
    unread(world, "{", "[1]")
    world.act("call", "m2", email="b@example.org")
    page = staff.get("/connections").text
    name, newest, of_a_day, waiting, quarantined, _codes = row_of(page, "standard")
    assert name == "standard Standard Webhooks, Stay"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", newest)
    assert (of_a_day, waiting, quarantined) == ("4", "1", "2")
    tool = f"/connections/{world.sources['standard']}"
    assert f'href="{tool}?outcome=quarantined"' in page
    assert staff.get(f"{tool}?outcome=quarantined").text.count('name="id"') == 2
    assert row_of(page, "actblue")[1:5] == ["none in 30 days", "0", "0", "0"]


def test_unreadable_contacts_are_shown_at_their_source(world, staff):
    for number, email in enumerate(
        ("ana at example", "b@example.org, c@example.org", "d@example.org", "n/a")
    ):
        world.act("call", f"m{number}", email=email)
    world.act("call", "m9", phone="555-0123")
    world.drain()
    assert unread_of(world) == {"standard": 3}
    assert row_of(staff.get("/connections").text, "standard")[0].endswith(
        "3 actions in 7 days have email addresses or phone numbers that could not be read"
    )
    assert "cannot be read" not in row_of(staff.get("/connections").text, "actblue")[0]
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
    assert row_of(staff.get("/connections").text, "action_network")[2:5] == ["0", "0", "0"]


def test_the_alarm_names_the_source_that_lost_its_codes(world, staff, monkeypatch):
    monkeypatch.setattr(
        "advocacy.web.pages.connections.totals.carried_codes",
        lambda *_: [("actblue", "actblue", 40, 0, 400, 300)],
    )
    cells = row_of(staff.get("/connections").text, "actblue")
    assert cells[5].startswith("No longer returned. 75% of its actions carried our code")
    assert "refcode" in cells[5]
    assert "Stopped" not in row_of(staff.get("/connections").text, "standard")[5]


def test_keys_and_secrets_are_on_no_page(world, staff):
    for path in ("/connections", f"/connections/{world.sources['standard']}"):
        page = staff.get(path).text
        for secret in (*world.keys.values(), world.secret, world.login):
            assert secret not in page


def test_without_a_source_it_says_how_to_connect_one(app):
    with transaction():
        org = organizations.put_organization("new", "New", "UTC")
        _, word = tokens.put_token(org.id, "t", "reports", datetime(2999, 1, 1, tzinfo=UTC))
    client = app.test_client()
    client.post("/sign-in", data={"token": word})
    assert "No tool is connected yet" in client.get("/connections").text
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
    assert row_of(client.get("/connections").text, "standard")[4] == "0"


def test_a_form_of_another_site_tries_nothing(world, staff):
    unread(world, "{")
    answer = staff.post(
        "/quarantine/replay", data={"all": "yes"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert inbox.counts(world.org_id)["quarantined"] == 1


# Connecting a tool.


@pytest.fixture
def nothing_remembered(monkeypatch):
    """Ask the database for each delivery: a source is remembered for a second otherwise."""
    monkeypatch.setattr("advocacy.ingestion.receive.KnownSources.remembered", lambda *_: {})


def tool_page(client, name: str) -> str:
    """Return the address of the page of a tool."""
    (found,) = re.findall(rf'href="(/connections/[0-9a-f-]+)">{name}</a>', client.get(LIST).text)
    return found


LIST = "/connections"


def copied(page: str) -> dict[str, str]:
    """Return what the page offers to copy, by its label."""
    return dict(re.findall(r"<dt>([^<]+)</dt><dd><code>([^<]+)</code> <button[^>]*data-copy", page))


def test_the_former_address_leads_on(staff):
    answer = staff.get("/sources")
    assert (answer.status_code, answer.headers["Location"]) == (301, LIST)


@pytest.mark.usefixtures("nothing_remembered")
def test_a_tool_is_connected_in_the_browser_and_its_delivery_arrives(world, staff):
    assert 'href="/connections/new/actblue"' in staff.get(LIST).text
    assert 'name="campaign"' in staff.get("/connections/new/actblue").text
    page = staff.post("/connections/new/actblue", data={"name": "Gifts", "campaign": "stay"}).text
    shown = copied(page)
    assert shown["Address"].startswith("http://127.0.0.1:8000/webhooks/src_")
    assert shown["User name"] == "advocacy" and shown["Password"].startswith("pw_")
    assert "In ActBlue, open the dashboard" in page and "Waiting for the first delivery" in page

    address = tool_page(staff, "Gifts")
    again = staff.get(address).text
    assert shown["Password"] not in again and shown["Address"] not in again
    assert staff.get(f"{address}/live").json == {"real": False, "test": False}
    login = base64.b64encode(f"advocacy:{shown['Password']}".encode()).decode()
    answer = world.app.test_client().post(
        urlsplit(shown["Address"]).path, data=b"{}", headers={"Authorization": f"Basic {login}"}
    )
    assert answer.status_code == 200
    assert staff.get(f"{address}/live").json == {"real": True, "test": False}
    assert "Received: the tool is connected." in staff.get(address).text
    history = world.member("owner", "owner@example.org").get("/members").text
    assert "connected the tool Gifts" in history


def test_every_tile_leads_to_a_form_and_connects(world, staff):
    paths = re.findall(r'href="(/connections/new/[a-z_]+)"', staff.get(LIST).text)
    assert len(paths) == len(set(paths)) == 14
    for path in paths:
        assert staff.get(path).status_code == 200
        form = {"name": f"new {path}", "mapping": json.dumps(mappings.get("donorbox"))}
        page = staff.post(path, data=form).text
        assert "Address" in copied(page) and "What to do in the tool" in page
    assert len(run("select id from sources")) == 3 + 14


@pytest.mark.parametrize(
    ("tool", "form", "status", "said"),
    [
        ("actblue", {"name": "standard"}, 409, "There is already a tool standard."),
        ("actblue", {"name": "n" * 101}, 422, "Enter a name of at most 100"),
        ("actblue", {"name": "x", "campaign": "none"}, 422, "Choose a campaign"),
        ("actblue", {"name": "x", "region": "XX"}, 422, "Choose a country"),
        ("own", {"name": "x", "mapping": "{"}, 422, "is not valid JSON"),
        ("own", {"name": "x", "mapping": "{}"}, 422, "The mapping has errors"),
        ("nothing", {"name": "x"}, 404, "There is no such tool."),
    ],
)
def test_a_wrong_form_connects_nothing(world, staff, tool, form, status, said):
    answer = staff.post(f"/connections/new/{tool}", data=form)
    assert answer.status_code == status
    assert said.lower() in html.unescape(answer.text).lower()
    assert len(run("select id from sources")) == 3


# Changing a tool.


@pytest.mark.usefixtures("nothing_remembered")
def test_a_secret_is_rotated_and_the_one_before_works_for_a_day(world, staff):
    page = staff.post(f"{tool_page(staff, 'standard')}/rotate").text
    new = html.unescape(copied(page)["Secret"])
    assert new.startswith("whsec_") and new != world.secret
    for secret in (world.secret, new):
        assert world.standard("{}", secret=secret).status_code == 200
    with transaction():
        run("update source_secrets set valid_until = now() where valid_until is not null")
    assert world.standard("{}", secret=world.secret).status_code == 401
    assert world.standard("{}", secret=new).status_code == 200


def test_a_secret_that_the_tool_shows_is_stored(world, staff):
    staff.post("/connections/new/stripe", data={"name": "Stripe"})
    address = tool_page(staff, "Stripe")
    assert "Secret that the tool shows" in staff.get(address).text
    answer = staff.post(f"{address}/rotate")
    assert answer.status_code == 422 and "that Stripe shows" in answer.text
    answer = staff.post(f"{address}/rotate", data={"secret": "whsec_abc"})
    assert answer.status_code == 303
    assert "whsec_abc" not in staff.get(answer.headers["Location"]).text


@pytest.mark.usefixtures("nothing_remembered")
def test_a_new_address_replaces_the_one_before(world, staff):
    page = staff.post(f"{tool_page(staff, 'action_network')}/address").text
    new = urlsplit(copied(page)["Address"]).path
    client = world.app.test_client()
    assert client.post(f"/webhooks/{world.keys['action_network']}", data=b"[]").status_code == 401
    assert client.post(new, data=b"[]").status_code == 200


@pytest.mark.usefixtures("nothing_remembered")
def test_a_tool_is_paused_and_resumed(world, staff):
    assert posted(world) == 200
    address = tool_page(staff, "action_network")
    assert staff.post(f"{address}/state", data={"state": "off"}).status_code == 303
    assert "paused" in row_of(staff.get(LIST).text, "action_network")[0]
    unknown = world.app.test_client().post("/webhooks/src_unknown", data=b"[]")
    assert posted(world) == unknown.status_code == 401
    assert run("select count(*) from inbox")[0][0] == 1
    assert staff.post(f"{address}/state", data={"state": "on"}).status_code == 303
    assert "paused" not in row_of(staff.get(LIST).text, "action_network")[0]
    assert posted(world) == 200
    assert staff.post(f"{address}/state", data={"state": "gone"}).status_code == 422
    history = world.member("owner", "owner@example.org").get("/members").text
    assert "paused the tool action_network" in history
    assert "resumed the tool action_network" in history


def posted(world) -> int:
    """Send a delivery to the source of Action Network; return the answer's status."""
    body = json.dumps([{"osdi:signature": {}}])
    answer = world.app.test_client().post(
        f"/webhooks/{world.keys['action_network']}", data=body, content_type="application/json"
    )
    return answer.status_code


def test_earlier_deliveries_are_processed(world, staff):
    world.act("call", email="a@example.org")
    staff.post(f"{tool_page(staff, 'standard')}/state", data={"state": "off"})
    world.drain()
    assert world.report().actions == 1


def test_a_tool_is_renamed(world, staff):
    address = tool_page(staff, "standard")
    assert staff.post(f"{address}/rename", data={"name": " Our  page "}).status_code == 303
    assert tool_page(staff, "Our page") == address
    assert staff.post(f"{address}/rename", data={"name": "actblue"}).status_code == 409
    assert staff.post(f"{address}/rename", data={"name": " \0"}).status_code == 422
    assert tool_page(staff, "Our page") == address


@pytest.mark.usefixtures("nothing_remembered")
def test_a_tool_without_deliveries_is_deleted(world, staff):
    answer = staff.post(f"{tool_page(staff, 'actblue')}/remove")
    assert "actblue was removed" in staff.get(answer.headers["Location"]).text
    assert {row.name for row in run("select name from sources")} == {"standard", "action_network"}
    assert len(run("select word from addresses where kind = 'source'")) == 2


@pytest.mark.usefixtures("nothing_remembered")
def test_a_tool_with_deliveries_is_archived_and_what_it_brought_stays_counted(world, staff):
    world.act("call", email="a@example.org")
    world.drain()
    address = tool_page(staff, "standard")
    assert staff.post(f"{address}/remove").status_code == 303
    assert ">standard</a>" not in staff.get(LIST).text
    assert staff.get(address).status_code == 404
    assert world.act("call", email="b@example.org").status_code == 401
    assert world.report().actions == 1
    drain.rebuild(world.settings, world.org_id)
    assert world.report().actions == 1
    # Its name can be used again.
    page = staff.post("/connections/new/standard", data={"name": "standard"})
    assert page.status_code == 200


CHANGES = ("test", "rotate", "address", "state", "rename", "remove")


@pytest.mark.parametrize("change", CHANGES)
def test_a_tool_is_changed_by_its_own_editors_alone(world, app, change):
    other = World(app, "other")
    path = f"/connections/{world.sources['standard']}/{change}"
    form = {"state": "off", "name": "taken over"}
    before = run("select * from sources order by id"), run("select * from addresses order by word")
    assert world.member("reader").post(path, data=form).status_code == 403
    stranger = other.member("owner", "ed@example.org")
    assert stranger.post(path, data=form).status_code == 404
    away = {"Sec-Fetch-Site": "cross-site"}
    editor = world.member("editor", "own@example.org")
    assert editor.post(path, data=form, headers=away).status_code == 403
    after = run("select * from sources order by id"), run("select * from addresses order by word")
    kept = [row for row in after[1] if row.kind == "source"]
    assert after[0] == before[0] and kept == [row for row in before[1] if row.kind == "source"]
    for what in ("", "/live"):
        assert stranger.get(f"/connections/{world.sources['standard']}{what}").status_code == 404


# The log.


def log_of(client, world, name: str, outcome: str = "") -> list[list[str]]:
    """Return the rows of a tool's log as texts, without the time."""
    world.app.extensions["refused_requests"].flush()
    page = client.get(f"/connections/{world.sources[name]}?outcome={outcome}").text
    table = page[page.index('id="log"') : page.index('id="change"')]
    table = table.replace('<span class="below why">', "</td><td>")
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.S)[1:]
    return [
        [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in re.findall(CELL, row, re.S)]
        for row in rows
    ]


CELL = r"<td[^>]*>(.*?)</td>"


def test_the_log_has_stored_pending_quarantined_and_refused_requests(world, staff):
    world.act("call", "m1", email=CANARY)
    unread(world, "{")
    world.act("letter", "m2")
    assert world.standard("{}", secret="whsec_" + "B" * 40).status_code == 401
    rows = log_of(staff, world, "standard")
    assert [row[0] for row in rows] == ["refused", "pending", "could not be read", "processed"]
    assert [row[2] for row in rows] == ["", "", "", "call"]
    assert rows[0][1].startswith("The signature does not match.")
    assert rows[2][1].startswith("Not valid JSON.") and rows[2][3].startswith("Retry")
    assert [row[0] for row in log_of(staff, world, "standard", "refused")] == ["refused"]
    assert len(log_of(staff, world, "standard", "quarantined")) == 1
    assert log_of(staff, world, "actblue") == []
    assert CANARY not in staff.get(f"/connections/{world.sources['standard']}").text


def test_the_page_says_how_often_the_code_came_back(world, staff):
    page = f"/connections/{world.sources['standard']}"
    assert "Our code came back" not in staff.get(page).text
    for number in range(4):
        carried = {"code": world.links["x"]} if number else {}
        world.act("call", id=f"c{number}", email=f"p{number}@example.org", **carried)
    world.drain()
    text = html.unescape(staff.get(page).text).replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"Our code came back with 75 ?% of its actions in the last \d+ days", text)
    assert re.search(r"Last delivery: \d{4}-\d\d-\d\d \d\d:\d\d", text)


def test_a_delivery_is_replayed_from_the_log(world, staff):
    unread(world, "{")
    (row,) = run("select id from inbox")
    source = world.sources["standard"]
    form = {"id": str(row.id), "connection": str(source)}
    answer = staff.post("/quarantine/replay", data=form)
    assert answer.headers["Location"] == f"/connections/{source}?tried=1"
    assert [row[0] for row in log_of(staff, world, "standard")] == ["pending"]


@pytest.mark.usefixtures("nothing_remembered")
def test_refusals_before_verification_are_logged_too(world, staff):
    client, path = world.app.test_client(), f"/webhooks/{world.keys['standard']}"
    client.post(path, data=b"{}", headers={"Content-Encoding": "gzip"})
    limit = world.settings.body_limit_bytes
    client.post(path, data=b"{" * (limit + 1))
    with transaction():
        sources.disable_source(world.org_id, "standard", datetime.now(UTC))
    client.post(path, data=b"{}")
    client.post("/webhooks/src_unknown", data=b"{}")
    assert [row[1].split(".")[0] for row in log_of(staff, world, "standard")] == [
        "The tool was paused here",
        "It is larger than anything this tool sends",
        "It was compressed",
    ]
    assert len(run("select id from refused_requests")) == 3


def test_a_flood_leaves_few_rows_and_no_more_than_are_kept(world):
    refused = world.app.extensions["refused_requests"]
    for _ in range(50):
        refused.note(world.keys["standard"], "bad_signature")
        refused.note("src_unknown", "unknown_source")
    refused.flush()
    assert len(run("select id from refused_requests")) == 5
    source = world.sources["standard"]
    for _ in range(3):
        with transaction():
            at = datetime.now(UTC)
            delivery_log.put_refused(world.org_id, [(source, "bad_signature", at)] * 100)
    assert len(run("select id from refused_requests")) == delivery_log.KEPT
    assert len(delivery_log.read_log(world.org_id, source)) == delivery_log.KEPT


def test_what_cannot_be_stored_is_dropped_and_the_answer_is_the_same(world, monkeypatch):
    def fail(*_):
        raise RuntimeError("the database is away")

    monkeypatch.setattr(delivery_log, "put_refused", fail)
    assert world.standard("{}", secret="whsec_" + "B" * 40).status_code == 401
    world.app.extensions["refused_requests"].flush()
    assert run("select id from refused_requests") == []
