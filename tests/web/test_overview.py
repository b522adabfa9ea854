"""The dashboard: access, response headers, escaping of input.

How they look and work in a browser is in `tests/browser`.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from advocacy import web
from advocacy.analytics.figures import DayFigures
from advocacy.app import create_app
from advocacy.reporting import charts
from advocacy.storage import campaigns, posts, tokens
from advocacy.storage.session import transaction
from tests.support.pages import HOSTILE
from tests.support.sql import run
from tests.support.world import World
from tools import vega_bundle

STATIC = Path(web.__file__).parent / "static"


@pytest.fixture
def staff(world):
    """A client that is signed in."""
    client = world.app.test_client()
    answer = client.post("/sign-in", data={"token": world.token()})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    return client


# Getting in.


def test_a_page_leads_to_sign_in_and_back(world):
    client = world.app.test_client()
    away = client.get("/campaigns/stay?from=2026-05-01")
    assert (away.status_code, away.headers["Location"]) == (302, "/sign-in?next=/campaigns/stay")
    back = client.post(away.headers["Location"], data={"token": world.token()})
    assert back.headers["Location"] == "/campaigns/stay"
    assert client.get("/campaigns/stay").status_code == 200


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "/ /evil.example",
        "/%09/evil.example",
        "/%2f/evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/a//evil.example",
        "/@evil.example",
        "/\u2028/evil.example",
        "/\u3000/evil.example",
        "/campaigns/stay\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
    ids=ascii,
)
def test_signing_in_never_leads_to_another_site(world, after):
    answer = world.app.test_client().post(
        "/sign-in", query_string={"next": after}, data={"token": world.token()}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("token", ["", "aat_wrong", "x" * 5000, "\x00", "ü", "' or 1=1 --"])
def test_a_wrong_token_is_one_answer(world, token):
    client = world.app.test_client()
    answer = client.post("/sign-in", data={"token": token})
    assert answer.status_code == 401
    assert "This token is invalid or has expired." in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert client.get("/").status_code == 302


def test_revoking_the_token_ends_the_session(world, staff):
    assert staff.get("/").status_code == 200
    with transaction():
        tokens.revoke_token(world.org_id, "test", datetime.now(UTC))
    assert staff.get("/").status_code == 302


def test_signing_out_ends_the_session(staff):
    answer = staff.post("/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in")
    assert staff.get("/").status_code == 302


@pytest.mark.parametrize(
    "cookie", ["", "x", "a.b.c", "eyJ0b2tlbiI6WyJhIiwiYiJdfQ.ZZZ.ZZZ", "\xff" * 20]
)
def test_a_forged_session_is_invalid(world, cookie):
    client = world.app.test_client()
    client.set_cookie("session", cookie)
    assert client.get("/").status_code == 302


def test_the_cookie_is_for_this_site_only_and_holds_no_token(world):
    word = world.token()
    cookie = world.app.test_client().post("/sign-in", data={"token": word}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert word not in cookie

    secure = create_app(replace(world.settings, public_url="https://act.example.org"))
    answer = secure.test_client().post(
        "/sign-in", data={"token": word}, base_url="https://act.example.org"
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie and "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


OURS, THEIRS = "http://localhost", "https://evil.example"
# What a browser may say of where a form comes from; None: it does not say.
SITES = ("same-origin", "none", "same-site", "cross-site", "nonsense", None)
ORIGINS = (OURS, "https://act.example.org", THEIRS, "http://localhost.evil.example", "null", None)
REFERERS = (
    f"{OURS}/sign-in",
    OURS,
    f"{THEIRS}/?{OURS}/",
    "http://localhost@evil.example/",
    "[",
    None,
)


def is_ours(site: str | None, origin: str | None, referer: str | None) -> bool:
    """Say what has to come of it: Referer is asked only where a browser says nothing else."""
    if site is None and origin is None:
        return referer in {f"{OURS}/sign-in", OURS}
    return site in {"same-origin", "none", None} and origin in {OURS, None}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("origin", ORIGINS)
def test_a_form_is_accepted_only_with_a_same_site_header(world, staff, site, origin):
    plain = FlaskClient(world.app, world.app.response_class, use_cookies=True)
    for referer in REFERERS:
        said = {"Sec-Fetch-Site": site, "Origin": origin, "Referer": referer}
        headers = {name: text for name, text in said.items() if text is not None}
        for path in ("/sign-in", "/sign-out"):
            answer = plain.post(path, data={"token": world.token()}, headers=headers)
            expected = 302 if is_ours(site, origin, referer) else 403
            assert answer.status_code == expected, (path, headers)
            if expected == 403:
                assert "Set-Cookie" not in answer.headers


def test_a_form_is_accepted_from_the_public_url_behind_a_proxy(world):
    """A proxy may pass on another name than the one that the browser knows."""
    plain = FlaskClient(world.app, world.app.response_class, use_cookies=True)
    public = world.settings.public_url
    for headers in ({"Origin": public}, {"Referer": f"{public}/sign-in"}):
        answer = plain.post(
            "/sign-in", base_url="http://web:8000", data={"token": world.token()}, headers=headers
        )
        assert answer.status_code == 302


def test_the_api_and_webhooks_need_no_such_header(world):
    plain = FlaskClient(world.app, world.app.response_class, use_cookies=True)
    assert plain.post("/webhooks/src_unknown", data=b"{}").status_code != 403
    answer = plain.post("/api/v1/nothing", headers={"Authorization": f"Bearer {world.token()}"})
    assert answer.status_code in {404, 405}


# What is shown, and of whom.


def test_each_organization_sees_its_own(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    with transaction():
        campaigns.put_campaign(bob.org_id, "secret", "Bob's secret", "UTC")
    client = app.test_client()
    client.post("/sign-in", data={"token": alice.token()})
    assert "Bob" not in client.get("/").text
    theirs, nobodys = client.get("/campaigns/secret"), client.get("/campaigns/nothing")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.text.replace("secret", "nothing") == nobodys.text


def test_an_empty_installation_shows_first_steps_by_role(world):
    with transaction():
        run("delete from sources where org_id = :o", o=world.org_id)
        run("delete from campaigns where org_id = :o", o=world.org_id)
    reader, editor = world.member("reader"), world.member("editor")
    assert "No campaigns yet. An editor can create the first one." in words_of(reader.get("/"))
    for page in ("/", "/links"):
        assert 'href="/new-campaign">Create the first one' in editor.get(page).text
    with transaction():
        campaigns.put_campaign(world.org_id, "stay", "Stay", "UTC")
    for page in ("/campaigns/stay", "/campaigns/stay/people", "/campaigns/stay/paths"):
        assert "An editor can create a tracking link" in reader.get(page).text
        to_links = 'href="/links?campaign=stay">Create a tracking link'
        assert to_links in editor.get(page).text, page
    assert "No actions were counted in this period" in reader.get("/campaigns/stay").text


def words_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_no_page_sends_staff_to_a_terminal_for_what_a_page_does(world):
    """The pages are for those who have none; connecting a tool is the operator's."""
    owner = world.member("owner")
    for page in (
        "/",
        "/campaigns/stay",
        "/campaigns/stay/people",
        "/campaigns/stay/paths",
        "/links",
    ):
        assert "<code>advocacy " not in owner.get(page).text, page


