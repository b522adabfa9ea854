"""Slugs: the names of campaigns and organizations in URLs.

Pure.

Note: a slug that staff typed is validated and never adjusted, since they would look for what they
typed; only a slug derived from a name is made to fit.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_SLUG = 60


def is_slug(word: str) -> bool:
    """Return whether a word can be part of a URL: letters, digits and dashes only."""
    return re.fullmatch(r"[A-Za-z0-9-]+", word) is not None


def slug_of(name: str) -> str:
    """Return a slug for a name, or '' if no character of it can be part of a URL."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:LONGEST_SLUG].strip("-")
