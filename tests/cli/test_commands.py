"""Commands without errors."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime

import click

from advocacy.cli import main
from advocacy.storage import tokens
from tests.support.deliveries import DELIVERIES
from tests.support.sql import run
from tests.support.world import World


def commands(group: click.Group, words: tuple[str, ...] = ()):
    """Yield every command with the words that lead to it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


EVERY = list(commands(main.main))


def test_help_has_an_example_of_this_very_command(operator):
    for words, command in EVERY:
        told = operator.does(*words, "--help")
        examples = re.findall(r"Example: +(.*)", told)
        assert examples, words
        # An option that is in the example and not in the command would teach a mistake.
        known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        for example in examples:
            assert f"advocacy {' '.join(words)}" in example
            assert set(re.findall(r"(?<!\S)--[a-z-]+", example)) <= known, example


def test_the_main_help_leads_to_a_first_link(operator):
    told = operator.does("--help")
    for line in ("org create", "campaign create", "post create", "link create"):
        assert f"advocacy {line}" in told
    for words, command in EVERY:
        if len(words) == 1:
            assert f"\n  {words[0]} " in told
        assert command.get_short_help_str()


def test_from_nothing_to_a_counted_action(operator, app):
    operator.does(
        "org", "create", "--slug", "Hope", "--name", "Hope Project", "--timezone", "America/Chicago"
    )
    assert operator.does("org", "list").splitlines()[1].split() == [
        "hope",
        "Hope",
        "Project",
        "America/Chicago",
    ]
    said = operator.does("org", "set", "--fallback-url", "https://hope.example/act")
    assert said == "fallback address of hope: https://hope.example/act\n"
    assert "https://hope.example/act" in operator.does("org", "list")
    said = operator.does("org", "set", "--fallback-url", "")
    assert said == "fallback address of hope: none\n"
    made = operator.does("campaign", "create", "--slug", "stay", "--name", "Stop it")
    assert made == "created campaign stay; time zone: America/Chicago\n"
    assert "Stop it" in operator.does("campaign", "list")

    post = operator.does(
        *("post", "create", "--campaign", "stay", "--platform", "Instagram"),
        *("--title", "Call today", "--url", "https://www.instagram.com/p/1"),
    ).strip()
    assert operator.does("post", "list", "--campaign", "stay").splitlines()[1].split()[:2] == [
        post,
        "instagram",
    ]
    link = operator.does(
        "link", "create", "--post", post, "--to", "https://actionnetwork.org/petitions/stay"
    ).strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/r/[a-z2-7]{12}", link)
    listed = operator.does("link", "list", "--campaign", "stay").splitlines()[1]
    assert listed.split() == [link, "action_network", "https://actionnetwork.org/petitions/stay"]

    hook = operator.does(
        "source", "create", "--provider", "action_network", "--name", "AN", "--campaign", "stay"
    )
    key = re.search(r"URL +http://127\.0\.0\.1:8000/webhooks/(src_\S+)", hook)
    assert key and "secret" not in hook
    assert operator.does("source", "list").splitlines()[1].split() == [
        "AN",
        "action_network",
        "secret_path",
        "US",
        "0",
    ]
    item = {
        "osdi:signature": {
            "identifiers": ["action_network:1"],
            "created_date": datetime.now(UTC).isoformat(),
            "action_network:referrer_data": {"source": link.rpartition("/")[2]},
            "person": {"email_addresses": [{"primary": True, "address": "a@example.org"}]},
        },
        "idempotency_key": "1",
    }
    answer = app.test_client().post(f"/webhooks/{key[1]}", data=json.dumps([item]))
    assert answer.status_code == 200
    assert operator.does("replay") == "0 processed again, 0 quarantined now\n"

    told = operator.does("report", "stay")
    assert "1 supporter activated: 1 new, 0 returning; 1 action\n" in told
    assert re.search(r"^Call today +instagram +0 +1 +1 +1 +signature 1$", told, re.MULTILINE)
    assert re.search(r"^code +1 +100%$", told, re.MULTILINE)
    found = json.loads(operator.does("report", "stay", "--json", "--from", "2026-01-01"))
    assert (found["actions"], found["from"]) == (1, "2026-01-01")


