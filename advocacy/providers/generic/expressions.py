"""JMESPath expressions (jmespath.org): compile, check and apply them within limits.

Note: expressions are not trusted to be cheap. JMESPath can double a list with a few characters, so
an expression is short and has few brackets.
"""

from __future__ import annotations

from functools import lru_cache

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from advocacy.core.errors import Unreadable

LONGEST_EXPRESSION = 300
MOST_BRACKETS = 6


@lru_cache(maxsize=512)
def _compiled(expression: str) -> ParsedResult:
    return jmespath.compile(expression)


def find(expression: object, value: object) -> object:
    """Return what an expression finds in a value, or None. Raises `Unreadable`."""
    if not expression:
        return None
    if not isinstance(expression, str) or len(expression) > LONGEST_EXPRESSION:
        raise Unreadable("bad_mapping", "an expression is too long")
    try:
        found: object = _compiled(expression).search(value)
    except Exception as error:
        # JMESPath functions fail in many ways on values of the wrong type.
        raise Unreadable("mapping_failed", type(error).__name__) from None
    return found


def find_or_none(expression: object, value: object) -> object:
    """Return what an expression finds, or None, also if it fails on the value."""
    try:
        return find(expression, value)
    except Unreadable:
        return None


def fields_read(expression: object) -> set[str]:
    """Return the names of the fields that an expression reads; none if it is invalid."""
    if not isinstance(expression, str) or len(expression) > LONGEST_EXPRESSION:
        return set()
    try:
        nodes = [_compiled(expression).parsed]
    except (JMESPathError, RecursionError, ValueError, TypeError):
        return set()
    names = set()
    while nodes:
        node = nodes.pop()
        if node["type"] == "field":
            names.add(str(node["value"]))
        nodes += [child for child in node["children"] if isinstance(child, dict)]
    return names


def mistakes(name: str, expression: object) -> list[str]:
    """Return what is wrong with the expression of this name; [] if it is valid or missing."""
    if expression is None:
        return []
    if not isinstance(expression, str):
        return [f"{name} is not an expression"]
    if len(expression) > LONGEST_EXPRESSION or expression.count("[") > MOST_BRACKETS:
        return [f"{name} is too long or has too many brackets"]
    try:
        _compiled(expression)
    except (JMESPathError, RecursionError, ValueError, TypeError) as error:
        first_line = str(error).partition("\n")[0]
        return [f"{name} is not a JMESPath expression: {first_line}"]
    return []
