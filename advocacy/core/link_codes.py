"""Validate link codes, and read them from a URL that was tapped.

Pure. A code consists of lower-case letters and digits only.

Note: a URL is passed on with what surrounded it: a full stop, a bracket, an asterisk, an invisible
character, the next word, or a copy of itself. No code can contain these characters, so the code is
what precedes them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from advocacy.core.messages import say
from advocacy.core.minimization import retained_code
from advocacy.core.plain_text import visible
from advocacy.core.tracking_parameters import CLICK_ID_LENGTH, CODE_LENGTH, join_code, split_code

PREFIX = "/r/"
_PREFIX = re.compile(r"/+r/+", re.IGNORECASE)
_LETTERS = re.compile(r"[a-z0-9]+")
# Anchored at the start of a word: otherwise a path of letters takes quadratic time.
_LETTERS_AND_DASHES = re.compile(r"(?<![a-z0-9])[a-z0-9]++(?:[-_]++[a-z0-9]++)+")
# A blank or a line break within a code, as mail programs and text messages put it (`=`: RFC 2045).
_BROKEN = re.compile(r"(?<![a-z0-9])[a-z0-9]++(?:(?:=?\s+|\+)[a-z0-9]++)+")
_MOST_PIECES = 3
# East Asian keyboards write full-width letters.
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_ANY_CLICK_ID = "a" * CLICK_ID_LENGTH
_LONGEST_PATH = 2048


class BadCode(ValueError):
    """The code is not allowed; the message says what to do."""


def check_code(code: str) -> str:
    """Return a code as it is stored: in lower case, without dashes. Raises `BadCode`."""
    plain = code.lower().replace("-", "")
    if not comes_back(plain):
        raise BadCode(
            say(
                "the code %(code)s could not be recognized when it is returned; use up "
                "to 64 letters and digits, and no word such as none or widget",
                code=ascii(code),
            )
        )
    return plain


def comes_back(code: str) -> bool:
    """Return whether a code can be read again, from a tool that carried it and from its own URL."""
    joined = join_code(code, _ANY_CLICK_ID)
    click_id = _ANY_CLICK_ID if joined != code else ""
    return (
        _LETTERS.fullmatch(code) is not None
        and split_code(code) == (code, "")
        and split_code(joined) == (code, click_id)
        # What looks like a number or a digest is not stored: see `minimization`.
        and retained_code(code) == code
    )


def is_link(path: str) -> bool:
    """Return whether a path is a tracking link's."""
    return path.startswith(PREFIX) or _PREFIX.match(path) is not None


def codes_in(path: str) -> tuple[str, ...]:
    """Return the possible codes in a link's path, the likeliest first."""
    code = path[len(PREFIX) :]
    if len(code) == CODE_LENGTH and code.isascii() and code.isalnum():
        return (code.lower(),)
    return _codes_in(path[:_LONGEST_PATH])


def code_of(written: str) -> str:
    """Return the code in a link, however it was copied; other texts are returned unchanged."""
    found = codes_in(PREFIX + re.split(PREFIX, written, flags=re.IGNORECASE)[-1])
    return found[0] if found else written


@lru_cache(maxsize=1024)
def _codes_in(path: str) -> tuple[str, ...]:
    seen = "".join(letter for letter in path.translate(_NARROW) if not _is_invisible(letter))
    behind = _PREFIX.sub("/", seen.lower(), count=1)
    found: list[str] = []
    # A URL in a URL: pasted twice, or behind a prefix that was there already.
    for part in (behind, _PREFIX.split(behind)[-1]):
        if dashed := _LETTERS_AND_DASHES.search(part):
            found.append(re.sub("[-_]+", "", dashed[0]))
        if letters := _LETTERS.search(part):
            code = letters[0]
            found += [code, code[:CODE_LENGTH]]
            if code == code[: len(code) // 2] * 2:
                found.append(code[: len(code) // 2])
        if broken := _BROKEN.search(part):
            pieces = re.split(r"[=\s+]+", broken[0])
            found += ["".join(pieces[:most]) for most in range(2, _MOST_PIECES + 1)]
            found.append("".join(pieces)[:CODE_LENGTH])
    return tuple(dict.fromkeys(found))


def _is_invisible(letter: str) -> bool:
    return not letter.isascii() and not letter.isspace() and not visible(letter)
