"""Mails go to people outside of the organization: figures about few are withheld from them."""

from __future__ import annotations

from dataclasses import replace

from tests.mail.test_sending import send, subscribe


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
