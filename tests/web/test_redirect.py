"""The redirect door: where it leads, whom it counts, and that nothing makes it fail."""

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
from advocacy.web.redirect import LinkTable, Redirector, Target
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


class Door:
    """A redirect door with a folder of its own, and what has been logged there."""

    def __init__(self, world, folder: Path) -> None:
        self.world = world
        self.settings = replace(
            world.settings,
            var_dir=folder,
            # The threads stay quiet; a test ships when it says so.
            click_ship_seconds=3600,
            links_refresh_seconds=3600,
        )
        self.door = Redirector(world.app.wsgi_app, world.app, self.settings)
        self.opened = [self.door]
        self.client = Client(self.door)

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
def door(world, tmp_path):
    made = Door(world, tmp_path)
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


def test_action_network_gets_code_and_click_in_its_one_field(door):
    code = door.world.links["instagram"]
    first, second = (query_of(door.tap(code)) for _ in range(2))

    assert split_code(first["source"])[0] == code
    assert len(split_code(first["source"])[1]) == 26
    assert first["source"] != second["source"]
    assert (first["utm_source"], first["utm_campaign"]) == ("instagram", "stay")


@pytest.mark.parametrize(
    ("provider", "of_code", "of_click"),
    [("actblue", "refcode", "refcode2"), ("standard", "code", "click_id")],
)
def test_tools_with_two_fields_get_code_and_click_apart(door, provider, of_code, of_click):
    code = door.link(f"https://example.org/act?amount=25&{of_code}=theirs#form", provider)
    answer = door.tap(code)

    found = query_of(answer)
    assert found[of_code] == code
    assert re.fullmatch(r"[a-z2-7]{26}", found[of_click])
    assert found["amount"] == "25"
    assert urlsplit(answer.headers["Location"]).fragment == "form"


