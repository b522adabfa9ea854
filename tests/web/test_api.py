"""The API: responses, access, and agreement with the OpenAPI document."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import text

from advocacy.analytics import goal_input
from advocacy.core.choices import ROLES
from advocacy.reporting.webhooks import outbox as outgoing
from advocacy.storage import campaigns, email_outbox, shared_reports, tokens
from advocacy.storage.session import transaction
from tests.support.api import ACTIVATION, act_at, bearer, check_against, document, problem_of
from tests.support.figures import as_json
from tests.support.sql import run
from tests.support.world import World


@pytest.fixture
def ask(world):
    """Ask for the activation with a token that may read reports."""
    word = world.token()

    def asked(query: str = "", path: str = ACTIVATION):
        return world.app.test_client().get(path + query, headers=bearer(word))

    return asked


def answers(spec: dict, status: int, kind: str) -> str:
    """Return where the document describes the body of an answer of the activation."""
    answer = spec["paths"]["/api/v1/campaigns/{slug}/activation"]["get"]["responses"][str(status)]
    path = "/api/v1/campaigns/{slug}/activation".replace("/", "~1")
    where = answer.get("$ref", f"#/paths/{path}/get/responses/{status}").removeprefix("#")
    return f"{where}/content/{kind.replace('/', '~1')}/schema"


# What it answers.


def test_the_document_is_valid_openapi_3_1(world):
    spec = document(world)
    assert spec["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(spec).iter_errors()] == []


def test_the_response_matches_the_document(world, ask):
    world.act("signature", email="a@example.org", click_id=world.click("instagram"))
    world.act("donation", email="a@example.org", amount="12.50", code=world.links["x"])
    world.act("donation", email="b@example.org", amount="500", currency="JPY")
    world.act("call", phone="+12025550143", referrer="https://l.facebook.com/")
    world.drain()
    answer = ask()

    assert (answer.status_code, answer.content_type) == (200, "application/json")
    found = answer.get_json()
    spec = document(world)
    check_against(spec, answers(spec, 200, "application/json"), found)
    assert found["actions"] == 4
    assert found["campaign"] == {"slug": "stay", "name": "Stay", "timezone": "America/New_York"}
    assert {each["currency"]: each["gross_minor"] for each in found["money"]} == {
        "JPY": 500,
        "USD": 1250,
    }
    properties = spec["components"]["schemas"]["Activation"]["properties"]
    assert set(found) == set(properties)
    # The check above is no check where the schema takes anything.
    with pytest.raises(Exception, match="actions"):
        check_against(spec, answers(spec, 200, "application/json"), {**found, "actions": "actions"})


def test_the_api_matches_the_command(world, ask):
    world.act("call", email="a@example.org", click_id=world.click("instagram"))
    world.drain()
    told = as_json(world.report())
    found = ask().get_json()
    for row in (*told["posts"], *found["posts"]):
        row["post"].pop("published_at")
    assert found == told


def test_a_campaign_without_data_is_all_zeros(ask):
    found = ask().get_json()
    assert found["actions"] == 0
    assert found["from"] == found["to"]
    assert found["supporters"] == {"distinct": 0, "new": 0, "returning": 0}
    assert {each["share"] for each in found["evidence"]} == {0.0}


def test_a_response_is_not_cached(ask):
    headers = ask().headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_day_is_the_campaigns_and_not_utcs(world, ask):
    # 23:30 in New York is the next day in UTC.
    act_at(world, "America/New_York", "2026-05-01T00:00:00", "2026-05-01T23:30:00")
    act_at(world, "America/New_York", "2026-04-30T23:59:59", "2026-05-02T00:00:00")

    assert ask("?from=2026-05-01&to=2026-05-01").get_json()["actions"] == 2
    whole = ask("?from=2026-04-30&to=2026-05-02").get_json()
    assert [(each["day"], each["actions"]) for each in whole["by_day"]] == [
        ("2026-04-30", 1),
        ("2026-05-01", 2),
        ("2026-05-02", 1),
    ]


@pytest.mark.parametrize(
    ("day", "moments"),
    [
        # New York's clocks skip 02:00 to 03:00: a day of 23 hours.
        ("2026-03-08", ("T00:00:00", "T01:59:59", "T03:00:00", "T23:59:59")),
        # They run from 01:00 to 02:00 twice: a day of 25 hours.
        ("2025-11-02", ("T00:00:00", "T01:30:00", "T02:30:00", "T23:59:59")),
    ],
)
def test_a_day_on_which_clocks_change_is_whole(world, ask, day, moments):
    act_at(world, "America/New_York", *(day + moment for moment in moments))
    before = date.fromisoformat(day) - timedelta(days=1)
    after = date.fromisoformat(day) + timedelta(days=1)
    act_at(world, "America/New_York", f"{before}T23:59:59", f"{after}T00:00:00")

    found = ask(f"?from={day}&to={day}").get_json()
    assert found["actions"] == 4
    # First actions ever, so new: the range must begin at the same midnight for people too.
    assert found["supporters"] == {"distinct": 4, "new": 4, "returning": 0}


def test_clicks_count_on_the_campaigns_day_too(world, ask):
    at = datetime(2026, 5, 2, 3, 30, tzinfo=UTC)
    world.click("x", at=at)
    assert ask("?from=2026-05-01&to=2026-05-01").get_json()["clicks"]["human"] == 1
    assert ask("?from=2026-05-02&to=2026-05-02").get_json()["clicks"]["human"] == 0


def test_a_person_who_acted_before_the_range_is_returning(world, ask):
    for day in ("2026-05-01T12:00:00", "2026-05-03T12:00:00"):
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        world.act("call", email="a@example.org", at=at)
    world.drain()
    assert ask("?from=2026-05-02").get_json()["supporters"] == {
        "distinct": 1,
        "new": 0,
        "returning": 1,
    }
    assert ask("?from=2026-05-01").get_json()["supporters"]["new"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=yesterday", "from"),
        ("?to=2026-02-30", "to"),
        ("?to=2026-13-01", "to"),
        ("?from=", "from"),
        ("?from=2026-05-02&to=2026-05-01", "from"),
        ("?from=2999-01-01", "from"),
        ("?from=2026-05-01T00:00:00", "from"),
        ("?since=2026-05-01", "since"),
        ("?from=2026-05-01&org_id=1", "org_id"),
        ("?from=%00", "from"),
    ],
)
def test_an_invalid_field_is_named(world, ask, query, field):
    body = problem_of(ask(query), 422)
    assert [each["field"] for each in body["errors"]] == [field]
    assert all(each["message"] for each in body["errors"])
    spec = document(world)
    check_against(spec, answers(spec, 422, "application/problem+json"), body)


@pytest.mark.parametrize("query", ["?from=0001-01-01&to=9999-12-31", "?to=0001-01-01"])
def test_the_first_and_last_possible_days_are_accepted(ask, query):
    assert ask(query).status_code == 200


# To whom.


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer aat_unknown"},
        {"Authorization": "Bearer " + "x" * 10_000},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "token=aat_unknown; session=abc"},
    ],
    ids=lambda header: ascii(header)[:40],
)
def test_without_a_token_there_is_one_refusal(world, header):
    answer = world.app.test_client().get(ACTIVATION, headers=header)
    body = problem_of(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "aat_" in body["detail"]
    spec = document(world)
    check_against(spec, answers(spec, 401, "application/problem+json"), body)


def test_a_token_is_checked_first(world):
    for path in (ACTIVATION + "?from=x", "/api/v1/campaigns/nothing/activation"):
        problem_of(world.app.test_client().get(path), 401)


def test_a_token_in_the_query_opens_nothing(world):
    word = world.token()
    for name in ("token", "access_token", "authorization", "bearer"):
        problem_of(world.app.test_client().get(f"{ACTIVATION}?{name}={word}"), 401)
    refused = world.app.test_client().get(f"{ACTIVATION}?token={word}", headers=bearer(word))
    assert word not in json.dumps(problem_of(refused, 422))


def test_a_token_ends_when_it_is_revoked(world):
    word = world.token()
    client = world.app.test_client()
    assert client.get(ACTIVATION, headers=bearer(word)).status_code == 200
    with transaction():
        tokens.revoke_token(world.org_id, "test", datetime.now(UTC))
    problem_of(client.get(ACTIVATION, headers=bearer(word)), 401)


def test_a_token_ends_at_its_time(world):
    word = world.token()
    with transaction() as session:
        session.execute(text("update tokens set expires_at = now() - interval '1 s'"))
    problem_of(world.app.test_client().get(ACTIVATION, headers=bearer(word)), 401)


def test_the_scheme_is_case_insensitive(world):
    word = world.token()
    for scheme in ("bearer", "BEARER", "Bearer "):
        answer = world.app.test_client().get(
            ACTIVATION, headers={"Authorization": f"{scheme} {word}"}
        )
        assert answer.status_code == 200


def test_a_token_of_another_scope_is_forbidden(world):
    answer = world.app.test_client().get("/metrics", headers=bearer(world.token("reports")))
    assert answer.status_code == 403


def test_another_organizations_campaign_does_not_exist(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    with transaction():
        campaigns.put_campaign(bob.org_id, "secret", "Secret", "UTC")
    bob.act("call", email="a@example.org")
    bob.drain()
    client, word = app.test_client(), alice.token()

    theirs = problem_of(
        client.get("/api/v1/campaigns/secret/activation", headers=bearer(word)), 404
    )
    nobodys = problem_of(
        client.get("/api/v1/campaigns/nothing/activation", headers=bearer(word)), 404
    )
    assert theirs["detail"].replace("secret", "") == nobodys["detail"].replace("nothing", "")
    # The same slug in two organizations: each sees its own.
    assert client.get(ACTIVATION, headers=bearer(word)).get_json()["actions"] == 0
    assert client.get(ACTIVATION, headers=bearer(bob.token())).get_json()["actions"] == 1


@pytest.mark.parametrize(
    "slug", ["nothing", "STAY", "stay%00", "%00", "%ff", "a" * 5000, "'; drop table campaigns--"]
)
def test_an_unknown_campaign_is_not_found(ask, slug):
    problem_of(ask(path=f"/api/v1/campaigns/{slug}/activation"), 404)


def test_an_unknown_path_is_a_problem_too(world):
    client = world.app.test_client()
    problem_of(client.get("/api/v1/nothing"), 404)
    answer = client.post(ACTIVATION)
    problem_of(answer, 405)
    assert "GET" in answer.headers["Allow"]


# Every route, for everyone.

ANYONE, STAFF, WRITER, ADMIN = "anyone", "staff", "writer", "admin"
# A page for members from this role on; who signed in with a token is a reader.
READER, EDITOR, OWNER = "reader", "editor", "owner"
# Oneself: for members of every role, and for no token.
ONESELF = "oneself"
ROUTES = {
    ("GET", "/live"): ANYONE,
    ("GET", "/ready"): ANYONE,
    ("GET", "/metrics"): ADMIN,
    ("GET", "/api/"): ANYONE,
    ("GET", "/api/reference"): ANYONE,
    ("GET", "/api/openapi.json"): ANYONE,
    ("GET", "/api/ui/<name>"): ANYONE,
    ("GET", "/api/v1/actions/<uuid:action_id>/explain"): STAFF,
    ("GET", "/api/v1/campaigns/<slug>/actions"): STAFF,
    ("GET", "/api/v1/campaigns/<slug>/activation"): STAFF,
    ("GET", "/api/v1/campaigns/<slug>/activation/groups"): STAFF,
    ("GET", "/api/v1/activation"): STAFF,
    ("GET", "/api/v1/campaigns/<slug>/influence"): STAFF,
    ("POST", "/api/v1/links/<code>/shares"): WRITER,
    ("GET", "/api/v1/campaigns"): STAFF,
    ("POST", "/api/v1/campaigns"): WRITER,
    ("GET", "/api/v1/campaigns/<slug>"): STAFF,
    ("PATCH", "/api/v1/campaigns/<slug>"): WRITER,
    ("GET", "/api/v1/campaigns/<slug>/posts"): STAFF,
    ("POST", "/api/v1/campaigns/<slug>/posts"): WRITER,
    ("GET", "/api/v1/posts/<uuid:post_id>"): STAFF,
    ("PATCH", "/api/v1/posts/<uuid:post_id>"): WRITER,
    ("GET", "/api/v1/links"): STAFF,
    ("POST", "/api/v1/links"): WRITER,
    ("GET", "/api/v1/links/<code>"): STAFF,
    ("PATCH", "/api/v1/links/<code>"): WRITER,
    ("GET", "/api/v1/webhooks"): ADMIN,
    ("POST", "/api/v1/webhooks"): ADMIN,
    ("GET", "/api/v1/webhooks/<uuid:webhook_id>"): ADMIN,
    ("PATCH", "/api/v1/webhooks/<uuid:webhook_id>"): ADMIN,
    ("DELETE", "/api/v1/webhooks/<uuid:webhook_id>"): ADMIN,
    ("POST", "/api/v1/webhooks/<uuid:webhook_id>/test"): ADMIN,
    ("GET", "/api/v1/webhooks/<uuid:webhook_id>/attempts"): ADMIN,
    ("GET", "/api/v1/sources"): STAFF,
    ("POST", "/api/v1/sources"): WRITER,
    ("DELETE", "/api/v1/sources/<uuid:source_id>"): WRITER,
    ("GET", "/api/v1/sources/<uuid:source_id>"): STAFF,
    ("PATCH", "/api/v1/sources/<uuid:source_id>"): WRITER,
    ("GET", "/campaigns/<slug>/rehearsal"): EDITOR,
    ("POST", "/campaigns/<slug>/rehearsal"): EDITOR,
    ("GET", "/static/<path:filename>"): ANYONE,
    ("GET", "/sign-in"): ANYONE,
    ("POST", "/sign-in"): ANYONE,
    ("POST", "/sign-out"): ANYONE,
    ("POST", "/language"): ANYONE,
    ("GET", "/campaigns/<slug>/paths"): READER,
    ("GET", "/campaigns/<slug>/ladder"): READER,
    ("GET", "/campaigns/<slug>/timing"): READER,
    ("GET", "/campaigns/<slug>/timing.<any(csv, xlsx, json):written>"): READER,
    ("GET", "/ladder"): READER,
    ("GET", "/campaigns/<slug>/explore"): READER,
    ("GET", "/explore"): READER,
    ("GET", "/campaigns/<slug>/explore.<any(csv, xlsx, json):written>"): READER,
    ("GET", "/explore.<any(csv, xlsx, json):written>"): READER,
    ("GET", "/campaigns/<slug>/posts"): READER,
    ("GET", "/campaigns/<slug>/posts/<uuid:post_id>"): READER,
    ("GET", "/campaigns/<slug>/posts.<any(csv, xlsx, json):written>"): READER,
    ("GET", "/campaigns/<slug>/people"): READER,
    ("GET", "/campaigns/<slug>/people.<any(csv, xlsx, json):written>"): READER,
    ("GET", "/goals"): READER,
    ("GET", "/goals.<any(csv, xlsx, json):written>"): READER,
    ("POST", "/goals"): EDITOR,
    ("POST", "/goals/<uuid:goal_id>/remove"): EDITOR,
    ("GET", "/campaigns/<slug>/paths.<any(csv, xlsx, json):written>"): READER,
    ("GET", "/campaigns/<slug>/ladder.<any(csv, xlsx, json):written>"): READER,
    ("GET", "/ladder.<any(csv, xlsx, json):written>"): READER,
    ("GET", "/settings"): OWNER,
    ("POST", "/settings"): OWNER,
    ("POST", "/settings/tokens"): OWNER,
    ("POST", "/settings/tokens/<uuid:token_id>/revoke"): OWNER,
    ("POST", "/settings/webhooks"): OWNER,
    ("POST", "/settings/webhooks/<uuid:webhook_id>/<any(test, on, off, remove):what>"): OWNER,
    ("GET", "/campaigns/<slug>/edit"): EDITOR,
    ("POST", "/campaigns/<slug>/edit"): EDITOR,
    ("POST", "/campaigns/<slug>/<any(archive, restore):what>"): EDITOR,
    ("GET", "/campaigns/<slug>/posts/<uuid:post_id>/edit"): EDITOR,
    ("POST", "/campaigns/<slug>/posts/<uuid:post_id>/edit"): EDITOR,
    ("POST", "/campaigns/<slug>/posts/<uuid:post_id>/<any(archive, restore):what>"): EDITOR,
    ("GET", "/new-campaign"): EDITOR,
    ("POST", "/new-campaign"): EDITOR,
    ("GET", "/reports"): EDITOR,
    ("POST", "/reports"): EDITOR,
    ("POST", "/reports/<uuid:subscription_id>/end"): EDITOR,
    ("POST", "/reports/sent/<uuid:report_id>/again"): EDITOR,
    ("GET", "/reports/sent/<uuid:report_id>.pdf"): EDITOR,
    ("GET", "/api/v1/goals"): STAFF,
    ("GET", "/api/v1/campaigns/<slug>/ladder"): STAFF,
    ("GET", "/api/v1/ladder"): STAFF,
    ("GET", "/"): READER,
    ("GET", "/campaigns/<slug>"): READER,
    ("GET", "/campaigns/<slug>/actions"): READER,
    ("GET", "/actions/<uuid:action_id>"): READER,
    ("GET", "/sign-in/organization"): ANYONE,
    ("POST", "/sign-in/organization"): ANYONE,
    ("GET", "/set-password/<token>"): ANYONE,
    ("POST", "/set-password/<token>"): ANYONE,
    ("GET", "/account"): ONESELF,
    ("POST", "/account"): ONESELF,
    ("POST", "/account/password"): ONESELF,
    ("POST", "/account/end-others"): ONESELF,
    ("GET", "/members"): OWNER,
    ("POST", "/members"): OWNER,
    ("POST", "/members/<uuid:member_id>/one-time-link"): OWNER,
    ("POST", "/members/<uuid:member_id>/role"): OWNER,
    ("POST", "/members/<uuid:member_id>/end-sessions"): OWNER,
    ("POST", "/members/<uuid:member_id>/remove"): OWNER,
    ("GET", "/campaigns/<slug>/view-links"): EDITOR,
    ("POST", "/campaigns/<slug>/view-links"): EDITOR,
    ("POST", "/campaigns/<slug>/view-links/<uuid:view_link_id>/withdraw"): EDITOR,
    # Its word is its key; see test_view_links.
    ("GET", "/view/<token>"): ANYONE,
    ("GET", "/campaigns/<slug>/live"): READER,
    ("GET", "/sources"): READER,
    # Its key is in the address; see test_first_run.
    ("GET", "/setup"): ANYONE,
    ("POST", "/setup"): ANYONE,
    ("GET", "/setup/campaign"): EDITOR,
    ("POST", "/setup/campaign"): EDITOR,
    ("GET", "/setup/tool"): EDITOR,
    ("GET", "/setup/link"): EDITOR,
    ("POST", "/setup/link"): EDITOR,
    ("POST", "/example"): OWNER,
    ("POST", "/example/leave"): READER,
    ("GET", "/connections"): READER,
    ("GET", "/connections/new/<tool>"): EDITOR,
    ("POST", "/connections/new/<tool>"): EDITOR,
    ("GET", "/connections/<uuid:source_id>"): READER,
    ("GET", "/connections/<uuid:source_id>/live"): READER,
    ("POST", "/connections/<uuid:source_id>/test"): EDITOR,
    ("POST", "/connections/<uuid:source_id>/rotate"): EDITOR,
    ("POST", "/connections/<uuid:source_id>/address"): EDITOR,
    ("POST", "/connections/<uuid:source_id>/state"): EDITOR,
    ("POST", "/connections/<uuid:source_id>/rename"): EDITOR,
    ("POST", "/connections/<uuid:source_id>/remove"): EDITOR,
    ("GET", "/quarantine"): READER,
    ("POST", "/quarantine/replay"): EDITOR,
    ("GET", "/links"): EDITOR,
    ("POST", "/links"): EDITOR,
    ("GET", "/links/bulk"): EDITOR,
    ("POST", "/links/bulk"): EDITOR,
    ("GET", "/links/template.csv"): EDITOR,
    ("GET", "/links/<code>/qr.<any(svg, png):written>"): EDITOR,
    ("GET", "/campaigns/<slug>/live/mark"): READER,
    ("GET", "/campaigns/<slug>/activation.<any(csv, xlsx, json):written>"): READER,
    # The webhook endpoint has its own keys; see test_webhooks.
    ("POST", "/webhooks/<key>"): ANYONE,
    ("POST", "/webhooks/<key>/"): ANYONE,
}
FILLED = {
    "<slug>": "stay",
    "<key>": "src_unknown",
    "<name>": "swagger-ui.css",
    "<path:filename>": "style.css",
    "<token>": "unknown",
    "<uuid:webhook_id>": str(UUID(int=1)),
    "<uuid:token_id>": str(UUID(int=1)),
    "<any(test, on, off, remove):what>": "test",
    "<any(archive, restore):what>": "restore",
    "<uuid:member_id>": str(UUID(int=1)),
    "<uuid:view_link_id>": str(UUID(int=1)),
    "<tool>": "own",
    "<uuid:source_id>": str(UUID(int=1)),
    "<uuid:goal_id>": str(UUID(int=1)),
    "<uuid:report_id>": str(UUID(int=1)),
    "<uuid:subscription_id>": str(UUID(int=1)),
    "<any(csv, xlsx, json):written>": "csv",
    "<any(svg, png):written>": "svg",
}
# What is sent where a request without a body is refused before anything is looked up.
BODIES = {("POST", "/api/v1/campaigns/<slug>/posts"): {"title": "A post", "platform": "x"}}
# What a route answers to whom it lets in, where that is not a 200.
OWN_ANSWERS = {
    ("POST", "/webhooks/<key>"): 401,
    ("POST", "/webhooks/<key>/"): 401,
    ("POST", "/sign-in"): 401,
    ("POST", "/sign-out"): 302,
    ("POST", "/language"): 302,
    ("POST", "/links"): 422,
    ("POST", "/goals"): 422,
    ("POST", "/goals/<uuid:goal_id>/remove"): 404,
    ("POST", "/new-campaign"): 422,
    ("POST", "/reports"): 422,
    ("POST", "/reports/<uuid:subscription_id>/end"): 404,
    ("POST", "/reports/sent/<uuid:report_id>/again"): 404,
    ("GET", "/reports/sent/<uuid:report_id>.pdf"): 404,
    ("POST", "/quarantine/replay"): 422,
    ("GET", "/setup"): 302,
    ("POST", "/setup"): 404,
    ("POST", "/setup/campaign"): 422,
    ("POST", "/setup/link"): 422,
    ("POST", "/example"): 422,
    ("POST", "/example/leave"): 404,
    ("GET", "/sources"): 301,
    ("GET", "/campaigns/<slug>/explore"): 301,
    ("GET", "/campaigns/<slug>/explore.<any(csv, xlsx, json):written>"): 301,
    ("GET", "/campaigns/<slug>/ladder"): 301,
    ("POST", "/connections/new/<tool>"): 422,
    ("GET", "/connections/<uuid:source_id>"): 404,
    ("GET", "/connections/<uuid:source_id>/live"): 404,
    ("POST", "/connections/<uuid:source_id>/test"): 404,
    ("POST", "/connections/<uuid:source_id>/rotate"): 404,
    ("POST", "/connections/<uuid:source_id>/address"): 404,
    ("POST", "/connections/<uuid:source_id>/state"): 404,
    ("POST", "/connections/<uuid:source_id>/rename"): 404,
    ("POST", "/connections/<uuid:source_id>/remove"): 404,
    ("POST", "/links/bulk"): 422,
    ("POST", "/api/v1/links/<code>/shares"): 201,
    ("POST", "/api/v1/campaigns"): 422,
    ("POST", "/api/v1/campaigns/<slug>/posts"): 201,
    ("POST", "/api/v1/links"): 422,
    ("POST", "/settings"): 422,
    ("POST", "/settings/tokens"): 422,
    ("POST", "/settings/tokens/<uuid:token_id>/revoke"): 404,
    ("POST", "/settings/webhooks"): 422,
    ("POST", "/settings/webhooks/<uuid:webhook_id>/<any(test, on, off, remove):what>"): 404,
    ("POST", "/campaigns/<slug>/edit"): 422,
    ("POST", "/campaigns/<slug>/<any(archive, restore):what>"): 303,
    ("POST", "/campaigns/<slug>/posts/<uuid:post_id>/edit"): 422,
    ("POST", "/campaigns/<slug>/posts/<uuid:post_id>/<any(archive, restore):what>"): 303,
    ("POST", "/api/v1/webhooks"): 422,
    ("GET", "/api/v1/webhooks/<uuid:webhook_id>"): 404,
    ("PATCH", "/api/v1/webhooks/<uuid:webhook_id>"): 404,
    ("DELETE", "/api/v1/webhooks/<uuid:webhook_id>"): 404,
    ("POST", "/api/v1/webhooks/<uuid:webhook_id>/test"): 404,
    ("GET", "/api/v1/webhooks/<uuid:webhook_id>/attempts"): 404,
    ("POST", "/api/v1/sources"): 422,
    ("GET", "/api/v1/sources/<uuid:source_id>"): 404,
    ("PATCH", "/api/v1/sources/<uuid:source_id>"): 404,
    ("DELETE", "/api/v1/sources/<uuid:source_id>"): 404,
    ("GET", "/sign-in/organization"): 302,
    ("POST", "/sign-in/organization"): 302,
    ("GET", "/set-password/<token>"): 404,
    ("POST", "/set-password/<token>"): 404,
    ("POST", "/account"): 302,
    ("POST", "/account/password"): 422,
    ("POST", "/account/end-others"): 302,
    ("POST", "/members"): 422,
    ("POST", "/members/<uuid:member_id>/one-time-link"): 404,
    ("POST", "/members/<uuid:member_id>/role"): 404,
    ("POST", "/members/<uuid:member_id>/end-sessions"): 404,
    ("POST", "/members/<uuid:member_id>/remove"): 404,
    ("POST", "/campaigns/<slug>/view-links/<uuid:view_link_id>/withdraw"): 404,
    ("GET", "/view/<token>"): 404,
}


def routes(app) -> list[tuple[str, str]]:
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def test_every_route_is_in_the_matrix(app):
    assert sorted(routes(app)) == sorted(ROUTES)


WHO = ("nobody", "reports", "write", "admin", "token", "reader", "editor", "owner")


def filled(world, path: str) -> str:
    """Return the path with something that is there, or never was, for each of its variables."""
    (row,) = run("select id from actions where org_id = :o", o=world.org_id)
    values = {
        **FILLED,
        "<code>": world.links["x"],
        "<uuid:action_id>": str(row.id),
        "<uuid:post_id>": str(world.posts["x"]),
    }
    for name, value in values.items():
        path = path.replace(name, value)
    return path


def visitors(world) -> dict[str, tuple[FlaskClient, dict[str, str]]]:
    """Return a client, and the headers it sends, of everybody in `WHO`."""
    signed_in = world.app.test_client()
    signed_in.post("/sign-in", data={"token": world.token("admin")})
    return {
        "nobody": (world.app.test_client(), {}),
        "reports": (world.app.test_client(), bearer(world.token("reports"))),
        "write": (world.app.test_client(), bearer(world.token("write"))),
        "admin": (world.app.test_client(), bearer(world.token("admin"))),
        "token": (signed_in, {}),
        **{role: (world.member(role), {}) for role in ROLES},
    }


def expected_of(route: tuple[str, str], who: str) -> int:
    """Return the status with which a route answers a visitor."""
    usual = OWN_ANSWERS.get(route, 200)
    match ROUTES[route]:
        case "anyone":
            return usual
        case "staff":
            return usual if who in {"reports", "write", "admin"} else 401
        case "writer":
            return {"admin": usual, "write": usual, "reports": 403}.get(who, 401)
        case "admin":
            return {"admin": usual, "write": 403, "reports": 403}.get(who, 401)
        case "oneself":
            return usual if who in ROLES else 403 if who == "token" else 302
        case role:
            is_role = {"token": "reader"}.get(who, who)
            if is_role not in ROLES:
                return 302
            return usual if ROLES.index(is_role) >= ROLES.index(role) else 403


def test_every_route_enforces_its_role(world):
    """One world and a client for each visitor; who signs out does so last."""
    world.act("call", email="a@example.org")
    world.drain()
    clients = visitors(world)
    assert set(clients) == set(WHO)
    wrong = {}
    for route in sorted(ROUTES, key=lambda each: "sign-out" in each[1]):
        method, path = route
        path = filled(world, path)
        for who, (client, headers) in clients.items():
            json = BODIES.get(route)
            with client.open(path, method=method, headers=headers, json=json) as answer:
                if answer.status_code != expected_of(route, who):
                    wrong[f"{method} {path}", who] = answer.status_code
    assert wrong == {}


def names_an_object(path: str) -> bool:
    """Say whether a path names something; how it is to be written is nothing of anybody's."""
    for name in ("<any(csv, xlsx, json):written>", "<tool>"):
        path = path.replace(name, FILLED[name])
    return "<" in path


