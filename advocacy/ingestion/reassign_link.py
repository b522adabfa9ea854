"""Move a link to another post, with everything that it has brought.

Note: clicks store the post of their link. So the link, all links passed on from it, and their
clicks are moved, and every action that one of these clicks led to is attributed again. UTM
parameters stay as they were published.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from advocacy.ingestion.pipeline import restate_actions
from advocacy.storage import actions, locks, posts, totals
from advocacy.storage import clicks as clicks_storage
from advocacy.storage import links as links_storage
from advocacy.storage.session import transaction, with_retries


class PassedOn(ValueError):
    """The link was passed on from another one, whose post decides."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many links and clicks moved, and how many actions were attributed again."""

    links: int
    clicks: int
    actions: int


def move_link(org_id: UUID, code: str, post_id: UUID) -> Moved:
    """Move a link to this post from its beginning. Raises `NotFound` and `PassedOn`."""

    def move(_again: bool) -> Moved:
        with transaction():
            locks.lock_organization(org_id)
            post = posts.get_post(org_id, post_id)
            link = links_storage.get_link(org_id, code)
            if link.parent_id is not None:
                raise PassedOn(
                    f"link {code} passes another one on; move the one that it comes from"
                )
            links = links_storage.replace_post_of_links(org_id, link.id, post)
            clicks = clicks_storage.replace_post_of_clicks(org_id, links, post.id, post.campaign_id)
            totals.correct_click_spans(org_id)
            concerned = actions.ids_of_links(org_id, links)
            restate_actions(org_id, concerned)
        return Moved(len(links), clicks, len(concerned))

    # Clicks that are being loaded may block this.
    return with_retries(move)
