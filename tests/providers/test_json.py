"""JSON is read by a fast parser as by the slow one, and refused for the same reasons."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.core.errors import Unreadable
from advocacy.providers import parsing

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
bodies = st.builds(
    lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode(
        errors="surrogatepass"
    ),
    values,
    st.booleans(),
)


def outcome(read: Callable[[bytes], object], body: bytes) -> str:
    try:
        return f"read {read(body)!r}"
    except Unreadable as error:
        return f"refused {error}"


def changed(body: bytes, at: int, new: bytes) -> bytes:
    place = at % (len(body) + 1)
    return body[:place] + new + body[place + 1 :]


@given(bodies | st.builds(changed, bodies, st.integers(0), st.binary(max_size=2)))
def test_what_is_fast_is_read_as_slowly(body: bytes) -> None:
    assert outcome(parsing.read_json, body) == outcome(parsing._read_slowly, body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"NaN", "not_a_number"),
        (b"[-Infinity]", "not_a_number"),
        (b'"\xff"', "not_utf8"),
        (b"{", "not_json"),
        (b'"a\x01"', "not_json"),
        (b"1" * 5000, "bad_number"),
        (b"[" * 201 + b"]" * 201, "too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b"[" + b"1," * 60_000 + b"1]", "too_large"),
        (b'"\\u0000"', "nul"),
        (b'"\\ud800"', "lone_surrogate"),
    ],
)
def test_what_no_reader_could_handle_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parsing.read_json(body)
    assert refused.value.reason == reason


def test_of_a_name_that_comes_twice_the_last_counts_and_a_mark_is_passed_over() -> None:
    assert parsing.read_json(b'\xef\xbb\xbf{"a": 1, "a": 2.50}') == {"a": 2.5}