KEPT = [route for route, whose in ROUTES.items() if whose is not ANYONE]
OF_AN_OBJECT = [route for route in KEPT if names_an_object(route[1])]
OF_ALL = [route for route in KEPT if not names_an_object(route[1])]


def test_data_of_other_organizations_is_not_found(app):
    """Bob owns his organization and has an admin token of it; Charlie has neither."""
    alice, bob = World(app, "alice"), World(app, "bob")
    with transaction():
        campaign = campaigns.put_campaign(alice.org_id, "secret", "Alice's secret", "UTC")
        shared_reports.put_shared_report(
            alice.org_id,
            campaign.id,
            name="",
            model="linear",
            made_by="",
            lasts=timedelta(days=1),
        )
        wanted = email_outbox.NewSubscription(
            "alert", "alice@example.org", None, None, None, time(8), "en"
        )
        mails = email_outbox.put_subscription(alice.org_id, wanted)
        email_outbox.claim_report(
            alice.org_id, campaign.id, mails, "surge/Alice", datetime.now(UTC)
        )
        day = date(2026, 6, 1)
        goal_input.put_goal(alice.org_id, None, "calls", "5", day, day, name="Alice's goal")
        tokens.put_token(alice.org_id, "Alice", "reports", datetime.now(UTC) + timedelta(days=1))
        outgoing.connect(
            alice.settings,
            alice.org_id,
            name="Alice's",
            url="https://alice.example.org/",
            form="standard",
            wanted=("surge.noticed",),
            language="en",
        )
    alice.member("reader", "ana@example.org")
    alice.act("call", email="a@example.org")
    alice.drain()
    values = {
        name: str(run(statement)[0][0])
        for name, statement in (
            ("<uuid:action_id>", "select id from actions"),
            ("<uuid:member_id>", "select id from members"),
            ("<uuid:view_link_id>", "select id from view_links"),
            ("<uuid:goal_id>", "select id from goals"),
            ("<uuid:token_id>", "select id from tokens"),
            ("<uuid:webhook_id>", "select id from outgoing_webhooks"),
            ("<uuid:source_id>", "select id from sources"),
            ("<uuid:subscription_id>", "select id from report_subscriptions"),
            ("<uuid:report_id>", "select id from sent_reports"),
        )
    }
    values |= {"<slug>": "secret", "<code>": alice.links["x"]}
    values["<uuid:post_id>"] = str(alice.posts["x"])
    values["<uuid:source_id>"] = str(alice.sources["standard"])
    values = FILLED | values
    owner, token = bob.member("owner", "bob@example.org"), bob.token("admin")
    wrong = {}
    for route in OF_AN_OBJECT:
        method, path = route
        for name, value in values.items():
            path = path.replace(name, value)
        if path.startswith("/api/"):
            json = BODIES.get(route)
            answer = app.test_client().open(path, method=method, headers=bearer(token), json=json)
            stranger = app.test_client().open(path, method=method)
            expected = (404, 401)
        else:
            data = {"role": "reader"}
            answer = owner.open(path, method=method, data=data)
            stranger = app.test_client().open(path, method=method, data=data)
            expected = (404, 302)
        found = (answer.status_code, stranger.status_code)
        if found != expected or "Alice" in answer.text + stranger.text:
            wrong[f"{method} {path}"] = found, answer.text
    assert wrong == {}


