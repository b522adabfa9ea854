"""The first run: setting up an empty installation in the browser, the checklist, example data."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import pytest

from advocacy.cli.dev import up
from advocacy.ingestion import example
from advocacy.storage import email_outbox, organizations
from advocacy.storage.db import db
from advocacy.storage.session import transaction
from advocacy.web import setup_key
from tests.support.sql import run
from tests.support.world import PASSWORD, World

WHO = {
    "organization": "Clean Water Alliance",
    "name": "Ana",
    "email": "ana@example.org",
    "password": PASSWORD,
    "timezone": "America/Chicago",
}


@pytest.fixture
def settings_(app):
    return app.extensions["settings"]


def key_of(settings) -> str:
    return setup_key.setup_url(settings).partition("key=")[2]


def test_the_printed_address_is_the_only_line_but_how_to_stop(app, tmp_path):
    greeting = up._greeting(app, tmp_path, demo=False)
    assert re.fullmatch(
        r"\nset up {9}http://\S+/setup\?key=\S+  \(works once, within an hour\)\n"
        r"(PDF files .*\n)?stop           Ctrl-C\n",
        greeting,
    )
    assert organizations.list_organizations() == [], "nothing is seeded unasked"
    World(app).member("owner")
    assert "/setup" not in up._greeting(app, tmp_path, demo=False)


def test_demo_data_of_up_is_seeded_on_request(app, tmp_path):
    greeting = up._greeting(app, tmp_path, demo=True)
    assert "tracking link" in greeting and "token" in greeting
    assert [each.slug for each in organizations.list_organizations()] == ["demo"]


def test_an_empty_installation_is_set_up_in_five_steps(app, settings_):
    client, key = app.test_client(), key_of(settings_)
    page = client.get(f"/setup?key={key}").text
    assert "data-guess" in page and 'name="organization"' in page
    answer = client.post("/setup", data={"key": key, **WHO})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/setup/campaign")
    (org,) = organizations.list_organizations()
    assert (org.slug, org.name, org.timezone) == (
        "clean-water-alliance", "Clean Water Alliance", "America/Chicago"
    )  # fmt: skip
    assert [(row.email, row.role) for row in run("select email, role from members")] == [
        ("ana@example.org", "owner")
    ]
    assert "Days begin in America/Chicago" in client.get("/setup/campaign").text
    answer = client.post("/setup/campaign", data={"name": "Save the river"})
    assert answer.headers["Location"] == "/setup/tool"
    page = client.get("/setup/tool").text
    assert "/connections/new/action_network?first-run=yes" in page
    page = client.post("/connections/new/action_network?first-run=yes", data={"name": "AN"}).text
    assert 'href="/setup/link"' in page
    answer = client.post(
        "/setup/link",
        data={
            "campaign": "save-the-river",
            "destination": "https://actionnetwork.org/petitions/river",
            "platform": "instagram",
            "title": "Sign today",
        },
    )
    assert answer.status_code == 303
    assert re.search(r"<code>http://127.0.0.1:8000/r/\w+</code>", client.get(answer.location).text)
    page = client.get("/").text
    assert page.count('class="done"') == 2
    assert "First click on a link" in page and "See an example" in page


@pytest.mark.parametrize("key", ["", "x", "InNldHVwIg.x.y"])
def test_without_a_valid_key_nothing_is_made(app, key):
    client = app.test_client()
    assert client.get(f"/setup?key={key}").status_code == 404
    assert client.post("/setup", data={"key": key, **WHO}).status_code == 404
    assert organizations.list_organizations() == []


def test_a_key_expires_after_an_hour(app, settings_, monkeypatch):
    key = key_of(settings_)
    assert setup_key.is_setup_key(settings_, key)
    later = datetime.now(UTC) + timedelta(seconds=setup_key.VALID_SECONDS + 2)
    monkeypatch.setattr("itsdangerous.timed.time.time", later.timestamp)
    assert not setup_key.is_setup_key(settings_, key)


def test_the_address_works_once(app, settings_):
    key = key_of(settings_)
    app.test_client().post("/setup", data={"key": key, **WHO})
    other = app.test_client()
    assert other.get(f"/setup?key={key}").status_code == 302
    answer = other.post("/setup", data={"key": key, **WHO, "email": "eve@example.org"})
    assert answer.headers["Location"] == "/sign-in"
    assert len(run("select id from members")) == 1
    assert "Ana" not in other.get("/").text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"organization": " "}, "Enter the name of your organization."),
        ({"password": "sh0rt-pw"}, "Use at least 12 characters"),
        ({"email": "ana"}, "This is not a valid email address."),
        ({"timezone": "Mars"}, "Choose a time zone from the list."),
    ],
)
def test_a_wrong_form_makes_nothing_and_keeps_what_was_written(app, settings_, changed, said):
    form = {"key": key_of(settings_), **WHO, **changed}
    answer = app.test_client().post("/setup", data=form)
    assert answer.status_code == 422
    assert said in answer.text and 'value="Ana"' in answer.text
    assert form["password"] not in answer.text
    assert organizations.list_organizations() == []


def test_an_organization_made_by_command_is_taken_up(app, settings_):
    with transaction():
        organizations.put_organization("hope", "Hope", "Europe/Berlin")
    client, key = app.test_client(), key_of(settings_)
    page = client.get(f"/setup?key={key}").text
    assert 'value="Hope"' in page and "<option selected>Europe/Berlin</option>" in page
    client.post("/setup", data={"key": key, **WHO, "organization": "Hope"})
    assert [each.slug for each in organizations.list_organizations()] == ["hope"]


# The checklist.


def test_the_checklist_stays_until_it_is_done(world):
    editor = world.member("editor")
    assert editor.get("/").text.count('class="done"') == 2
    assert 'id="checklist"' not in world.member("reader").get("/").text
    world.act("call", click_id=world.click("x"), email="a@example.org")
    world.drain()
    assert editor.get("/").text.count('class="done"') == 4
    with transaction():
        email_outbox.put_subscription(
            world.org_id,
            email_outbox.NewSubscription(
                "weekly", "lead@example.org", None, 0, None, time(8), "en"
            ),
        )
    assert 'id="checklist"' not in editor.get("/").text


# Example data.


@pytest.fixture
def small_example(monkeypatch):
    monkeypatch.setattr(example, "_ACTIONS", 60)


def rows_of(org_id) -> dict[str, int]:
    """Return how many rows of each table belong to an organization."""
    return {
        table.name: run(f'select count(*) from "{table.name}" where org_id = :o', o=org_id)[0][0]
        for table in db.metadata.sorted_tables
        if "org_id" in table.columns
    }


@pytest.mark.usefixtures("small_example")
def test_example_data_is_shown_on_request_and_removed_with_one_click(world):
    owner = world.member("owner")
    before = rows_of(world.org_id)
    page = owner.post("/example", data={"make": "yes"}, follow_redirects=True).text
    assert 'id="example"' in page and "Example data" in page and 'id="checklist"' not in page
    (made,) = run("select id from organizations where name = 'Example data'")
    assert rows_of(made.id)["actions"] == 60
    # Back, and there again: it is made once.
    page = owner.post("/example/leave", data={"back": "yes"}, follow_redirects=True).text
    assert 'id="example"' not in page and "Stay" in page
    owner.post("/example", data={"make": "yes"}, follow_redirects=True)
    assert len(organizations.list_organizations()) == 2

    page = owner.post("/example/leave", data={"remove": "yes"}, follow_redirects=True).text
    assert 'id="checklist"' in page and "Stay" in page
    assert [each.id for each in organizations.list_organizations()] == [world.org_id]
    assert set(rows_of(made.id).values()) == {0}
    after = rows_of(world.org_id)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"sessions", "addresses", "audit"}


@pytest.mark.usefixtures("small_example")
def test_a_real_organization_is_never_removed(world):
    owner = world.member("owner")
    assert owner.post("/example/leave", data={"remove": "yes"}).status_code == 404
    with pytest.raises(ValueError, match="only example data"):
        example.remove_example(organizations.get_organization("hope"))
    assert world.member("editor").post("/example", data={"make": "yes"}).status_code == 403
    assert len(organizations.list_organizations()) == 1


@pytest.mark.usefixtures("small_example")
def test_only_who_came_from_there_returns_to_the_real_organization(world):
    """Members of the example are not those of the organization, whatever their address is."""
    owner = world.member("owner", "ana@example.org")
    world.member("owner", "bea@example.org")
    owner.post("/example", data={"make": "yes"})
    invited = owner.post("/members", data={"email": "bea@example.org", "role": "owner"}).text
    (link,) = re.findall(r"http://[^/]+(/set-password/[\w-]+)", invited)[:1]
    pretender = world.app.test_client()
    pretender.post(link, data={"password": PASSWORD})
    assert 'id="example"' in pretender.get("/").text
    answer = pretender.post("/example/leave", data={"back": "yes"})
    assert answer.headers["Location"] == "/sign-in"
    assert pretender.get("/account").status_code == 302
    # And for who came from there it ends with their sessions.
    with transaction():
        run("delete from sessions where org_id = :o", o=world.org_id)
    answer = owner.post("/example/leave", data={"back": "yes"})
    assert answer.headers["Location"] == "/sign-in"


@pytest.mark.usefixtures("small_example")
def test_signing_out_of_the_example_signs_out_of_the_organization(world):
    owner = world.member("owner")
    owner.post("/example", data={"make": "yes"})
    owner.post("/sign-out")
    assert run("select member_id from sessions") == []


def test_an_example_that_could_not_be_made_leaves_nothing(world, monkeypatch):
    from advocacy.ingestion import sample_rows

    def fail(*_):
        raise RuntimeError("the database went away")

    monkeypatch.setattr(sample_rows, "put_actions", fail)
    with pytest.raises(RuntimeError):
        example.put_example(world.settings, world.org_id)
    assert [each.slug for each in organizations.list_organizations()] == ["hope"]