def test_pending_and_quarantined_deliveries_are_shown(world, staff):
    world.standard("{")
    world.drain()
    world.act("call", email="a@example.org")
    page = staff.get("/campaigns/stay").text
    assert "1 delivery has not been processed yet" in page
    assert "1 delivery could not be read" in page
    assert "1 delivery could not be read" in staff.get("/").text
    assert page.count('href="/quarantine"') == 1
    # The sidebar says how many, beside the page that leads there.
    assert re.search(r'href="/connections".*?<span class="badge">1<', page, re.S)
    assert 'href="/quarantine"' in staff.get("/connections").text


def test_names_and_titles_are_text_and_nothing_else(world, staff):
    with transaction():
        campaign = campaigns.put_campaign(world.org_id, "hostile", HOSTILE, "UTC")
        for url in ("javascript:alert(1)", "https://example.org/\"onmouseover='alert(1)'"):
            posts.put_post(world.org_id, campaign.id, HOSTILE, title=HOSTILE, url=url)
    for path in ("/", "/campaigns/hostile"):
        page = staff.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert 'href="javascript:' not in page
        assert "\"onmouseover='" not in page
        assert "{{739*997}}" in page
        assert "736783" not in page


def test_chart_data_is_escaped(world, staff):
    world.act("call", email="a@example.org")
    world.drain()
    page = staff.get("/campaigns/stay").text
    (spec,) = re.findall(r'<script type="application/json" id="by-day-spec">(.*?)</script>', page)
    assert json.loads(spec)["description"].startswith("Actions by day")
    assert "<" not in spec


