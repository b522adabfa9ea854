"""Every page in French and Spanish, with data: no text is left in English."""

from __future__ import annotations

import html
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from advocacy.analytics import explain_text, goal_input
from advocacy.analytics.explain import explain
from advocacy.core import vocabulary
from advocacy.core.events import ActionKind, Tier
from advocacy.core.records import Surge
from advocacy.storage import members, organizations, shared_reports, surges
from advocacy.storage.session import transaction
from advocacy.web.i18n import said
from tests.support.pages import NOT_A_PAGE, pieces_in_english
from tests.support.sql import run
from tests.support.translations import LANGUAGES

NOW = datetime.now(UTC).replace(microsecond=0)

HEADINGS = {
    "/": ("Vue d’ensemble", "Resumen"),
    "/sign-in": ("Se connecter", "Iniciar sesión"),
    "/campaigns/<slug>/actions": ("Les dernières actions", "Las últimas acciones"),
    "/campaigns/<slug>/people": ("Personnes", "Personas"),
    "/campaigns/<slug>/paths": ("Parcours vers l’action", "Recorridos hacia la acción"),
    "/campaigns/<slug>/rehearsal": ("Test d’intégration", "Prueba de integración"),
    "/campaigns/<slug>/view-links": ("Liens de consultation", "Enlaces de consulta"),
    "/goals": ("Objectifs", "Objetivos"),
    "/new-campaign": ("Nouvelle campagne", "Nueva campaña"),
    "/reports": ("Rapports par e-mail", "Informes por correo"),
    "/members": ("Membres", "Miembros"),
    "/account": ("Compte", "Cuenta"),
    "/links": ("Liens de suivi", "Enlaces de seguimiento"),
    "/links/bulk": ("Plusieurs liens depuis une feuille", "Muchos enlaces desde una hoja"),
    "/connections": ("Connexions", "Conexiones"),
    "/quarantine": ("Quarantaine", "Cuarentena"),
}


