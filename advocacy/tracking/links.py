"""Make tracking links for the command, the page and spreadsheets, with the same checks.

Note: the page and spreadsheets reuse an existing link, so that sending the same twice gives the
same link. The command makes a new one each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from advocacy.core.messages import N_, say
from advocacy.core.tracking_parameters import utm_content_of
from advocacy.core.urls import BadDestination, check_destination
from advocacy.providers import BY_SLUG, optional
from advocacy.storage import campaigns, links, posts, sources
from advocacy.storage import campaigns as campaigns_storage
from advocacy.storage import links as links_storage
from advocacy.storage.models import Campaign, Link, Post, Source
from advocacy.storage.sources import SourceRow
from advocacy.tracking.posts import BadPost, check_post

HOSTS = {
    "actionnetwork.org": "action_network",
    "actblue.com": "actblue",
    "stripe.com": "stripe",
    "nationbuilder.com": "nationbuilder",
    "controlshiftlabs.com": "controlshift",
}
_DESTINATION = N_("the destination %(why)s")

MEDIA = ("video", "image", "text")
"""The suggested media; other words are accepted."""


class BadLink(ValueError):
    """The link cannot be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A link as staff ask for it: of a post (by URL or title) to a page.

    `tool` is a source's name or a provider; if empty, the destination decides.
    """

    campaign: str
    destination: str
    post_url: str = ""
    platform: str = ""
    title: str = ""
    tool: str = ""
    medium: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class CheckedLink:
    """A validated request; nothing is made yet."""

    campaign: Campaign
    destination: str
    provider: str
    carries: Mapping[str, str]
    post_url: str
    platform: str
    title: str
    medium: str
    author: str


@dataclass(frozen=True, slots=True)
class CreatedLink:
    """A link with its post; `new` is false if the link existed already."""

    link: Link
    post: Post
    campaign: Campaign
    new: bool


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The result for a row of a sheet: a link, or an error, or neither."""

    line: int
    wanted: LinkRequest
    made: CreatedLink | None = None
    trouble: str = ""


def create_link(
    org_id: UUID,
    post: Post,
    destination: str,
    *,
    local: bool,
    provider: str | None = None,
    source: str | None = None,
    utm: bool = True,
    code: str = "",
) -> Link:
    """Make a link of a post.

    Raises `BadDestination`, `BadCode`, `BadLink`, `NotFound` and `Taken`.
    """
    checked = check_destination(destination, local=local)
    leads_to = sources.get_source(org_id, source) if source else None
    return links_storage.put_link(
        org_id,
        post,
        checked,
        leads_to.provider if leads_to else provider_for(checked, provider),
        utm_of(org_id, post) if utm else {},
        code,
        _carries(leads_to) or None,
    )


def provider_for(destination: str, named: str | None = None) -> str:
    """Return the provider whose URL parameters a destination takes. Raises `BadLink`."""
    if named is not None:
        if named not in BY_SLUG:
            raise BadLink(
                say(
                    "there is no provider %(name)s; available: %(known)s",
                    name=named,
                    known=", ".join(sorted(BY_SLUG)),
                )
            )
        return named
    host = urlsplit(destination).hostname or ""
    for ending, slug in HOSTS.items():
        if host == ending or host.endswith(f".{ending}"):
            return slug
    return "standard"


def utm_of(org_id: UUID, of: Post) -> dict[str, str]:
    """Return the UTM by which a post is recognized if nothing else comes back."""
    slug = next(each.slug for each in campaigns.list_campaigns(org_id) if each.id == of.campaign_id)
    return _utm(slug, of)


