"""Build bodies for test deliveries of the generic adapter.

Pure. A body comes from inverting the mapping, or from filling in its `example`. The adapter parses
each before it is sent.

Note: a mapping cannot be inverted in general. Only dotted paths can (`person.email`), or the first
path among alternatives (`a || person.email`); for everything else the mapping has an `example`,
written by someone who knows the tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from advocacy.core.events import ActionKind

_PLACEHOLDER = re.compile(r"\{(code|click_id|both|id|now|landing)\}")
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def fill(example: Any, words: Mapping[str, str]) -> Any:
    """Return the example with each placeholder in its strings replaced."""
    if isinstance(example, str):
        # In one pass, so that a value that looks like a placeholder stays.
        return _PLACEHOLDER.sub(lambda found: words[found[1]], example)
    if isinstance(example, dict):
        return {key: fill(each, words) for key, each in example.items()}
    if isinstance(example, list):
        return [fill(each, words) for each in example]
    return example


def invert(mapping: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Any]:
    """Yield bodies in which the mapping may find these values, one for each kind of action."""
    kinds = _kinds(mapping) if _path(mapping["kind"]) else [""]
    for kind in kinds:
        item: dict[str, Any] = {}
        _put(item, mapping["kind"], kind)
        # A field that only has to be present says "yes", which does not mean a refund.
        _put(item, mapping.get("when"), "yes")
        for name, value in values.items():
            _put(item, mapping["fields"].get(name), value)
        yield _listed(mapping.get("each"), item)


def _kinds(mapping: Mapping[str, Any]) -> list[str]:
    """Return the tool's words for kinds of action, and one of ours, which a mapping accepts too."""
    known = mapping.get("kinds") or {}
    return [word for word, meant in known.items() if word and meant] + [ActionKind.SIGNATURE]


def _listed(each: Any, item: dict[str, Any]) -> Any:
    if not each:
        return item
    if each == "@":
        return [item]
    body: dict[str, Any] = {}
    _put(body, each, [item])
    return body


def _path(expression: str) -> str:
    """Return the first simple path among the alternatives of an expression, or ''."""
    alternatives = (each.strip() for each in expression.split("||"))
    return next((each for each in alternatives if _PATH.fullmatch(each)), "")


def _put(item: dict[str, Any], expression: str | None, value: Any) -> None:
    """Put a value where the expression finds it; if that is unclear, leave it out."""
    path = _path(expression or "")
    if not path:
        return
    *steps, last = path.split(".")
    inner = item
    for step in steps:
        below = inner.setdefault(step, {})
        if not isinstance(below, dict):
            return
        inner = below
    inner.setdefault(last, value)
