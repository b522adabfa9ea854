"""Collect the touchpoints of an action: every link and click that could have led to it.

Pure. The evidence that an action carries (click id, code, UTM, referrer) and the known clicks of
its supporter become touches with a tier, from strongest to weakest: click id, code, UTM, referrer,
identity. `eligibility.py` and `rules.py` decide which of them get credit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from advocacy.core.events import Tier, Touch
from advocacy.core.platforms import channel_of, platform_of_host
from advocacy.core.records import LinkByCode, LinkByUtm, StoredClick
from advocacy.core.tracking_parameters import folded_utm


@dataclass(slots=True)
class TouchLookup:
    """Links by code and UTM, clicks by id and by supporter, looked up for a batch."""

    links: Mapping[str, LinkByCode] = field(default_factory=dict)
    utm_links: Sequence[LinkByUtm] = ()
    clicks: Mapping[str, StoredClick] = field(default_factory=dict)
    clicks_of: Mapping[UUID, Sequence[StoredClick]] = field(default_factory=dict)
    shared_clicks: frozenset[str] = frozenset()


def collect_touchpoints(
    occurred_at: datetime,
    known: TouchLookup,
    *,
    code: str = "",
    click_id: str = "",
    utm: Mapping[str, str] | None = None,
    referrer: str = "",
    supporter_id: UUID | None = None,
    within: tuple[datetime, datetime] | None = None,
) -> list[Touch]:
    """Return all touches of an action, each with its tier, in no order.

    With `within` (first and last instant), the supporter's clicks outside of it are left out, and
    so is a second copy of the click that the action carried: some people click a lot.
    """
    touches = []
    click = known.clicks.get(click_id)
    if click:
        touches.append(_from_click(click, Tier.CLICK_ID))
    if by_code := known.links.get(code):
        touches.append(_from_link(by_code, Tier.CODE, occurred_at))
    if utm and (by_utm := link_by_utm(utm, known)):
        touches.append(_from_link(by_utm, Tier.UTM, occurred_at))
    if platform := platform_of_host(referrer):
        touches.append(Touch(tier=Tier.REFERRER, at=occurred_at, platform=platform))
    if supporter_id is not None:
        own_clicks = known.clicks_of.get(supporter_id, ())
        if within is not None:
            begin, end = within
            own_clicks = [
                each
                for each in own_clicks
                if begin <= each.clicked_at <= end and not (click and each.click_id == click_id)
            ]
        touches += [_from_click(each, Tier.IDENTITY) for each in own_clicks]
    return touches


def _from_click(click: StoredClick, tier: Tier) -> Touch:
    return Touch(
        tier=tier,
        at=click.clicked_at,
        seen_at=click.seen_at,
        click_id=click.click_id,
        link_id=click.link_id,
        post_id=click.post_id,
        campaign_id=click.campaign_id,
        platform=click.platform,
        channel=channel_of(click.platform),
    )


def _from_link(link: LinkByCode | LinkByUtm, tier: Tier, at: datetime) -> Touch:
    return Touch(
        tier=tier,
        at=at,
        link_id=link.link_id,
        post_id=link.post_id,
        campaign_id=link.campaign_id,
        platform=link.platform,
        channel=channel_of(link.platform),
    )


def link_by_utm(written: Mapping[str, str], known: TouchLookup) -> LinkByUtm | None:
    """Return the link that this UTM matches, if all links that match are of one post."""
    if not known.utm_links:
        return None
    utm = folded_utm(written)
    fitting = [
        link
        for link in known.utm_links
        if utm.get("campaign") == link.utm.get("campaign")
        and all(utm[name] == link.utm[name] for name in utm if name in link.utm)
    ]
    return fitting[0] if len({link.post_id for link in fitting}) == 1 else None
