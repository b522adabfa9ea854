"""Generate organizations of any size, for benchmarks and trials.

There are two ways. `fill` writes actions, clicks and the tables derived from them directly, about a
million a minute. `deliver` writes deliveries as Action Network and ActBlue send them into the
inbox, verified and encrypted as the webhook endpoint does, and leaves the rest to the worker.

Note: only a new organization is filled, and all people are invented: every address ends in
example.org. `fill` writes no deliveries, so `advocacy rebuild` would leave such an organization
empty.
"""

from __future__ import annotations

import base64
import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter
from uuid import UUID

from advocacy.attribution import assign_weights
from advocacy.core.choices import SHORTEST_DAYS
from advocacy.core.crypto import fingerprint, seal
from advocacy.core.events import Delivery, Tier, Touch
from advocacy.core.ids import new_id
from advocacy.core.minimization import keyed_name, retained_media_type
from advocacy.core.records import Click
from advocacy.core.tracking_parameters import join_code, utm_content_of
from advocacy.ingestion import sample_rows
from advocacy.ingestion.sample_rows import DAY, DRAWS, LOTS, Part, Placed, Plan
from advocacy.providers import BY_SLUG
from advocacy.providers.test_deliveries import write_instant
from advocacy.storage import campaigns, figures_versions, organizations
from advocacy.storage import clicks as clicks_storage
from advocacy.storage import links as links_storage
from advocacy.storage import posts as posts_storage
from advocacy.storage import sources as sources_storage
from advocacy.storage.session import transaction
from config.settings import Settings

AT_ONCE = 40_000
CLICKS_PER_ACTION = 2
"""Clicks that are generated for each action."""

_CAMPAIGNS = (
    ("clean-water", "Clean water now", "America/Chicago"),
    ("stay", "Stop the execution", "America/New_York"),
    ("schools", "Fund our schools", "America/Los_Angeles"),
    ("forest", "Keep the forest", "Europe/Berlin"),
    ("vote", "Every vote counts", "America/Phoenix"),
)
_PLATFORMS = ("instagram", "x", "facebook", "tiktok", "bluesky", "email")
_REFERRERS = {
    "instagram": "l.instagram.com",
    "x": "t.co",
    "facebook": "l.facebook.com",
    "tiktok": "www.tiktok.com",
    "bluesky": "bsky.app",
}
_POSTS_OF_BLOCK = 6
_PASSED_ON_SHARE = 0.15
# The visits of each person of a cycle: [0] acts once, [0, -1] acts again without evidence,
# [0, 1] and [0, 1, 2] click another link and act again.
_PEOPLE: tuple[tuple[tuple[int, ...], ...], ...] = (
    *[((0,),)] * 12,
    *[((0, -1),)] * 2,
    *[((0, 1),)] * 1,
    *[((0,), (0,))] * 5,
    ((0,), (0, 1, 2)),
    ((0,), (0, -1), (0,)),
    ((0,), (0,), (0,), (0,)),
)


@dataclass(frozen=True, slots=True)
class Generated:
    """How many rows were generated, by type."""

    actions: int = 0
    clicks: int = 0
    deliveries: int = 0


Progress = Callable[[str, int, int], None]
"""Called with what is being written, how many rows are written, and how many there will be."""


def _silent(_what: str, _done: int, _of: int) -> None:
    return