def test_a_redirect_is_not_kept_by_anybody_and_tells_nobody_where_it_came_from(door):
    answer = door.tap(door.world.links["x"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("prefix", ["/r/", "/R/"])
def test_a_code_is_found_whatever_stands_around_it(door, prefix):
    code = door.world.links["x"]
    for written in PASSED_ON:
        path = f"{prefix}{passed_on(written, code)}"
        answer = door.client.get(path, headers={"User-Agent": IPHONE})
        assert answer.status_code == 302, path
        assert split_code(query_of(answer)["source"])[0] == code
    assert [line.split("\t")[4] for line in door.lines()] == [""] * len(PASSED_ON)


def test_a_code_that_was_chosen_is_found_as_it_was_chosen(door):
    with transaction():
        post = posts_storage.get_post(door.world.org_id, door.world.posts["x"])
        for code in ("Stay-Now", "9"):
            links.put_link(door.world.org_id, post, "https://a.org/", "standard", {}, code)
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
        assert door.tap(written).status_code == 302, written
    assert door.tap("stay").status_code == 404


@pytest.mark.parametrize("code", ["", "unknown", "x" * 5000, "a/b", "%00", "%ff", "..%2f..", "ü"])
def test_an_unknown_code_is_not_found_and_not_logged(door, code):
    answer = door.tap(code)
    assert answer.status_code == 404
    assert "This link was not found" in answer.text
    assert "Location" not in answer.headers
    assert door.lines() == []


ACT = "https://hope.example/act?a=1&b=2"


def fall_back(org_id, url: str = ACT) -> None:
    with transaction():
        organizations.set_fallback_url(organizations.find_organization(org_id), url)


def disable(door, code: str) -> None:
    with transaction():
        links.disable_link(door.world.org_id, code, datetime.now(UTC))


def test_a_disabled_link_offers_where_to_go_instead(door):
    code = door.world.links["x"]
    fall_back(door.world.org_id)
    assert door.tap(code).status_code == 302
    disable(door, code)
    door.door.links.refresh()

    answer = door.tap(f"{code}.")
    assert answer.status_code == 410
    assert '<html lang="en">' in answer.text
    assert "This link is no longer in use" in answer.text
    assert f'<a href="{escape(ACT)}" rel="noreferrer">Continue to Hope</a>' in answer.text
    assert len(door.lines()) == 1
    head = door.tap(code, method="HEAD")
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
def test_the_page_of_a_missing_link_is_in_the_language_that_is_asked_for(
    door, accepted, language, words
):
    disable(door, door.world.links["x"])
    answer = door.tap(door.world.links["x"], **{"Accept-Language": accepted})
    assert answer.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in answer.text
    assert words in answer.text


def test_the_page_of_a_missing_link_loads_nothing_and_hands_nothing_on(door):
    fall_back(door.world.org_id)
    answer = door.tap("unknown")
    (style,) = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", answer.text) == [escape(ACT)]
    assert not re.search(r"url\(|@import|<script|<link|<img| style=", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers


def test_the_name_of_an_organization_is_text(door):
    with transaction() as session:
        session.execute(
            text("update organizations set name = '<b>&\"', fallback_url = :u"), {"u": ACT}
        )
    assert "Continue to &lt;b&gt;&amp;&#34;</a>" in door.tap("unknown").text


def test_an_address_that_came_by_another_way_is_not_offered(door):
    with transaction() as session:
        session.execute(text("update organizations set fallback_url = 'javascript:alert(1)'"))
    assert "<a " not in door.tap("unknown").text


def test_an_unknown_code_leads_to_the_only_organization_and_else_to_none(door):
    fall_back(door.world.org_id)
    assert escape(ACT) in door.tap("unknown").text
    other = World(door.world.app, "other")
    door.door.links.refresh()
    assert "<a " not in door.tap("unknown").text
    fall_back(other.org_id, "https://other.example/")
    disable(door, door.world.links["x"])
    door.door.links.refresh()
    assert "<a " not in door.tap("unknown").text
    assert escape(ACT) in door.tap(door.world.links["x"]).text


def test_a_link_that_is_enabled_again_leads_on(door):
    code = door.world.links["x"]
    disable(door, code)
    assert door.tap(code).status_code == 410
    with transaction() as session:
        session.execute(text("update links set disabled_at = null"))
    door.door.links.refresh()
    assert door.tap(code).status_code == 302


def test_a_missing_link_is_answered_alike_with_the_database_down(door):
    fall_back(door.world.org_id)
    disable(door, door.world.links["x"])
    assert door.tap(door.world.links["x"]).status_code == 410
    down = Client(without_database(door))
    gone = down.get(f"/r/{door.world.links['x']}")
    assert (gone.status_code, escape(ACT) in gone.text) == (410, True)
    assert down.get(f"/r/{door.world.links['instagram']}").status_code == 302
    assert escape(ACT) in down.get("/r/unknown").text


def test_a_copy_that_an_older_release_saved_is_read(door):
    assert door.tap(door.world.links["x"]).status_code == 302
    saved = door.settings.var_dir / "links.json"
    saved.write_text(json.dumps(json.loads(saved.read_text())["links"]))
    down = Client(without_database(door))
    assert down.get(f"/r/{door.world.links['x']}").status_code == 302
    assert down.get("/r/unknown").status_code == 404


def test_processes_with_one_id_on_one_disk_do_not_tear_the_saved_copy(door):
    """Each in its own container; what one writes the other must not take for its own."""
    saved = door.settings.var_dir / "links.json"
    tables = [LinkTable(door.world.app, door.settings) for _ in range(2)]
    texts = [json.dumps([letter * 2_000_000]) for letter in "ab"]
    tables[0]._save(texts[0])
    done = threading.Event()

    def write(table: LinkTable, written: str) -> None:
        while not done.is_set():
            table._save(written)

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, *each) for each in zip(tables, texts, strict=True)]
        try:
            for _ in range(100):
                assert saved.read_text() in texts
        finally:
            done.set()
        for each in writing:
            each.result()
    assert list(saved.parent.glob("*.tmp")) == []


def test_what_a_killed_process_left_half_written_is_removed(door):
    left = door.settings.var_dir / "links.0123.tmp"
    left.write_text("{")
    os.utime(left, (0, 0))
    assert door.tap(door.world.links["x"]).status_code == 302
    assert not left.exists()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(door, method):
    answer = door.tap(door.world.links["x"], method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert door.lines() == []


@pytest.mark.parametrize(
    "query",
    [
        "?url=https://evil.example",
        "?to=//evil.example&next=https://evil.example",
        "?source=evil&utm_source=evil&refcode=evil",
        "?%0d%0aLocation:%20https://evil.example",
    ],
)
def test_what_the_caller_adds_is_ignored(door, query):
    answer = door.tap(door.world.links["x"], query=query)
    location = urlsplit(answer.headers["Location"])

    assert (location.scheme, location.netloc) == ("https", "actionnetwork.org")
    assert "evil" not in answer.headers["Location"]
    assert query_of(answer)["utm_source"] == "x"


def test_a_line_end_in_a_parameter_stays_inside_it(door):
    code = door.link("https://example.org/", "standard", {"source": "a\r\nSet-Cookie: evil=1"})
    answer = door.tap(code)

    assert "Set-Cookie" not in answer.headers
    assert "%0D%0A" in answer.headers["Location"]
    assert query_of(answer)["utm_source"] == "a\r\nSet-Cookie: evil=1"


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_who_does_not_want_to_be_followed_gets_no_id(door, header):
    code = door.world.links["x"]
    assert query_of(door.tap(code, **{header: "1"}))["source"] == code
    assert query_of(door.tap(code, **{header: "0"}))["source"] != code
    assert len(door.lines()) == 2


@pytest.mark.parametrize("name", PEOPLE)
def test_browsers_are_people_also_inside_apps(door, name):
    assert door.tap(door.world.links["x"], PEOPLE[name]).status_code == 302
    assert [line.split("\t")[4] for line in door.lines()] == [""]


@pytest.mark.parametrize("name", BOTS)
def test_previews_and_programs_are_redirected_and_flagged(door, name):
    answer = door.tap(door.world.links["x"], BOTS[name])
    assert query_of(answer)["source"].startswith(door.world.links["x"])
    assert [line.split("\t")[4] for line in door.lines()] == ["preview"]


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
def test_a_browser_that_looks_ahead_is_flagged(door, header):
    assert door.tap(door.world.links["x"], **header).status_code == 302
    assert [line.split("\t")[4] for line in door.lines()] == ["prefetch"]


def test_head_is_answered_and_flagged(door):
    answer = door.tap(door.world.links["x"], method="HEAD")
    assert (answer.status_code, answer.data) == (302, b"")
    assert [line.split("\t")[4] for line in door.lines()] == ["head"]


def test_a_click_is_on_disk_before_its_answer_and_says_nothing_of_the_person(door):
    seen = []

    def start_response(_status, headers):
        seen.append((dict(headers)["Location"], door.lines()))

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/r/{door.world.links['x']}",
        "HTTP_USER_AGENT": IPHONE,
        "HTTP_REFERER": "https://l.instagram.com/?u=canary-path",
        "REMOTE_ADDR": "203.0.113.77",
    }
    door.door(environ, start_response)

    (location, (line,)) = seen[0]
    click_id = split_code(parse_qs(urlsplit(location).query)["source"][0])[1]
    assert line.startswith(click_id + "\t")
    assert line.endswith("\tl.instagram.com")
    for word in ("canary", "203.0.113.77", "iPhone"):
        assert word not in line


@pytest.mark.parametrize(
    "referrer", ["https://[evil", "a\tb", "http://\x00/", "//", "https://é.fr/"]
)
def test_a_referrer_that_is_none_does_not_break_the_line(door, referrer):
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/r/{door.world.links['x']}",
        "HTTP_USER_AGENT": IPHONE,
        "HTTP_REFERER": referrer,
    }
    door.door(environ, lambda *_: None)
    (line,) = door.lines()
    assert len(line.split("\t")) == 6
    records.Click.from_line(line.encode())


