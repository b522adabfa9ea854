"""Recognition of personal data in texts, and what is stored of a statement."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from advocacy.core.events import ActionEvent, ActionKind
from advocacy.core.link_codes import comes_back
from advocacy.core.minimization import (
    is_plain_name,
    retained_code,
    retained_host,
    retained_media_type,
    retained_name,
    retained_target,
    retained_utm,
    utm_comes_back,
)
from advocacy.core.personal_data import PLACEHOLDER, reads_as_personal, scrub, texts_of
from advocacy.core.tracking_parameters import split_code
from advocacy.ingestion.minimization import fact_of, retained_fact
from tests.support.counterparts import SOURCE
from tests.support.older_facts import fact_of as older_fact_of
from tests.support.written_forms import FORMS, _base64

KEY = b"k" * 32
ADDRESS, NUMBER = "zoe.m@example.org", "+12025550147"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("plain", [ADDRESS, NUMBER])
def test_nothing_personal_is_stored_in_any_form(form, plain):
    written = FORMS[form](plain)
    assert reads_as_personal(written)
    told = f"Office {written} (Rome)"
    assert written not in scrub(told) and "Office" in scrub(told) + "Office"
    event = ActionEvent(
        kind=ActionKind.CALL,
        external_id=written,
        occurred_at=datetime.now(UTC),
        statement_id=f"refund:{written}",
        code=written.lower(),
        click_id=written,
        utm={"content": written, "source": f"news {written}"},
        referrer=f"https://{written}.example.net/{written}",
        recurs_as=written,
        target=told,
        same_as=(written,),
    )
    fact = fact_of(event, KEY, source_id=SOURCE, delivery_id=SOURCE, who={})
    dump = json.dumps(fact.to_json(), ensure_ascii=False)
    for canary in (written, written.lower(), plain, plain.lstrip("+")):
        assert canary not in dump.replace("example.net", "")
    assert fact.statement_id.startswith("refund:keyed:")
    # The same name gives the same digest, so that a refund finds its gift.
    assert fact.external_id == fact.recurs_as == retained_name(written, KEY)
    assert fact.same_as == (fact.action_id,)
    assert retained_name(written, b"another" * 5) != fact.external_id


@pytest.mark.parametrize(
    "written",
    [
        "spring-2024",
        "Spring_Campaign_2024_Email",
        "SpringCampaignEmailBlast",
        "gotv-2024-11-05",
        "20240501_spring",
        "q4_ny_25_fb_ig",
        # An advertisement's number has more digits than any telephone's.
        "120208912345678901",
        "Élections 2024",
        "100% off & more",
        "a=b",
        "meet at city hall",
        "look at dot maps",
        "save (at) home",
        "",
    ],
)
def test_what_people_write_into_utm_stays(written):
    assert not reads_as_personal(written)
    assert scrub(written) == written
    assert retained_utm({"campaign": written}) == {"campaign": written}


@pytest.mark.parametrize(
    "name",
    [
        "d1",
        "msg_12",
        "71",
        "order:12",
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "evt_test_1NG8Du2eZvKYlo2CUI79vXWy",
        "AB123456789:2024-05-01",
        "CA" + "0f" * 16,
        "CA" + "0f" * 16 + ":completed:3",
        "action_network:71f8feef-61c8-4e6b-9745-ec1d7752f298",
        "refund:total:1234567890",
        "made",
    ],
)
def test_random_ids_of_tools_stay(name):
    assert is_plain_name(name)
    assert retained_name(name, KEY) == name


@pytest.mark.parametrize(
    "name",
    [
        "2025550147",
        "5550147",
        "order:2025550147",
        "202:555:0147",
        "phone_2025550147",
        "msg_2025550147",
        "AB2025550147",
        "zoe.m@example.org",
        "Zoe Miller",
        "keyed:" + "0f" * 16,
        "pi_" + "0f" * 16,
        "0f" * 16,
        "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f",
    ],
)
def test_all_other_names_are_keyed(name):
    assert not is_plain_name(name)
    assert name not in retained_name(name, KEY)


def test_our_own_codes_stay():
    for code in ("abcdef123456", "a1b234567890", "spring4trees", "stay-ny_2"):
        assert retained_code(code) == code
    # As new codes are drawn, one of 20,000 has seven figures in a row.
    for code in ("ab234567234c", "234567ab7654", "7654321234ab"):
        stored = "" if code.startswith("7654321234") else code
        assert (split_code(code)[0], retained_code(code)) == (stored, stored)
        assert comes_back(code) == bool(stored)
    for refused in ("2025550147", "202555014712", "0f" * 16, "x8k2m4q7z1c5v9b3n6"):
        assert not comes_back(refused)
    both = "abcdef123456" + "c" * 26
    assert retained_utm({"content": both.upper()}) == {"content": both.upper()}
    assert retained_code("202555014712") == retained_code(_base64(ADDRESS.encode()).lower()) == ""


@pytest.mark.parametrize(
    ("referrer", "stored"),
    [
        ("https://L.Instagram.com/x?y=zoe@example.org", "l.instagram.com"),
        ("https://zoe@t.co/", "t.co"),
        ("https://2025550147.blogspot.com/", "blogspot.com"),
        ("https://zoe%40example.org.blogspot.com/", "org.blogspot.com"),
        ("http://203.0.113.77/", ""),
        ("http://[2001:db8::1]/", ""),
        ("t.me", "t.me"),
        ("", ""),
    ],
)
def test_host_labels_that_may_name_a_person_are_dropped(referrer, stored):
    assert retained_host(referrer) == stored


def test_a_called_number_is_keyed_in_any_spelling():
    one, same, other = (
        retained_target(each, KEY) for each in ("+1 (202) 555-0147", "+12025550147", "+12025550148")
    )
    assert one == same != other
    assert one.startswith("number:") and retained_target(one, KEY) == one
    assert retained_target("Sen. Li, 202-555-0147, li@senate.example", KEY) == "Sen. Li, @, @"
    for kept in ("TX-07", "ocd-division/country:us/state:ny/cd:12", "@RepLi", "Ana Li"):
        assert retained_target(kept, KEY) == kept


def test_only_the_media_type_of_a_content_type_stays():
    assert retained_media_type('application/JSON; x="zoe@example.org"') == "application/json"
    # So no webhook can say that its body is a row of an export.
    assert retained_media_type("text/csv; row") == "text/csv"
    assert retained_media_type("zoe@example.org") == ""


def test_a_fact_stored_by_an_older_version_is_minimized_likewise():
    event = ActionEvent(
        kind=ActionKind.DONATION,
        external_id=NUMBER,
        occurred_at=datetime.now(UTC),
        statement_id=f"refund:{ADDRESS}",
        namespace="act_blue",
        utm={"content": NUMBER},
        recurs_as=ADDRESS,
        target=NUMBER,
    )
    before = older_fact_of(event, source_id=SOURCE, delivery_id=SOURCE, who={})
    now = fact_of(event, KEY, source_id=SOURCE, delivery_id=SOURCE, who={})
    assert retained_fact(before, SOURCE, KEY) == now != before
    assert retained_fact(now, SOURCE, KEY) == now


BODY = json.dumps({"note": f"write to {ADDRESS} please"}).encode()


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        BODY.upper(),
        BODY.decode().encode("utf-16"),
        BODY.decode().encode("utf-16-be"),
        BODY.decode().encode("utf-32"),
        b"\xef\xbb\xbf" + BODY,
        b"\xff" + ADDRESS.encode() + b"\xfe",
        gzip.compress(BODY),
        gzip.compress(BODY)[:-6],
        gzip.compress(gzip.compress(BODY)),
        zlib.compress(BODY),
        zlib.compress(BODY)[2:-4],
        gzip.compress(BODY.decode().encode("utf-16")),
        f"email={quote(quote(ADDRESS, safe=''), safe='')}".encode(),
        BODY.replace(b"@", b"\\u0040"),
        BODY.replace(b"@", b"&#64;"),
        BODY.replace(b"@", b"&commat;"),
        BODY.replace(b"@", b"=40"),
        BODY.replace(b"@", "\u200b@".encode()),
        json.dumps({"data": _base64(BODY)}).encode(),
        json.dumps(json.dumps({"email": FORMS["JSON escapes"](ADDRESS)})).encode(),
    ],
    # Compressed, a body differs in each process: by its time.
    ids=lambda _body: "body",
)
def test_a_body_is_read_in_every_encoding(body):
    assert any(ADDRESS in text.lower() for text in texts_of(body))


def test_a_compression_bomb_is_read_up_to_a_limit():
    bomb = gzip.compress(b"0" * 64 * 1024 * 1024)
    assert max(map(len, texts_of(bomb))) <= 16 * 1024 * 1024


@pytest.mark.parametrize(
    "written",
    [
        *("zoe(at)example.org", "zoe [at] example.org", "zoe{AT}example.org"),
        *(
            "zoe(at)example(dot)org",
            "zoe (at) example dot org",
            "zoe at example dot org",
            "ZOE AT EXAMPLE DOT ORG",
            "zoe%20at%20example%20dot%20org",
        ),
    ],
)
def test_an_address_that_is_spelled_out_is_not_stored(written):
    assert retained_utm({"campaign": written}) == {"campaign": PLACEHOLDER}
    assert "zoe" not in retained_target(f"Call {written}", KEY).lower()


@pytest.mark.parametrize("slug", ["stay", "stay-2026", "hb-1234", "2026-04-12", "z" * 60])
def test_a_slug_that_is_not_a_number_survives_in_utm(slug):
    assert utm_comes_back(slug)


@pytest.mark.parametrize("slug", ["2026-0412", "1234567", "hb-12-34-567", "deadbeef" * 4])
def test_a_slug_like_a_number_or_digest_does_not_survive_in_utm(slug):
    assert not utm_comes_back(slug)
