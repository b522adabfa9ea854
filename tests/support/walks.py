"""The conversion paths of a few people, with their days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOW = datetime.now(UTC).replace(microsecond=0)
CLICKS = {"a": "a" * 26, "b": "b" * 26, "c": "c" * 26}


def days(number: float) -> datetime:
    return NOW - timedelta(days=number)


def walk(world) -> None:
    """Ana clicks on instagram twice and on x in between; each click is known to be theirs."""
    world.click("instagram", at=days(6), click_id=CLICKS["a"])
    world.click("x", at=days(4), click_id=CLICKS["b"])
    world.click("instagram", at=days(2), click_id=CLICKS["c"])
    for name, at in (("a", 5.9), ("b", 3.9)):
        world.act(
            "signature", id=f"s-{name}", email="ana@example.org", click_id=CLICKS[name], at=days(at)
        )
    world.act(
        "donation",
        id="gift",
        email="ana@example.org",
        amount="100.01",
        currency="USD",
        click_id=CLICKS["c"],
        at=days(1),
    )
    world.act("donation.refunded", id="gift", amount="33.33", currency="USD", at=days(0.5))
