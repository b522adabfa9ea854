"""The rules that the stored credit and its receipt share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import permutations
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.attribution.credit import (
    credit_action,
    first_payment,
    lookup_keys,
    only_visit,
    split_by_campaign,
    touches_of,
    visit_of,
    window_of,
)
from advocacy.attribution.touchpoints import TouchLookup
from advocacy.core.events import Credit, Tier, Touch

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OURS, THEIRS = UUID(int=1), UUID(int=2)
ANA = UUID(int=3)


@dataclass
class Done:
    """An action, as far as its credit depends on it."""

    kind: str = "signature"
    occurred_at: datetime = NOW
    code: str = ""
    click_id: str = ""
    utm: dict[str, str] = field(default_factory=dict)
    referrer: str = ""
    supporter_id: UUID | None = None


def touch(ago: timedelta, post: int, tier: Tier = Tier.IDENTITY, campaign: UUID | None = OURS):
    return Touch(
        tier=tier,
        at=NOW - ago,
        click_id=f"{post}",
        post_id=UUID(int=post),
        campaign_id=campaign,
        platform="instagram",
    )


def click(click_id: str, ago: timedelta, post: int = 7):
    return SimpleNamespace(
        click_id=click_id,
        clicked_at=NOW - ago,
        seen_at=NOW,
        link_id=UUID(int=post),
        post_id=UUID(int=post),
        campaign_id=OURS,
        platform="instagram",
    )


def test_a_path_has_the_touches_of_the_credited_campaign_only():
    last = touch(DAY, 10, Tier.CLICK_ID)
    first, other = touch(3 * DAY, 11), touch(2 * DAY, 12, campaign=THEIRS)
    credit, path = credit_action(Done(), [other, last, first])
    assert credit == Credit(last, Fraction(1), Tier.CLICK_ID)
    assert path == [first, last]


def test_an_action_without_an_eligible_touch_is_unattributed():
    credit, path = credit_action(Done(), [touch(8 * DAY, 10)])
    assert (credit, path) == (Credit(None, Fraction(1), Tier.UNATTRIBUTED), [])


def test_the_window_follows_the_kind_of_action():
    assert (window_of(Done("signature")), window_of(Done("donation"))) == (7 * DAY, 30 * DAY)
    credit, _ = credit_action(Done("donation"), [touch(8 * DAY, 10)])
    assert credit.touch is not None


def test_touches_without_a_campaign_belong_to_the_credited_one():
    mine, none, other = touch(DAY, 1), touch(DAY, 2, campaign=None), touch(DAY, 3, campaign=THEIRS)
    credit = Credit(mine, Fraction(1), Tier.IDENTITY)
    assert split_by_campaign([mine, none, other], credit) == ([mine, none], [other])
    nothing = Credit(None, Fraction(1), Tier.UNATTRIBUTED)
    assert split_by_campaign([mine, none, other], nothing) == ([mine, none, other], [])


def test_leaving_out_clicks_outside_the_window_changes_no_credit():
    action = Done(supporter_id=ANA)
    lookup = TouchLookup(clicks_of={ANA: [click("old", 8 * DAY), click("new", DAY)]})
    everything, eligible = touches_of(action, lookup), touches_of(action, lookup, in_window=True)
    assert [each.click_id for each in everything] == ["old", "new"]
    assert [each.click_id for each in eligible] == ["new"]
    assert credit_action(action, everything) == credit_action(action, eligible)


AGES = st.sampled_from([timedelta(0), DAY, 7 * DAY, 7 * DAY + timedelta(seconds=1), 40 * DAY]) | (
    st.integers(-400, 400).map(lambda seconds: timedelta(seconds=seconds))
)


@given(
    kind=st.sampled_from(["signature", "donation"]),
    carried=st.none() | AGES,
    own=st.lists(AGES, max_size=2),
    again=st.booleans(),
    code=st.sampled_from(["", "known", "other"]),
    utm=st.sampled_from([{}, {"campaign": "stay"}, {"campaign": "go"}]),
    referrer=st.sampled_from(["", "instagram.com", "example.org"]),
    someone=st.booleans(),
)
def test_the_credit_of_one_visit_is_what_all_the_rules_give(
    kind, carried, own, again, code, utm, referrer, someone
):
    clicks = [click(f"own{number}", ago, 7 + number) for number, ago in enumerate(own)]
    lookup = TouchLookup(
        links={"known": SimpleNamespace(**vars(click("", DAY, 20)))},
        utm_links=[SimpleNamespace(**vars(click("", DAY, 21)), utm={"campaign": "stay"})],
    )
    if carried is not None:
        lookup.clicks = {"carried": click("carried", carried, 22)}
        clicks += [lookup.clicks["carried"]] * again
    lookup.clicks_of = {ANA: clicks}
    action = Done(
        kind,
        code=code,
        click_id="carried",
        utm=utm,
        referrer=referrer,
        supporter_id=ANA if someone else None,
    )
    credit, path = credit_action(action, touches_of(action, lookup, in_window=True))
    visit = only_visit(action, lookup)
    if visit is None:
        assert someone and own
    else:
        assert (visit, len(path)) == (visit_of(credit), int(credit.touch is not None))


def test_keys_are_collected_once_and_without_empty_ones():
    keys = lookup_keys(
        [
            Done(code="b", utm={"campaign": "stay", "source": "x"}, supporter_id=ANA),
            Done(code="a", click_id="k", utm={"source": "x"}, supporter_id=ANA),
            Done(code="b"),
        ]
    )
    assert (keys.codes, keys.utm_campaigns) == ({"a", "b"}, {"stay"})
    assert (keys.click_ids, keys.supporter_ids) == ({"k"}, {ANA})


@dataclass(frozen=True)
class Paid:
    """A payment: `days` after the first day, reported as a renewal or not, with evidence or not."""

    number: int
    days: int
    renewal: bool = False
    evidence: bool = False

    @property
    def id(self) -> UUID:
        return UUID(int=self.number)

    @property
    def occurred_at(self) -> datetime:
        return NOW + self.days * DAY


@pytest.mark.parametrize(
    ("payments", "first"),
    [
        ([Paid(1, 0), Paid(2, 30, renewal=True, evidence=True)], 1),
        ([Paid(1, 30), Paid(2, 0, renewal=True, evidence=True)], 1),
        ([Paid(1, 60, renewal=True), Paid(2, 30, renewal=True)], 2),
        ([Paid(1, 60, True, True), Paid(2, 30, True), Paid(3, 90, True, True)], 1),
        ([Paid(1, 0), Paid(2, 1, evidence=True), Paid(3, 2, evidence=True)], 2),
        ([Paid(2, 0), Paid(1, 0)], 1),
    ],
    ids=[
        "not_a_renewal",
        "not_a_renewal_though_later",
        "earliest_renewal",
        "earliest_renewal_with_evidence",
        "earliest_with_evidence",
        "by_id_at_one_instant",
    ],
)
def test_which_payment_a_recurring_gift_inherits_its_credit_from(payments, first):
    for order in permutations(payments):
        assert first_payment(order, lambda each: each.evidence).number == first