def test_a_list_has_nothing_of_another_organization(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    with transaction():
        campaigns.put_campaign(alice.org_id, "secret", "Alice's secret", "UTC")
    alice.member("owner", "alice@example.org")
    owner = bob.member("owner", "bob@example.org")
    wrong = {}
    for method, path in OF_ALL:
        path = path.replace("<any(csv, xlsx, json):written>", "csv")
        data = {"email": "new@example.org", "role": "reader"}
        answer = owner.open(path, method=method, data=data)
        if answer.status_code >= 500 or "lice" in answer.text:
            wrong[f"{method} {path}"] = answer.status_code, answer.text
    assert wrong == {}


# When it breaks.


def test_an_internal_error_reveals_no_details(world, ask, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("canary select * from /etc/secret")

    world.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("advocacy.web.api.activation.activation", broken)
    monkeypatch.setattr("advocacy.web.pages.campaign.activation", broken)
    monkeypatch.setattr("advocacy.web.health.server.lacks_migrations", broken)
    monkeypatch.setattr("advocacy.web.webhooks.receive_batch", broken)
    body = problem_of(ask(), 500)
    client = world.app.test_client()
    client.post("/sign-in", data={"token": world.token()})
    answers = [
        client.get("/campaigns/stay"),
        client.get("/ready"),
        client.post("/webhooks/src_x", data=b"{}"),
    ]
    assert [answer.status_code for answer in answers] == [500, 500, 500]
    for told in (json.dumps(body), *(answer.text for answer in answers)):
        for word in ("canary", "Traceback", "RuntimeError", "select", ".py", "/etc"):
            assert word not in told


def test_a_database_error_reveals_no_statement(ask, monkeypatch):
    monkeypatch.setattr(
        "advocacy.analytics.activation.totals.span", lambda *_: run("select canary from nowhere")
    )
    body = problem_of(ask(), 500)
    for word in ("canary", "select", "psycopg", "relation", "nowhere"):
        assert word not in json.dumps(body).lower()


@pytest.fixture
def down(world):
    """The application in a process whose database refuses connections."""
    from dataclasses import replace

    from advocacy.app import create_app

    made = create_app(
        replace(world.settings, database_url="postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    )
    return made.test_client()


def test_a_database_outage_is_reported_quickly(down):
    answer = down.get(ACTIVATION, headers=bearer("aat_x"))
    body = problem_of(answer, 503)
    assert answer.headers["Retry-After"] == "5"
    assert "127.0.0.1" not in json.dumps(body)
    webhook = down.post("/webhooks/src_x", data=b"{}")
    assert (webhook.status_code, webhook.text) == (503, "try again\n")
    page = down.post("/sign-in", data={"token": "aat_x"})
    assert page.status_code == 503
    assert "Try again soon" in page.text


def test_live_depends_on_nothing_and_ready_on_the_database(world, down):
    assert (down.get("/live").status_code, down.get("/ready").status_code) == (200, 503)
    client = world.app.test_client()
    for path in ("/live", "/ready"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "ok\n")


def test_the_page_of_the_api_has_each_operation_and_examples(world):
    page, spec = world.app.test_client().get("/api/").text, document(world)
    for path, methods in spec["paths"].items():
        for method in methods:
            if method != "parameters":
                assert f"{method.upper()} {path}</code>" in page, path
    assert spec["servers"] == [{"url": world.settings.public_url}]
    assert f"curl {world.settings.public_url}/api/v1/campaigns" in page
    assert set(spec["webhooks"]) == {"surge.noticed", "report.weekly", "webhook.test"}
    assert all(f"<code>{name}</code>" in page for name in spec["webhooks"])
    assert re.findall(r'(?:src|action)="(?!/)[^"]*"', page) == []


def test_a_member_sees_the_page_of_the_api_with_the_sidebar(world):
    assert 'class="sidebar"' in world.member("reader").get("/api/").text
    assert 'class="sidebar"' not in world.app.test_client().get("/api/").text


def test_the_page_of_the_api_and_its_files_are_our_own(client):
    page = client.get("/api/reference")
    assert page.status_code == 200
    assert "http://" not in page.text and "https://" not in page.text
    assert client.get("/api/ui/swagger-ui-bundle.js").status_code == 200
    for name in ("index.html", "..%2f__init__.py", "missing"):
        assert client.get(f"/api/ui/{name}").status_code == 404
