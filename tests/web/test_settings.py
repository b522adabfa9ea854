"""The settings of an organization, and the pages to edit campaigns and posts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from advocacy.reporting.webhooks import outbox
from advocacy.storage import organizations
from advocacy.storage.session import transaction
from tests.support.api import bearer
from tests.support.sql import run

ORGANIZATION = {"name": "The Hope Project", "rounding_base": "10"}
WEBHOOK = {
    "name": "Our CRM",
    "form": "standard",
    "url": "https://crm.example.org/hook",
    "events": ["surge.noticed", "report.weekly"],
}


@pytest.fixture
def owner(world):
    return world.member("owner")


@pytest.fixture
def editor(world):
    return world.member("editor")


# The organization.


def test_an_owner_renames_the_organization_and_rounds_coarser(world, owner):
    assert owner.post("/settings", data=ORGANIZATION).status_code == 303
    page = owner.get("/settings?done=organization").text
    assert "The Hope Project" in page and "The settings are saved." in page
    with transaction():
        assert organizations.rounding_base(world.org_id, 5) == 10
        assert organizations.rounding_base(world.org_id, 20) == 20
    assert [row.did for row in run("select did from audit order by at desc limit 1")] == [
        "organization_changed"
    ]


def test_view_links_are_rounded_to_the_base_of_the_organization(world, owner, editor):
    for n in range(23):
        world.act("signature", email=f"p{n}@example.org")
    world.drain()
    form = {"name": "", "model": "last_touch", "days": "7"}
    made = editor.post("/campaigns/stay/view-links", data=form, follow_redirects=True).text
    (path,) = set(re.findall(r"/view/[\w-]+", made))
    owner.post("/settings", data={**ORGANIZATION, "rounding_base": "100"})
    shown = world.app.test_client().get(path).text
    assert re.search(r"multiples? of 100|nearest 100|\b100\b", shown)
    assert not re.search(r"\b2[05]\b signatures", shown)


@pytest.mark.parametrize(
    "change",
    [{"name": " "}, {"name": "n" * 201}, *({"rounding_base": n} for n in ("4", "1001", "x", ""))],
)
def test_wrong_settings_are_refused_and_change_nothing(world, owner, change):
    answer = owner.post("/settings", data={**ORGANIZATION, **change})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    (row,) = run("select name, rounding_base from organizations")
    assert (row.name, row.rounding_base) == ("Hope", 0)


# API tokens.


def test_a_token_is_made_shown_once_used_and_revoked(world, owner):
    made = owner.post("/settings/tokens", data={"name": "Zapier", "scope": "write", "days": "90"})
    (word,) = set(re.findall(r"aat_[\w-]+", made.text))
    client = world.app.test_client()
    assert client.post("/api/v1/campaigns", headers=bearer(word), json={}).status_code == 422
    page = owner.get("/settings").text
    assert "Zapier" in page and word not in page
    (row,) = run("select id, scope, expires_at from tokens")
    assert row.scope == "write"
    assert timedelta(days=89) < row.expires_at - datetime.now(UTC) <= timedelta(days=90)
    assert owner.post(f"/settings/tokens/{row.id}/revoke").status_code == 303
    assert client.get("/api/v1/campaigns", headers=bearer(word)).status_code == 401
    assert "Zapier" not in owner.get("/settings").text


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"scope": "root"}, {"days": "99999"}, {"days": ""}]
)
def test_a_wrong_token_is_refused(owner, change):
    form = {"name": "Zapier", "scope": "write", "days": "90", **change}
    assert owner.post("/settings/tokens", data=form).status_code == 422
    assert run("select id from tokens") == []


# Outgoing webhooks.


def test_a_webhook_is_made_tried_disabled_and_removed(world, owner):
    made = owner.post("/settings/webhooks", data=WEBHOOK)
    assert re.search(r"whsec_[\w+/=]+", made.text)
    page = owner.get("/settings").text
    assert "crm.example.org" in page and "whsec_" not in page and "/hook" not in page
    (row,) = run("select id from outgoing_webhooks")
    path = f"/settings/webhooks/{row.id}"
    assert owner.post(f"{path}/test").status_code == 303
    assert [each.event for each in run("select event from outgoing_messages")] == ["webhook.test"]
    outbox.send_due(world.settings, world.org_id)
    assert "no connection" in owner.get("/settings").text
    owner.post(f"{path}/off")
    assert "disabled" in owner.get("/settings").text
    owner.post(f"{path}/on")
    assert run("select disabled_at from outgoing_webhooks")[0].disabled_at is None
    owner.post(f"{path}/remove")
    assert run("select id from outgoing_webhooks") == []


@pytest.mark.parametrize(
    "change",
    [{"url": "http://crm.example.org/"}, {"events": []}, {"form": "fax"}, {"name": ""}],
)
def test_a_wrong_webhook_is_refused(owner, change):
    answer = owner.post("/settings/webhooks", data={**WEBHOOK, **change})
    assert answer.status_code == 422
    assert run("select id from outgoing_webhooks") == []


# Campaigns and posts.


def test_an_editor_renames_archives_and_restores_a_campaign(editor):
    assert editor.post("/campaigns/stay/edit", data={"name": "Stay put"}).status_code == 303
    assert "Stay put" in editor.get("/").text
    editor.post("/campaigns/stay/archive")
    assert 'href="/campaigns/stay"' not in editor.get("/goals").text
    assert "archived" in editor.get("/campaigns/stay/edit").text
    editor.post("/campaigns/stay/restore")
    assert 'href="/campaigns/stay"' in editor.get("/goals").text
    assert editor.post("/campaigns/stay/edit", data={"name": ""}).status_code == 422


def form_of(world, **change: str) -> dict[str, str]:
    return {
        "title": "The oldest beech",
        "url": "https://x.com/hope/status/1",
        "published": "2026-05-01T23:30",
        "medium": "video",
        "author": "Ana",
        **change,
    }


def test_an_editor_changes_a_post_on_the_campaigns_clock(world, editor):
    path = f"/campaigns/stay/posts/{world.posts['x']}/edit"
    assert 'value="On x"' in editor.get(path).text
    assert editor.post(path, data=form_of(world)).status_code == 303
    (row,) = run("select * from posts where id = :id", id=world.posts["x"])
    assert (row.title, row.url, row.medium, row.author) == (
        "The oldest beech",
        "https://x.com/hope/status/1",
        "video",
        "Ana",
    )
    assert row.published_at == datetime(2026, 5, 2, 3, 30, tzinfo=UTC)
    assert 'value="2026-05-01T23:30"' in editor.get(path).text


def test_the_time_of_a_post_stays_when_only_its_title_changes(world, editor):
    path = f"/campaigns/stay/posts/{world.posts['x']}/edit"
    (before,) = run("select published_at from posts where id = :id", id=world.posts["x"])
    (published,) = re.findall(r'name="published"[^>]*value="([^"]+)"', editor.get(path).text)
    editor.post(path, data=form_of(world, published=published))
    (after,) = run("select published_at from posts where id = :id", id=world.posts["x"])
    assert after == before


@pytest.mark.parametrize(
    "change",
    [
        {"title": "", "url": ""},
        {"url": "javascript:alert(1)"},
        {"published": ""},
        {"published": "0001-01-01T00:00"},
        {"medium": "two words"},
        {"author": "-"},
    ],
)
def test_a_wrong_post_is_refused_and_what_was_typed_stays(world, editor, change):
    path = f"/campaigns/stay/posts/{world.posts['x']}/edit"
    answer = editor.post(path, data=form_of(world, **change))
    assert answer.status_code == 422
    assert ('role="alert"' in answer.text and 'value="video"' in answer.text) or "medium" in change
    (row,) = run("select title from posts where id = :id", id=world.posts["x"])
    assert row.title == "On x"


def test_a_post_is_archived_and_restored(world, editor):
    path = f"/campaigns/stay/posts/{world.posts['x']}"
    editor.post(f"{path}/archive")
    assert world.links["x"] not in editor.get("/links").text
    editor.post(f"{path}/restore")
    assert world.links["x"] in editor.get("/links").text


def test_a_post_of_another_campaign_is_not_found(world, editor):
    editor.post("/new-campaign", data={"name": "Other", "timezone": "UTC"})
    assert editor.get(f"/campaigns/other/posts/{world.posts['x']}/edit").status_code == 404
