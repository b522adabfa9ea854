"""What statements come to, where tools say the same thing in more than one way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from advocacy.core.events import ActionEvent, ActionKind, StatementType
from advocacy.ingestion.reconcile import Fact, action_id, group_facts, reconcile
from tests.support.counterparts import SOURCE, facts

START = datetime(2026, 5, 1, tzinfo=UTC)


def gift(name: str = "g", amount: int | None = 1000, after: int = 0, **rest: Any) -> ActionEvent:
    at = START + timedelta(hours=after)
    return ActionEvent(
        kind=ActionKind.DONATION,
        external_id=name,
        occurred_at=at,
        stated_at=at,
        amount_minor=amount,
        currency="USD",
        **rest,
    )


def back(amount: int | None, after: int, statement: str, **rest: Any) -> ActionEvent:
    return gift(
        amount=amount, after=after, said=StatementType.REFUNDED, statement_id=statement, **rest
    )


def refunded(*events: ActionEvent) -> int:
    """Settle in every order; return what went back."""
    results = [reconcile(facts(list(order))) for order in permutations(events)]
    assert all(result == results[0] for result in results)
    return results[0].refunded_minor


def test_an_export_and_the_webhooks_tell_of_the_same_refunds() -> None:
    exported = back(300, 5, "returned", cumulative=True)
    assert refunded(gift(), exported, back(300, 5, "refund:a")) == 300
    assert refunded(gift(), exported, back(300, 6, "refund:total:300", cumulative=True)) == 300
    assert refunded(gift(), exported, back(300, 4, "refund:a"), back(200, 9, "refund:b")) == 500


def test_a_cumulative_amount_holds_the_earlier_ones_of_its_sort() -> None:
    assert refunded(gift(), back(300, 1, "a", cumulative=True), back(200, 2, "b")) == 500
    assert refunded(gift(), back(300, 2, "a", cumulative=True), back(200, 1, "b")) == 300
    assert refunded(gift(), back(300, 2, "refund:t", cumulative=True), back(200, 1, "x:1")) == 500


def test_returns_of_two_sorts_are_added_up_to_the_gift() -> None:
    assert refunded(gift(), back(700, 1, "refund:a"), back(200, 2, "dispute:b")) == 900
    assert refunded(gift(), back(700, 1, "refund:a"), back(1000, 2, "dispute:b")) == 1000
    assert refunded(gift(), back(None, 1, "returned"), back(200, 2, "dispute:b")) == 1000


def test_a_return_of_nothing_is_not_a_return_of_all() -> None:
    (fact,) = facts([back(0, 1, "refund:total:0", cumulative=True)])
    assert Fact.from_json(json.loads(json.dumps(fact.to_json()))) == fact
    assert refunded(gift(), back(0, 1, "refund:total:0", cumulative=True)) == 0


def test_names_in_common_make_one_action_in_every_order() -> None:
    told = [
        gift("invoice", statement_id="invoice", same_as=("first",), recurs_as="sub"),
        gift("payment", statement_id="payment"),
        gift("payment", statement_id="link", same_as=("invoice",)),
        gift("first", None, statement_id="session", said=StatementType.REFUND_REVERSED, code="abc"),
        gift("another"),
    ]
    outcomes = []
    for order in permutations(facts(told)):
        groups = group_facts(order)
        outcomes.append({key: reconcile(group, key) for key, group in groups.items()})
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert len(outcomes[0]) == 2
    (one,) = (action for action in outcomes[0].values() if action.recurs_as)
    names = [action_id(SOURCE, "", name) for name in ("invoice", "payment", "first")]
    assert (one.id, one.gross_minor, one.code, one.counted) == (min(names), 1000, "abc", True)


@pytest.mark.parametrize("after", [0, 5])
def test_what_is_told_elsewhere_is_never_counted(after: int) -> None:
    elsewhere = gift(
        amount=None, after=after, said=StatementType.DUPLICATE_OF, statement_id="elsewhere"
    )
    for order in ([gift(after=2), elsewhere], [elsewhere, gift(after=2)], [elsewhere]):
        assert not reconcile(facts(order)).counted


def test_facts_with_further_names_survive_being_written() -> None:
    (fact,) = facts([gift("payment", same_as=("invoice", "first"))])
    assert len(fact.same_as) == 2
    assert Fact.from_json(json.loads(json.dumps(fact.to_json()))) == fact


def test_the_last_word_on_what_is_no_gift_stands() -> None:
    def signed(after: int, said: StatementType, statement: str) -> ActionEvent:
        at = START + timedelta(hours=after)
        return ActionEvent(
            kind=ActionKind.SIGNATURE,
            external_id="s",
            occurred_at=START,
            said=said,
            statement_id=statement,
            stated_at=at,
        )

    def counted(*events: ActionEvent) -> bool:
        (outcome,) = {reconcile(facts(list(order))).counted for order in permutations(events)}
        return outcome

    made, exported = (
        signed(0, StatementType.CREATED, "made"),
        signed(0, StatementType.CREATED, "exported"),
    )
    assert counted(made, exported)
    assert not counted(made, exported, signed(1, StatementType.REFUNDED, "returned"))
    assert not counted(exported, signed(1, StatementType.REFUNDED, "made"))
    assert counted(
        made,
        signed(1, StatementType.REFUNDED, "returned"),
        signed(2, StatementType.CREATED, "made"),
    )
    assert not counted(signed(1, StatementType.REFUNDED, "returned"))


def exported(sort: str, amount: int, after: int, **rest: Any) -> ActionEvent:
    return back(amount, after, f"{sort}:exported", cumulative=True, **rest)


def won(amount: int, after: int) -> ActionEvent:
    at = START + timedelta(hours=after)
    return ActionEvent(
        kind=ActionKind.DONATION,
        external_id="g",
        occurred_at=at,
        said=StatementType.REFUND_REVERSED,
        statement_id="dispute:exported:stands",
        stated_at=at,
        amount_minor=amount,
        currency="USD",
        cumulative=True,
    )


def stands(amount: int, at: int, stated: int, statement: str) -> ActionEvent:
    return ActionEvent(
        kind=ActionKind.DONATION,
        external_id="g",
        occurred_at=START + timedelta(hours=at),
        said=StatementType.REFUND_REVERSED,
        statement_id=statement,
        stated_at=START + timedelta(hours=stated),
        amount_minor=amount,
        currency="USD",
    )


def test_totals_of_an_export_are_not_added_to_what_events_tell() -> None:
    # Whatever instant the export has: that of the gift, or of the last refund.
    for after in (0, 2, 9):
        told = exported("refund", 300, after)
        assert refunded(gift(), told, back(200, 1, "refund:a"), back(100, 3, "refund:b")) == 300
        assert refunded(gift(), told, back(500, 4, "refund:total:500", cumulative=True)) == 500
        assert refunded(gift(), told, exported("dispute", 200, after)) == 500
        assert refunded(gift(), told, back(200, 3, "dispute:d")) == 500
    # What an older version kept of the same export.
    assert refunded(gift(), back(300, 2, "returned", cumulative=True), told) == 300


def test_a_dispute_that_either_says_was_won_is_won() -> None:
    opened, closed = back(400, 2, "dispute:d"), stands(400, 2, 5, "dispute:d")
    assert refunded(gift(), opened, won(400, 2)) == 0
    assert refunded(gift(), exported("dispute", 400, 2), won(400, 2)) == 0
    assert refunded(gift(), exported("dispute", 400, 2), opened, closed) == 0
    assert refunded(gift(), opened, closed, won(400, 2)) == 0
    # Another dispute that came later is not won by that, and no refund is.
    assert refunded(gift(), opened, won(400, 2), back(300, 4, "dispute:e")) == 300
    assert refunded(gift(), back(100, 1, "refund:a"), opened, won(400, 2)) == 100


def test_a_refund_that_failed_is_taken_off_an_exported_total() -> None:
    failed = stands(300, 3, 6, "refund:a")
    assert refunded(gift(), exported("refund", 300, 0), failed) == 0
    assert refunded(gift(), exported("refund", 500, 0), failed, back(200, 4, "refund:b")) == 200
