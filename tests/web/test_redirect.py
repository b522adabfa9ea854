"""The redirect endpoint: where it leads, whose clicks count, and that it never fails."""

from __future__ import annotations

import atexit
import base64
import hashlib
import json
import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from werkzeug.test import Client

from advocacy.analytics.figures import Clicks
from advocacy.app import create_app
from advocacy.core import records
from advocacy.core.ids import new_id
from advocacy.core.tracking_parameters import split_code
from advocacy.ingestion.counters import Counters, read_counters
from advocacy.ingestion.wakeup import NullNotifier, connect
from advocacy.storage import links, organizations
from advocacy.storage import posts as posts_storage
from advocacy.storage.session import transaction
from advocacy.tracking.click_loader import ship
from advocacy.tracking.link_cache import LinkCache, Target
from advocacy.web.redirect import Redirector
from tests.support.query_strings import PASSED_ON, passed_on
from tests.support.sql import run
from tests.support.world import World

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A.231005.007; wv) AppleWebKit/537.36"
    " (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.165 Mobile Safari/537.36"
)
DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/125.0.0.0 Safari/537.36"
)

PEOPLE = {
    "Chrome": DESKTOP,
    "Instagram": f"{ANDROID} Instagram 334.0.0.42.95 Android (34/14; 480dpi; samsung)",
    "a build that the list of crawlers has": (
        "Mozilla/5.0 (Linux; Android 15; CPH2665 Build/AP3A.240617.008; wv) AppleWebKit/537.36"
        " (KHTML, like Gecko) Version/4.0 Chrome/143.0.7499.34 Mobile Safari/537.36"
        " Instagram 400.0.0.1.1 Android (35/15)"
    ),
    "Facebook": f"{IPHONE} Safari/604.1 MetaIAB Facebook",
}
BOTS = {
    "Facebook": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "a preview on a phone": f"{IPHONE} AcmeLinkPreview/2.1",
    "curl": "curl/8.5.0",
    "nothing at all": "",
}


class RedirectEndpoint:
    """A redirect endpoint with its own folder, and the clicks logged there."""

    def __init__(self, world, folder: Path) -> None:
        self.world = world
        self.settings = replace(
            world.settings,
            var_dir=folder,
            # The threads do nothing; tests load clicks and refresh links explicitly.
            click_ship_seconds=3600,
            links_refresh_seconds=3600,
        )
        self.redirector = Redirector(world.app.wsgi_app, world.app, self.settings)
        self.opened = [self.redirector]
        self.client = Client(self.redirector)

    def tap(self, code: str, agent: str = IPHONE, method: str = "GET", query="", **headers: str):
        return self.client.open(
            f"/r/{code}{query}", method=method, headers={"User-Agent": agent, **headers}
        )

    def lines(self) -> list[str]:
        return [
            line
            for path in sorted((self.settings.var_dir / "clicks").glob("*"))
            for line in path.read_text().splitlines()
        ]

    def link(self, url: str, provider: str, utm: dict[str, str] | None = None) -> str:
        with transaction():
            post = posts_storage.get_post(self.world.org_id, self.world.posts["x"])
            return links.put_link(self.world.org_id, post, url, provider, utm or {}).code


@pytest.fixture
def endpoint(world, tmp_path):
    made = RedirectEndpoint(world, tmp_path)
    yield made
    for each in made.opened:
        # The folder and the database will be gone when this process ends.
        atexit.unregister(each.finish)


def query_of(answer) -> dict[str, str]:
    assert answer.status_code == 302
    (location,) = answer.headers.getlist("Location")
    found = parse_qs(urlsplit(location).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values()), location
    return {name: values[0] for name, values in found.items()}


def test_action_network_gets_code_and_click_in_its_one_field(endpoint):
    code = endpoint.world.links["instagram"]
    first, second = (query_of(endpoint.tap(code)) for _ in range(2))

    assert split_code(first["source"])[0] == code
    assert len(split_code(first["source"])[1]) == 26
    assert first["source"] != second["source"]
    assert (first["utm_source"], first["utm_campaign"]) == ("instagram", "stay")