def test_links_have_the_parameters_of_their_tool(operator, world):
    for to, provider in {
        "https://actionnetwork.org/forms/a": "action_network",
        "https://secure.actblue.com/donate/a": "actblue",
        "https://notactblue.com/donate/a": "standard",
        "https://example.org/a": "standard",
    }.items():
        link = operator.does("link", "create", "--post", world.posts["x"], "--to", to).strip()
        rows = run("select * from links where code = :c", c=link.rpartition("/")[2])
        assert [row.provider for row in rows] == [provider]
        assert rows[0].utm["source"] == "x"
    link = operator.does(
        *("link", "create", "--post", world.posts["x"], "--to", "https://example.org/a"),
        *("--provider", "actblue", "--code", "Stay-Now", "--no-utm"),
    )
    assert link == "http://127.0.0.1:8000/r/staynow\n"
    (row,) = run("select provider, utm from links where code = 'staynow'")
    assert tuple(row) == ("actblue", {})


def test_money_has_the_decimals_of_its_currency(operator, world):
    for number, (amount, currency) in enumerate(
        [("1234.50", "USD"), ("5000", "JPY"), ("1.234", "KWD")]
    ):
        world.act("donation", f"m{number}", amount=amount, currency=currency)
    world.act("donation.refunded", "m9", id="m0", amount="34.50", currency="USD")
    world.drain()
    told = operator.does("report", "stay")
    assert "raised 1,200.00 USD: 1,234.50 USD given, 34.50 USD refunded" in told
    assert "raised 5,000 JPY: 5,000 JPY given, 0 JPY refunded" in told
    assert "raised 1.234 KWD:" in told
    assert "1.234 KWD, 5,000 JPY" in told or "5,000 JPY, 1.234 KWD" in told


def test_each_tool_gets_the_secret_that_it_needs(operator, world):
    def create(provider: str, *more: str) -> str:
        return operator.does(
            "source", "create", "--provider", provider, "--name", f"{provider} 2", *more
        )

    assert re.search(r"^secret  advocacy:pw_\S{43}$", create("actblue"), re.MULTILINE)
    assert re.search(r"^secret  whsec_\S{44}$", create("standard"), re.MULTILINE)
    assert "secret" not in create("action_network")
    # Stripe makes its secret itself: one of ours would never fit.
    told = create("stripe")
    assert "secret  none yet" in told
    assert "source rotate --name 'stripe 2' --secret" in told
    assert "Stripe" in operator.fails("source", "rotate", "--name", "stripe 2")
    operator.does("source", "rotate", "--name", "stripe 2", "--secret", "whsec_abc")


def test_a_rotated_secret_works_and_the_old_one_for_a_while(operator, world):
    body = json.dumps({"type": "call", "timestamp": "2026-05-01T12:00:00Z", "data": {}})
    told = operator.does("source", "rotate", "--name", "standard", "--hours", "1")
    new = told.split()[1]
    assert world.standard(body).status_code == 200
    assert world.standard(body, secret=new).status_code == 200
    newest = operator.does("source", "rotate", "--name", "standard", "--hours", "0").split()[1]
    time.sleep(1.1)  # The endpoint caches a source for a second.
    assert world.standard(body, secret=new).status_code == 401
    assert world.standard(body, secret=newest).status_code == 200


def test_a_token_is_shown_once_and_ends_when_revoked(operator, world):
    word = operator.does("token", "create", "--name", "Monday", "--scope", "admin").strip()
    assert re.fullmatch(r"aat_\S{43}", word)
    listed = operator.does("token", "list")
    assert word not in listed
    assert re.search(r"^Monday +admin +\d{4}-\d\d-\d\d +valid$", listed, re.MULTILINE)
    found = tokens.find_token(word)
    assert found is not None and found.scope == "admin"

    assert operator.does("token", "revoke", "--name", "Monday") == "token Monday is revoked\n"
    assert "revoked" in operator.does("token", "list")
    assert tokens.find_token(word) is None
    assert "no valid token" in operator.fails("token", "revoke", "--name", "Monday")


