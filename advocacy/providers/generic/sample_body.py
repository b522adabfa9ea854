"""Build the bodies of test deliveries.

Pure. A body comes from inverting the mapping, or from filling in its `example`. The adapter parses
each before it is sent.

Note: a mapping cannot be inverted in general. Only dotted paths can (`person.email`), or the first
path among alternatives (`a || person.email`); for everything else the mapping has an `example`,
written by someone who knows the tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from advocacy.core import tracking_parameters
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionKind, StatementType
from advocacy.providers import test_deliveries
from advocacy.providers.generic.events import events_in, write_instant
from advocacy.providers.generic.mapping import parameters_of, section, write_body

_PLACEHOLDER = re.compile(r"\{(code|click_id|both|id|now|landing)\}")
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def sample_body(
    mapping: Mapping[str, object], landing: str, message_id: str, now: datetime
) -> bytes:
    """Return the first body, from the mapping's example or the inverted mapping, that works."""
    code, click_id = _arrived(mapping, landing)
    both = tracking_parameters.join_code(code, click_id)
    words = {
        "code": code,
        "click_id": click_id,
        "both": both,
        "id": message_id,
        "now": write_instant(mapping, now),
        "landing": landing,
    }
    if mapping.get("example"):
        # A test is meant to reveal an example that does not hand the code back.
        return _first_read(mapping, [_fill(mapping["example"], words)], {})
    fields = section(mapping, "fields")
    values: dict[str, object] = {
        "id": message_id,
        "at": words["now"],
        # A code in a field of its own comes back by itself.
        "code": code if "{click_id}" in parameters_of(mapping).values() else both,
        "click_id": click_id,
        "url": landing,
        "email": test_deliveries.SAMPLE_EMAIL,
        "amount": "1",
        "amount_minor": 100,
        "test": True,
        **{
            f"utm_{name}": word
            for name, word in tracking_parameters.utm_of(
                tracking_parameters.query_of(landing)
            ).items()
        },
    }
    wanted = {"code": code} if fields.get("code") or fields.get("url") else {}
    if fields.get("click_id"):
        wanted["click_id"] = click_id
    return _first_read(mapping, _invert(mapping, values), wanted)


def _arrived(mapping: Mapping[str, object], landing: str) -> tuple[str, str]:
    """Return code and click id from where `destination` had put them."""
    query = tracking_parameters.query_of(landing)
    code, click_id = "", ""
    for name, which in parameters_of(mapping).items():
        carried = query.get(str(name), "")
        if which == "{click_id}":
            click_id = carried or click_id
        elif which in ("{code}", "{both}"):
            found = tracking_parameters.split_code(carried)
            code, click_id = found[0] or code, found[1] or click_id
    return code, click_id


def _first_read(
    mapping: Mapping[str, object], proposed: Iterable[object], wanted: Mapping[str, str]
) -> bytes:
    """Return the first body that is read as an action with the wanted values, or raise."""
    why = "the mapping reads no action with our code out of it"
    for value in proposed:
        try:
            body = write_body(mapping, value)
            events = events_in(mapping, body)
        except Unreadable as error:
            why = str(error)
            continue
        for event in events:
            read = {"code": event.code, "click_id": event.click_id}
            if event.said is StatementType.CREATED and wanted.items() <= read.items():
                return body
    raise Unreadable("no_example", f"{why}; give the mapping an example that it can read")


def _fill(example: object, words: Mapping[str, str]) -> object:
    """Return the example with each placeholder in its strings replaced."""
    if isinstance(example, str):
        # In one pass, so that a value that looks like a placeholder stays.
        return _PLACEHOLDER.sub(lambda found: words[found[1]], example)
    if isinstance(example, dict):
        return {key: _fill(each, words) for key, each in example.items()}
    if isinstance(example, list):
        return [_fill(each, words) for each in example]
    return example


def _invert(mapping: Mapping[str, object], values: Mapping[str, object]) -> Iterator[object]:
    """Yield bodies in which the mapping may find these values, one for each kind of action."""
    kinds = _kinds(mapping) if _path(mapping["kind"]) else [""]
    for kind in kinds:
        item: dict[str, object] = {}
        _put(item, mapping["kind"], kind)
        # A field that only has to be present says "yes", which does not mean a refund.
        _put(item, mapping.get("when"), "yes")
        for name, value in values.items():
            _put(item, section(mapping, "fields").get(name), value)
        yield _listed(mapping.get("each"), item)


def _kinds(mapping: Mapping[str, object]) -> list[str]:
    """Return the tool's words for kinds of action, and one of ours, which a mapping accepts too."""
    known = section(mapping, "kinds")
    return [word for word, meant in known.items() if word and meant] + [ActionKind.SIGNATURE]


def _listed(each: object, item: dict[str, object]) -> object:
    if not each:
        return item
    if each == "@":
        return [item]
    body: dict[str, object] = {}
    _put(body, each, [item])
    return body


def _path(expression: object) -> str:
    """Return the first simple path among the alternatives of an expression, or ''."""
    if not isinstance(expression, str):
        return ""
    alternatives = (each.strip() for each in expression.split("||"))
    return next((each for each in alternatives if _PATH.fullmatch(each)), "")


def _put(item: dict[str, object], expression: object, value: object) -> None:
    """Put a value where the expression finds it; if that is unclear, leave it out."""
    path = _path(expression)
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
