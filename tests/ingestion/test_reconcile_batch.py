"""An action of one statement is what all the rules make of it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from advocacy.core.events import ActionKind, StatementType
from advocacy.ingestion.reconcile import Fact, reconcile
from advocacy.ingestion.reconcile_batch import action_of, first_told

ids = st.uuids()
words = st.sampled_from(["", "a", "b"])
instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
digests = st.binary(min_size=16, max_size=16).map(bytes.hex)
facts = st.builds(
    Fact,
    action_id=ids,
    delivery_id=ids,
    external_id=words,
    kind=st.sampled_from(ActionKind),
    said=st.just(StatementType.CREATED),
    statement_id=words,
    stated_at=instants,
    occurred_at=instants,
    who=st.dictionaries(st.sampled_from(["email", "phone", "person_id", "erased"]), digests),
    code=words,
    click_id=words,
    utm=st.dictionaries(st.sampled_from(["campaign", "source"]), words),
    referrer=words,
    amount_minor=st.none() | st.integers(0, 1000),
    currency=words,
    cumulative=st.booleans(),
    recurs_as=words,
    renewal=st.booleans(),
    target=words,
    test=st.booleans(),
)


@given(fact=facts, source_id=ids)
def test_a_single_statement_makes_the_action_that_reconciling_it_makes(fact: Fact, source_id: UUID):
    made = action_of(reconcile([fact]), source_id, [fact.delivery_id])
    assert first_told(fact, source_id) == made