@pytest.mark.parametrize(
    ("provider", "of_code", "of_click"),
    [("actblue", "refcode", "refcode2"), ("standard", "code", "click_id")],
)
def test_tools_with_two_fields_get_code_and_click_apart(endpoint, provider, of_code, of_click):
    code = endpoint.link(f"https://example.org/act?amount=25&{of_code}=theirs#form", provider)
    answer = endpoint.tap(code)

    found = query_of(answer)
    assert found[of_code] == code
    assert re.fullmatch(r"[a-z2-7]{26}", found[of_click])
    assert found["amount"] == "25"
    assert urlsplit(answer.headers["Location"]).fragment == "form"


def test_a_redirect_is_not_cached_and_sends_no_referrer(endpoint):
    answer = endpoint.tap(endpoint.world.links["x"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("prefix", ["/r/", "/R/"])
def test_a_code_is_found_despite_surrounding_text(endpoint, prefix):
    code = endpoint.world.links["x"]
    for written in PASSED_ON:
        path = f"{prefix}{passed_on(written, code)}"
        answer = endpoint.client.get(path, headers={"User-Agent": IPHONE})
        assert answer.status_code == 302, path
        assert split_code(query_of(answer)["source"])[0] == code
    assert [line.split("\t")[4] for line in endpoint.lines()] == [""] * len(PASSED_ON)


def test_a_custom_code_is_found_in_any_spelling(endpoint):
    with transaction():
        post = posts_storage.get_post(endpoint.world.org_id, endpoint.world.posts["x"])
        for code in ("Stay-Now", "9"):
            links.put_link(endpoint.world.org_id, post, "https://a.org/", "standard", {}, code)
    for written in (
        "stay-now",
        "StayNow",
        "STAY_NOW.",
        "stay-now/",
        "staynowstaynow",
        "9",
        "9!",
        "99",
    ):
        assert endpoint.tap(written).status_code == 302, written
    assert endpoint.tap("stay").status_code == 404


@pytest.mark.parametrize("code", ["", "unknown", "x" * 5000, "a/b", "%00", "%ff", "..%2f..", "ü"])
def test_an_unknown_code_is_not_found_and_not_logged(endpoint, code):
    answer = endpoint.tap(code)
    assert answer.status_code == 404
    assert "This link was not found" in answer.text
    assert "Location" not in answer.headers
    assert endpoint.lines() == []


ACT = "https://hope.example/act?a=1&b=2"


def fall_back(org_id, url: str = ACT) -> None:
    with transaction():
        organizations.set_fallback_url(organizations.find_organization(org_id), url)


def disable(endpoint, code: str) -> None:
    with transaction():
        links.disable_link(endpoint.world.org_id, code, datetime.now(UTC))


def test_a_disabled_link_offers_the_fallback_url(endpoint):
    code = endpoint.world.links["x"]
    fall_back(endpoint.world.org_id)
    assert endpoint.tap(code).status_code == 302
    disable(endpoint, code)
    endpoint.redirector.links.refresh()

    answer = endpoint.tap(f"{code}.")
    assert answer.status_code == 410
    assert '<html lang="en">' in answer.text
    assert "This link is no longer in use" in answer.text
    assert f'<a href="{escape(ACT)}" rel="noreferrer">Continue to Hope</a>' in answer.text
    assert len(endpoint.lines()) == 1
    head = endpoint.tap(code, method="HEAD")
    assert (head.status_code, head.data) == (410, b"")


@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr", "Ce lien n’est plus utilisé"),
        ("es", "es", "Este enlace ya no se usa"),
        ("de, es;q=0.5", "es", "Este enlace ya no se usa"),
        ("de", "en", "This link is no longer in use"),
        (";q=,,=", "en", "This link is no longer in use"),
    ],
)
def test_the_page_of_a_missing_link_is_in_the_browser_s_language(
    endpoint, accepted, language, words
):
    disable(endpoint, endpoint.world.links["x"])
    answer = endpoint.tap(endpoint.world.links["x"], **{"Accept-Language": accepted})
    assert answer.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in answer.text
    assert words in answer.text


