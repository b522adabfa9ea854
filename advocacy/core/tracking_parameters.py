"""What a link gave a supporter to carry, read out of what a tool hands back: code, click id, UTM.

Pure. Every provider, import and page reads these here. `providers.base` writes them into links.

Note: pages, messengers and mail programs change addresses on the way: `&amp;` for `&`, a parameter
twice, `%3Ffbclid` or a full stop behind the code. No code can hold such signs, so what stands
before them is the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
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
# Behind a code: more of an address, or signs that end a sentence. A sentence itself has no code.
_CODE = re.compile(r"([a-z0-9_-]{0,63}[a-z0-9])(?:[?&#<>\"\\].*|[\W_]*)", re.DOTALL)
_OUR_CODE = re.compile(rf"[a-z0-9]{{{CODE_LENGTH}}}")
_TEN_DIGITS = re.compile(r"\d{10}")
_BEFORE = " \"'`<([{‘“«‹*~"
_MOST_ENCODED = 3
_LONGEST = 8000
_LONGEST_UTM = 200
_AMPERSAND = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)+|(?<!\\)\\+u0026", re.IGNORECASE)


def split_code(carried: str) -> tuple[str, str]:
    """Split what a tool carried back into (our code, our click id); either may be empty.

    Where a tool has one field only, `join_code` writes the click id right behind the code; both
    are lower-case letters and digits of fixed length, because several tools drop or fold all else.
    """
    folded = _folded(carried)
    if both := _CODE_AND_CLICK.match(folded):
        return both[1], both[2]
    found = _CODE.fullmatch(folded)
    if found is None or found[1] in NO_SOURCE:
        return "", ""
    if is_our_code(found[1]):
        return found[1], ""
    # Before it is folded: what is base64 cannot be decoded in lower case.
    return ("", "") if reads_as_personal(_shown(carried)[: len(found[1])]) else (found[1], "")


def is_our_code(code: str) -> bool:
    """Say whether a code is of the form of those that are drawn here, and no phone number."""
    return _OUR_CODE.fullmatch(code) is not None and not _TEN_DIGITS.search(code)


def surest_code(*carried: str) -> tuple[str, str]:
    """Split the text in which a code of ours is surest, of equal ones the first. See `split_code`.

    A code of ours, and more so with a click id, has a form; any other word may be anybody's.
    """
    return split_code(max(carried, key=_evidence, default=""))


def click_id_or_none(carried: str) -> str:
    """Return our click id where the text has its form, else an empty string."""
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
    """Return what the query of a URL carries; one that cannot be split carries nothing.

    Of a parameter that is there twice, the value in which a code of ours can be read, else the
    first. A fragment (`#/give?a=1`, `#a=1`) is read as well. Names are there as they are written
    and in lower case. A supporter may have written it themselves, so a NUL is left out: see
    `base.check_text`.
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
        # A second question mark is an ampersand of somebody who did not look for the first one.
        for piece in re.split("[&?]", text):
            name, _, value = (unquote_plus(each) for each in piece.partition("="))
            while name.lower().startswith("amp;"):
                name = name[len("amp;") :]
            if name and (value := value.replace("\0", "")):
                yield name, value


def _evidence(value: str) -> int:
    """Say how surely a value is ours: click ids and codes of ours have a form, other words not."""
    code, click_id = split_code(value)
    if click_id or click_id_or_none(value):
        return 3
    return (2 if len(code) == CODE_LENGTH else 1) if code else 0


def utm_of(query: Mapping[str, Any]) -> dict[str, str]:
    """Pick utm_* out of a mapping of query parameters, folded, names without the prefix.

    `MARK` stands for a value with an address, a number or a digest in it, read before it is folded:
    what is base64 cannot be decoded in lower case.
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
    """Return the word by which UTM tells a post from others; it is known again when it comes back.

    One in sixty posts has an id with ten digits in a row, which would be read as a phone number.
    """
    word = post_id.hex[-CODE_LENGTH:]
    return word if is_our_code(word) else f"{word[:6]}p{word[7:]}"


@lru_cache(maxsize=4096)
def fold_utm(value: str) -> str:
    """Return the form in which UTM is compared: without blanks around it and in lower case.

    A link keeps its own form for the page that it leads to.
    """
    return visible(visible(value[:_LONGEST_UTM]).lower())


def folded_utm(utm: Mapping[str, str]) -> dict[str, str]:
    """Return UTM in the form in which it is compared."""
    return {name: fold_utm(value) for name, value in utm.items()}


def join_code(code: str, click_id: str) -> str:
    """Write code and click id as one word, for tools with one field. See `split_code`."""
    return code + click_id if len(code) == CODE_LENGTH else code