def counted(world) -> dict[bool, int]:
    rows = run("select human, sum(clicks)::int as clicks from click_totals group by human")
    return {row.human: row.clicks for row in rows}


def test_shipping_counts_people_and_others_apart_and_removes_the_log(door):
    for agent in (IPHONE, DESKTOP, BOTS["Facebook"]):
        door.tap(door.world.links["x"], agent)
    door.door.ship()

    assert counted(door.world) == {True: 2, False: 1}
    assert door.lines() == []
    report = door.world.report()
    assert report["clicks"] == {"human": 2, "other": 1}
    posts = {row["post"]["platform"]: row["clicks"]["human"] for row in report["posts"]}
    assert posts == {"instagram": 0, "x": 2}


def test_shipping_twice_counts_once(door):
    door.tap(door.world.links["x"])
    (path,) = (door.settings.var_dir / "clicks").iterdir()
    copy = path.read_bytes()
    door.door.ship()
    (path.parent / f"{'0' * 32}.clicks").write_bytes(copy)
    door.door.ship()

    assert counted(door.world) == {True: 1}
    assert run("select count(*) from touches")[0][0] == 1


def test_a_torn_last_line_costs_no_other_click(door):
    for _ in range(3):
        door.tap(door.world.links["x"])
    (path,) = (door.settings.var_dir / "clicks").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    door.door.ship()

    assert counted(door.world) == {True: 2}
    assert door.lines() == []