class LinkMaker:
    """Makes links of one organization, within the caller's transaction."""

    def __init__(self, org_id: UUID, *, local: bool) -> None:
        self._org_id, self._local = org_id, local
        self._campaigns = {each.slug: each for each in campaigns.list_active_campaigns(org_id)}
        self._sources = {each.name: each for each in sources.list_sources(org_id)}

    def check(self, wanted: LinkRequest) -> CheckedLink:
        """Validate a request; make nothing. Raises `BadLink`."""
        campaign = self._campaigns.get(wanted.campaign.lower())
        if campaign is None:
            raise BadLink(
                say(
                    "there is no campaign %(name)s; available: %(known)s",
                    name=ascii(wanted.campaign),
                    known=", ".join(sorted(self._campaigns)) or say("none yet"),
                )
            )
        destination = check_leads_to(wanted.destination, local=self._local)
        try:
            about = check_post(
                url=wanted.post_url,
                platform=wanted.platform,
                title=wanted.title,
                medium=wanted.medium,
                author=wanted.author,
            )
        except BadPost as error:
            raise BadLink(error.words) from None
        provider, carries = self._tool(destination, wanted.tool)
        return CheckedLink(
            campaign,
            destination,
            provider,
            carries,
            about.url,
            about.platform,
            about.title,
            about.medium,
            about.author,
        )

    def put(self, ready: CheckedLink) -> CreatedLink:
        """Return the link of a validated request: the existing one, or else a new one.

        An archived link or post is restored.
        """
        org_id, campaign = self._org_id, ready.campaign
        campaigns_storage.lock_campaign(org_id, campaign.id)
        about = {"url": ready.post_url, "platform": ready.platform, "title": ready.title}
        more = {"medium": ready.medium, "author": ready.author}
        post = posts.find_post(org_id, campaign.id, **about)
        if post is None:
            post = posts.put_post(org_id, campaign.id, **about, **more)
        else:
            posts.archive_post(post, None)
            posts.describe_post(post, **more)
        carries = dict(ready.carries)
        found = links.find_same_link(org_id, post.id, ready.destination, ready.provider, carries)
        if found:
            links.archive_link(found, None)
        made = found or links_storage.put_link(
            org_id, post, ready.destination, ready.provider, _utm(campaign.slug, post), "", carries
        )
        return CreatedLink(made, post, campaign, found is None)

    def put_many(
        self, rows: Iterable[tuple[int, LinkRequest]], *, only_all: bool
    ) -> list[RowOutcome]:
        """Make the links of a sheet's rows; with `only_all`, none if any row has an error."""
        ready: list[tuple[int, LinkRequest, CheckedLink | None, str]] = []
        for line, wanted in rows:
            try:
                ready.append((line, wanted, self.check(wanted), ""))
            except BadLink as error:
                ready.append((line, wanted, None, error.args[0]))
        if only_all and any(trouble for *_, trouble in ready):
            return [RowOutcome(line, wanted, None, trouble) for line, wanted, _, trouble in ready]
        # One lock order, whatever the order of the rows.
        for campaign_id in sorted({one.campaign.id for _, _, one, _ in ready if one}):
            campaigns_storage.lock_campaign(self._org_id, campaign_id)
        return [
            RowOutcome(line, wanted, self.put(one) if one else None, trouble)
            for line, wanted, one, trouble in ready
        ]

    def _tool(self, destination: str, tool: str) -> tuple[str, Mapping[str, str]]:
        if source := self._sources.get(tool):
            return source.provider, _carries(source)
        if tool and tool not in BY_SLUG:
            known = ", ".join([*sorted(self._sources), *sorted(BY_SLUG)])
            raise BadLink(
                say(
                    "there is no tool %(name)s; available: %(known)s", name=ascii(tool), known=known
                )
            )
        return provider_for(destination, tool or None), {}


def check_leads_to(url: str, *, local: bool) -> str:
    """Return the destination of a link as it is stored. Raises `BadLink`."""
    try:
        return check_destination(url, local=local)
    except BadDestination as error:
        raise BadLink(say(_DESTINATION, why=error.args[0])) from None


def _carries(source: Source | SourceRow | None) -> dict[str, str]:
    mapping = optional.mapping(source.setup.get("mapping")) if source else {}
    places = optional.mapping(mapping.get("destination"))
    return {name: optional.text(place) for name, place in places.items()}


def _utm(campaign: str, post: Post) -> dict[str, str]:
    return {
        "source": post.platform,
        "medium": "social",
        "campaign": campaign,
        "content": utm_content_of(post.id),
    }


def count_errors(outcomes: Sequence[RowOutcome]) -> int:
    """Return how many rows have an error."""
    return sum(1 for each in outcomes if each.trouble)
