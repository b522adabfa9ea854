"""User agents of people and bots, tested with a labelled set.

`data/agents.tsv` has a label, an app and its user agent a line. A new release of the list of
crawlers that changes one of these answers is looked at before it is taken.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from advocacy.core.platforms import PLATFORMS
from advocacy.tracking.user_agents import is_person

SET = [
    line.split("\t")
    for line in (Path(__file__).parent / "data" / "agents.tsv").read_text().splitlines()
]
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148"
)
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/125.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(("label", "app", "agent"), SET, ids=[f"{a}: {b}" for a, b, _ in SET])
def test_the_frozen_set_is_classified_as_labelled(label, app, agent):
    assert is_person(agent) is (label == "person"), app


def test_the_frozen_set_is_large_and_without_duplicates():
    found = Counter(label for label, _, _ in SET)
    assert set(found) == {"person", "program"}
    assert min(found.values()) >= 70
    assert len({(label, app) for label, app, _ in SET}) == len(SET)
    assert len({agent for *_, agent in SET}) == len(SET)


def test_the_frozen_set_has_people_of_every_platform():
    people = " ".join(app.lower() for label, app, _ in SET if label == "person")
    for platform in PLATFORMS:
        assert platform.replace("truthsocial", "truth social") in people, platform


@pytest.mark.parametrize(
    "word",
    [
        *("Bot", "bot", "xyzBot", "xyzbot", "XYZBOT", "Robot", "robots", "my-bot", "my_bot_2"),
        *("Crawler", "webcrawler", "Spider", "LinkFetcher", "UrlPreview", "link-preview"),
        *("Prefetch", "PreLoader", "Preloader", "Scraper", "HeadlessShell", "ImageProxy"),
    ],
)
@pytest.mark.parametrize(
    "written",
    [
        "{browser} {word}/1.0",
        "{browser} {word}",
        "{browser} ({word}; v2)",
        "{browser} Acme {word} 3",
        "{word}/1.0",
        "Mozilla/5.0 (compatible; {word}/1.0)",
    ],
)
def test_an_agent_that_calls_itself_a_bot_is_one_on_any_device(word, written):
    for browser in (IPHONE, WINDOWS):
        assert not is_person(written.format(browser=browser, word=word))


@pytest.mark.parametrize(
    "owner",
    [
        *("+http://example.org", "http://example.org/a", "https://example.org", "www.example.org"),
        *("mailto:a@example.org", "+a@example.org", "a.b@mail.example.org", "a(at)example.org"),
    ],
)
def test_an_agent_with_its_owners_url_is_a_program(owner):
    for browser in (IPHONE, WINDOWS):
        assert not is_person(f"{browser} ({owner})")
        assert not is_person(f"{browser} Acme/1.0; {owner}")


@pytest.mark.parametrize(
    "model",
    ["CUBOT X30", "Butterfly", "Spider", "SPIDER-2", "Robot 5", "Crawler", "Abbot", "Preview One"],
)
@pytest.mark.parametrize(
    "written",
    [
        "Mozilla/5.0 (Linux; Android 10; {model}) AppleWebKit/537.36 Chrome/125.0.0.0 Mobile",
        "Mozilla/5.0 (Linux; U; Android 10; en-us; {model} Build/QP1A; wv) Version/4.0 Mobile",
        f"{IPHONE} [FBAN/FB4A;FBMF/{{model}};FBBD/{{model}};FBDV/{{model}};FBSV/10;]",
        f"{IPHONE} Instagram 400.0.0.1.1 Android (35/15; 480dpi; 1080x2400; {{model}}; {{model}})",
    ],
)
def test_a_phone_with_a_bot_like_model_is_a_person(model, written):
    assert is_person(written.format(model=model))


@pytest.mark.parametrize("app", ["Tumblr/1", "Mastodon/2", "Butterfly/1", "Slack/3", "Nobody/4"])
def test_an_app_on_a_device_is_a_person_whatever_the_list_of_crawlers_holds(app, monkeypatch):
    monkeypatch.setattr("advocacy.tracking.user_agents.is_crawler", lambda agent: True)
    is_person.cache_clear()
    assert is_person(f"{IPHONE} {app}")
    assert not is_person(WINDOWS)
    is_person.cache_clear()


@pytest.mark.parametrize(
    "piece", ["a", "A", "a.b@", "a-a.", "@a.a", "Mozilla/5.0 (", "Android 1;", "(at)a", "; a"]
)
def test_no_agent_takes_long_to_read(piece):
    """The event loop classifies agents, and a client may send a new one each time."""
    began = time.process_time()
    for number in range(30):
        is_person(f"Mozilla/5.0 (X11; Linux) {number} {piece * 1000}")
    assert time.process_time() - began < 30 * 0.004