def test_a_link_works_as_soon_as_it_is_made_whoever_looked_just_before(door):
    door.tap(door.world.links["x"])
    for _ in range(3):
        door.door.links.refresh()
        assert door.tap(door.link("https://example.org/", "generic")).status_code == 302
        time.sleep(0.3)


def test_a_link_that_is_made_while_links_are_read_works_at_once(door, monkeypatch):
    door.tap(door.world.links["x"])
    table, app = door.door.links, door.world.app
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
            return table.known([code]) or table.find([code])

    with ThreadPoolExecutor(2) as others:
        reading = others.submit(table.refresh)
        assert begun.wait(30)
        looking = others.submit(look, door.link("https://example.org/", "generic"))
        time.sleep(0.1)
        made.set()
        reading.result()
        assert isinstance(looking.result(), Target)


@pytest.mark.parametrize("kept", [1, 26, 40, 100, -1])
def test_a_line_that_a_full_disk_tore_costs_not_the_next_one(door, kept):
    """Another thread that is at the same file finds room again."""
    for _ in range(3):
        door.tap(door.world.links["x"])
    (path,) = (door.settings.var_dir / "clicks").iterdir()
    first, torn, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + torn[:kept] + last)
    door.door.ship()
    found = {row.click_id for row in run("select click_id from touches")}
    assert found == {line[:26].decode() for line in (first, last)}


def test_foreign_lines_are_passed_over(door):
    folder = door.settings.var_dir / "clicks"
    folder.mkdir()
    door.tap(door.world.links["x"])
    good = door.lines()[0]
    (folder / f"{'1' * 32}.clicks").write_bytes(
        b"\n\xff\xfe\n" + b"a\tb\n" + good.replace("\t", " ").encode() + b"\n" + b"x" * 100_000
    )
    door.door.ship()
    assert counted(door.world) == {True: 1}
    assert list(folder.iterdir()) == []


def test_a_segment_that_is_being_written_is_not_shipped_by_another(door):
    door.tap(door.world.links["x"])
    with door.world.app.app_context():
        assert ship(door.settings.var_dir / "clicks") == set()
    assert len(door.lines()) == 1


def without_database(door, port: int = 9) -> Redirector:
    """A door in a fresh process: nothing in memory, and no database; nobody listens at port 9."""
    settings = replace(
        door.settings, database_url=f"postgresql+psycopg://nobody@127.0.0.1:{port}/nothing"
    )
    app = create_app(settings)
    app.extensions["notifier"] = NullNotifier()
    door.opened.append(Redirector(app.wsgi_app, app, settings))
    return door.opened[-1]


def test_it_works_from_the_saved_copy_while_the_database_is_down(door):
    expected = query_of(door.tap(door.world.links["x"]))
    down = without_database(door)
    began = time.monotonic()
    answer = Client(down).get(f"/r/{door.world.links['x']}", headers={"User-Agent": IPHONE})
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
    assert len(door.lines()) == 2
    door.door.ship()
    assert counted(door.world) == {True: 2}


def test_a_database_that_hangs_holds_up_nobody_who_has_a_link(door):
    door.tap(door.world.links["x"])
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        client = Client(without_database(door, silent.getsockname()[1]))
        began = time.monotonic()
        assert client.get(f"/r/{door.world.links['x']}").status_code == 302
        assert time.monotonic() - began < 1.0

        deadline = time.monotonic() + 20
        while door.opened[-1].links._lock.locked() and time.monotonic() < deadline:
            time.sleep(0.05)
        # It has failed to answer once: for a while it is not asked again for each unknown code.
        time.sleep(0.3)
        began = time.monotonic()
        for number in range(20):
            assert client.get(f"/r/unknown{number}").status_code == 404
        assert time.monotonic() - began < 1.0


def test_a_saved_copy_that_cannot_be_read_fails_nothing(door):
    for written in (
        *("{", "[1]", "[[]]", "null", '[["a","b","c","d","e"]]', "\x00", "{}", '{"links": 1}'),
        *('{"links": [], "disabled": []}', '{"links": [], "organizations": {"a": "b"}}'),
        '{"links": [], "disabled": {"abc": 1}, "organizations": {"1": ["a", 1]}}',
    ):
        (door.settings.var_dir / "links.json").write_text(written)
        assert Client(without_database(door)).get("/r/abc").status_code in {404, 410}