def test_replay_shows_and_tries_again(operator, world):
    world.standard("{", message_id="bad_1")
    world.standard('{"type": "dance"}', message_id="bad_2")
    world.drain()
    listed = operator.does("replay", "--list")
    assert re.search(r"standard +\d{4}-\d\d-\d\d \d\d:\d\d +not_json", listed)
    assert "unknown_kind" in listed
    assert run(f"select count(*) from {DELIVERIES} where status = 'quarantined'")[0][0] == 2

    assert operator.does("replay") == "2 processed again, 2 quarantined now\n"
    assert operator.does("replay", "--reason", "not_json").startswith("1 processed again, 2 ")
    (row,) = run("select id from inbox where external_id = 'bad_1'")
    assert operator.does("replay", "--id", row.id).startswith("1 processed again, 2 ")
    assert operator.does("replay", "--reason", "nothing").startswith("0 processed again, 2 ")


def test_rebuild_gives_the_same_numbers(operator, world):
    world.act("call", email="a@example.org", click_id=world.click("x"))
    world.act("donation", email="b@example.org", amount="5.00")
    world.drain()
    before = operator.does("report", "stay", "--json")
    run("delete from cell_news")
    world.app.extensions["sqlalchemy"].session.commit()
    assert operator.does("report", "stay", "--json") != before
    assert operator.does("rebuild") == "processed again: 2 deliveries\n"
    assert operator.does("report", "stay", "--json") == before


def test_erase_asks_first_and_keeps_the_counts(operator, world):
    world.act("call", email="a@example.org", click_id=world.click("x"))
    world.drain()
    refused = operator.says("erase", "--email", "a@example.org", answers="n\n")
    assert refused.exit_code == 1
    assert run("select count(*) from suppressed")[0][0] == 0
    told = operator.does("erase", "--email", "A@example.org", "--yes")
    assert told.startswith("1 action anonymized; deleted: 1 body, the visitor data of 1 click")
    assert "1 supporter activated" in operator.does("report", "stay")


def test_with_several_organizations_the_one_is_printed(operator, app):
    World(app, "alice").act("call", email="a@example.org")
    World(app, "bob")
    for words in (("campaign", "list"), ("report", "stay"), ("replay",), ("rebuild",)):
        assert operator.fails(*words) == "there are several organizations; choose one with --org"
    assert operator.does("replay", "--org", "alice")
    assert "; 1 action\n" in operator.does("report", "stay", "--org", "alice")
    assert "0 actions" in operator.does("report", "stay", "--org", "bob")
    assert "there is no organization carol" in operator.fails("report", "stay", "--org", "carol")


def test_a_source_and_a_link_are_disabled_and_enabled(operator, world):
    assert "is disabled" in operator.does("source", "disable", "--name", "standard")
    (line,) = (
        each for each in operator.does("source", "list").splitlines() if each.startswith("standard")
    )
    assert line.endswith("disabled")
    operator.does("source", "enable", "--name", "standard")
    assert "disabled" not in operator.does("source", "list")
    code = world.links["instagram"]
    operator.does("link", "disable", code)
    before = run("select changed_at from links where code = :c", c=code)[0][0]
    operator.does("link", "enable", f"https://act.example.org/r/{code}")
    row = run("select disabled_at, changed_at from links where code = :c", c=code)[0]
    assert row.disabled_at is None
    assert row.changed_at > before
    done = [tuple(each) for each in run("select did, what from audit order by at, id")]
    assert done == [
        ("source_disabled", "standard"),
        ("source_enabled", "standard"),
        ("link_disabled", code),
        ("link_enabled", code),
    ]


def test_disabling_an_unknown_name_is_an_error(operator, world):
    for state in ("disable", "enable"):
        assert "no source gone" in operator.fails("source", state, "--name", "gone")
        assert "no link gone" in operator.fails("link", state, "gone")
