"""View links: a leader without an account sees one report, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from advocacy.storage import campaigns
from advocacy.storage import shared_reports as kept
from advocacy.storage.session import transaction
from advocacy.web.pages import shared_reports
from tests.support.shared_reports import PHONE, YESTERDAY, crowd, look, make
from tests.support.sql import run
from tests.support.world import World


@pytest.fixture
def editor(world):
    return world.member("editor")


@pytest.fixture
def shows_all(app, monkeypatch):
    """Round nothing, as an organization may choose."""
    every = replace(app.extensions["settings"], shared_rounding_base=0)
    monkeypatch.setitem(app.extensions, "settings", every)


def figures(page: str) -> list[str]:
    return re.findall(r"<dt>.*?</dd>", page, re.S)


def test_a_leader_sees_the_figures_of_the_campaign_page(world, editor, shows_all):
    click = world.click("instagram", at=YESTERDAY)
    gift = {"amount": "25.00", "currency": "USD"}
    world.act("donation", email="a@example.org", click_id=click, at=YESTERDAY, **gift)
    world.act("call", email="b@example.org", at=YESTERDAY)
    world.drain()
    path = make(editor, range="all", model="linear")
    page = look(world, path)
    assert page.status_code == 200
    own = editor.get("/campaigns/stay?model=linear").text
    shown = figures(page.text)
    assert shown == [
        "<dt>Supporters</dt><dd>2</dd>",
        "<dt>New</dt><dd>2</dd>",
        "<dt>Actions</dt><dd>2</dd>",
        "<dt>Net raised</dt><dd>$25</dd>",
    ]
    assert set(shown) < set(figures(own))
    # The links lead to pages that are for members; those to the post itself are for everybody.
    assert not re.findall(r'<a [^>]*href="/', page.text)
    assert "by the model “linear”" in page.text
    assert re.search(r'<p class="above">[^<]+</p><h1>[^<]+</h1>', page.text)


def test_changes_are_against_as_many_days_before(world, editor, shows_all):
    for number, days in enumerate((3, 4, 5, 33, 34)):
        person = {"email": f"{number}@example.org", "id": f"c{number}"}
        world.act("call", at=YESTERDAY - timedelta(days=days), **person)
    world.drain()
    page = look(world, make(editor, range="last", days="30")).text
    assert "3 people acted; 3 for the first time." in page
    assert "That is 50 % more than in the period before." in page
    assert re.search(r"<dt>Supporters</dt><dd>3</dd><dd class=.changed.>.*?\+50 %", page, re.S)


def test_it_has_no_links_and_is_not_indexed(world, editor):
    world.standard("{")
    world.act("call", email="a@example.org")
    world.drain()
    page = look(world, make(editor, range="all"))
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert '<meta name="robots" content="noindex, nofollow">' in page.text
    leads = re.findall(r'(?:href|action)="([^"]*)"', page.text)
    assert [each.partition("?")[0] for each in sorted(leads)] == [
        "#main",
        "/static/favicon.svg",
        "/static/style.css",
        "/static/vendor/uplot.css",
    ]
    assert "<form" not in page.text
    assert "advocacy " not in page.text
    assert "could not be read" not in page.text
    # It opens nothing else.
    client = world.app.test_client()
    client.get(page.request.path, headers=PHONE)
    assert client.get("/campaigns/stay").status_code == 302
    assert client.get("/api/v1/campaigns/stay/activation").status_code == 401


def test_what_is_shown_was_chosen_when_it_was_made(world, editor, shows_all):
    now = datetime.now(UTC)
    for days in (0, 1, 3, 40):
        world.act("call", email=f"{days}@example.org", at=now - timedelta(days=days))
    world.drain()
    first = (now - timedelta(days=45)).date().isoformat()
    last = (now - timedelta(days=35)).date().isoformat()
    for form, count in (
        ({"range": "all"}, 3),
        ({"range": "last", "days": "30"}, 2),
        ({"range": "last", "days": "2"}, 1),
        ({}, 2),
        ({"range": "fixed", "from": first, "to": last}, 1),
    ):
        path = make(editor, **form)
        for query in ("", "?from=2000-01-01", "?model=nothing&to=x"):
            shown = look(world, path + query).text
            assert f"<dt>Actions</dt><dd>{count}</dd>" in shown, (form, query)


@pytest.mark.parametrize("range_", ["last", "all", "fixed"])
def test_reopening_it_does_not_reveal_single_actions(world, editor, range_):
    """Neither one of today nor one of a day that is over and was told late; on the next day both
    may be there, among what a day brought."""
    crowd(world, 20)
    world.drain()
    first, last = ((YESTERDAY + timedelta(days=n)).date().isoformat() for n in (-9, 9))
    path = make(editor, range=range_, **{"from": first, "to": last})
    before = look(world, path).text
    assert "<dt>Actions</dt><dd>20</dd>" in before
    assert "As of " in before
    for number in range(5):
        gift = {"id": f"late{number}", "amount": "75", "currency": "USD", "at": YESTERDAY}
        world.act("donation", email=f"late{number}@example.org", **gift)
    world.act("call", email="b@example.org")
    world.drain()
    assert look(world, path).text == before
    with transaction() as session:
        session.execute(text("update view_links set shown_on = shown_on - 1"))
    assert "<dt>Actions</dt><dd>25</dd>" in look(world, path).text


def test_it_is_calculated_again_if_the_base_changed(world, editor, monkeypatch):
    crowd(world, 20)
    world.drain()
    path = make(editor, range="all")
    assert "<dt>Actions</dt><dd>20</dd>" in look(world, path).text
    fewer = replace(world.settings, shared_rounding_base=30)
    monkeypatch.setitem(world.app.extensions, "settings", fewer)
    assert re.search(r"<dt>Actions</dt><dd>(0|30)</dd>", look(world, path).text)


def test_a_snapshot_of_an_older_version_is_not_shown(world, editor, monkeypatch):
    """Its report may lack what pages need now."""
    crowd(world, 20)
    world.drain()
    path = make(editor, range="all")
    look(world, path)
    with transaction() as session:
        session.execute(text("update view_links set shown = shown #- '{report,posts}'"))
    monkeypatch.setattr(shared_reports, "_FORMAT", shared_reports._FORMAT + 1)
    shown = look(world, path)
    assert shown.status_code == 200
    assert "<dt>Actions</dt><dd>20</dd>" in shown.text


@pytest.mark.parametrize(
    "form",
    [
        {"range": "fixed", "from": "2026-05-02", "to": "2026-05-01"},
        {"range": "fixed", "from": "2999-01-01", "to": "2999-01-02"},
        {"range": "fixed", "from": "x", "to": ""},
        {"range": "last", "days": "0"},
        {"range": "last", "days": "-1"},
        {"range": "last", "days": "9" * 400},
        {"range": "last", "days": "many"},
        {"range": "sometimes"},
        {"lasts": "0"},
        {"lasts": "367"},
        {"lasts": "9" * 5000},
        {"model": "nothing"},
    ],
)
def test_invalid_parameters_are_refused(editor, form):
    answer = editor.post("/campaigns/stay/view-links", data=form)
    assert answer.status_code == 422
    assert "Choose completed days" in answer.text
    assert run("select count(*) from view_links")[0][0] == 0


@pytest.mark.parametrize(
    ("language", "days", "fixed"),
    [
        ("en", "the last N days", "from FIRST to LAST"),
        ("fr", "les N derniers jours", "du FIRST au LAST"),
        ("es", "los últimos N días", "desde FIRST hasta LAST"),
    ],
)
def test_the_form_says_its_days_in_a_whole_sentence_of_each_language(editor, language, days, fixed):
    page = editor.get("/campaigns/stay/view-links", headers={"Accept-Language": language}).text
    for field, word in (("days", "N"), ("from", "FIRST"), ("to", "LAST")):
        page = re.sub(f'<input name="{field}"[^>]*>', word, page)
    lines = [re.sub("<[^>]*>", "", line).strip() for line in page.splitlines()]
    assert days in lines
    assert fixed in lines
    assert '<label for="range-last">' in page


def test_it_expires_and_can_be_revoked(world, editor):
    path = make(editor, name="The board", lasts="7")
    (row,) = run("select id, expires_at - now() as lasts from view_links")
    assert timedelta(days=6) < row.lasts <= timedelta(days=7)
    with transaction() as session:
        session.execute(text("update view_links set expires_at = now() - interval '1 s'"))
    ended = look(world, path)
    assert ended.status_code == 404
    unknown = look(world, "/view/view_unknown")
    assert unknown.text == ended.text
    assert ended.headers["X-Robots-Tag"] == "noindex, nofollow"
    with transaction() as session:
        session.execute(text("update view_links set expires_at = now() + interval '1 h'"))
    assert look(world, path).status_code == 200
    withdraw = f"/campaigns/stay/view-links/{row.id}/withdraw"
    assert editor.post(withdraw).status_code == 302
    assert look(world, path).status_code == 404
    assert editor.post(withdraw).status_code == 404
    page = editor.get("/campaigns/stay/view-links").text
    assert "The board" in page and "revoked" in page
    told = [row.did for row in run("select did from audit order by at")]
    assert told[-2:] == ["view_link_made", "view_link_withdrawn"]


def test_its_token_is_stored_as_a_digest_and_shown_once(world, editor):
    word = make(editor).rpartition("/")[2]
    assert word not in editor.get("/campaigns/stay/view-links").text
    for table in ("view_links", "addresses", "audit"):
        kept = [row[0] for row in run(f"select to_jsonb(t)::text from {table} t")]
        assert kept
        assert word not in " ".join(kept)


def test_it_counts_how_often_people_opened_it(world, editor):
    path = make(editor)
    for _ in range(3):
        look(world, path)
    client = world.app.test_client()
    client.head(path, headers=PHONE)
    client.get(path, headers={"User-Agent": "Slackbot-LinkExpanding 1.0"})
    assert run("select opened from view_links")[0].opened == 3


def test_a_view_link_belongs_to_one_organization(app, shows_all):
    alice, bob = World(app, "alice"), World(app, "bob")
    ana, eve = (world.member("owner", f"{n}@example.org") for n, world in ((1, alice), (2, bob)))
    bob.act("call", email="a@example.org", at=YESTERDAY)
    bob.drain()
    assert "<dt>Actions</dt><dd>0</dd>" in look(alice, make(ana, range="all")).text
    assert "<dt>Actions</dt><dd>1</dd>" in look(bob, make(eve, range="all")).text
    (row,) = run("select id from view_links where org_id = :o", o=bob.org_id)
    refused = ana.post(f"/campaigns/stay/view-links/{row.id}/withdraw")
    assert refused.status_code == 404
    with transaction():
        campaigns.put_campaign(bob.org_id, "secret", "Secret", "UTC")
    assert ana.post("/campaigns/secret/view-links", data={}).status_code == 404


@pytest.mark.parametrize("language", ["en", "fr", "es"])
def test_restatements_are_shown_in_every_language(world, editor, language):
    for number in range(8):
        person = {"email": f"{number}@example.org", "at": YESTERDAY - timedelta(days=2)}
        world.act("call", id=f"c{number}", **person)
    world.drain()
    with transaction():
        run("update restatements set actions = 10 where org_id = :o", o=world.org_id)
    path = make(editor, range="all")
    page = world.app.test_client().get(path, headers={**PHONE, "Accept-Language": language})
    assert page.status_code == 200
    assert re.search(r'<div id="live-restated" data-live>\s*<details>', page.text)


def test_a_snapshot_from_before_midnight_does_not_replace_a_later_one(world, editor):
    make(editor)
    today = datetime.now(UTC).date()
    with transaction():
        (link,) = run("select id from view_links where org_id = :o", o=world.org_id)

        def keep(days_ago: int, words: str):
            day = today - timedelta(days=days_ago)
            written = json.dumps({"as": words, "words": words})
            return kept.put_snapshot(world.org_id, link.id, day, written)["words"]

        assert [keep(1, "first"), keep(0, "new"), keep(1, "late")] == ["first", "new", "new"]
