"""Putting right to which post a link belongs: what it has brought goes with it, and says so.

What a stranger would get wrong: a click keeps the post that its link had. So a link that was made
for the wrong post is moved with all that was passed on from it and all their clicks, and every
action that one of these led to is attributed again. The labels (UTM) stay as they went out.
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
    """The link passes another one on, and belongs to whichever post that one does."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved: so many links, clicks, and actions that were attributed again."""

    links: int
    clicks: int
    actions: int


def move_link(org_id: UUID, code: str, post_id: UUID) -> Moved:
    """Let a link be of this post, from its beginning. Raises `NotFound` and `PassedOn`."""

    def move(_again: bool) -> Moved:
        with transaction():
            locks.lock_organization(org_id, alone=True)
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

    # Clicks that are being shipped may stand in the way.
    return with_retries(move)
