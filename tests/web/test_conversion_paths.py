"""The conversion paths page: figures, invalid parameters, empty state."""

from __future__ import annotations

import re

import pytest

PAGE = "/campaigns/stay/paths"


@pytest.fixture
def staff(world):
    client = world.app.test_client()
    client.post("/sign-in", data={"token": world.token()})
    return client


def cells(html: str, region: str) -> list[list[str]]:
    """Return the texts of a table's rows, head and foot too."""
    table = html.split(f'aria-label="{region}"', 1)[1].split("</table>", 1)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.S)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in rows
    ]


def test_every_model_is_compared_in_actions_and_money(walked, staff):
    html = staff.get(PAGE).get_data(as_text=True)
    for region in ("By platform", "By post"):
        head, *rows = cells(html, region)
        assert head[1:] == [
            "last touch",
            "last social touch",
            "first touch",
            "linear",
            "position based",
            "time decay",
            "markov 1",
            "shapley",
        ]
        assert len(rows) == 4  # two keys, what is not known, and the sum
        # Four actions and 66.68 USD; the stranger's call has no way, so two columns have three.
        assert rows[-1][1:7] == ["4 66.68 USD"] * 6
        assert rows[-1][7:] == ["3 66.68 USD"] * 2
        assert rows[-2][0] == "unknown"
        assert rows[-2][1:7] == ["1 0.00 USD"] * 6


def test_the_order_of_the_chain_can_be_chosen(walked, staff):
    html = staff.get(PAGE, query_string={"order": "3"}).get_data(as_text=True)
    assert "markov 3" in cells(html, "By post")[0]
    assert "<option selected>3</option>" in html


def test_it_says_what_each_table_is(walked, staff):
    from advocacy.analytics.glossary import DEFINITIONS

    html = staff.get(PAGE).get_data(as_text=True)
    for name in ("credits", "assists", "sequences", "time_to_action", "social_help"):
        assert DEFINITIONS[name] in html


def test_posts_with_the_same_name_are_separate(world, staff):
    from advocacy.storage import links, posts
    from advocacy.storage.session import transaction

    with transaction():
        post = posts.put_post(world.org_id, world.campaign_id, "x", title="On x")
        world.links["twin"] = links.put_link(
            world.org_id, post, "https://example.org/", "standard", {}
        ).code
    for name in ("x", "twin"):
        world.act("call", id=name, email=f"{name}@example.org", code=world.links[name])
    world.drain()
    rows = cells(staff.get(PAGE).get_data(as_text=True), "By post")
    assert [row[:2] for row in rows[1:]] == [["On x X", "1"], ["On x X", "1"], ["All", "2"]]


def test_an_empty_campaign_says_what_to_do(staff):
    answer = staff.get(PAGE)
    assert answer.status_code == 200
    assert "An editor can create a tracking link" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"order": "4"}, 422),
        ({"order": "x"}, 422),
        ({"from": "yesterday"}, 422),
        ({"from": "2026-05-02", "to": "2026-05-01"}, 422),
        ({"currency": "'; drop"}, 422),
    ],
)
def test_invalid_parameters_are_explained(staff, query, status):
    assert staff.get(PAGE, query_string=query).status_code == status


def test_another_organization_sees_nothing_of_it(walked):
    from tests.support.world import World

    bob = World(walked.app, "bob")
    client = walked.app.test_client()
    client.post("/sign-in", data={"token": bob.token()})
    assert "Instagram" not in client.get(PAGE).get_data(as_text=True)
    assert client.get("/campaigns/nothing/paths").status_code == 404
