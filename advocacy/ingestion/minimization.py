"""Apply the rules of `core.minimization` to statements and stored facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict
from uuid import UUID

from advocacy.core.actblue_orders import ACTBLUE_GIFTS, ACTBLUE_ORDERS
from advocacy.core.events import ActionEvent
from advocacy.core.minimization import (
    KEYED,
    _is_click_id,
    is_plain_name,
    retained_code,
    retained_host,
    retained_name,
    retained_statement_id,
    retained_target,
    retained_utm,
)
from advocacy.ingestion.reconcile import Fact, action_id


def retained(event: ActionEvent, key: bytes) -> ActionEvent:
    """Return a statement without anything that must not be stored, except for its person.

    `key` is the organization's key for identities.
    """
    return replace(
        event,
        external_id=retained_name(event.external_id, key),
        same_as=tuple(retained_name(each, key) for each in event.same_as),
        **_texts(event, key),
    )


class _Texts(TypedDict):
    """The text fields that statements and facts have in common."""

    statement_id: str
    code: str
    click_id: str
    utm: Mapping[str, str]
    referrer: str
    recurs_as: str
    target: str


def _texts(statement: ActionEvent | Fact, key: bytes) -> _Texts:
    """Return these fields as they are stored."""
    return {
        "statement_id": retained_statement_id(statement.statement_id, key),
        "code": retained_code(statement.code) if statement.code else "",
        "click_id": statement.click_id if _is_click_id(statement.click_id) else "",
        "utm": retained_utm(statement.utm) if statement.utm else {},
        "referrer": retained_host(statement.referrer) if statement.referrer else "",
        "recurs_as": retained_name(statement.recurs_as, key),
        "target": retained_target(statement.target, key) if statement.target else "",
    }


_SCOPES = ("", ACTBLUE_GIFTS, ACTBLUE_ORDERS)


def retained_fact(fact: Fact, source_id: UUID, key: bytes) -> Fact:
    """Return a fact from before these rules as it would be stored now.

    Hashed values stay. The action's id follows from its name and changes with it.
    """
    texts = _texts(fact, key)
    if KEYED in fact.statement_id:
        texts["statement_id"] = fact.statement_id
    if KEYED in fact.recurs_as:
        texts["recurs_as"] = fact.recurs_as
    external_id, named = fact.external_id, fact.action_id
    if not external_id.startswith(KEYED) and not is_plain_name(external_id):
        external_id = retained_name(external_id, key)
        for scope in _SCOPES:
            if action_id(source_id, scope, fact.external_id) == fact.action_id:
                named = action_id(source_id, scope, external_id)
    return replace(fact, external_id=external_id, action_id=named, **texts)
