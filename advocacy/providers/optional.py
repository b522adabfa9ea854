"""Read fields that only say where a supporter came from: codes, UTM, referrers, targets.

Pure. Tools change these most, and none is worth losing a gift: values of an unexpected type are
read as empty, where `parsing.text` and `parsing.mapping` reject the whole delivery.

Note: never use this for money, people, instants or ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal


def text(value: object, longest: int = 1024) -> str:
    """Return a string, cut at `longest`; a number is formatted, anything else is ''."""
    if isinstance(value, str):
        return value.strip()[:longest]
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return ""
    if isinstance(value, Decimal) and not value.is_finite():
        return ""
    return str(value).strip()[:longest]


def mapping(value: object) -> Mapping[str, object]:
    """Return an object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}
