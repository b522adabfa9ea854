"""Fields that only say where a supporter came from: codes, UTM, referrers, targets.

Pure. Tools and integrations change these most, and none of them is worth a gift: what is not of the
expected type is read as nothing, where `base.text` and `base.mapping` refuse the whole delivery.

Note: never for what carries money, a person, an instant or an identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def text(value: Any, longest: int = 1024) -> str:
    """Return a string, cut at `longest`; a number is written out, anything else is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    if isinstance(value, Decimal) and not value.is_finite():
        return ""
    return str(value).strip()[:longest]


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}
