"""Read code, click id and UTM from what a tool hands back.

Pure. Every provider, import and page uses this. The adapters' `destination` writes them into links.

Note: pages, messengers and mail programs change URLs on the way: `&amp;` for `&`, a parameter
twice, `%3Ffbclid` or a full stop after the code. No code can contain such characters, so what
precedes them is the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote, unquote_plus, urlsplit
from uuid import UUID

from advocacy.core.personal_data import PLACEHOLDER, reads_as_personal
from advocacy.core.plain_text import visible

CODE_LENGTH = 12
CLICK_ID_LENGTH = 26
NO_SOURCE = frozenset({"", "none", "widget", "null", "undefined"})
UTM_NAMES = ("source", "medium", "campaign", "content", "term")

_CODE_AND_CLICK = re.compile(
    rf"([a-z0-9]{{{CODE_LENGTH}}})([a-z2-7]{{{CLICK_ID_LENGTH}}})(?![a-z0-9])"
)
_CLICK = re.compile(rf"([a-z2-7]{{{CLICK_ID_LENGTH}}})(?![a-z0-9])")
# After a code: more of a URL, or punctuation that ends a sentence.
_CODE = re.compile(r"([a-z0-9_-]{0,63}[a-z0-9])(?:[?&#<>\"\\].*|[\W_]*)", re.DOTALL)
_OUR_CODE = re.compile(rf"[a-z0-9]{{{CODE_LENGTH}}}")
_TEN_DIGITS = re.compile(r"\d{10}")
_BEFORE = " \"'`<([{‘“«‹*~"
_MOST_ENCODED = 3
_LONGEST = 8000
_LONGEST_UTM = 200
_AMPERSAND = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)+|(?<!\\)\\+u0026", re.IGNORECASE)


def split_code(carried: str) -> tuple[str, str]:
    """Split what a tool carried back into (our code, our click id); either may be ''.

    If a tool has one field only, `join_code` writes the click id directly after the code; both are
    lower-case letters and digits of fixed length, because several tools drop or fold everything
    else.
    """
    if not carried:
        return "", ""
    if both := _CODE_AND_CLICK.fullmatch(carried):
        return both[1], both[2]
    folded = _folded(carried)
    if both := _CODE_AND_CLICK.match(folded):
        return both[1], both[2]
    found = _CODE.fullmatch(folded)
    if found is None or found[1] in NO_SOURCE:
        return "", ""
    if is_our_code(found[1]):
        return found[1], ""
    # Checked before folding: lower-cased base64 cannot be decoded.
    return ("", "") if reads_as_personal(_shown(carried)[: len(found[1])]) else (found[1], "")


def is_our_code(code: str) -> bool:
    """Return whether a code has the form of generated ones and is not a phone number."""
    return _OUR_CODE.fullmatch(code) is not None and not _TEN_DIGITS.search(code)


def surest_code(*carried: str) -> tuple[str, str]:
    """Split the text that most clearly contains a code of ours; of equal ones the first.

    See `split_code`. A generated code, and even more one with a click id, has a fixed form; any
    other word may be someone else's.
    """
    return split_code(max(carried, key=_evidence, default=""))


def click_id_or_none(carried: str) -> str:
    """Return our click id if the text has its form, else ''."""
    found = _CLICK.match(_folded(carried))
    return found[1] if found else ""


def _folded(carried: str) -> str:
    return _shown(carried).lower()


def _shown(carried: str) -> str:
    text = carried[:_LONGEST]
    for _ in range(_MOST_ENCODED):
        if "%" not in text:
            break
        text = unquote(text)
    return visible(text).lstrip(_BEFORE)


def query_of(url: str) -> dict[str, str]:
    """Return the parameters of a URL; {} if it cannot be parsed.

    If a parameter is repeated, the value with a code of ours wins, else the first. A fragment
    (`#/give?a=1`, `#a=1`) is read as well. Names are returned as written and in lower case. Values
    may come from the supporter, so NUL is removed: see `parsing.check_text`.
    """
    found: dict[str, str] = {}
    for written, value in _pairs(url):
        for name in {written, written.lower()}:
            if name not in found or _evidence(value) > _evidence(found[name]):
                found[name] = value
    return found


def _pairs(url: str) -> Iterator[tuple[str, str]]:
    try:
        parts = urlsplit(_AMPERSAND.sub("&", url))
    except ValueError:
        return
    for text in (parts.query, parts.fragment):
        # Some tools append parameters with a second question mark.
        for piece in re.split("[&?]", text):
            name, _, value = (unquote_plus(each) for each in piece.partition("="))
            while name.lower().startswith("amp;"):
                name = name[len("amp;") :]
            if name and (value := value.replace("\0", "")):
                yield name, value


def _evidence(value: str) -> int:
    """Return how clearly a value is ours: 3 click id, 2 generated code, 1 other word."""
    code, click_id = split_code(value)
    if click_id or click_id_or_none(value):
        return 3
    return (2 if len(code) == CODE_LENGTH else 1) if code else 0


def utm_of(query: Mapping[str, object]) -> dict[str, str]:
    """Return the utm_* parameters of a query, folded, with names without the prefix.

    `PLACEHOLDER` replaces a value with an address, a number or a digest; checked before folding,
    since lower-cased base64 cannot be decoded.
    """
    return {
        name: folded
        if is_our_code(folded)
        or _CODE_AND_CLICK.match(folded)
        or not reads_as_personal(value[:_LONGEST_UTM])
        else PLACEHOLDER
        for name in UTM_NAMES
        if isinstance(value := query.get(f"utm_{name}"), str) and (folded := fold_utm(value))
    }


def utm_content_of(post_id: UUID) -> str:
    """Return the `utm_content` that identifies a post.

    One in sixty posts has an id with ten digits in a row, which would look like a phone number.
    """
    word = post_id.hex[-CODE_LENGTH:]
    return word if is_our_code(word) else f"{word[:6]}p{word[7:]}"


@lru_cache(maxsize=4096)
def fold_utm(value: str) -> str:
    """Return the form in which UTM is compared: trimmed and in lower case.

    A link keeps its own form for the page that it leads to.
    """
    return visible(visible(value[:_LONGEST_UTM]).lower())


def folded_utm(utm: Mapping[str, str]) -> dict[str, str]:
    """Return UTM in the form in which it is compared."""
    return {name: fold_utm(value) for name, value in utm.items()}


def join_code(code: str, click_id: str) -> str:
    """Return code and click id as one word, for tools with one field. See `split_code`."""
    return code + click_id if len(code) == CODE_LENGTH else code