def test_the_page_of_a_missing_link_loads_nothing_and_sends_no_referrer(endpoint):
    fall_back(endpoint.world.org_id)
    answer = endpoint.tap("unknown")
    (style,) = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", answer.text) == [escape(ACT)]
    assert not re.search(r"url\(|@import|<script|<link|<img| style=", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers


def test_the_name_of_an_organization_is_escaped(endpoint):
    with transaction() as session:
        session.execute(
            text("update organizations set name = '<b>&\"', fallback_url = :u"), {"u": ACT}
        )
    assert "Continue to &lt;b&gt;&amp;&#34;</a>" in endpoint.tap("unknown").text


def test_an_invalid_fallback_url_is_not_offered(endpoint):
    with transaction() as session:
        session.execute(text("update organizations set fallback_url = 'javascript:alert(1)'"))
    assert "<a " not in endpoint.tap("unknown").text


def test_an_unknown_code_offers_the_organization_only_if_it_is_the_only_one(endpoint):
    fall_back(endpoint.world.org_id)
    assert escape(ACT) in endpoint.tap("unknown").text
    other = World(endpoint.world.app, "other")
    endpoint.redirector.links.refresh()
    assert "<a " not in endpoint.tap("unknown").text
    fall_back(other.org_id, "https://other.example/")
    disable(endpoint, endpoint.world.links["x"])
    endpoint.redirector.links.refresh()
    assert "<a " not in endpoint.tap("unknown").text
    assert escape(ACT) in endpoint.tap(endpoint.world.links["x"]).text


def test_a_link_that_is_enabled_again_redirects(endpoint):
    code = endpoint.world.links["x"]
    disable(endpoint, code)
    assert endpoint.tap(code).status_code == 410
    with transaction() as session:
        session.execute(text("update links set disabled_at = null"))
    endpoint.redirector.links.refresh()
    assert endpoint.tap(code).status_code == 302


def test_a_missing_link_gets_the_same_page_while_the_database_is_down(endpoint):
    fall_back(endpoint.world.org_id)
    disable(endpoint, endpoint.world.links["x"])
    assert endpoint.tap(endpoint.world.links["x"]).status_code == 410
    down = Client(without_database(endpoint))
    gone = down.get(f"/r/{endpoint.world.links['x']}")
    assert (gone.status_code, escape(ACT) in gone.text) == (410, True)
    assert down.get(f"/r/{endpoint.world.links['instagram']}").status_code == 302
    assert escape(ACT) in down.get("/r/unknown").text


def test_a_file_saved_by_an_older_release_is_read(endpoint):
    assert endpoint.tap(endpoint.world.links["x"]).status_code == 302
    saved = endpoint.settings.var_dir / "links.json"
    saved.write_text(json.dumps(json.loads(saved.read_text())["links"]))
    down = Client(without_database(endpoint))
    assert down.get(f"/r/{endpoint.world.links['x']}").status_code == 302
    assert down.get("/r/unknown").status_code == 404


def test_processes_with_the_same_id_on_one_disk_do_not_corrupt_the_file(endpoint):
    """Each in its own container; what one writes the other must not take for its own."""
    saved = endpoint.settings.var_dir / "links.json"
    caches = [LinkCache(endpoint.world.app.app_context, saved, local=False) for _ in range(2)]
    texts = [json.dumps([letter * 2_000_000]) for letter in "ab"]
    caches[0]._save(texts[0])
    done = threading.Event()

    def write(cache: LinkCache, written: str) -> None:
        while not done.is_set():
            cache._save(written)

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, *each) for each in zip(caches, texts, strict=True)]
        try:
            for _ in range(100):
                assert saved.read_text() in texts
        finally:
            done.set()
        for each in writing:
            each.result()
    assert list(saved.parent.glob("*.tmp")) == []


