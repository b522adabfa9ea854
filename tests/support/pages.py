"""Find untranslated texts on pages."""

from __future__ import annotations

import re
from functools import cache

from tests.support.translations import PLACEHOLDER, first, messages, strings

# Without texts, or English only: the API's page, files, images, endpoints for machines.
NOT_A_PAGE = re.compile(
    r"/(api|static|live|ready|metrics|r)(/|$)"
    r"|.*(<any\(|\.(csv|pdf)$|/(live|stream|mark)$|/live/)"
)


@cache
def english(language: str) -> list[re.Pattern[str]]:
    """Return the English texts that differ in this language."""
    texts: list[str] = []
    for each in messages(language):
        texts += [
            text
            for text, other in zip(strings(each.id), strings(each.string), strict=False)
            if text != other and first(each.id) != each.string
        ]
    found = []
    for text in texts:
        # A placeholder can have any value, and a short text must match a whole piece.
        words = PLACEHOLDER.sub("\0", " ".join(text.split()))
        pattern = ".+?".join(re.escape(part) for part in words.split("\0"))
        if re.search(r"[A-Za-z]{2}", words.replace("\0", "")):
            found.append(re.compile(pattern))
    return found


def pieces_in_english(pieces: list[str], language: str) -> list[str]:
    """Return those texts that are English and not translated."""
    # A word may be the same in both languages: texts of the translation are accepted.
    same = {string for each in messages(language) for string in strings(each.string)}
    return [
        piece
        for piece in pieces
        if piece not in same and any(each.fullmatch(piece) for each in english(language))
    ]


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\"&{{739*997}}"
