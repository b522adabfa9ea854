"""Write figures as JSON and read them again, for caches.

Dates, instants, ids, the dataclasses of `analytics` and the rows of `storage` come back as what
they were.

Note: inside of a dataclass or a row every list comes back as a tuple, as figures have no lists; in
a plain dict or list it comes back as a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from importlib import import_module
from typing import Any
from uuid import UUID

from advocacy.core.records import JsonObject

_TYPE = "$type"
_PACKAGES = ("advocacy.analytics.", "advocacy.storage.")

_VALUES: Mapping[str, Callable[[str], object]] = {
    "$at": datetime.fromisoformat,
    "$on": date.fromisoformat,
    "$id": UUID,
}


def encode(value: object) -> str:
    """Write figures as JSON. Raises `TypeError` for what is neither figures nor JSON."""
    return json.dumps(_plain(value), separators=(",", ":"))


def decode(text: str) -> Any:
    """Read what `encode` wrote. Raises `ValueError`, also for what other code wrote."""
    try:
        return json.loads(text, object_hook=_from_plain)
    except (TypeError, AttributeError, ImportError) as error:
        raise ValueError(f"not figures of this version: {error}") from None


def _plain(value: object) -> object:
    match value:
        case datetime():
            return {"$at": value.isoformat()}
        case date():
            return {"$on": value.isoformat()}
        case UUID():
            return {"$id": value.hex}
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case tuple() if hasattr(value, "_asdict"):
            return _tagged(value, value._asdict())
        case list() | tuple():
            return [_plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _tagged(value, {each.name: getattr(value, each.name) for each in fields(value)})
    return value


def _tagged(value: object, attributes: Mapping[str, object]) -> dict[str, object]:
    of = type(value)
    plain = {name: _plain(each) for name, each in attributes.items()}
    return {_TYPE: f"{of.__module__}:{of.__name__}", **plain}


def _from_plain(found: JsonObject) -> object:
    if _TYPE in found:
        module, _, name = str(found.pop(_TYPE)).partition(":")
        if not module.startswith(_PACKAGES):
            raise ValueError(f"not figures: {module}")
        attributes = {key: _as_tuple(each) for key, each in found.items()}
        figures: object = getattr(import_module(module), name)(**attributes)
        return figures
    if len(found) == 1:
        ((tag, value),) = found.items()
        if tag in _VALUES:
            return _VALUES[tag](str(value))
    return found


def _as_tuple(value: object) -> object:
    return tuple(_as_tuple(each) for each in value) if type(value) is list else value
