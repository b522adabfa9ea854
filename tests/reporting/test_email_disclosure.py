"""Mails go to people outside of the organization: figures about few are withheld from them."""

from __future__ import annotations

from dataclasses import replace

from advocacy.disclosure import FEW
from advocacy.reporting.email.render import definitions
from tests.support.mail import send, subscribe


def crowd(world, number, platform="", kind="call", since=0, **data):
    for n in range(since, since + number):
        more = {"click_id": world.click(platform)} if platform else {}
        world.act(kind, id=f"{kind}{n}", email=f"p{n}@example.org", **more, **data)


def test_of_three_people_a_mail_tells_no_figure(world, smtp, mailbox):
    crowd(world, 3, "instagram", "donation", amount="12.50", currency="USD")
    world.drain()
    subscribe(world)
    assert send(world, replace(smtp, small_group_shared=5)) == 1
    mail = mailbox.mails[0]
    plain = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "about so few people that no figure of them is told" in plain
    assert "37.50" not in plain and "12.50" not in plain
    assert "On instagram" not in plain
    assert "Supporters: –" in plain and "Actions: –" in plain
    assert "Figures about fewer than 5 people are withheld" in plain
    assert "few supporters" in mail["Subject"]
    html = mail.get_body(("html",)).get_content()
    assert "37.50" not in html and "On instagram" not in html


def test_a_post_of_two_is_not_among_the_strongest(world, smtp, mailbox):
    crowd(world, 2, "x")
    crowd(world, 18, "instagram", since=2)
    crowd(world, 20, since=20)
    world.drain()
    subscribe(world)
    assert send(world, replace(smtp, small_group_shared=5)) == 1
    plain = mailbox.mails[0].get_body(("plain",)).get_content()
    assert "Supporters: 40" in plain
    assert "On x" not in plain
    assert "Actions: 40" in plain


def test_who_climbed_is_told_and_few_who_did_are_not(world, smtp, mailbox):
    """Thirty sign; twelve of them call, through a post; three of them give."""
    crowd(world, 30, "instagram", "signature")
    crowd(world, 12, "x")
    crowd(world, 3, kind="donation", amount="5", currency="USD")
    world.drain()
    subscribe(world)
    assert send(world, replace(smtp, small_group_shared=0)) == 1
    plain = mailbox.mails[0].get_body(("plain",)).get_content().replace("\r\n", "\n")
    climbed = plain.partition("WHO CLIMBED THE LADDER\n")[2]
    assert "- called: Supporters 9, Of these new 9, Climbed to it 0\n" in climbed
    assert "- gave: Supporters 3, Of these new 3, Climbed to it 0\n" in climbed
    assert "- On instagram (Instagram): Climbed 0, New on the ladder 18\n" in climbed
    subscribe(world, "other@example.org")
    assert send(world, replace(smtp, small_group_shared=5)) == 1
    fewer = mailbox.mails[1].get_body(("plain",)).get_content().replace("\r\n", "\n")
    climbed = fewer.partition("WHO CLIMBED THE LADDER\n")[2].partition("WHAT PEOPLE DID")[0]
    assert "- gave: Supporters –" in climbed
    # 30 people less two rungs would be the third.
    assert climbed.count("Supporters –") >= 2
    assert "Climbed 0, New on the ladder 18" not in climbed or "No post found" not in climbed


def test_a_post_whose_kinds_are_withheld_has_a_bar_of_its_full_length(app):
    """The strongest would else be missing from the chart of the strongest."""
    post = {"title": "One", "platform": "x", "actions": 25, "by_kind": {}}
    partly = {"title": "Two", "platform": "x", "actions": 20, "by_kind": {"call": 15}}
    whole = {"title": "Three", "platform": "x", "actions": 9, "by_kind": {"call": 9}}
    drawn = definitions({"blocks": [{"chart": "posts"}]}, {"posts": [post, partly, whole]})
    values = drawn["posts"]["data"]["values"]
    assert [(each["post"], each["kind"], each["actions"]) for each in values] == [
        ("1. One", FEW, 25),
        ("2. Two", "call", 15),
        ("2. Two", FEW, 5),
        ("3. Three", "call", 9),
    ]
    assert '"few": "kind not told"' in drawn["posts"]["encoding"]["color"]["legend"]["labelExpr"]


def test_a_day_of_which_nothing_is_told_has_a_band_in_the_chart(app):
    """Left out it would read as a day on which nobody acted."""
    days = [("2026-11-23", "call", 20), ("2026-11-24", "call", None), ("2026-11-25", "call", None)]
    days.append(("2026-11-25", FEW, 12))
    figures = {
        "first": "2026-11-23",
        "last": "2026-11-26",
        "by_day": [dict(zip(("day", "kind", "actions"), day, strict=True)) for day in days],
    }
    drawn = definitions({"blocks": [{"chart": "by_day"}]}, figures)["by_day"]
    bars = drawn["data"]["values"]
    assert [(each["day"][-2:], each["actions"]) for each in bars] == [("23", 20), ("25", 12)]
    assert drawn["layer"][1]["data"]["values"] == [{"day": "2026-11-24"}]
    assert '"untold": "withheld"' in drawn["encoding"]["color"]["legend"]["labelExpr"]