def fill(
    settings: Settings,
    slug: str,
    number: int,
    *,
    seed: int = 1,
    days: int = 365,
    until: datetime | None = None,
    progress: Progress = _silent,
) -> Generated:
    """Create an organization with `number` actions in the `days` up to `until`, and their clicks.

    Raises `errors.Taken` if the slug is in use. The same arguments generate the same actions,
    except for ids.
    """
    with transaction():
        plan, _ = _prepare(settings, slug, seed, days, until)
    for first in range(0, number, AT_ONCE):
        last = min(first + AT_ONCE, number)
        with transaction():
            sample_rows.take_time()
            sample_rows.put_actions(plan, first, last)
        progress("actions", last, number)
    with transaction():
        idle = max(0, number * CLICKS_PER_ACTION - sample_rows.count_owned(plan.org_id))
    for first in range(0, idle, AT_ONCE):
        last = min(first + AT_ONCE, idle)
        with transaction():
            sample_rows.take_time()
            sample_rows.put_idle_clicks(plan, first, last)
        progress("further clicks", last, idle)
    for done, (table, count) in enumerate(sample_rows.RECOUNTS.items()):
        progress(f"counting {table}", done, len(sample_rows.RECOUNTS))
        with transaction():
            sample_rows.take_time()
            count(plan.org_id)
    progress("counting", len(sample_rows.RECOUNTS), len(sample_rows.RECOUNTS))
    with transaction():
        sample_rows.take_time()
        sample_rows.analyze()
        figures_versions.note_change(plan.org_id, campaigns.zones(plan.org_id))
    return Generated(actions=number, clicks=number * CLICKS_PER_ACTION)


