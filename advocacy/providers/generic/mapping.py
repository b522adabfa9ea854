"""The parts of a mapping, and bodies in the form that it names."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from advocacy.core.errors import Unreadable
from advocacy.providers import parsing, test_deliveries
from advocacy.providers.generic import expressions

MOST_ITEMS = 1_000


def of_setup(setup: Mapping[str, object]) -> Mapping[str, object]:
    """Return the mapping in a source's setup; an empty one if there is none."""
    return section(setup, "mapping")


def section(mapping: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return an object within a mapping, such as `fields`; an empty one if there is none."""
    found = mapping.get(name)
    return found if isinstance(found, dict) else {}


def zone_of(mapping: Mapping[str, object]) -> str:
    """Return the time zone of instants without an offset."""
    return str(mapping.get("zone", "UTC"))


def parameters_of(mapping: Mapping[str, object]) -> Mapping[str, object]:
    """Return which query parameter carries what: the code, the click id, or both."""
    return section(mapping, "destination") or {"utm_content": "{both}"}


def items_in(mapping: Mapping[str, object], body: object) -> object:
    """Return the items that `each` finds in a body; without it, the body is the only item."""
    return expressions.find(mapping["each"], body) if mapping.get("each") else [body]


def state_expressions(mapping: Mapping[str, object]) -> dict[str, tuple[str, list[str]]]:
    """Return the expressions by which one action has several states in turn.

    Each comes with the fields that it reads and `delivery` does not: without them, the second state
    would look like a redelivery of the first.
    """
    fields = section(mapping, "fields")
    by_name = {
        "said": mapping.get("said"),
        "when": mapping.get("when"),
        "fields.returned": fields.get("returned"),
        "fields.statement": fields.get("statement"),
    }
    if None in section(mapping, "kinds").values():
        by_name["kind"] = mapping.get("kind")
    in_delivery = expressions.fields_read(mapping.get("delivery"))
    if not in_delivery:
        return {}
    return {
        name: (str(expression), sorted(expressions.fields_read(expression) - in_delivery))
        for name, expression in by_name.items()
        if expression
    }


def read_body(mapping: Mapping[str, object], body: bytes) -> object:
    """Parse a body as JSON or as a form, as the mapping says. Raises `Unreadable`."""
    if mapping.get("body") != "form":
        return parsing.read_json(body)
    fields: dict[str, object] = {}
    for name, value in parsing.read_form(body):
        # A repeated field is a list, as in most tools that read forms.
        if name in fields:
            earlier = fields[name]
            fields[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            fields[name] = value
    return fields


def write_body(mapping: Mapping[str, object], value: object) -> bytes:
    """Write a value as JSON or as a form, so that `read_body` reads it. Raises `Unreadable`."""
    if mapping.get("body") != "form":
        return test_deliveries.write_json(value)
    if not isinstance(value, dict):
        raise Unreadable("wrong_type", "a form is an object of fields")
    return urlencode(value, doseq=True).encode()