class _Seen(HTMLParser):
    """What a reader sees or hears of a page, piece by piece, and its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.headings: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "link", "input", "br", "img"}:
            self._open.append(tag)
        self.pieces += [
            value or "" for name, value in attrs if name in {"aria-label", "alt", "title"}
        ]

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words and not {"script", "style", "code"} & set(self._open):
            self.pieces.append(words)
            if "h1" in self._open:
                self.headings.append(words)


def seen(page: str) -> _Seen:
    found = _Seen()
    found.feed(page)
    return found


def left_in_english(page: str, language: str) -> list[str]:
    """Return what of a page is English."""
    return pieces_in_english(seen(page).pieces, language)


@pytest.fixture
def pages(world) -> dict[str, str]:
    """An organization in which there is something on every page; how to fill addresses."""
    who = {"email": "canary@example.org", "phone": "+1 202 555 0143"}
    clicks = [
        world.click(platform, at=NOW - timedelta(hours=hours))
        for platform, hours in (("instagram", 5), ("x", 2))
    ]
    world.act("signature", "m1", id="s1", click_id=clicks[0], at=NOW - timedelta(hours=4), **who)
    world.act(
        "donation", "m2", id="d1", click_id=clicks[1], amount="25.00", recurs_as="r", at=NOW, **who
    )
    world.act("donation.refunded", "m3", id="d1", amount="10.00", at=NOW + timedelta(hours=1))
    later = NOW + timedelta(days=30)
    world.act(
        "donation", "m4", id="d2", amount="25.00", recurs_as="r", renewal=True, at=later, **who
    )
    world.act("call", "m5", id="c1", test=True)
    world.act("call", "m6", id="c2", referrer="https://t.co/", district="TX-07")
    world.post("standard", b"{", {"webhook-id": "broken"})
    world.standard("{", message_id="msg_broken")
    world.drain()
    today = NOW.date()
    goal_input.put_goal(
        world.org_id,
        world.campaign_id,
        "calls",
        "50",
        today - timedelta(days=30),
        today + timedelta(days=30),
        districts=["TX-07", "TX-01"],
        each_district=5,
    )
    goal_input.put_goal(world.org_id, None, "supporters", "+5%", today, today + timedelta(days=9))
    with transaction():
        surges.put_surges(
            world.org_id,
            "clicks",
            [Surge(world.posts["x"], world.campaign_id, 40, 1.5)],
            15,
            NOW,
            timedelta(hours=6),
        )
        member = members.put_member(world.master, world.org_id, "new@example.org", "reader")
        word = members.put_one_time_token(world.org_id, member.id)
        view = shared_reports.put_shared_report(
            world.org_id,
            world.campaign_id,
            name="",
            model="linear",
            made_by="",
            lasts=timedelta(days=1),
        )
    (row,) = run("select id from actions where external_id = 'd1'")
    return {
        "<slug>": "stay",
        "<uuid:action_id>": str(row.id),
        "<uuid:post_id>": str(world.posts["x"]),
        "<code>": world.links["x"],
        "<uuid:source_id>": str(world.sources["standard"]),
        "<tool>": "own",
        "/view/<token>": f"/view/{view}",
        "/set-password/<token>": f"/set-password/{word}",
    }


def filled(rule: str, pages: dict[str, str]) -> str:
    for name, value in pages.items():
        rule = rule.replace(name, value)
    assert "<" not in rule, f"say in `pages` how to fill {rule}"
    return rule


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_completely_translated(world, pages, language):
    owner = world.member("owner")
    owner.post("/language", data={"language": language})
    rules = sorted(
        rule.rule
        for rule in world.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not NOT_A_PAGE.match(rule.rule)
    )
    assert set(HEADINGS) <= set(rules)
    for rule in rules:
        answer = owner.get(filled(rule, pages), headers={"Accept-Language": language})
        assert answer.status_code in {200, 301, 302}, rule
        if answer.status_code != 200:
            continue
        page = answer.text
        assert f'<html lang="{language}">' in page, rule
        assert left_in_english(page, language) == [], rule
        if rule in HEADINGS:
            # The heading of a tab is the campaign's name and, for the ear, what the tab shows.
            last = seen(page).headings[-1].removeprefix(": ")
            assert last == HEADINGS[rule][language == "es"], rule


def test_an_english_page_is_noticed(world, pages):
    """The test above can fail."""
    page = world.member("owner").get("/campaigns/stay").text
    found = left_in_english(page, "fr")
    assert {"Supporters", "Days in America/New_York", "Skip to content"} <= set(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_receipt_is_completely_translated(world, pages, language):
    staff = world.member("reader")
    staff.post("/language", data={"language": language})
    for row in run("select id from actions"):
        page = html.unescape(staff.get(f"/actions/{row.id}").text)
        assert left_in_english(page, language) == []
        found = explain(world.settings, world.org_id, row.id)
        for words in (found.summary, *(each.text for each in found.evidence)):
            assert words not in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ActionKind)
def test_a_sentence_holds_for_every_kind_and_every_evidence(world, language, kind):
    """Their nouns have genders and stand behind prepositions: none of them may be contracted."""
    post = vocabulary.post_named("Call", "x", "sms")
    with world.app.test_request_context(headers={"Accept-Language": language}):
        world.app.preprocess_request()
        for tier in Tier:
            told = explain_text.summary(tier, post, "x", kind, timedelta(hours=3), True)
            words = said(told)
            assert words != told
            wrong = r"\b(de le|à le|de les|à les)\b|\b(de el|a el)\b"
            assert not re.search(wrong, words), words
        for word in ("after_action", "outside_window", "same_click", "else"):
            words = said(explain_text.rejection(word, kind, timedelta(days=9), timedelta(days=7)))
            assert not re.search(wrong, words), words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Cette page n’existe pas."),
        ("es", "No existe esa página."),
        ("en", "This page does not exist"),
    ],
)
def test_errors_are_in_the_readers_language(world, language, words):
    client = world.app.test_client()
    asked = {"Accept-Language": language}
    assert words in client.get("/nothing/here", headers=asked).text
    answer = client.post("/sign-in", data={"token": "x"}, headers=asked)
    assert ("This token is invalid" in answer.text) == (language == "en")
    # The API speaks English.
    told = client.get("/api/v1/campaigns/stay/activation", headers=asked).get_json()
    assert told["title"] == "Unauthorized"


def test_the_api_gives_receipts_in_english(world, pages):
    asked = {"Authorization": f"Bearer {world.token()}", "Accept-Language": "fr"}
    path = f"/api/v1/actions/{pages['<uuid:action_id>']}/explain"
    told = world.app.test_client().get(path, headers=asked).get_json()
    assert told["summary"].startswith("Credited to the X post “On x”: its click id was returned")


def test_numbers_money_and_days_are_written_as_the_language_does(world):
    filters = world.app.jinja_env.filters
    for language, number, money, day in (
        ("en", "12,345", "1,234.50 USD", "May 1, 2026"),
        ("fr", "12\u202f345", "1\u202f234,50 USD", "1 mai 2026"),
        ("es", "12.345", "1.234,50 USD", "1 may 2026"),
    ):
        with world.app.test_request_context(headers={"Accept-Language": language}):
            world.app.preprocess_request()
            assert filters["number"](12345) == number
            assert filters["money"](123450, "USD") == money
            assert filters["day"](date(2026, 5, 1)) == day


def test_a_chart_is_drawn_in_the_readers_language(world, pages):
    client = world.member("reader")
    client.post("/language", data={"language": "fr"})

    def chart(client) -> dict:
        page = client.get("/campaigns/stay").text
        return json.loads(re.search(r'id="by-day-spec">(.*?)</script>', page, re.S)[1])

    assert "don" in [each["label"] for each in chart(client)["series"]]
    assert re.fullmatch(r"\d+ \w+\.?", chart(client)["labels"][0])
    english = chart(world.member("reader", "en@example.org"))
    assert re.fullmatch(r"[A-Z][a-z]{2} \d+", english["labels"][0])


# Choosing.


def test_the_language_is_what_the_browser_asks_until_one_is_chosen(world):
    client = world.app.test_client()
    asked = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.8"}
    assert '<html lang="es">' in client.get("/sign-in", headers=asked).text
    page = client.get("/sign-in", headers={"Accept-Language": "de, nl"}).text
    assert '<html lang="en">' in page
    assert '<option value="fr" lang="fr">Français</option>' in page
    back = client.post("/language", data={"language": "fr", "next": "/sign-in?next=/goals"})
    assert back.headers["Location"] == "/sign-in?next=/goals"
    page = client.get("/sign-in", headers=asked).text
    assert '<html lang="fr">' in page
    assert '<option value="fr" lang="fr" selected>' in page


def test_choosing_leads_back_to_the_page_as_it_was(world):
    client = world.member("editor")
    where = "/campaigns/stay?from=2026-05-01&to=2026-05-31&model=linear"
    page = client.get(where).text
    # In the sidebar, and in the sheet of a phone.
    assert {html.unescape(each) for each in re.findall(r'name="next" value="([^"]*)"', page)} == {
        where
    }
    # What was sent cannot be opened again, and may not be sent twice.
    made = client.post("/campaigns/stay/view-links", data={"range": "all"})
    assert 'name="next" value="/campaigns/stay/view-links"' in made.text


@pytest.mark.parametrize(
    "after",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil", "/a?b\r\nX: y", "?a"],
    ids=ascii,
)
def test_choosing_a_language_never_leads_to_another_site(world, after):
    answer = world.app.test_client().post("/language", data={"language": "fr", "next": after})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("language", ["", "xx", "../fr", "\x00"], ids=ascii)
def test_an_unknown_language_changes_nothing(world, language):
    client = world.app.test_client()
    client.post("/language", data={"language": "es"})
    client.post("/language", data={"language": language})
    assert '<html lang="es">' in client.get("/sign-in").text


def test_another_site_cannot_choose(world):
    answer = world.app.test_client().post(
        "/language", data={"language": "fr"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert organizations.find_organization(world.org_id) is not None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"destination": "http://example.org"}, "l’adresse de destination doit commencer par"),
        (
            {"destination": "https://example.org/a", "tool": "x", "title": "Act"},
            "il n’y a pas d’outil",
        ),
        ({"destination": "https://example.org/a"}, "donnez l’adresse de la publication"),
    ],
)
def test_what_is_wrong_with_a_link_is_said_in_the_readers_language(world, asked, words):
    client = world.member("editor")
    client.post("/language", data={"language": "fr"})
    made = client.post("/links", data={"campaign": "stay", "platform": "x", **asked})
    assert made.status_code == 422
    assert words in html.unescape(made.text)
    assert left_in_english(made.text, "fr") == []
    sheet = (io.BytesIO(b"campaign,destination\nstay,http://example.org\n"), "links.csv")
    made = client.post("/links/bulk", data={"sheet": sheet})
    assert "l’adresse de destination" in html.unescape(made.text)
    assert left_in_english(made.text, "fr") == []
