"""What counts as a gift in every tool and file: an amount above zero.

Pure.
"""

from __future__ import annotations

from advocacy.core.errors import Unreadable


def given(minor: int) -> int:
    """Return the amount in minor units. Raises `Unreadable` unless it is above zero."""
    if minor <= 0:
        raise Unreadable("bad_amount", "amount is not above zero")
    return minor
