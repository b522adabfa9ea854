"""Tracking parameters: a code is found in changed URLs."""

from __future__ import annotations

import time
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from advocacy.core import tracking_parameters
from advocacy.core.minimization import retained_utm
from advocacy.core.tracking_parameters import (
    click_id_or_none,
    fold_utm,
    query_of,
    split_code,
    surest_code,
    utm_content_of,
    utm_of,
)
from advocacy.providers import BY_SLUG

CODE = "spring4trees"
CLICK = "abcdefghijklmnopqrstuvwx23"
BOTH = CODE + CLICK
MADE_BY_STAFF = "rivers-2026"


@pytest.mark.parametrize(
    "url",
    [
        "https://x.org/p?a=1&amp;utm_content={}",
        "https://x.org/p?a=1&amp;amp;utm_content={}",
        "https://x.org/p?a=1&#038;utm_content={}",
        "https://x.org/p?a=1&amp%3Butm_content={}",
        "https://x.org/p?utm_content={}&utm_content=newsletter",
        "https://x.org/p?utm_content=Our%20news&utm_content={}",
        "https://x.org/p?utm_content=&utm_content={}",
        "https://x.org/p?utm_content={}%3Ffbclid%3DX",
        "https://x.org/p?utm_content={}%253Ffbclid%253DX",
        "https://x.org/p?utm_content={}?fbclid=X",
        "https://x.org/p?utm_content={}&fbclid=X",
        "https://x.org/p?utm_content={}%26fbclid=X",
        "https://x.org/p?a=1?utm_content={}",
        "https://x.org/p?utm_content={}.",
        "https://x.org/p?utm_content={}),",
        "https://x.org/p?utm_content=%20{}%20",
        "https://x.org/p?utm_content=%22{}%22",
        "https://x.org/p?utm_content={}%E2%80%8B",
        "https://x.org/p?a=1\\u0026utm_content={}",
        "https://x.org/p?utm_content={}\\u0026fbclid=X",
        "https://x.org/p?utm_content=*{}*_",
        "https://x.org/p?utm_content={}-",
        "https://x.org/p?UTM_Content={}",
        "https://x.org/p#utm_content={}",
        "https://x.org/p#give?utm_content={}",
        "https://x.org/?a=1#/p?b=2&utm_content={}",
        "https://x.org/p?utm_content={}#give",
    ],
)
def test_a_code_is_found_in_a_changed_url(url):
    for word, expected in ((BOTH, (CODE, CLICK)), (CODE, (CODE, "")), (MADE_BY_STAFF, None)):
        for written in (word, word.upper()):
            carried = query_of(url.format(written))["utm_content"]
            assert split_code(carried) == (expected or (MADE_BY_STAFF, "")), carried


@pytest.mark.parametrize(
    "written",
    [
        "Our news",
        "spring, summer",
        "Dr. Smith",
        "café",
        "none",
        "none.",
        "widget",
        "",
        " ",
        "é",
        "x" * 65,
        "ana@example.org",
    ],
)
def test_other_texts_are_not_codes(written):
    assert split_code(written) == ("", "")


def test_the_most_certain_of_several_codes_is_taken():
    assert surest_code("newsletter", CODE) == (CODE, "")
    assert surest_code(CODE, BOTH) == (CODE, CLICK)
    assert surest_code("newsletter", "second") == ("newsletter", "")
    assert surest_code("none", "second") == ("second", "")
    assert surest_code() == surest_code("", "none") == ("", "")


APPENDED = st.tuples(
    st.sampled_from([*"?&#.,;:!)]}>\"'/=+*~$ \n\t", "%3F", "%26", "%20", "…", "\u200b", "\u2019"]),
    st.text(max_size=12),
)


@given(APPENDED)
@example((".", "fbclid=1"))
@example(("%3F", "fbclid%3D1"))
def test_code_and_click_are_found_whatever_is_appended(appended):
    sign, rest = appended
    # An invisible sign between them would hide that a letter or digit comes next.
    if sign == "\u200b":
        rest = ""
    assert split_code(BOTH + sign + rest) == (CODE, CLICK)
    assert click_id_or_none(CLICK + sign + rest) == CLICK
    url = f"https://x.org/p?utm_content={BOTH}" + quote(sign + rest)
    assert split_code(query_of(url)["utm_content"]) == (CODE, CLICK)


@given(
    st.sampled_from([CODE, MADE_BY_STAFF, "a", "x" * 64]),
    st.sampled_from(["?", "&", "#", "%3F", "%26", "?fbclid=X", "&fbclid=X", ".", ",", ").", "…"]),
)
def test_a_code_is_found_before_more_of_an_address(code, sign):
    assert split_code(code + sign) == (code, "")


@given(st.sampled_from([CODE, MADE_BY_STAFF]), st.sampled_from(["", CLICK]))
def test_the_parameters_of_a_link_are_read_back(code, click_id):
    for provider in BY_SLUG.values():
        url = provider.destination("https://x.org/p?utm_source=IG&keep=1", code, click_id)
        found = query_of(url.replace("&", "&amp;") + "&fbclid=X")
        codes = [split_code(value) for value in found.values()]
        clicks = [click for _, click in codes] + [click_id_or_none(each) for each in found.values()]
        assert code in [each for each, _ in codes], provider.slug
        if (
            click_id
            and tracking_parameters.join_code(code, click_id) != code
            and provider.slug != "nationbuilder"
        ):
            assert click_id in clicks, provider.slug


@given(st.text(max_size=200))
def test_any_text_is_read_as_an_address(text):
    for value in query_of(text).values():
        assert "\0" not in value
        code, click_id = split_code(value)
        assert split_code(code + click_id) == (code, click_id)


@given(st.one_of(st.text(max_size=250), st.sampled_from(["Instagram ", "INSTAGRAM", "\ufeffİG"])))
def test_utm_is_folded_once(value):
    folded = fold_utm(value)
    assert fold_utm(folded) == folded
    assert fold_utm(f" {value[:200]}\u200b\t") == fold_utm(value[:200])


def test_utm_is_read_trimmed_and_in_lower_case():
    read = utm_of(
        {"utm_source": " Instagram", "utm_medium": "SOCIAL\u200b", "utm_term": " ", "x": 1}
    )
    assert read == {"source": "instagram", "medium": "social"}
    assert utm_of(query_of("https://x.org/?utm_source=Insta%20gram+")) == {"source": "insta gram"}


@pytest.mark.parametrize("end", ["12", "ab", "p1"])
def test_utm_of_a_post_comes_back_whatever_its_id(end):
    """UUIDs end in seven figures in a row once in ten times, and in ten once in sixty."""
    for last in (f"1234567890{end}", f"a1234567f0{end}", "".join(["f0" * 5, end])):
        content = utm_content_of(UUID(f"019a0000-0000-7000-8000-{last.replace('p', 'a')}"))
        assert utm_of({"utm_content": content.upper()}) == {"content": content}
        assert retained_utm({"content": content}) == {"content": content}


def test_hostile_urls_take_linear_time():
    for url in ("https://x.org/?&" + "amp;" * 100_000, "https://x.org/?a=1" + "&amp;" * 100_000):
        began = time.process_time()
        query_of(url)
        assert time.process_time() - began < 2
