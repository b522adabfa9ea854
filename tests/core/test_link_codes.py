"""Link codes: every allowed code is recognized when it is returned."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from advocacy.core.ids import new_click_id, new_code
from advocacy.core.link_codes import BadCode, check_code, code_of, codes_in, comes_back, is_link
from advocacy.core.tracking_parameters import NO_SOURCE, join_code, split_code
from advocacy.storage import links, posts
from advocacy.storage.session import transaction

ANY_CODE = st.text(st.sampled_from("abcz279018-_ WÉ+."), max_size=70) | st.sampled_from(
    sorted(NO_SOURCE)
)


@given(ANY_CODE)
@example("a" * 38)
@example("0--0")
@example("a" * 26)
@example("0" * 12)
@example("a" * 64)
@example("a" * 65)
def test_allowed_codes_are_recognized_and_others_are_refused(written):
    try:
        code = check_code(written)
    except BadCode:
        plain = written.lower().replace("-", "")
        assert not comes_back(plain)
        return
    click_id = new_click_id()
    assert split_code(code) == (code, "")
    assert split_code(join_code(code, click_id)) in {(code, click_id), (code, "")}
    assert codes_in(f"/r/{code}")[0] == code
    assert codes_in(f"/R/{written.upper()}.")[0] == code
    assert check_code(code) == code


def test_a_random_code_is_recognized():
    for _ in range(100):
        code, click_id = new_code(), new_click_id()
        assert check_code(code) == code
        assert split_code(join_code(code, click_id)) == (code, click_id)


REFUSED = [
    "widget",
    "None",
    "null",
    "un-defined",
    "a" * 65,
    "a" * 38,
    "-",
    "---",
    "é",
    "a b",
    "a.b",
]


@pytest.mark.parametrize("code", REFUSED)
def test_no_link_is_made_with_an_unrecognizable_code(world, code):
    post = posts.get_post(world.org_id, world.posts["x"])
    with pytest.raises(BadCode, match="could not be recognized"), transaction():
        links.put_link(world.org_id, post, "https://a.org/", "standard", {}, code)
    assert len(links.list_links(world.org_id)) == len(world.links)


@pytest.mark.parametrize(
    "written",
    ["{}", "https://go.example/r/{}", "https://go.example/R/{}/.", " {} ", "<{}>", "/r/{}"],
)
def test_a_code_is_read_from_any_copy_of_its_link(written):
    for code in (new_code(), "stay9"):
        assert code_of(written.format(code)) == code_of(written.format(code.upper())) == code
    assert code_of("...") == "..."


@pytest.mark.parametrize("gap", [" ", "\n", "\r\n ", "=\r\n", "=\n", "+", "\u00a0", "\t", "\u00ad"])
def test_a_code_broken_by_a_line_break_is_found(gap):
    for code in (new_code(), "stay9"):
        for at in range(1, len(code)):
            assert code in codes_in(f"/r/{code[:at]}{gap}{code[at:]}")
            assert code in codes_in(f"/r/{code[:at]}{gap}{code[at:]} today")
    # A code that is whole comes before what could be put together.
    assert codes_in("/r/stay9 now")[0] == "stay9"


@given(st.text(max_size=200) | st.text(st.sampled_from("/rR.%-_a2é\u200b"), max_size=60))
def test_any_path_is_a_link_or_none(path):
    assert all(code.isascii() and code.isalnum() for code in codes_in(f"/r/{path}"))
    assert is_link(f"/r/{path}")
    assert isinstance(is_link(path), bool)


@pytest.mark.parametrize("piece", ["a", "1", "a1", "-a", "_", "%41", "a ", " ", "a=", "="])
def test_a_hostile_path_is_read_in_linear_time(piece):
    """An event loop answers the redirect: what one path takes, everybody else waits for."""
    began = time.process_time()
    for number in range(20):
        codes_in(f"/r/{number}" + piece * 2_000)
    assert time.process_time() - began < 0.5