def test_temporary_files_of_killed_processes_are_removed(endpoint):
    left = endpoint.settings.var_dir / "links.0123.tmp"
    left.write_text("{")
    os.utime(left, (0, 0))
    assert endpoint.tap(endpoint.world.links["x"]).status_code == 302
    assert not left.exists()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(endpoint, method):
    answer = endpoint.tap(endpoint.world.links["x"], method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert endpoint.lines() == []


@pytest.mark.parametrize(
    "query",
    [
        "?url=https://evil.example",
        "?to=//evil.example&next=https://evil.example",
        "?source=evil&utm_source=evil&refcode=evil",
        "?%0d%0aLocation:%20https://evil.example",
    ],
)
def test_added_query_parameters_are_ignored(endpoint, query):
    answer = endpoint.tap(endpoint.world.links["x"], query=query)
    location = urlsplit(answer.headers["Location"])

    assert (location.scheme, location.netloc) == ("https", "actionnetwork.org")
    assert "evil" not in answer.headers["Location"]
    assert query_of(answer)["utm_source"] == "x"


def test_a_line_break_in_a_parameter_is_escaped(endpoint):
    code = endpoint.link("https://example.org/", "standard", {"source": "a\r\nSet-Cookie: evil=1"})
    answer = endpoint.tap(code)

    assert "Set-Cookie" not in answer.headers
    assert "%0D%0A" in answer.headers["Location"]
    assert query_of(answer)["utm_source"] == "a\r\nSet-Cookie: evil=1"


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_a_supporter_who_asks_not_to_be_tracked_gets_no_click_id(endpoint, header):
    code = endpoint.world.links["x"]
    assert query_of(endpoint.tap(code, **{header: "1"}))["source"] == code
    assert query_of(endpoint.tap(code, **{header: "0"}))["source"] != code
    assert len(endpoint.lines()) == 2


@pytest.mark.parametrize("name", PEOPLE)
def test_browsers_inside_apps_are_people(endpoint, name):
    assert endpoint.tap(endpoint.world.links["x"], PEOPLE[name]).status_code == 302
    assert [line.split("\t")[4] for line in endpoint.lines()] == [""]


@pytest.mark.parametrize("name", BOTS)
def test_previews_and_programs_are_redirected_and_flagged(endpoint, name):
    answer = endpoint.tap(endpoint.world.links["x"], BOTS[name])
    assert query_of(answer)["source"].startswith(endpoint.world.links["x"])
    assert [line.split("\t")[4] for line in endpoint.lines()] == ["preview"]


@pytest.mark.parametrize(
    "header",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"Sec-Purpose": "Prefetch; Prerender"},
        {"Purpose": "prerender"},
        {"X-Moz": "prefetch"},
    ],
)
def test_a_prefetch_is_flagged(endpoint, header):
    assert endpoint.tap(endpoint.world.links["x"], **header).status_code == 302
    assert [line.split("\t")[4] for line in endpoint.lines()] == ["prefetch"]


def test_head_is_answered_and_flagged(endpoint):
    answer = endpoint.tap(endpoint.world.links["x"], method="HEAD")
    assert (answer.status_code, answer.data) == (302, b"")
    assert [line.split("\t")[4] for line in endpoint.lines()] == ["head"]


def test_a_click_is_on_disk_before_the_response_and_has_no_personal_data(endpoint):
    seen = []

    def start_response(_status, headers):
        seen.append((dict(headers)["Location"], endpoint.lines()))

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/r/{endpoint.world.links['x']}",
        "HTTP_USER_AGENT": IPHONE,
        "HTTP_REFERER": "https://l.instagram.com/?u=canary-path",
        "REMOTE_ADDR": "203.0.113.77",
    }
    endpoint.redirector(environ, start_response)

    (location, (line,)) = seen[0]
    click_id = split_code(parse_qs(urlsplit(location).query)["source"][0])[1]
    assert line.startswith(click_id + "\t")
    assert line.endswith("\tl.instagram.com")
    for word in ("canary", "203.0.113.77", "iPhone"):
        assert word not in line


@pytest.mark.parametrize(
    "referrer", ["https://[evil", "a\tb", "http://\x00/", "//", "https://é.fr/"]
)
def test_an_invalid_referrer_does_not_break_the_line(endpoint, referrer):
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/r/{endpoint.world.links['x']}",
        "HTTP_USER_AGENT": IPHONE,
        "HTTP_REFERER": referrer,
    }
    endpoint.redirector(environ, lambda *_: None)
    (line,) = endpoint.lines()
    assert len(line.split("\t")) == 6
    records.Click.from_line(line.encode())


