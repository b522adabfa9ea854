"""Facts with their texts as a tool wrote them, as an early version stored them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from advocacy.core.events import ActionEvent
from advocacy.core.urls import host_of
from advocacy.ingestion.reconcile import Fact, action_id


def fact_of(
    event: ActionEvent, *, source_id: UUID, delivery_id: UUID, who: Mapping[str, str]
) -> Fact:
    """Return the fact of a statement; `who` has the keyed hashes of the person by kind."""
    return Fact(
        action_id=action_id(source_id, event.namespace, event.external_id),
        delivery_id=delivery_id,
        external_id=event.external_id,
        kind=event.kind,
        said=event.said,
        statement_id=event.statement_id or event.said,
        stated_at=event.stated_at or event.occurred_at,
        occurred_at=event.occurred_at,
        who=who,
        code=event.code,
        click_id=event.click_id,
        utm=dict(event.utm),
        # Only the host: the paths of pages can name people.
        referrer=host_of(event.referrer),
        amount_minor=event.amount_minor,
        currency=event.currency,
        cumulative=event.cumulative,
        recurs_as=event.recurs_as,
        renewal=event.renewal,
        target=event.target,
        test=event.test,
        same_as=tuple(
            sorted(action_id(source_id, event.namespace, name) for name in event.same_as)
        ),
    )
