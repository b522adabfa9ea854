"""The one error of this package."""

from __future__ import annotations


class BadTable(ValueError):
    """The file cannot be read as a table; the message is one sentence that says what to do."""