def counted(world) -> dict[bool, int]:
    rows = run("select human, sum(clicks)::int as clicks from click_totals group by human")
    return {row.human: row.clicks for row in rows}


def test_loading_counts_people_separately_and_removes_the_log(endpoint):
    for agent in (IPHONE, DESKTOP, BOTS["Facebook"]):
        endpoint.tap(endpoint.world.links["x"], agent)
    endpoint.redirector.ship()

    assert counted(endpoint.world) == {True: 2, False: 1}
    assert endpoint.lines() == []
    report = endpoint.world.report()
    assert report.clicks == Clicks(human=2, other=1)
    posts = {row.post.platform: row.clicks.human for row in report.posts}
    assert posts == {"instagram": 0, "x": 2}


def test_loading_twice_counts_once(endpoint):
    endpoint.tap(endpoint.world.links["x"])
    (path,) = (endpoint.settings.var_dir / "clicks").iterdir()
    copy = path.read_bytes()
    endpoint.redirector.ship()
    (path.parent / f"{'0' * 32}.clicks").write_bytes(copy)
    endpoint.redirector.ship()

    assert counted(endpoint.world) == {True: 1}
    assert run("select count(*) from touches")[0][0] == 1


def test_a_truncated_last_line_loses_no_other_click(endpoint):
    for _ in range(3):
        endpoint.tap(endpoint.world.links["x"])
    (path,) = (endpoint.settings.var_dir / "clicks").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    endpoint.redirector.ship()

    assert counted(endpoint.world) == {True: 2}
    assert endpoint.lines() == []


def test_a_new_link_works_at_once_even_after_a_recent_lookup(endpoint):
    endpoint.tap(endpoint.world.links["x"])
    for _ in range(3):
        endpoint.redirector.links.refresh()
        assert endpoint.tap(endpoint.link("https://example.org/", "generic")).status_code == 302
        time.sleep(0.3)


def test_a_link_made_during_a_refresh_works_at_once(endpoint, monkeypatch):
    endpoint.tap(endpoint.world.links["x"])
    cache, app = endpoint.redirector.links, endpoint.world.app
    begun, made = threading.Event(), threading.Event()
    whole = links.links_version

    def slow():
        mark = whole()
        if not begun.is_set():
            begun.set()
            assert made.wait(30)
        return mark

    monkeypatch.setattr(links, "links_version", slow)

    def look(code: str):
        with app.app_context():
            return cache.find_cached([code]) or cache.find([code])

    with ThreadPoolExecutor(2) as others:
        reading = others.submit(cache.refresh)
        assert begun.wait(30)
        looking = others.submit(look, endpoint.link("https://example.org/", "generic"))
        time.sleep(0.1)
        made.set()
        reading.result()
        assert isinstance(looking.result(), Target)


@pytest.mark.parametrize("kept", [1, 26, 40, 100, -1])
def test_a_line_truncated_by_a_full_disk_does_not_lose_the_next(endpoint, kept):
    """Another thread that is at the same file finds room again."""
    for _ in range(3):
        endpoint.tap(endpoint.world.links["x"])
    (path,) = (endpoint.settings.var_dir / "clicks").iterdir()
    first, torn, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + torn[:kept] + last)
    endpoint.redirector.ship()
    found = {row.click_id for row in run("select click_id from touches")}
    assert found == {line[:26].decode() for line in (first, last)}


def test_invalid_lines_are_skipped(endpoint):
    folder = endpoint.settings.var_dir / "clicks"
    folder.mkdir()
    endpoint.tap(endpoint.world.links["x"])
    good = endpoint.lines()[0]
    (folder / f"{'1' * 32}.clicks").write_bytes(
        b"\n\xff\xfe\n" + b"a\tb\n" + good.replace("\t", " ").encode() + b"\n" + b"x" * 100_000
    )
    endpoint.redirector.ship()
    assert counted(endpoint.world) == {True: 1}
    assert list(folder.iterdir()) == []


