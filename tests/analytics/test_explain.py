"""The receipt of an action: each tier, what was passed over, exact sums, and nobody's name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest

from advocacy.analytics.explain import explain
from advocacy.analytics.latest_actions import BadCursor, find_actions
from advocacy.analytics.receipt import ActionMoney, Receipt, ReceiptCredit, Refund, SourceName
from advocacy.attribution import RULES, WINDOWS, assign_weights, split_minor, split_returns
from advocacy.core.events import ActionKind, Tier, Touch
from advocacy.ingestion import facts
from advocacy.storage import campaigns, errors, links, posts
from advocacy.storage import sources as sources_storage
from advocacy.storage.session import transaction
from tests.support.deliveries import facts_in
from tests.support.sql import run
from tests.support.world import World

NOW = datetime.now(UTC).replace(microsecond=0)
TIERS = ["click_id", "code", "utm", "referrer", "identity"]


def ago(**before: float) -> datetime:
    return NOW - timedelta(**before)


def receipt(world, name: str = "a1") -> Receipt:
    """Return the receipt of the action that the tool names so, after checking its sums."""
    (row,) = run(
        "select id from actions where external_id = :n and org_id = :o", n=name, o=world.org_id
    )
    with transaction():
        found = explain(world.settings, world.org_id, row.id)
    path = [touch for touch in found.touches if not touch.rejection_reason]
    assert all(not touch.shares for touch in found.touches if touch.rejection_reason)
    for model in RULES if path else ():
        given = [touch.shares[model] for touch in path]
        assert sum(Fraction(each.share) for each in given) == 1
        for sort in ("gross_minor", "refunded_minor", "net_minor"):
            expected = getattr(found.money, sort) if found.money else 0
            assert sum(getattr(each, sort) for each in given) == expected
    assert [each.tier for each in found.evidence] == TIERS
    return found


def of_tier(found: Receipt, tier: str) -> tuple[bool, bool, bool, str]:
    (each,) = [each for each in found.evidence if each.tier == tier]
    return each.received, each.found, each.used, each.text


def words(found: Receipt) -> list[tuple[str, str, str]]:
    return [(each.tier, each.platform, each.rejection_reason) for each in found.touches]


# Each tier.


def test_a_click_that_came_back(world):
    click = world.click("instagram", at=ago(minutes=3, seconds=20))
    world.act("signature", "m1", id="a1", email="ana@example.org", click_id=click, at=NOW)
    world.drain()
    found = receipt(world)
    assert found.summary == (
        "Credited to the Instagram post “On instagram”: "
        "its click id was returned with the signature 3 minutes later."
    )
    assert of_tier(found, "click_id") == (
        True,
        True,
        True,
        "A click id was returned: a click on the Instagram post “On instagram”.",
    )
    assert of_tier(found, "code") == (False, False, False, "No tracking code was returned.")
    assert of_tier(found, "utm")[3] == "No UTM parameters were returned."
    assert of_tier(found, "referrer")[3] == "No referrer was returned."
    assert of_tier(found, "identity") == (
        True,
        False,
        False,
        "No other click is known to be by the same person.",
    )
    # The click is Ana's by this action, and found twice: it counts once.
    assert words(found) == [
        ("identity", "instagram", "same_click"),
        ("click_id", "instagram", ""),
    ]
    assert found.counted and found.current and not found.restated
    assert found.money is None
    assert {each.share for each in found.touches[1].shares.values()} == {"1"}
    (delivery,) = found.deliveries
    (row,) = run("select id, received_at from inbox")
    assert (delivery.id, delivery.received_at) == (row.id, row.received_at)
    assert (delivery.statements, delivery.source.provider) == (("made",), "standard")
    assert found.action.source == SourceName(name="standard", provider="standard")


def test_a_code_a_code_of_nobody_and_a_click_of_nobody(world):
    world.act("call", "m1", id="a1", code=world.links["x"], click_id="z" * 26)
    world.act("call", "m2", id="a2", code="nobodyscode1")
    world.drain()
    found = receipt(world)
    assert found.summary == (
        "Credited to the X post “On x”: the code of its link was returned with the call."
    )
    carried, known, used, says = of_tier(found, "click_id")
    assert (carried, known, used) == (True, False, False)
    assert "no click with this id is stored" in says
    assert of_tier(found, "code")[:3] == (True, True, True)
    assert found.touches[0].timed is False
    assert of_tier(found, "identity")[3].startswith("The tool did not identify the person")

    found = receipt(world, "a2")
    assert found.summary == ("Unattributed: nothing received with the call leads to a post.")
    assert of_tier(found, "code") == (
        True,
        False,
        False,
        "A code was returned that does not belong to any link of this organization.",
    )
    assert found.touches == () and found.credit.post is None


def test_utm_fits_however_it_is_written(world):
    """Tools, pages and people change the case, and blanks come along."""
    for name, source in (("b1", "X"), ("b2", " x\u200b"), ("b3", "x ")):
        world.act("call", name, id=name, utm_campaign=" Stay", utm_source=source)
    with transaction():
        run("""update links set utm = '{"campaign": " STAY", "source": "X "}'
               where utm ->> 'source' = 'x' and code <> ''""")
    world.drain()
    for name in ("b1", "b2", "b3"):
        found = receipt(world, name)
        assert found.credit.tier == "utm", name
        assert found.credit.post.platform == "x", name


def test_utm_that_fits_one_post_several_or_none(world):
    world.act("call", "m1", id="a1", utm_campaign="stay", utm_source="x")
    world.act("call", "m2", id="a2", utm_campaign="stay")
    world.act("call", "m3", id="a3", utm_campaign="go")
    world.act("call", "m4", id="a4", utm_source="x")
    world.drain()
    one = receipt(world)
    assert one.summary.startswith("Credited to the X post “On x”: the UTM parameters returned")
    assert of_tier(one, "utm")[:3] == (True, True, True)
    assert "match links of 2 posts" in of_tier(receipt(world, "a2"), "utm")[3]
    assert "match no link" in of_tier(receipt(world, "a3"), "utm")[3]
    assert "without a campaign" in of_tier(receipt(world, "a4"), "utm")[3]
    for name in ("a2", "a3", "a4"):
        assert of_tier(receipt(world, name), "utm")[:3] == (True, False, False)
        assert receipt(world, name).credit.tier == "unattributed"


def test_a_referrer_of_a_platform_or_of_none(world):
    world.act("call", "m1", id="a1", referrer="https://l.instagram.com/?u=ana@example.org")
    world.act("call", "m2", id="a2", referrer="https://news.example.org/ana-lopez")
    world.drain()
    found = receipt(world)
    assert found.summary == (
        "Credited to Instagram and no particular post: the page visited before the call was there."
    )
    assert of_tier(found, "referrer") == (
        True,
        True,
        True,
        "The page visited before was on Instagram.",
    )
    assert found.credit == ReceiptCredit(Tier.REFERRER, "instagram", None)
    other = receipt(world, "a2")
    assert of_tier(other, "referrer") == (
        True,
        False,
        False,
        "A referrer was returned; it does not belong to a known platform.",
    )


def test_another_click_that_is_known_to_be_hers(world):
    click = world.click("x", at=ago(days=2))
    who = {"email": "ana@example.org"}
    world.act("signature", "m1", id="first", click_id=click, at=ago(days=1, hours=20), **who)
    world.act("call", "m2", id="a1", at=NOW, **who)
    world.drain()
    found = receipt(world)
    assert found.summary == (
        "Credited to the X post “On x”: it was clicked 2 days before the call, and the click "
        "is known to be by the same person."
    )
    assert of_tier(found, "identity") == (
        True,
        True,
        True,
        "1 other click is known to be by the same person.",
    )
    assert "inferred" in found.touches[0].text


# What was passed over.


def test_each_word_for_which_a_touch_is_passed_over(world):
    """A week of one person: too old, the same session, too late, weaker, the same click."""
    who = {"email": "ana@example.org"}
    at = {
        "old": ("x", ago(days=9)),
        "one": ("instagram", ago(hours=5, minutes=10)),
        "two": ("instagram", ago(hours=5)),
        "this": ("x", ago(minutes=30)),
        "late": ("instagram", NOW + timedelta(hours=2)),
    }
    clicks = {name: world.click(platform, at=when) for name, (platform, when) in at.items()}
    for number, name in enumerate(("old", "one", "two", "late")):
        # Each is known to be Ana's, who acted through it at its instant.
        world.act("signature", f"s{number}", click_id=clicks[name], at=at[name][1], **who)
    world.act(
        "call",
        "m1",
        id="a1",
        click_id=clicks["this"],
        code=world.links["x"],
        referrer="https://t.co/abc",
        at=NOW,
        **who,
    )
    world.drain()
    found = receipt(world)
    assert sorted(words(found)) == sorted(
        [
            ("identity", "x", "outside_window"),
            ("identity", "instagram", "same_session"),
            ("identity", "instagram", ""),
            ("identity", "x", "same_click"),
            ("click_id", "x", ""),
            ("code", "x", "weaker_evidence"),
            ("referrer", "x", "weaker_evidence"),
            ("identity", "instagram", "after_action"),
        ]
    )
    says = {each.rejection_reason: each.text for each in found.touches}
    assert (
        says["outside_window"]
        == "It happened 9 days before the call; only touches within 7 days count."
    )
    assert says["same_session"].startswith("Another click on the same post within 30 minutes")
    assert says["after_action"] == "It happened 2 hours after the call and cannot have led to it."
    assert "stronger evidence" in says["same_click"] and "twice" in says["weaker_evidence"]
    assert of_tier(found, "code")[:3] == (True, True, False)
    assert "not counted twice" in of_tier(found, "code")[3]
    assert of_tier(found, "identity")[3] == "4 other clicks are known to be by the same person."
    shares = {each.platform: each.shares for each in found.touches if each.shares}
    assert {model: given.share for model, given in shares["x"].items()} | {"time_decay": ""} == {
        "last_touch": "1",
        "last_social_touch": "1",
        "first_touch": "0",
        "linear": "1/2",
        "position_based": "1/2",
        "time_decay": "",
    }


def test_a_touch_of_another_campaign_shares_in_nothing(world):
    with transaction():
        other = campaigns.put_campaign(world.org_id, "other", "Other", "UTC")
        post = posts.put_post(world.org_id, other.id, "facebook", title="Elsewhere")
        utm = {"source": "facebook", "campaign": "other"}
        to = "https://actionnetwork.org/petitions/other"
        link = links.put_link(world.org_id, post, to, "action_network", utm)
    world.links["facebook"] = link.code
    who = {"email": "ana@example.org"}
    theirs = world.click("facebook", at=ago(hours=3))
    ours = world.click("x", at=ago(hours=1))
    world.act("signature", "m1", click_id=theirs, at=ago(hours=3), **who)
    world.act("call", "m2", id="a1", click_id=ours, at=NOW, **who)
    world.drain()
    found = receipt(world)
    assert ("identity", "facebook", "other_campaign") in words(found)
    assert found.current
    (passed,) = [each for each in found.touches if each.rejection_reason == "other_campaign"]
    assert passed.post.campaign == "other"
    assert "different campaign" in passed.text


def test_all_that_is_known_may_be_too_old(world):
    click = world.click("x", at=ago(days=8))
    world.act("call", "m1", id="a1", click_id=click, at=NOW)
    world.drain()
    found = receipt(world)
    assert found.summary == ("Unattributed: no known touch lies within the time before the call.")
    assert of_tier(found, "click_id")[:3] == (True, True, False)
    assert "8 days before the call" in of_tier(found, "click_id")[3]


def test_a_forwarded_link_credits_the_post_and_joins_no_one(world):
    click = world.click("x", at=ago(hours=1))
    for number in (1, 2):
        world.act("call", f"m{number}", id=f"a{number}", click_id=click, email=f"{number}@a.org")
    world.drain()
    says = of_tier(receipt(world), "click_id")[3]
    assert "Several people acted through it" in says


# What the models give.


def three_touches(world) -> None:
    """A gift of 10.00 after touches on Instagram, X, Instagram; 2.50 and 2.50 of it went back."""
    who = {"email": "ana@example.org"}
    times = [ago(days=14), ago(days=7), ago(hours=2)]
    for number, (platform, at) in enumerate(
        zip(("instagram", "x", "instagram"), times, strict=True)
    ):
        click = world.click(platform, at=at)
        more = {"click_id": click, "at": at, **who}
        if number < 2:
            world.act("signature", f"s{number}", **more)
        else:
            world.act("donation", "m1", id="a1", amount="10.00", **more | {"at": NOW})
    for number in (1, 2):
        at = NOW + timedelta(minutes=number)
        world.act("donation.refunded", f"r{number}", id="a1", amount="2.50", at=at)
    world.drain()


def test_shares_and_amounts_are_what_the_model_functions_give(world):
    three_touches(world)
    found = receipt(world)
    path = [each for each in found.touches if not each.rejection_reason]
    tiers = [Tier.IDENTITY, Tier.IDENTITY, Tier.CLICK_ID]
    # Written by hand again: of the receipt only the posts' ids are used.
    touches = [
        Touch(tier=tier, at=at, click_id=str(number), post_id=world.posts[platform])
        for number, (tier, at, platform) in enumerate(
            zip(
                tiers,
                (ago(days=14), ago(days=7), ago(hours=2)),
                ("instagram", "x", "instagram"),
                strict=True,
            )
        )
    ]
    weighed = assign_weights(NOW, touches, WINDOWS[ActionKind.DONATION])
    assert len(path) == len(weighed) == 3
    for model in RULES:
        shares = [each.shares[model] for each in weighed]
        gross = split_minor(1000, shares)
        back = split_returns(1000, shares, [250, 250])
        for index, touch in enumerate(path):
            given = touch.shares[model]
            assert Fraction(given.share) == shares[index]
            assert given.percent == pytest.approx(float(shares[index]) * 100, abs=1e-4)
            assert given.gross_minor == gross[index]
            assert given.refunded_minor == back[0][index] + back[1][index]
    assert [each.shares["linear"].share for each in path] == ["1/3"] * 3
    assert [each.shares["linear"].gross_minor for each in path] == [333, 333, 334]
    money = found.money
    assert (money.gross_minor, money.net_minor) == (1000, 500)
    assert [each.amount_minor for each in money.returns] == [250, 250]
    assert [each.at for each in money.returns] == [
        NOW + timedelta(minutes=1),
        NOW + timedelta(minutes=2),
    ]


@pytest.mark.parametrize("model", RULES)
def test_the_receipts_of_all_actions_sum_to_the_report(world, model):
    three_touches(world)
    world.act("call", "m2", id="c1", email="ana@example.org", at=NOW)
    world.act("call", "m3", id="c2", code=world.links["x"])
    world.act("call", "m4", id="c3", code=world.links["x"], test=True)
    world.drain()
    units: dict[Any, Fraction] = {}
    net: dict[Any, int] = {}
    for row in run("select external_id from actions where counted"):
        found = receipt(world, row.external_id)
        assert found.current
        for touch in found.touches:
            if not touch.rejection_reason:
                post, given = touch.post.id, touch.shares[model]
                units[post] = units.get(post, Fraction(0)) + Fraction(given.share)
                net[post] = net.get(post, 0) + given.net_minor
    for row in world.report(model=model).posts:
        assert row.actions == pytest.approx(float(units[row.post.id]), abs=1e-8)
        assert sum(each.net_minor for each in row.money) == net[row.post.id]


# What arrived later.


def test_a_click_that_is_shipped_late_is_said_and_restates(world):
    click = "c" * 26
    who = {"email": "ana@example.org"}
    world.act("signature", "m1", id="a1", click_id=click, code=world.links["x"], at=NOW, **who)
    world.drain()
    before = receipt(world)
    assert (before.credit.tier, before.current) == ("code", True)

    world.click("x", at=ago(minutes=5), click_id=click)
    between = receipt(world)
    assert (between.credit.tier, between.current) == ("click_id", False)

    assert world.drain().restated == 1
    after = receipt(world)
    assert (after.credit.tier, after.current) == ("click_id", True)
    (late,) = after.restated
    (row,) = run("select seen_at from touches")
    assert (late.reason, late.at) == ("late_click", row.seen_at)


def test_a_refund_is_told_with_its_day_and_all_of_it_nets_to_nothing(world):
    click = world.click("x", at=ago(hours=1))
    world.act("donation", "m1", id="a1", amount="25.00", click_id=click, at=NOW)
    world.drain()
    at = NOW + timedelta(days=1)
    world.act("donation.refunded", "m2", id="a1", at=at)
    world.drain()
    found = receipt(world)
    assert found.money == ActionMoney("USD", 2500, 2500, (Refund(at, 2500),))
    assert found.money.net_minor == 0
    assert [each.statements for each in found.deliveries] == [("made",), ("returned",)]
    assert [each.reason for each in found.restated] == ["told_again"]
    assert found.restated[0].text == "A later delivery said: refunded."


# What is not counted.


def test_what_is_not_counted_says_why(world):
    world.act("call", "m1", id="test", code=world.links["x"], test=True)
    world.act("donation.refunded", "m2", id="refund", amount="5.00")
    world.drain()
    assert receipt(world, "test").summary == "Not counted: it is marked as a test."
    refund = receipt(world, "refund")
    assert refund.summary.startswith("Not counted: a refund is known")
    assert (refund.counted, refund.not_counted_reason) == (False, refund.summary)


def test_what_another_tool_tells_the_same_says_so(world):
    from advocacy.core.events import ActionEvent, StatementType
    from advocacy.ingestion.pipeline import Parsed, apply_batch

    world.act("call", "m1", id="a1")
    world.drain()
    (row,) = run("select id, source_id from inbox")
    said = ActionEvent(
        kind=ActionKind.CALL,
        external_id="a1",
        occurred_at=NOW,
        said=StatementType.DUPLICATE_OF,
        statement_id="elsewhere",
        stated_at=NOW,
    )
    with transaction():
        sources = {each.id: each for each in sources_storage.list_sources(world.org_id)}
        source = sources[row.source_id]
        statements = [
            facts.facts_of_events([each], b"k" * 32, source, row.id)[0]
            for each in (said, ActionEvent(kind=ActionKind.CALL, external_id="a1", occurred_at=NOW))
        ]
        parsed = Parsed(facts={row.id: statements}, source_of={row.id: source.id})
        apply_batch(world.master, world.org_id, parsed, sources)
        written = json.dumps([fact.to_json() for fact in statements])
        run("update inbox set body = null, facts = cast(:f as jsonb)", f=written)
    assert receipt(world).summary.startswith("Not counted: it duplicates another action")


# Renewals.


@pytest.mark.parametrize("first_is_known", [True, False])
def test_a_renewal_names_the_payment_that_it_inherits_from(world, first_is_known):
    click = world.click("instagram", at=ago(days=60, minutes=4))
    gift = {"recurs_as": "m1", "amount": "10.00", "email": "ana@example.org"}
    for number, days in enumerate((60, 30, 0), start=1):
        world.act(
            "donation",
            f"g{number}",
            id=f"g{number}",
            renewal=number > 1 or not first_is_known,
            at=ago(days=days),
            **(gift | {"click_id": click} if number == 1 else gift),
        )
    world.drain()
    found, first = receipt(world, "g3"), receipt(world, "g1")
    assert first.inherits is None
    assert found.inherits.action_id == first.action.id
    which = "its first payment" if first_is_known else "the earliest known payment"
    assert which in found.inherits.text
    assert found.summary.startswith("A renewal, credited to the source of the payment of ")
    assert found.summary.endswith("its click id was returned with the donation 4 minutes later.")
    assert found.credit == first.credit
    assert words(found) == words(first)
    assert found.current and first.current
    assert found.touches[-1].shares["linear"].gross_minor == 1000


# Whose, and of whom.


def test_nothing_in_a_receipt_names_a_person(world):
    click = world.click("x", at=ago(hours=1))
    world.act(
        "donation",
        "canary-message",
        id="canary-action",
        email="canary@example.org",
        phone="+1 202 555 0143",
        person_id="canary-person",
        amount="10.00",
        click_id=click,
        code="canarycode",
        referrer="https://t.co/?mail=canary@example.org",
        utm_campaign="canary@example.org",
        utm_content="canary",
        target="canary-target",
        at=NOW,
    )
    world.act("call", "m2", id="c1", email="canary@example.org", phone="+1 202 555 0143", at=NOW)
    world.drain()
    rows = run("select supporter_id, external_id from actions")
    hashes = [value for fact in facts_in(world) for value in fact.who.values()]
    secret = {"canary", "5550143", "555 0143", click, *hashes}
    for supporter in {row.supporter_id for row in rows}:
        secret |= {str(supporter), supporter.hex}
    assert len(hashes) >= 4
    shown = [repr(receipt(world, row.external_id)) for row in rows]
    shown.append(repr(find_actions(world.org_id, "stay")))
    for text in shown:
        assert [word for word in secret if word in text] == []


def test_an_erased_person_leaves_a_receipt(world):
    from advocacy.ingestion import erasure

    click = world.click("x", at=ago(hours=1))
    world.act("call", "m1", id="a1", email="ana@example.org", click_id=click, at=NOW)
    world.drain()
    erasure.erase(world.settings, world.org_id, email="ana@example.org", phone="", region="US")
    assert receipt(world).counted


def test_an_action_of_another_organization_is_not_found(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    alice.act("call", "m1", id="a1")
    alice.drain()
    (row,) = run("select id from actions")
    with pytest.raises(errors.NotFound):
        explain(bob.settings, bob.org_id, row.id)
    with pytest.raises(errors.NotFound):
        explain(alice.settings, alice.org_id, uuid4())
    assert find_actions(bob.org_id, "stay").actions == ()


def test_an_action_is_found_by_its_former_id_too(world):
    world.act("call", "m1", id="a1")
    world.drain()
    (row,) = run("select id from actions")
    former = UUID(int=7)
    with transaction():
        run(
            "insert into action_names (org_id, name, action_id) values (:o, :n, :id)",
            o=world.org_id,
            n=former,
            id=row.id,
        )
    assert explain(world.settings, world.org_id, former).action.id == row.id


# Finding them.


def test_actions_are_listed_newest_first_page_by_page(world):
    for number in range(7):
        # Two of one instant, which are ordered by their ids.
        at = ago(hours=number // 2)
        kind = "call" if number % 2 else "signature"
        world.act(kind, f"m{number}", id=f"a{number}", code=world.links["x"], at=at)
    world.drain()
    whole = find_actions(world.org_id, "stay")
    assert whole.next is None
    at = [each.at for each in whole.actions]
    assert at == sorted(at, reverse=True) and len(at) == 7

    seen, cursor = [], ""
    while cursor is not None:
        page = find_actions(world.org_id, "stay", limit=2, cursor=cursor)
        assert len(page.actions) <= 2
        seen += [each.id for each in page.actions]
        cursor = page.next
    assert seen == [each.id for each in whole.actions]

    calls = find_actions(world.org_id, "stay", kind="call", post_id=world.posts["x"])
    assert {each.kind for each in calls.actions} == {"call"}
    assert find_actions(world.org_id, "stay", post_id=world.posts["instagram"]).actions == ()
    day = whole.actions[0].day
    assert find_actions(world.org_id, "stay", day=day).actions
    assert find_actions(world.org_id, "stay", day=day - timedelta(days=9)).actions == ()


@pytest.mark.parametrize("cursor", ["x", "%%%", "MjAyNg", "é", "MjAyNi0wMS0wMXx4", "A" * 999])
def test_a_cursor_that_was_not_made_here_is_refused(world, cursor):
    with pytest.raises(BadCursor):
        find_actions(world.org_id, "stay", cursor=cursor)
