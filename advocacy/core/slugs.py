"""Slugs: the words by which campaigns and organizations are known in addresses.

Pure. What a stranger would get wrong: a slug that was asked for is checked and not mended, since
whoever typed it would look for it in vain; only one that is made of a name is made to fit.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_SLUG = 60


def is_slug(word: str) -> bool:
    """Say whether a word can stand in an address: letters, digits and dashes only."""
    return re.fullmatch(r"[A-Za-z0-9-]+", word) is not None


def slug_of(name: str) -> str:
    """Return a slug for a name, or nothing where it has no letter that can stand in an address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:LONGEST_SLUG].strip("-")