def test_a_segment_in_use_is_not_loaded_by_another_process(endpoint):
    endpoint.tap(endpoint.world.links["x"])
    with endpoint.world.app.app_context():
        assert ship(endpoint.settings.var_dir / "clicks") == set()
    assert len(endpoint.lines()) == 1


def without_database(endpoint, port: int = 9) -> Redirector:
    """An endpoint in a new process: empty memory, and no database (port 9 is closed)."""
    settings = replace(
        endpoint.settings, database_url=f"postgresql+psycopg://nobody@127.0.0.1:{port}/nothing"
    )
    app = create_app(settings)
    app.extensions["notifier"] = NullNotifier()
    endpoint.opened.append(Redirector(app.wsgi_app, app, settings))
    return endpoint.opened[-1]


def test_it_works_from_the_saved_file_while_the_database_is_down(endpoint):
    expected = query_of(endpoint.tap(endpoint.world.links["x"]))
    down = without_database(endpoint)
    began = time.monotonic()
    answer = Client(down).get(f"/r/{endpoint.world.links['x']}", headers={"User-Agent": IPHONE})
    took = time.monotonic() - began

    assert took < 1.0
    found = query_of(answer)
    assert found["source"][:12] == expected["source"][:12]
    assert found["utm_source"] == "x"

    began = time.monotonic()
    for number in range(20):
        unknown = Client(down).get(f"/r/unknown{number}", headers={"User-Agent": IPHONE})
        assert unknown.status_code == 404
    assert time.monotonic() - began < 1.0

    down.ship()
    assert len(endpoint.lines()) == 2
    endpoint.redirector.ship()
    assert counted(endpoint.world) == {True: 2}


def test_a_hanging_database_delays_no_known_link(endpoint):
    endpoint.tap(endpoint.world.links["x"])
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        client = Client(without_database(endpoint, silent.getsockname()[1]))
        began = time.monotonic()
        assert client.get(f"/r/{endpoint.world.links['x']}").status_code == 302
        assert time.monotonic() - began < 1.0

        deadline = time.monotonic() + 20
        while endpoint.opened[-1].links._lock.locked() and time.monotonic() < deadline:
            time.sleep(0.05)
        # It has failed to answer once: for a while it is not asked again for each unknown code.
        time.sleep(0.3)
        began = time.monotonic()
        for number in range(20):
            assert client.get(f"/r/unknown{number}").status_code == 404
        assert time.monotonic() - began < 1.0


def test_an_unreadable_saved_file_is_harmless(endpoint):
    for written in (
        *("{", "[1]", "[[]]", "null", '[["a","b","c","d","e"]]', "\x00", "{}", '{"links": 1}'),
        *('{"links": [], "disabled": []}', '{"links": [], "organizations": {"a": "b"}}'),
        '{"links": [], "disabled": {"abc": 1}, "organizations": {"1": ["a", 1]}}',
    ):
        (endpoint.settings.var_dir / "links.json").write_text(written)
        assert Client(without_database(endpoint)).get("/r/abc").status_code in {404, 410}


def test_a_link_works_from_its_creation_until_it_is_disabled(endpoint):
    assert endpoint.tap(endpoint.world.links["x"]).status_code == 302
    time.sleep(0.3)
    code = endpoint.link("https://example.org/", "standard")
    assert endpoint.tap(code).status_code == 302
    with transaction() as session:
        session.execute(text("update links set disabled_at = now() where code = :c"), {"c": code})
    endpoint.redirector.links.refresh()
    assert endpoint.tap(code).status_code == 410
    saved = json.loads((endpoint.settings.var_dir / "links.json").read_text())
    assert code not in [row[0] for row in saved["links"]]


