"""Remove invisible characters, so that texts that look the same are the same.

Pure. Copying from a page, a messenger or a contact list adds direction marks, joiners and byte
order marks; forms and spreadsheets add spaces.
"""

from __future__ import annotations

import unicodedata

# Unicode's Default_Ignorable_Code_Point beyond the categories Cf and Cc: fillers and selectors.
_INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)


def visible(written: str) -> str:
    """Return the text in NFKC, without invisible characters and surrounding white space."""
    if written.isascii() and written.isprintable():
        return written.strip()
    seen = (
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFKC", written)
        if char.isspace() or not (char in _INVISIBLE or unicodedata.category(char) in ("Cf", "Cc"))
    )
    # Characters that an invisible one separated may now compose.
    return unicodedata.normalize("NFKC", "".join(seen)).strip()
