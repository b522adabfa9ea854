"""What is a gift, in every tool and every file: money above zero.

Pure.
"""

from __future__ import annotations

from advocacy.core.errors import Unreadable


def given(minor: int) -> int:
    """Return what was given, in minor units. Raises `Unreadable` unless it is above zero."""
    if minor <= 0:
        raise Unreadable("bad_amount", "amount is not above zero")
    return minor
