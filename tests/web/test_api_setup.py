"""Campaigns, posts, links and sources by API: list, make, change, archive, once for each key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from advocacy.storage import idempotency
from advocacy.storage.session import transaction
from tests.support.api import bearer, check_against, document, problem_of
from tests.support.sql import run
from tests.support.world import World

API = "/api/v1"
PETITION = "https://actionnetwork.org/petitions/save"


class Integrator:
    """A client of the API with a token."""

    def __init__(self, world: World, scope: str = "write") -> None:
        self._client, self._headers = world.app.test_client(), bearer(world.token(scope))

    def get(self, path: str):
        return self._client.get(API + path, headers=self._headers)

    def post(self, path: str, body: object, key: str = ""):
        headers = {**self._headers, **({"Idempotency-Key": key} if key else {})}
        return self._client.post(API + path, json=body, headers=headers)

    def delete(self, path: str):
        return self._client.delete(API + path, headers=self._headers)

    def patch(self, path: str, body: object):
        return self._client.patch(API + path, json=body, headers=self._headers)


@pytest.fixture
def api(world):
    return Integrator(world)


def slugs(answer) -> list[str]:
    return [each["slug"] for each in answer.get_json()["campaigns"]]


# Campaigns.


def test_a_campaign_is_made_renamed_archived_and_restored(world, api):
    made = api.post("/campaigns", {"name": "  Save the​ beech "})
    assert made.status_code == 201
    assert made.headers["Location"] == f"{API}/campaigns/save-the-beech"
    assert made.get_json() == {
        "slug": "save-the-beech",
        "name": "Save the beech",
        "timezone": "America/New_York",
        "archived_at": None,
        "created_at": made.get_json()["created_at"],
    }
    assert api.get("/campaigns/save-the-beech").get_json() == made.get_json()
    assert slugs(api.get("/campaigns")) == ["save-the-beech", "stay"]

    renamed = api.patch("/campaigns/save-the-beech", {"name": "Beech"})
    assert renamed.get_json()["name"] == "Beech"
    archived = api.patch("/campaigns/save-the-beech", {"archived": True}).get_json()
    assert archived["archived_at"] is not None
    again = api.patch("/campaigns/save-the-beech", {"archived": True}).get_json()
    assert again["archived_at"] == archived["archived_at"]
    assert slugs(api.get("/campaigns")) == ["stay"]
    assert slugs(api.get("/campaigns?archived=true")) == ["save-the-beech"]
    assert slugs(api.get("/campaigns?archived=all")) == ["save-the-beech", "stay"]
    assert api.get("/campaigns/save-the-beech").status_code == 200
    api.patch("/campaigns/save-the-beech", {"archived": False})
    assert slugs(api.get("/campaigns")) == ["save-the-beech", "stay"]

    rows = run("select did, who, what from audit order by at, id")
    assert [(row.did, row.what) for row in rows] == [
        (did, "save-the-beech")
        for did in (
            "campaign_made",
            "campaign_changed",
            "campaign_archived",
            "campaign_archived",
            "campaign_restored",
        )
    ]
    assert {row.who for row in rows} == {"test"}


def test_an_archived_campaign_leaves_the_sidebar_and_forms(world, api):
    editor = world.member("editor")
    assert 'href="/campaigns/stay"' in editor.get("/goals").text
    api.patch("/campaigns/stay", {"archived": True})
    for path in ("/", "/goals", "/links", "/reports"):
        page = editor.get(path).text
        assert 'href="/campaigns/stay"' not in page, path
        assert 'value="stay"' not in page, path
    assert editor.get("/campaigns/stay").status_code == 200
    assert api.get("/activation?group_by=campaign").get_json()["groups"] == []


def test_an_archived_campaign_is_listed_where_its_actions_are_in_the_sum(world, api):
    world.act("call", email="a@example.org")
    world.drain()
    api.patch("/campaigns/stay", {"archived": True})
    found = api.get("/activation?group_by=campaign").get_json()
    assert found["total"]["actions"] == 1
    assert [(each["key"], each["actions"]) for each in found["groups"]] == [("stay", 1)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "​ "}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"name": "Beech", "slug": "a/b"}, "slug"),
        ({"name": "橡树"}, "slug"),
        ({"name": "Beech", "slug": "12025550143"}, "slug"),
        ({"name": "Beech", "timezone": "Mars/Olympus"}, "timezone"),
        ({"name": "Beech", "color": "red"}, "color"),
        ({"name": 5}, "name"),
    ],
)
def test_a_wrong_campaign_is_refused_by_field(api, body, field):
    problem = problem_of(api.post("/campaigns", body), 422)
    assert [each["field"] for each in problem["errors"]] == [field]
    assert slugs(api.get("/campaigns?archived=all")) == ["stay"]


def test_a_slug_in_use_is_a_conflict(api):
    problem_of(api.post("/campaigns", {"name": "Another", "slug": "STAY"}), 409)


def test_a_body_that_is_no_json_is_refused(world):
    answer = world.app.test_client().post(
        f"{API}/campaigns",
        data="{",
        content_type="application/json",
        headers=bearer(world.token("write")),
    )
    problem_of(answer, 400)


# Pages of lists.


def test_pages_have_each_campaign_once(api):
    made = [api.post("/campaigns", {"name": f"Campaign {n}"}).get_json()["slug"] for n in range(5)]
    found, cursor = [], ""
    for _ in range(3):
        answer = api.get(f"/campaigns?limit=2&cursor={cursor}")
        found += slugs(answer)
        cursor = answer.get_json()["next"]
    assert found == [*reversed(made), "stay"]
    assert cursor is None


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=MjAyNg", "limit=0", "limit=201", "archived=1"]
)
def test_a_wrong_page_is_refused(api, query):
    problem = problem_of(api.get(f"/campaigns?{query}"), 422)
    assert [each["field"] for each in problem["errors"]] == [query.partition("=")[0]]


# Posts.


def test_a_post_is_made_changed_and_archived(world, api):
    made = api.post(
        "/campaigns/stay/posts",
        {
            "url": "https://www.instagram.com/p/C1a2b3/?igsh=tracking",
            "title": "Oldest beech",
            "medium": "Video",
            "published_at": "2026-05-01T12:00:00+02:00",
        },
    )
    post = made.get_json()
    assert made.status_code == 201
    assert made.headers["Location"] == f"{API}/posts/{post['id']}"
    assert (post["platform"], post["medium"]) == ("instagram", "video")
    assert post["url"] == "https://www.instagram.com/p/C1a2b3/"
    assert datetime.fromisoformat(post["published_at"]) == datetime(2026, 5, 1, 10, tzinfo=UTC)
    path = f"/posts/{post['id']}"
    changed = api.patch(path, {"title": "The beech", "author": "Ana", "archived": True}).get_json()
    assert changed == {
        **post,
        "title": "The beech",
        "author": "Ana",
        "archived_at": changed["archived_at"],
    }
    assert changed["archived_at"]
    assert api.get(path).get_json() == changed
    listed = api.get("/campaigns/stay/posts").get_json()["posts"]
    assert {each["title"] for each in listed} == {"On x", "On instagram"}
    assert len(api.get("/campaigns/stay/posts?archived=all").get_json()["posts"]) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "x"}, "platform"),
        ({"platform": "x"}, "title"),
        ({"platform": "two words", "title": "x"}, "platform"),
        ({"url": "http://x.com/hope/status/1"}, "url"),
        ({"platform": "x", "title": "x", "published_at": "2026-05-01T12:00:00"}, "published_at"),
        (
            {"platform": "x", "title": "x", "published_at": "0001-01-01T00:00:00+02:00"},
            "published_at",
        ),
        ({"platform": "x", "title": "x", "author": "-"}, "author"),
    ],
)
def test_a_wrong_post_is_refused_by_field(api, body, field):
    problem = problem_of(api.post("/campaigns/stay/posts", body), 422)
    assert [each["field"] for each in problem["errors"]] == [field]


def test_a_post_keeps_a_title_or_an_address(world, api):
    path = f"/posts/{world.posts['x']}"
    problem_of(api.patch(path, {"title": ""}), 422)
    assert api.get(path).get_json()["title"] == "On x"


def test_another_title_changes_the_version_of_the_figures(world, api):
    path = "/campaigns/stay/activation"
    before = api.get(path).headers["ETag"]
    api.patch(f"/posts/{world.posts['x']}", {"title": "Another"})
    after = api.get(path)
    assert after.headers["ETag"] != before
    assert "Another" in {
        each["post"]["title"] for each in after.get_json()["posts"] if each["post"]
    }


# Links.


def test_a_link_is_made_and_redirects_while_it_is_archived(world, api):
    body = {"post_id": str(world.posts["x"]), "destination": PETITION, "code": "Save-Beech"}
    made = api.post("/links", body)
    assert made.status_code == 201, made.text
    link = made.get_json()
    assert link["code"] == "savebeech"
    assert link["url"].endswith("/r/savebeech")
    assert link["utm"]["campaign"] == "stay"
    problem_of(api.post("/links", body), 409)
    changed = api.patch("/links/savebeech", {"destination": PETITION + "-2", "archived": True})
    assert changed.get_json() == {**link, "destination": PETITION + "-2", "archived": True}
    assert "savebeech" not in {each["code"] for each in api.get("/links").get_json()["links"]}
    (row,) = [row for row in _redirects() if row.code == "savebeech"]
    assert PETITION + "-2" in row.row
    api.patch("/links/savebeech", {"disabled": True})
    (row,) = [row for row in _redirects() if row.code == "savebeech"]
    assert row.row is None


def _redirects():
    from advocacy.storage.links import links_for_redirect

    return links_for_redirect()


def test_links_of_an_archived_post_go_on_redirecting(world, api):
    before = sorted(_redirects())
    api.patch(f"/posts/{world.posts['x']}", {"archived": True})
    listed = api.get("/links").get_json()["links"]
    assert [each["code"] for each in listed] == [world.links["instagram"]]
    assert api.get(f"/links/{world.links['x']}").get_json()["archived"] is True
    assert sorted(_redirects()) == before


def test_links_are_listed_by_campaign_and_post(world, api):
    api.post("/campaigns", {"name": "Empty"})
    assert api.get("/links?campaign=empty").get_json()["links"] == []
    found = api.get(f"/links?campaign=stay&post_id={world.posts['x']}").get_json()["links"]
    assert [each["code"] for each in found] == [world.links["x"]]
    problem_of(api.get("/links?campaign=missing"), 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"destination": "javascript:alert(1)"}, "destination"),
        ({"destination": "https://evil@example.org/"}, "destination"),
        ({"code": "none"}, "code"),
        ({"source": "Missing"}, "source"),
    ],
)
def test_a_wrong_link_is_refused_by_field(world, api, change, field):
    body = {"post_id": str(world.posts["x"]), "destination": PETITION, **change}
    problem = problem_of(api.post("/links", body), 422)
    assert [each["field"] for each in problem["errors"]] == [field]


def test_a_link_that_is_made_again_by_staff_is_restored(world, api):
    editor = world.member("editor")
    form = {"campaign": "stay", "title": "On x", "platform": "x", "destination": PETITION}
    code = editor.post("/links", data=form).headers["Location"].partition("made=")[2][:12]
    api.patch(f"/posts/{world.posts['x']}", {"archived": True})
    api.patch(f"/links/{code}", {"archived": True})
    again = editor.post("/links", data=form).headers["Location"].partition("made=")[2][:12]
    assert again == code
    assert api.get(f"/links/{code}").get_json()["archived"] is False


# Sources.


def test_sources_are_listed_without_secrets_and_can_be_disabled(world, api):
    listed = api.get("/sources").get_json()["sources"]
    assert {each["name"] for each in listed} == {"action_network", "actblue", "standard"}
    assert {each["campaign"] for each in listed} == {"stay"}
    assert world.secret not in str(listed) and world.login not in str(listed)
    path = f"/sources/{world.sources['standard']}"
    assert api.patch(path, {"disabled": True}).get_json()["disabled"] is True
    assert world.act("call", email="a@example.org").status_code == 401
    api.patch(path, {"disabled": False})
    assert world.act("call", email="a@example.org").status_code < 300


def test_a_tool_is_connected_and_removed_by_api(world, api):
    made = api.post(
        "/sources", {"provider": "standard", "name": "Our tool", "campaign": "stay"}, key="k-1"
    )
    source = made.get_json()
    assert made.status_code == 201, made.text
    again = api.post(
        "/sources", {"provider": "standard", "name": "Our tool", "campaign": "stay"}, key="k-1"
    )
    assert again.get_json() == source
    world.keys["standard"] = source["url"].rpartition("/")[2]
    world.secret = source["secret"]
    assert world.act("call", email="a@example.org").status_code < 300
    world.drain()
    assert world.report().actions == 1
    path = f"/sources/{source['id']}"
    assert set(api.get(path).get_json()) == set(source) - {"url", "secret"}
    assert api.patch(path, {"name": "Renamed"}).get_json()["name"] == "Renamed"
    assert api.delete(path).status_code == 204
    problem_of(api.get(path), 404)
    assert len(api.get("/sources").get_json()["sources"]) == 3
    assert len(api.get("/sources?archived=true").get_json()["sources"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider": "unknown"}, "provider"),
        ({"provider": "generic"}, "mapping"),
        ({"mapping": "donorbox"}, "mapping"),
        ({"secret": "short"}, "secret"),
        ({"region": "XX"}, "region"),
    ],
)
def test_a_wrong_source_is_refused_by_field(api, change, field):
    problem = problem_of(api.post("/sources", {"provider": "standard", "name": "T", **change}), 422)
    assert [each["field"] for each in problem["errors"]] == [field]


# Once for each key.


def test_the_same_key_makes_one_campaign(api):
    first = api.post("/campaigns", {"name": "Beech"}, key="k-1")
    again = api.post("/campaigns", {"name": "Beech"}, key="k-1")
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    problem_of(api.post("/campaigns", {"name": "Beech"}, key="k-2"), 409)


def test_the_same_key_with_another_request_is_refused(world, api):
    api.post("/campaigns", {"name": "Beech"}, key="k-1")
    problem_of(api.post("/campaigns", {"name": "Oak"}, key="k-1"), 422)
    post = {"title": "Beech", "platform": "x"}
    problem_of(api.post("/campaigns/stay/posts", post, key="k-1"), 422)
    assert slugs(api.get("/campaigns")) == ["beech", "stay"]


def test_a_refused_request_leaves_its_key_free(api):
    problem_of(api.post("/campaigns", {"name": ""}, key="k-1"), 422)
    problem_of(api.post("/campaigns", {"name": "x", "slug": "stay"}, key="k-1"), 409)
    assert api.post("/campaigns", {"name": "Beech"}, key="k-1").status_code == 201


def test_a_key_is_an_organizations_own(app):
    for slug in ("alice", "bob"):
        made = Integrator(World(app, slug)).post("/campaigns", {"name": slug}, key="k-1")
        assert made.get_json()["name"] == slug


def test_a_key_lasts_a_day(world, api):
    api.post("/campaigns", {"name": "Beech", "slug": "one"}, key="k-1")
    with transaction():
        run("update idempotency_keys set created_at = now() - interval '23 hours 59 minutes'")
    body = {"name": "Oak", "slug": "two"}
    problem_of(api.post("/campaigns", body, key="k-1"), 422)
    with transaction():
        run("update idempotency_keys set created_at = now() - interval '24 hours'")
    assert api.post("/campaigns", body, key="k-1").status_code == 201
    with transaction():
        tomorrow = datetime.now(UTC) + timedelta(days=1, seconds=5)
        assert idempotency.delete_old_keys(world.org_id, tomorrow) == 1


@pytest.mark.parametrize("key", ["k" * 256, "k\tk"])
def test_a_wrong_key_is_refused(api, key):
    problem_of(api.post("/campaigns", {"name": "Beech"}, key=key), 400)


def test_requests_at_once_with_one_key_make_one_post(world):
    clients = [Integrator(world) for _ in range(4)]
    body = {"title": "At once", "platform": "x"}

    def send(client: Integrator):
        return client.post("/campaigns/stay/posts", body, key="k-1").get_json()["id"]

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(send, clients))
    assert len(made) == 1
    (row,) = run("select count(*) as n from posts where title = 'At once'")
    assert row.n == 1


def test_a_stored_response_is_encrypted(api):
    api.post("/campaigns", {"name": "Beech"}, key="k-1")
    (row,) = run("select sealed from idempotency_keys")
    assert b"Beech" not in bytes(row.sealed)


# Access and document.


def test_a_token_for_reports_reads_and_changes_nothing(world):
    reader = Integrator(world, "reports")
    assert slugs(reader.get("/campaigns")) == ["stay"]
    problem_of(reader.post("/campaigns", {"name": "Beech"}), 403)
    problem_of(reader.patch("/campaigns/stay", {"archived": True}), 403)
    assert slugs(reader.get("/campaigns")) == ["stay"]


def test_a_token_for_writing_reads_reports_and_no_metrics(world, api):
    assert api.get("/campaigns/stay/activation").status_code == 200
    answer = world.app.test_client().get("/metrics", headers=bearer(world.token("write")))
    assert answer.status_code == 403


def test_a_post_of_another_organization_gets_no_link(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    body = {"post_id": str(alice.posts["x"]), "destination": PETITION}
    problem_of(Integrator(bob).post("/links", body), 404)


def test_the_document_says_what_is_answered(world, api):
    spec = document(world)
    operation = spec["paths"][f"{API}/campaigns"]["post"]
    assert "Idempotency-Key" in {each.get("name") for each in operation["parameters"]}
    for name, value in (
        ("CampaignSetup", api.get("/campaigns/stay")),
        ("PostSetup", api.get(f"/posts/{world.posts['x']}")),
        ("LinkSetup", api.get(f"/links/{world.links['x']}")),
        ("SourcePage", api.get("/sources")),
    ):
        check_against(spec, f"/components/schemas/{name}", value.get_json())
        assert set(value.get_json()) == set(spec["components"]["schemas"][name]["properties"])