@pytest.mark.parametrize(
    "query",
    [
        "?from=x",
        "?from=2026-02-30",
        "?to=99999-01-01",
        "?from=2026-05-02&to=2026-05-01",
        "?from=2999-01-01",
        "?from=%00",
    ],
)
def test_invalid_days_are_explained(staff, query):
    answer = staff.get(f"/campaigns/stay{query}")
    assert answer.status_code == 422
    assert "Enter dates as YYYY-MM-DD" in answer.text


@pytest.mark.parametrize(
    "query", ["?from=0001-01-01&to=9999-12-31", "?from=9999-12-31&to=9999-12-31", "?from=&to="]
)
def test_the_first_and_last_possible_days_are_accepted(world, staff, query):
    world.act("call", email="a@example.org")
    world.drain()
    assert staff.get(f"/campaigns/stay{query}").status_code == 200


def test_values_too_large_for_the_database_are_not_found(world):
    editor = world.member("editor")
    for path in ("/quarantine?reason=%00", "/links?made=%00", "/links?of=%00&campaign=%00"):
        assert editor.get(path).status_code == 200, path
    assert editor.get("/explore?platform=%00").status_code == 422
    asked = {
        "campaign": "stay",
        "destination": "https://example.org/act",
        "platform": "x",
        "title": "a\0b",
        "author": "\0",
    }
    assert editor.post("/links", data=asked).status_code == 303
    assert editor.post("/quarantine/replay", data={"reason": "\0"}).status_code == 422


# What is said to the browser.

PAGES = (
    "/",
    "/sign-in",
    "/campaigns/stay",
    "/campaigns/nothing",
    "/api/",
    "/api/reference",
    "/nothing",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_what_it_may_do(staff, path):
    answer = staff.get(path)
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == policy["connect-src"] == "'self'"
    # Only the packaged Swagger UI writes styles into its page.
    assert ("'unsafe-inline'" in policy["style-src"]) is (path == "/api/reference")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    # Only what the headers allow is asked for: nothing inline, nothing from elsewhere.
    assert not re.search(r"<script(?![^>]*(src=\"/|type=\"application/json\"))", answer.text)
    assert not re.search(r"\son\w+=|\sstyle=", answer.text)
    assert not re.search(r"(src|action)=\"(https?:)?//", answer.text)


def test_static_files_may_be_cached(client):
    for path in ("/static/style.css", "/static/vega.js", "/api/ui/swagger-ui.css"):
        assert client.get(path).headers.get("Cache-Control") != "no-store"


def test_vega_comes_from_here_and_is_what_draws_mails_and_pdfs(client):
    answer = client.get("/static/vega.js")
    assert answer.content_type.startswith("text/javascript")
    assert answer.text == vega_bundle.text(), "run `make vega`"
    assert client.get("/static/vega.LICENSE.txt").status_code == 200


# Colours and figures.


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def papers() -> list[dict[str, str]]:
    """Return the colours of the style sheet, in light and in dark."""
    sheet = (STATIC / "style.css").read_text()
    found = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in sheet.split(":root")[1:3]
    ]
    light, dark = found
    # Kinds have one colour in both themes.
    assert set(dark) <= set(light)
    assert set(light) - set(dark) == set(charts.COLOURS)
    return [light, {**light, **dark}]


@pytest.mark.parametrize("colours", papers(), ids=["light", "dark"])
def test_text_and_bars_stand_out(colours):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for ink in ("ink", "soft", "accent", "good", "bad", "warn"):
        for paper in ("surface-0", "surface-1"):
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["focus"], colours["surface-0"]) >= 3
    for kind, colour in charts.COLOURS.items():
        assert contrast(colour, colours["surface-0"]) >= 3, kind


def test_every_kind_has_a_colour():
    from advocacy.core.events import ActionKind

    assert set(charts.COLOURS) == {kind.value for kind in ActionKind}


def day(number: int) -> date:
    return date(2026, 5, number)


def axis_of(spec: dict) -> list[tuple[int, int, int]]:
    return [
        (each["year"], each["month"], each["date"])
        for each in spec["encoding"]["x"]["scale"]["domain"]
    ]


def test_the_axis_shows_the_whole_range_unless_it_is_very_long():
    days = [DayFigures(day(number), "call", 1) for number in (3, 4)]
    near = charts.actions_by_day(days, day(1), day(9))
    assert axis_of(near) == [(2026, 5, 1), (2026, 5, 10)]
    far = charts.actions_by_day(days, date(1, 1, 1), date(9999, 12, 31))
    assert axis_of(far) == [(2026, 5, 3), (2026, 5, 5)]
