"""Links that supporters share: credit goes to the first post, however long the chain."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from advocacy.ingestion import drain
from advocacy.storage import links
from advocacy.storage.session import transaction
from tests.support.sql import run


def share(world, code: str):
    return world.app.test_client().post(
        f"/api/v1/links/{code}/shares",
        headers={"Authorization": f"Bearer {world.token('admin')}"},
    )


def generations(world) -> dict[str, float | None]:
    (row,) = [r for r in world.report().posts if r.post and r.post.platform == "instagram"]
    return asdict(row.generations) | {"factor": row.generations.factor}


def test_a_chain_counts_for_the_post_that_began_it(world):
    first = share(world, world.links["instagram"])
    assert first.status_code == 201
    assert first.json["generation"] == 1
    second = share(world, first.json["code"]).json
    third = share(world, second["code"]).json
    codes = [
        world.links["instagram"],
        world.links["instagram"],
        first.json["code"],
        second["code"],
        third["code"],
    ]
    for number, code in enumerate(codes):
        world.act("signature", id=f"s{number}", email=f"{number}@example.org", code=code)
    world.drain()

    assert {row.post_id for row in run("select post_id from actions")} == {world.posts["instagram"]}
    assert generations(world) == {"direct": 2, "first_share": 1, "beyond": 2, "factor": 2.5}
    before = world.report()
    drain.rebuild(world.settings, world.org_id)
    assert world.report() == before


@pytest.mark.parametrize("length", [50, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_long_chain_of_links_works(world, length):
    code = world.links["instagram"]
    with transaction():
        for _ in range(length):
            code = links.create_share_link(world.org_id, code).code
    world.act("call", id="far", email="far@example.org", code=code)
    world.drain()
    assert generations(world) == {"direct": 0, "first_share": 0, "beyond": 1, "factor": None}


def test_a_link_of_another_organization_cannot_be_shared(app, world):
    from tests.support.world import World

    other = World(app, "other")
    assert share(world, other.links["x"]).status_code == 404
    assert share(world, "nothing").status_code == 404