def _prepare(
    settings: Settings, slug: str, seed: int, days: int, until: datetime | None
) -> tuple[Plan, dict[UUID, str]]:
    """Create the organization, its campaigns, sources, posts and links.

    Returns the plan, and the login of each source of gifts.
    """
    if days < SHORTEST_DAYS:
        raise ValueError(f"days has to be {SHORTEST_DAYS} or more")
    chance = random.Random(seed)  # noqa: S311 -- sample data must be reproducible
    blocks = days // SHORTEST_DAYS
    block_seconds = days * DAY // blocks
    end = (until or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
    start = int((end - timedelta(days=days)).timestamp())
    org = organizations.put_organization(slug, "Made-up organization", "America/New_York")
    owned, logins = [], {}
    for name, title, zone in _CAMPAIGNS:
        campaign = campaigns.put_campaign(org.id, name, title, zone)
        petitions, _ = sources_storage.put_source(
            org.id, "action_network", f"Petitions: {title}", campaign_id=campaign.id
        )
        gifts, _ = sources_storage.put_source(
            org.id, "actblue", f"Gifts: {title}", campaign_id=campaign.id
        )
        logins[gifts.id] = f"advocacy:{new_id().hex}"
        sources_storage.put_secret(
            settings.secret_key.encode(),
            org.id,
            gifts.id,
            logins[gifts.id],
            datetime.now(UTC),
            timedelta(0),
        )
        owned.append((campaign.id, zone, petitions.id, gifts.id))
    links: list[Placed] = []
    lots: list[int] = []
    draws: list[int] = []
    for block in range(blocks):
        # One campaign of each block is the most popular.
        liked = chance.randrange(len(owned))
        weights = [6.0 if n == liked else 2.0 / (n + 1) for n in range(len(owned))]
        lots += _proportional(weights, LOTS, list(range(len(owned))))
        for number in range(len(owned)):
            posts = [
                _publish(org.id, owned[number][0], number, start + block * block_seconds, chance)
                for _ in range(_POSTS_OF_BLOCK)
            ]
            chance.shuffle(posts)
            first = len(links)
            weights, choices = [], []
            for rank, pair in enumerate(posts):
                for place, placed in enumerate(pair):
                    part = _PASSED_ON_SHARE if place else 1 - _PASSED_ON_SHARE
                    weights.append(part / (rank + 1) ** 1.1)  # Zipf
                    choices.append(first + 2 * rank + place)
                    links.append(placed)
            draws += _proportional(weights, DRAWS, choices)
    pattern, people = _pattern(blocks)
    plan = Plan(
        org_id=org.id,
        seed=seed * 1_000,
        blocks=blocks,
        people_of_cycle=people,
        pattern=pattern,
        campaigns=owned,
        lots=lots,
        draws=draws,
        links=links,
        shapes=_shapes(),
    )
    return plan, logins


def _publish(
    org_id: UUID, campaign_id: UUID, campaign: int, block: int, chance: random.Random
) -> tuple[Placed, Placed]:
    """Create a post in the first 18 days of a block; returns its link and a share link of it."""
    platform = chance.choice(_PLATFORMS)
    published = block + chance.randrange(18 * DAY)
    viral = chance.random() < 0.12
    post = posts_storage.put_post(
        org_id,
        campaign_id,
        platform,
        title=f"{'Viral' if viral else 'Post'} of {datetime.fromtimestamp(published, UTC):%B %-d}",
        medium=chance.choice(("video", "image", "text")),
        published_at=datetime.fromtimestamp(published, UTC),
    )
    utm = {
        "source": platform,
        "medium": "social",
        "campaign": _CAMPAIGNS[campaign][0],
        "content": utm_content_of(post.id),
    }
    link = links_storage.put_link(
        org_id, post, "https://actionnetwork.org/petitions/made-up", "action_network", utm
    )
    shared = links_storage.create_share_link(org_id, link.code)
    referrer_platform = platform if platform in _REFERRERS else "x"
    placed, passed_on = (
        Placed(
            id=each.id,
            first_id=link.id,
            post_id=post.id,
            campaign=campaign,
            code=each.code,
            platform=platform,
            social=platform != "email",
            published=published,
            calm_seconds=DAY // 4 if viral else 3 * DAY // 2,
            utm=utm,
            referrer=_REFERRERS[referrer_platform],
            referrer_platform=referrer_platform,
        )
        for each in (link, shared)
    )
    return placed, passed_on


def _proportional(weights: Sequence[float], places: int, choices: Sequence[int]) -> list[int]:
    """Give each choice places in proportion to its weight; the last choice gets the remainder."""
    total, reached = sum(weights), 0.0
    given: list[int] = []
    for weight, choice in zip(weights, choices, strict=True):
        reached += weight
        given += [choice] * (round(places * reached / total) - len(given))
    return given


def _pattern(blocks: int) -> tuple[list[Part], int]:
    """Return the parts of all visits of a cycle, and its number of people.

    Visits for which there is no time left become visits of another person.
    """
    most = (blocks + 1) // 2
    people = [
        visits[first : first + most] for visits in _PEOPLE for first in range(0, len(visits), most)
    ]
    parts = [
        Part(member, number, len(visits), step, place, followed=step == 0 and len(visit) > 1)
        for member, visits in enumerate(people)
        for number, visit in enumerate(visits)
        for place, step in enumerate(visit)
    ]
    return parts, len(people)


def _shapes() -> list[str]:
    """Return the shares of every possible path, by `sample_rows.shape_number`, as JSON.

    They are calculated by the attribution rules, which are not repeated here.
    """
    shapes: dict[int, str] = {}
    days = range(1, sample_rows.FOLLOWED_WITHIN + 1)
    for length, gaps in [(2, (one, 0)) for one in days] + [
        (3, (one, two)) for one in days for two in days
    ]:
        for channels in range(2**length):
            social = [bool(channels >> place & 1) for place in reversed(range(length))]
            number = sample_rows.shape_number(social, gaps)
            shapes[number] = json.dumps(_shares(social, gaps[: length - 1]))
    return [shapes[number] for number in range(len(shapes))]


def _shares(social: Sequence[bool], gaps: Sequence[int]) -> list[dict[str, str]]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    path = []
    for place, each in enumerate(social):
        at += timedelta(days=gaps[place - 1] if place else 0)
        path.append(
            Touch(
                tier=Tier.CLICK_ID if place == len(social) - 1 else Tier.IDENTITY,
                at=at,
                click_id=str(place),
                post_id=UUID(int=place + 1),
                platform="x" if each else "email",
                channel="social" if each else "email",
            )
        )
    return [
        {name: str(share) for name, share in each.shares.items() if share}
        for each in assign_weights(at, path, timedelta(days=7))
    ]


def deliver(
    settings: Settings,
    slug: str,
    number: int,
    *,
    seed: int = 1,
    days: int = 365,
    until: datetime | None = None,
    progress: Progress = _silent,
) -> Generated:
    """Create an organization with `number` pending deliveries, and the clicks that led to them.

    Raises `errors.Taken` if the slug is in use.
    """
    master = settings.secret_key.encode()
    with transaction():
        plan, logins = _prepare(settings, slug, seed, days, until)
    sources = {source.id: source for source in sources_storage.list_sources(plan.org_id)}
    chance = random.Random(seed)  # noqa: S311
    sender = _Sender(plan, chance, logins)
    done = clicks = 0
    for batch in sender.batches(number, 10_000):
        rows = []
        for source_id, delivery, at in batch.deliveries:
            source = sources[source_id]
            provider = BY_SLUG[source.provider]
            login = (logins[source_id],) if source_id in logins else ()
            verified = provider.verify(delivery, login, at)
            delivery_id = new_id()
            rows.append(
                sample_rows.Pending(
                    delivery_id,
                    source_id,
                    keyed_name(master, plan.org_id, provider.external_id(verified)),
                    seal(master, plan.org_id, f"body:{delivery_id}", verified.body),
                    fingerprint(master, plan.org_id, verified.body),
                    retained_media_type(verified.content_type),
                    at,
                )
            )
        with transaction():
            clicks_storage.put_clicks(plan.org_id, batch.clicks, stripe=0)
            sample_rows.put_pending(plan.org_id, rows)
        clicks += len(batch.clicks)
        done += len(rows)
        progress("deliveries", done, number)
    with transaction():
        sample_rows.take_time()
        sample_rows.analyze()
        figures_versions.note_change(plan.org_id, campaigns.zones(plan.org_id))
    return Generated(clicks=clicks, deliveries=done)


@dataclass(slots=True)
class _Batch:
    """Deliveries as (source, request, instant) and the clicks that belong to them."""

    deliveries: list[tuple[UUID, Delivery, datetime]]
    clicks: list[Click]


class _Sender:
    """Invents who acts, when, in which tool, and what that tool sends."""

    def __init__(self, plan: Plan, chance: random.Random, logins: dict[UUID, str]) -> None:
        self._plan, self._chance = plan, chance
        self._number = 0
        self._headers = {
            source: {
                "content-type": "application/json",
                "authorization": "Basic " + base64.b64encode(login.encode()).decode(),
            }
            for source, login in logins.items()
        }

    def batches(self, number: int, size: int) -> Iterator[_Batch]:
        """Yield batches until there are `number` deliveries.

        Blocks follow each other, and each batch is in the order of receipt, as on disk.
        """
        people = max(1, math.ceil(number * 0.6))
        left = number
        while left:
            batch = _Batch([], [])
            while left and len(batch.deliveries) < size:
                block = (number - left) * self._plan.blocks // number
                for delivery in self._visit(people, block, batch.clicks)[:left]:
                    batch.deliveries.append(delivery)
                    left -= 1
            batch.deliveries.sort(key=itemgetter(2))
            batch.clicks.sort(key=attrgetter("at"))
            yield batch

    def _visit(
        self, people: int, block: int, clicks: list[Click]
    ) -> list[tuple[UUID, Delivery, datetime]]:
        chance, plan = self._chance, self._plan
        campaign = plan.lots[block * LOTS + chance.randrange(LOTS)]
        draw = (block * len(plan.campaigns) + campaign) * DRAWS + chance.randrange(DRAWS)
        link = plan.links[plan.draws[draw]]
        clicked = link.published + int(chance.expovariate(1 / link.calm_seconds)) % (5 * DAY)
        evidence = chance.random()
        click_id = ""
        if evidence < 0.75:
            click_id = self._click(link, clicked, clicks)
        self._click(link, clicked + chance.randrange(DAY), clicks)
        if chance.random() < 0.4:
            self._click(link, clicked + chance.randrange(DAY), clicks)
        code = link.code if evidence < 0.88 else ""
        at = datetime.fromtimestamp(clicked + 30 + int(chance.expovariate(1 / 600)), UTC)
        # The square makes a few people act often and most of them rarely.
        who = int(people * chance.random() ** 2)
        _, _, petitions, gifts = plan.campaigns[campaign]
        self._number += 1
        if chance.random() < 0.2:
            return self._gift(gifts, who, at, code, click_id)
        return [(petitions, self._signed(who, at, code, click_id), at)]

    def _click(self, link: Placed, at: int, clicks: list[Click]) -> str:
        number = self._chance.getrandbits(130)
        alphabet = "abcdefghijklmnopqrstuvwxyz234567"
        click_id = "".join(alphabet[number >> shift & 31] for shift in range(0, 130, 5))
        clicks.append(Click(click_id, self._plan.org_id, link.id, datetime.fromtimestamp(at, UTC)))
        return click_id

    def _signed(self, who: int, at: datetime, code: str, click_id: str) -> Delivery:
        chance, instant = self._chance, write_instant(at)
        name = f"{self._plan.seed:x}-{self._number:x}"
        key, more = chance.choices(
            (
                ("osdi:signature", {"comments": "Please act."}),
                ("osdi:outreach", {"type": "phone", "duration": 95, "targets": _TARGETS}),
                (
                    "osdi:outreach",
                    {
                        "type": "email",
                        "subject": "Vote yes",
                        "message": "Vote yes",
                        "targets": _TARGETS,
                    },
                ),
                ("osdi:submission", {}),
            ),
            (70, 15, 10, 5),
        )[0]
        person: dict[str, object] = {
            "created_date": instant,
            "modified_date": instant,
            "given_name": f"Person {who}",
            "family_name": "Example",
            "email_addresses": [
                {"primary": True, "address": f"person{who}@example.org", "status": "subscribed"}
            ],
            "postal_addresses": [{"primary": True, "region": "TX", "country": "US"}],
            "custom_fields": {},
        }
        if who % 3 == 0:
            person["phone_numbers"] = [{"primary": True, "number": f"1202555{who % 10_000:04}"}]
        item = {
            key: {
                "identifiers": [f"action_network:{name}"],
                "created_date": instant,
                "modified_date": instant,
                "action_network:referrer_data": {
                    "source": join_code(code, click_id) if code else "none",
                    "website": "none",
                },
                "person": person,
                "_links": {
                    "self": {"href": f"https://actionnetwork.org/api/v2/made-up/{name}"},
                    "osdi:person": {"href": f"https://actionnetwork.org/api/v2/people/{who:x}"},
                },
                **more,
            },
            "action_network:sponsor": {
                "title": "Made-up organization",
                "url": "https://actionnetwork.org/groups/made-up",
            },
            "idempotency_key": name,
        }
        return Delivery(json.dumps([item]).encode(), {"content-type": "application/json"})

    def _gift(
        self, source: UUID, who: int, at: datetime, code: str, click_id: str
    ) -> list[tuple[UUID, Delivery, datetime]]:
        chance = self._chance
        paid = at.isoformat(timespec="seconds")
        line = {
            "sequence": 1,
            "entityId": 9,
            "committeeName": "Made-up committee",
            "amount": chance.choice(("5.0", "10.0", "25.0", "50.0", "3.33", "20.01")),
            "paidAt": paid,
            "lineitemId": self._number,
        }
        body = {
            "donor": {
                "firstname": f"Person {who}",
                "lastname": "Example",
                "email": f"person{who}@example.org",
                "phone": None,
                "country": "United States",
            },
            "contribution": {
                "createdAt": paid,
                "orderNumber": f"AB{self._number}",
                "contributionForm": "made-up",
                "refcodes": {"refcode": code, "refcode2": click_id},
                "refcode": code,
                "refcode2": click_id,
                "recurringPeriod": "once",
                "recurringDuration": 1,
                "isRecurring": False,
                "uniqueIdentifier": f"made-up-{self._number}",
                "status": "approved",
                "customFields": [],
            },
            "lineitems": [line],
            "form": {"name": "made-up", "kind": "page", "ownerEmail": "staff@example.org"},
        }
        headers = self._headers[source]
        sent = [(source, Delivery(json.dumps(body).encode(), headers), at)]
        if chance.random() < 0.04:
            back = at + timedelta(days=1 + chance.randrange(6))
            line["refundedAt"] = back.isoformat(timespec="seconds")
            sent.append((source, Delivery(json.dumps(body).encode(), headers), back))
        return sent


_TARGETS = [{"title": "Senator", "ocdid": "ocd-division/country:us/state:tx/sldu:1"}]
