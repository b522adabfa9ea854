"""Random histories of actions, written without the pipeline."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from advocacy.attribution import RULES
from advocacy.core.dates import day_in
from advocacy.ingestion import figures
from advocacy.storage import actions, campaigns, links, posts, supporters
from advocacy.storage.actions import Action
from advocacy.storage.session import transaction
from tests.support.world import World

START = datetime(2026, 3, 1, 1, tzinfo=UTC)
PEOPLE = [UUID(int=number) for number in range(1, 5)]


def kept(world: World, before: dict[UUID, Action], after: dict[UUID, Action]) -> None:
    """Make actions that are `before` so be `after` so, as settling does, in one transaction."""
    zones = campaigns.zones(world.org_id)
    for action in after.values():
        action.occurred_on = day_in(action.occurred_at, zones[action.campaign_id])
    actions.put_actions(world.org_id, list(after.values()), before.keys())
    firsts: dict[UUID, datetime] = {}
    for action in after.values():
        if action.supporter_id and action.counted:
            at = firsts.get(action.supporter_id, action.occurred_at)
            firsts[action.supporter_id] = min(at, action.occurred_at)
    supporters.put_supporters(world.org_id, firsts)
    supporters.refresh_first_acted(
        world.org_id, {each.supporter_id for each in before.values() if each.supporter_id}
    )
    was, now = list(before.values()), list(after.values())
    figures.record_changes(world.org_id, was, now, zones)


def make_two(app) -> World:
    world = World(app)
    with transaction():
        other = campaigns.put_campaign(world.org_id, "go", "Go", "Pacific/Auckland")
        world.zones = {
            world.org_id: "America/New_York",
            world.campaign_id: "America/New_York",
            other.id: "Pacific/Auckland",
        }
        world.placed = [(None, None, "", world.campaign_id), (None, None, "x", other.id)]
        for campaign_id in (world.campaign_id, other.id):
            for platform, medium, author in (("x", "video", "Ana"), ("x", "", "Ana")):
                post = posts.put_post(
                    world.org_id, campaign_id, platform, medium=medium, author=author
                )
                link = links.put_link(world.org_id, post, "https://example.org", "standard", {})
                world.placed.append((post.id, link.id, platform, campaign_id))
    return world


@st.composite
def happenings(draw):
    """What happens to six actions: in each step some of them come, change, move or go."""
    action = st.fixed_dictionaries(
        {
            "who": st.integers(-1, len(PEOPLE) - 1),
            "day": st.integers(0, 4) | st.integers(0, 60),
            "kind": st.sampled_from(["call", "donation"]),
            "source": st.sampled_from(["standard", "actblue"]),
            "placed": st.integers(0, 5),
            "counted": st.sampled_from([True, True, True, False]),
            # Two touches, and by model which of them have a share.
            "path": st.none()
            | st.tuples(
                st.integers(0, 5),
                st.integers(0, 5),
                st.lists(st.sampled_from([(0,), (1,), (0, 1)]), min_size=6, max_size=6),
            ),
        }
    )
    step = st.dictionaries(st.integers(0, 5), st.none() | action, min_size=1, max_size=6)
    return draw(st.lists(step, min_size=1, max_size=4))


def made(world: World, number: int, told: dict[str, Any]) -> Action:
    post_id, link_id, platform, campaign_id = world.placed[told["placed"]]
    return Action(
        id=UUID(int=100 + number),
        source_id=world.sources[told["source"]],
        external_id=str(number),
        kind=told["kind"],
        counted=told["counted"],
        occurred_at=START + timedelta(days=told["day"], hours=4 * number),
        occurred_on=date.min,
        campaign_id=campaign_id,
        supporter_id=PEOPLE[told["who"]] if told["who"] >= 0 else None,
        post_id=post_id,
        link_id=link_id,
        platform=platform,
        path=told["path"] and path_of(world, *told["path"]),
    )


def path_of(world: World, one: int, two: int, shared: list[tuple[int, ...]]) -> list[Any]:
    return [
        {
            "post_id": world.placed[at][0] and str(world.placed[at][0]),
            "platform": world.placed[at][2],
            "tier": "code",
            "shares": {
                model: f"1/{len(having)}"
                for model, having in zip(RULES, shared, strict=True)
                if index in having
            },
        }
        for index, at in enumerate((one, two))
    ]
