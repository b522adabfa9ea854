"""Apply the rules of `core.minimization` to statements and stored facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
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
from advocacy.core.urls import host_of
from advocacy.ingestion.reconcile import Fact, action_id


@lru_cache(maxsize=8192)
def _host(referrer: str) -> str:
    return host_of(retained_host(referrer))


def fact_of(
    event: ActionEvent, key: bytes, *, source_id: UUID, delivery_id: UUID, who: Mapping[str, str]
) -> Fact:
    """Return the fact of a statement; it has nothing that must not be stored.

    `key` is the organization's key for identities, `who` the keyed hashes of the person by kind.
    """
    external_id = retained_name(event.external_id, key)
    return Fact(
        action_id=action_id(source_id, event.namespace, external_id),
        delivery_id=delivery_id,
        external_id=external_id,
        kind=event.kind,
        said=event.said,
        statement_id=event.said
        if event.statement_id in ("", event.said)
        else retained_statement_id(event.statement_id, key),
        stated_at=event.stated_at or event.occurred_at,
        occurred_at=event.occurred_at,
        who=who,
        code=retained_code(event.code) if event.code else "",
        click_id=event.click_id if event.click_id and _is_click_id(event.click_id) else "",
        utm=retained_utm(event.utm) if event.utm else {},
        # Only the host: the paths of pages can name people.
        referrer=_host(event.referrer) if event.referrer else "",
        amount_minor=event.amount_minor,
        currency=event.currency,
        cumulative=event.cumulative,
        recurs_as=retained_name(event.recurs_as, key) if event.recurs_as else "",
        renewal=event.renewal,
        target=retained_target(event.target, key) if event.target else "",
        test=event.test,
        same_as=tuple(
            sorted(
                action_id(source_id, event.namespace, retained_name(name, key))
                for name in event.same_as
            )
        )
        if event.same_as
        else (),
    )


class _Texts(TypedDict):
    """The text fields of a fact."""

    statement_id: str
    code: str
    click_id: str
    utm: Mapping[str, str]
    referrer: str
    recurs_as: str
    target: str


def _texts(statement: Fact, key: bytes) -> _Texts:
    """Return the text fields of a fact as they are stored."""
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
