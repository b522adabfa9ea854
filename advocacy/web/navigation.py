"""What surrounds each page of a signed-in person: the sidebar, the tabs of a campaign, the period.

The period, the comparison and the filters stand in the URL. Links between the pages of a campaign
carry them along (`carried`), so that a choice made on one tab holds on the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from flask import Blueprint, g, request, url_for
from flask_babel import gettext as _
from lucide.jinja import lucide

from advocacy.core.choices import ROLES
from advocacy.storage import campaigns, inbox, organizations

blueprint = Blueprint("navigation", __name__)

CARRIED: Final = (
    "from",
    "to",
    "compare",
    "model",
    "kind",
    "platform",
    "medium",
    "author",
    "source",
)
"""Parameters of a URL that hold on every tab of a campaign."""

_SHOWN_CAMPAIGNS = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the sidebar or of the tabs. `badge` counts what needs somebody's attention."""

    label: str
    href: str
    icon: str = ""
    current: bool = False
    badge: int = 0
    children: Sequence[Entry] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Sidebar:
    """The organization's name, its pages, and those of the signed-in person."""

    organization: str
    pages: Sequence[Entry]
    more: Sequence[Entry]


@blueprint.app_template_global("sidebar")
def sidebar() -> Sidebar | None:
    """Return the sidebar of the signed-in person; None for visitors. Reads three small tables."""
    if not g.get("role"):
        return None
    organization = organizations.find_organization(g.org_id)
    quarantined = inbox.count_open(g.org_id).quarantined
    pages = [
        _entry(_("Overview"), "dashboard.overview", "house"),
        _campaigns(),
        _entry(_("Links"), "linkmaker.page", "link", needs="editor"),
        _entry(_("Goals"), "goals.page", "target"),
        _entry(_("Reports"), "reports.page", "mail", needs="editor"),
        _entry(_("Connections"), "connections.page", "plug", badge=quarantined),
    ]
    more = [
        _entry(_("Settings"), "settings.page", "settings", needs="owner"),
        _entry(_("Members"), "members.members_page", "users", needs="owner"),
        _entry(_("Account"), "members.account_page", "circle-user") if g.member else None,
        _entry(_("API"), "documentation.page", "code"),
    ]
    return Sidebar(
        organization.name if organization else "",
        [each for each in pages if each],
        [each for each in more if each],
    )


def _campaigns() -> Entry:
    """Return the entry of all campaigns, with the newest ones below it."""
    here = (request.view_args or {}).get("slug")
    found = campaigns.list_active_campaigns(g.org_id)
    shown = list(found[:_SHOWN_CAMPAIGNS])
    if here and all(each.slug != here for each in shown):
        shown += [each for each in found if each.slug == here]
    return Entry(
        _("Campaigns"),
        url_for("dashboard.overview", _anchor="campaigns"),
        "megaphone",
        children=tuple(
            Entry(
                each.name,
                url_for("dashboard.campaign_page", slug=each.slug),
                current=each.slug == here,
            )
            for each in shown
        ),
    )


def _entry(
    label: str, endpoint: str, icon: str, *, needs: str = "reader", badge: int = 0
) -> Entry | None:
    if ROLES.index(g.role) < ROLES.index(needs):
        return None
    current = request.endpoint == endpoint
    return Entry(label, url_for(endpoint), icon, current, badge)


@blueprint.app_template_global("icon")
@lru_cache(maxsize=256)
def icon(name: str, size: int = 18) -> str:
    """Return an icon of Lucide as inline SVG, which a screen reader leaves out."""
    return lucide(name, size=size, aria_hidden="true", focusable="false") if name else ""


@blueprint.app_template_global("campaign_tabs")
def campaign_tabs(slug: str) -> list[Entry]:
    """Return the tabs of a campaign, each with the period, comparison and filters of this page."""
    tabs = (
        (_("Overview"), "dashboard.campaign_page", "layout-dashboard"),
        (_("Posts"), "posts.page", "newspaper"),
        (_("People"), "ladder.people_page", "users"),
        (_("Paths"), "paths.page", "route"),
        (_("Timing"), "timing.page", "calendar-clock"),
        (_("Actions"), "receipts.actions_page", "list-checks"),
    )
    here = {"posts.post_page": "posts.page"}.get(request.endpoint or "", request.endpoint)
    return [
        Entry(label, url_for(name, slug=slug, **carried()), icon, here == name)
        for label, name, icon in tabs
    ]


@blueprint.app_template_global("shortcuts")
def shortcuts() -> list[tuple[str, str]]:
    """Return the keyboard shortcuts: keys to press one after the other, or each alone, and why."""
    return [
        ("go", _("Overview")),
        ("gl", _("Links")),
        ("gg", _("Goals")),
        ("gc", _("Connections")),
        ("dwma", _("Today, 7 days, 30 days, everything")),
        ("x", _("Compare with the period before")),
        ("?", _("This list")),
    ]


@blueprint.app_template_global("carried")
def carried(**changes: object) -> dict[str, Any]:
    """Return the parameters of this page's URL that other tabs keep; None removes one."""
    kept: dict[str, Any] = {
        name: values
        for name in CARRIED
        if (values := list(filter(None, request.args.getlist(name))))
    }
    kept.update(changes)
    return {name: value for name, value in kept.items() if value not in (None, "")}