def test_only_changed_links_are_read_and_removed_links_lead_nowhere(endpoint, monkeypatch):
    asked, read = [], links.links_for_redirect

    def counted(since=None):
        asked.append((since is None, rows := read(since)))
        return rows

    monkeypatch.setattr(links, "links_for_redirect", counted)
    kept, moved, gone = (endpoint.link(f"https://example.org/{n}", "standard") for n in range(3))
    for code in (kept, moved, gone):
        assert endpoint.tap(code).status_code == 302
    with transaction() as session:
        session.execute(text("update links set changed_at = now() - interval '1 hour'"))
        session.execute(
            text(
                "update links set destination = 'https://example.org/new', changed_at = now()"
                " where code = :c"
            ),
            {"c": moved},
        )
    asked.clear()
    endpoint.redirector.links.refresh()
    assert [whole for whole, _ in asked] == [False]
    assert {row.code for row in asked[0][1]} == {moved}
    assert endpoint.tap(moved).location.startswith("https://example.org/new")
    assert endpoint.tap(kept).location.startswith("https://example.org/0")
    with transaction() as session:
        session.execute(text("delete from links where code = :c"), {"c": gone})
    endpoint.redirector.links.refresh()
    assert endpoint.tap(gone).status_code == 404
    assert endpoint.tap(kept).status_code == 302


@pytest.mark.parametrize(
    "destination",
    [
        "https://[evil",
        "javascript:alert(1)",
        "//evil.example",
        "https://user@evil.example",
        "https://evil.example:8443/",
        "https://10.0.0.1/",
        "https://evil.example/\r\nSet-Cookie: a=b",
        "",
    ],
)
def test_an_invalid_destination_leads_nowhere_and_affects_no_other_link(endpoint, destination):
    with transaction() as session:
        session.execute(
            text("update links set destination = :d where code = :c"),
            {"d": destination, "c": endpoint.world.links["x"]},
        )
    assert endpoint.tap(endpoint.world.links["x"]).status_code == 404
    assert endpoint.tap(endpoint.world.links["instagram"]).status_code == 302


def test_a_malformed_utm_leads_nowhere_and_affects_no_other_link(endpoint):
    with transaction() as session:
        session.execute(
            text("update links set utm = '[1]' where code = :c"), {"c": endpoint.world.links["x"]}
        )
    assert endpoint.tap(endpoint.world.links["x"]).status_code == 404
    assert endpoint.tap(endpoint.world.links["instagram"]).status_code == 302


def test_the_longest_accepted_destination_redirects(endpoint):
    url = "https://example.org/?q=".ljust(2048, "a")
    code = endpoint.link(url, "standard", {"source": "x" * 100})
    assert query_of(endpoint.tap(code))["utm_source"] == "x" * 100


def test_a_full_disk_loses_clicks_visibly_but_fails_no_redirect(endpoint, monkeypatch):
    endpoint.tap(endpoint.world.links["x"])
    endpoint.redirector.ship()
    folder = endpoint.settings.var_dir / "clicks"
    folder.rmdir()
    # A file where the folder should be stops root too, whom rights do not stop.
    folder.write_text("")
    for _ in range(3):
        assert endpoint.tap(endpoint.world.links["x"]).status_code == 302
    assert endpoint.redirector.clicks.lost == 3
    queue = f"lost-{new_id().hex}"
    counters = Counters(endpoint.settings.redis_url, queue)
    monkeypatch.setitem(endpoint.world.app.extensions, "counters", counters)
    folder.unlink()
    endpoint.redirector.ship()
    endpoint.redirector.ship()
    assert counters.flush()
    with connect(endpoint.settings.redis_url) as redis:
        assert read_counters(redis, queue).clicks_lost == 3
    endpoint.tap(endpoint.world.links["x"])
    assert len(endpoint.lines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_no_space_left_is_counted_as_lost(endpoint, tmp_path):
    endpoint.tap(endpoint.world.links["x"])
    log = endpoint.redirector.clicks
    os.dup2(full := os.open("/dev/full", os.O_WRONLY), log._segment.fd)
    os.close(full)
    assert endpoint.tap(endpoint.world.links["x"]).status_code == 302
    assert log.lost == 1
    assert endpoint.tap(endpoint.world.links["x"]).status_code == 302
    assert log.lost == 1
    assert len(endpoint.lines()) == 2


def test_all_other_requests_are_passed_on(endpoint):
    assert endpoint.client.get("/live").data == b"ok\n"
    assert endpoint.client.get("/r").status_code == 404