def test_a_link_works_as_soon_as_it_is_made_and_no_longer_than_it_is_enabled(door):
    assert door.tap(door.world.links["x"]).status_code == 302
    time.sleep(0.3)
    code = door.link("https://example.org/", "standard")
    assert door.tap(code).status_code == 302
    with transaction() as session:
        session.execute(text("update links set disabled_at = now() where code = :c"), {"c": code})
    door.door.links.refresh()
    assert door.tap(code).status_code == 410
    saved = json.loads((door.settings.var_dir / "links.json").read_text())
    assert code not in [row[0] for row in saved["links"]]


def test_only_what_changed_is_read_and_what_is_gone_leads_nowhere(door, monkeypatch):
    asked, read = [], links.links_for_redirect

    def counted(since=None):
        asked.append((since is None, rows := read(since)))
        return rows

    monkeypatch.setattr(links, "links_for_redirect", counted)
    kept, moved, gone = (door.link(f"https://example.org/{n}", "standard") for n in range(3))
    for code in (kept, moved, gone):
        assert door.tap(code).status_code == 302
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
    door.door.links.refresh()
    assert [whole for whole, _ in asked] == [False]
    assert {row.code for row in asked[0][1]} == {moved}
    assert door.tap(moved).location.startswith("https://example.org/new")
    assert door.tap(kept).location.startswith("https://example.org/0")
    with transaction() as session:
        session.execute(text("delete from links where code = :c"), {"c": gone})
    door.door.links.refresh()
    assert door.tap(gone).status_code == 404
    assert door.tap(kept).status_code == 302


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
def test_a_destination_that_came_by_another_way_leads_nowhere_and_harms_no_other(door, destination):
    with transaction() as session:
        session.execute(
            text("update links set destination = :d where code = :c"),
            {"d": destination, "c": door.world.links["x"]},
        )
    assert door.tap(door.world.links["x"]).status_code == 404
    assert door.tap(door.world.links["instagram"]).status_code == 302


def test_a_malformed_utm_leads_nowhere_and_harms_no_other(door):
    with transaction() as session:
        session.execute(
            text("update links set utm = '[1]' where code = :c"), {"c": door.world.links["x"]}
        )
    assert door.tap(door.world.links["x"]).status_code == 404
    assert door.tap(door.world.links["instagram"]).status_code == 302


def test_the_longest_destination_that_is_taken_is_also_followed(door):
    url = "https://example.org/?q=".ljust(2048, "a")
    code = door.link(url, "standard", {"source": "x" * 100})
    assert query_of(door.tap(code))["utm_source"] == "x" * 100


def test_a_full_disk_loses_clicks_visibly_and_no_redirect(door, monkeypatch):
    door.tap(door.world.links["x"])
    door.door.ship()
    folder = door.settings.var_dir / "clicks"
    folder.rmdir()
    # A file where the folder should be stops root too, whom rights do not stop.
    folder.write_text("")
    for _ in range(3):
        assert door.tap(door.world.links["x"]).status_code == 302
    assert door.door.clicks.lost == 3
    queue = f"lost-{new_id().hex}"
    counters = Counters(door.settings.redis_url, queue)
    monkeypatch.setitem(door.world.app.extensions, "counters", counters)
    folder.unlink()
    door.door.ship()
    door.door.ship()
    assert counters.flush()
    with connect(door.settings.redis_url) as redis:
        assert read_counters(redis, queue).clicks_lost == 3
    door.tap(door.world.links["x"])
    assert len(door.lines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_no_space_left_is_counted_as_lost(door, tmp_path):
    door.tap(door.world.links["x"])
    log = door.door.clicks
    os.dup2(full := os.open("/dev/full", os.O_WRONLY), log._segment.fd)
    os.close(full)
    assert door.tap(door.world.links["x"]).status_code == 302
    assert log.lost == 1
    assert door.tap(door.world.links["x"]).status_code == 302
    assert log.lost == 1
    assert len(door.lines()) == 2


def test_everything_else_is_handed_on(door):
    assert door.client.get("/live").data == b"ok\n"
    assert door.client.get("/r").status_code == 404
