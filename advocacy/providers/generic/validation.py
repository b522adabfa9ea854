"""What is wrong with a mapping, in plain words for the person who writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from advocacy.core import dates, tracking_parameters
from advocacy.core.errors import Unreadable
from advocacy.core.events import ActionKind, StatementType
from advocacy.providers import optional, parsing
from advocacy.providers.generic import authentication, expressions
from advocacy.providers.generic.mapping import state_expressions

_FIELDS = frozenset(
    (
        "email",
        "phone",
        "person_id",
        "recurs_as",
        "code",
        "click_id",
        "referrer",
        "target",
        "id",
        "at",
        "stated_at",
        "amount",
        "amount_minor",
        "currency",
        "returned",
        "renewal",
        "test",
        "url",
        "statement",
        *(f"utm_{name}" for name in tracking_parameters.UTM_NAMES),
    )
)
_EXPRESSIONS = ("delivery", "each", "when", "kind", "said")
_KEYS = frozenset(
    (
        *_EXPRESSIONS,
        "title",
        "evidence",
        "source",
        "body",
        "auth",
        "kinds",
        "says",
        "fields",
        "currency",
        "zone",
        "at_format",
        "destination",
        "example",
        "notes",
    )
)


def check_mapping(mapping: object) -> list[str]:
    """Return the mistakes of a mapping in plain words, the most serious first; [] if valid."""
    return reading_mistakes(mapping) or [
        f"delivery does not read {', '.join(missing)}, as {name} does: when that changes, the "
        "tool sends the same action in another state, which needs a delivery name of its own"
        for name, (_, missing) in state_expressions(optional.mapping(mapping)).items()
        if missing
    ]


def reading_mistakes(mapping: object) -> list[str]:
    """Return the mistakes because of which no body can be read, the most serious first."""
    if not isinstance(mapping, dict):
        return ["the mapping is not an object"]
    mistakes = [f"unknown key {key!r}" for key in mapping if key not in _KEYS]
    if mapping.get("body", "json") not in ("json", "form"):
        mistakes.append("body is neither 'json' nor 'form'")
    for name in _EXPRESSIONS:
        mistakes += expressions.mistakes(name, mapping.get(name))
    fields = mapping.get("fields")
    if not isinstance(fields, dict):
        return [*mistakes, "fields is not an object"]
    for name, written in fields.items():
        if name not in _FIELDS:
            mistakes.append(f"unknown field {name!r}")
        mistakes += expressions.mistakes(f"fields.{name}", written)
    for name in ("id", "at"):
        if not fields.get(name):
            mistakes.append(f"fields.{name} is missing")
    if not mapping.get("kind"):
        mistakes.append("kind is missing: an expression, or a quoted word like 'donation'")
    mistakes += _words_mistakes("kinds", mapping.get("kinds"), [*ActionKind, None])
    mistakes += _words_mistakes("says", mapping.get("says"), [*StatementType, None])
    return mistakes + _other_mistakes(mapping) + authentication.mistakes(mapping.get("auth"))


def _words_mistakes(name: str, words: object, allowed: Sequence[str | None]) -> list[str]:
    if words is None:
        return []
    if not isinstance(words, dict):
        return [f"{name} is not an object"]
    return [
        f"{name}.{word} is {meant!r}, which is not one of "
        + ", ".join("null" if each is None else str(each) for each in allowed)
        for word, meant in words.items()
        if meant is not None and meant not in [str(each) for each in allowed]
    ]


def _other_mistakes(mapping: Mapping[str, object]) -> list[str]:
    mistakes = []
    try:
        parsing.currency_code(mapping.get("currency"))
    except Unreadable:
        mistakes.append("currency is not a three-letter code")
    try:
        dates.zone(str(mapping.get("zone", "UTC")))
    except (ValueError, OSError, LookupError):
        mistakes.append("zone is not a time zone like 'America/New_York'")
    if not _is_date_form(mapping.get("at_format", "")):
        mistakes.append("at_format is not a format like '%m/%d/%Y'")
    places = mapping.get("destination", {})
    if not isinstance(places, dict) or not all(isinstance(each, str) for each in places.values()):
        mistakes.append("destination is not an object of query parameters")
    if not isinstance(mapping.get("example", {}), dict | list):
        mistakes.append("example is not a body: an object or a list")
    return mistakes


def _is_date_form(form: object) -> bool:
    """Return whether dates can be written and read in this format."""
    if not isinstance(form, str):
        return False
    if form == "" or form in parsing.DATE_FORMS:
        return True
    try:
        written = datetime(2026, 5, 1, 12, 5, tzinfo=UTC).strftime(form)
        datetime.strptime(written, form)  # noqa: DTZ007 -- only tried
    except (ValueError, TypeError, re.error):
        return False
    return True
