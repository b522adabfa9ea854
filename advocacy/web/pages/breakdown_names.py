"""What the breakdown page calls its groups, filters and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask_babel import gettext as _

from advocacy.analytics.breakdown import (
    FILTERS,
    FILTERS_OF_ORGANIZATION,
    HOURS,
    NONE,
    Group,
    Question,
)
from advocacy.core.events import ActionKind
from advocacy.core.platforms import channel_of
from advocacy.core.vocabulary import noun, platform_named, post_named
from advocacy.reporting import formats
from advocacy.storage import campaigns
from advocacy.storage import posts as posts_storage
from advocacy.storage import sources as sources_storage
from advocacy.storage.models import Campaign, Organization, Post
from advocacy.web.i18n import said


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of the form: its choices as (key, name), and the chosen keys."""

    name: str
    called: str
    chosen: Sequence[str]
    choices: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Subject:
    """The one post or platform that a page is about; `url` is the post's own, or ''."""

    called: str
    url: str


def group_names() -> dict[str, str]:
    """Return what each grouping is called."""
    return {
        "campaign": _("Campaign"),
        "post": _("Post"),
        "platform": _("Platform"),
        "medium": _("Medium"),
        "author": _("Author"),
        "kind": _("Kind"),
        "source": _("Source"),
        "hour": _("Hour"),
        "day": _("Day"),
        "week": _("Week"),
        "month": _("Month"),
    }


def name_of_group(by: str, group: Group) -> str:
    """Return what a group is called."""
    if group.key == NONE:
        missing: dict[str, str] = {
            "post": _("Unattributed"),
            "campaign": _("No campaign"),
            "medium": _("No medium given"),
            "author": _("No author given"),
        }
        return missing.get(by) or str(_("unknown"))
    if by == "hour":
        day, _separator, clock = group.key.partition("T")
        return f"{formats.day(day)} {clock[:5]} ({clock[5:]})"
    return name_of_label(by, group.label)


def name_of_label(by: str, label: str) -> str:
    """Return what a label is called in the reader's language."""
    match by:
        case "kind":
            return said(noun(label))
        case "platform":
            return platform_named(label)
        case "day":
            return formats.day(label)
    return label


def subject_of(scope: Campaign | Organization, question: Question) -> Subject | None:
    """Return what the page is about if the only filter is one post or one platform."""
    match {name: list(keys) for name, keys in question.filters.items() if keys}:
        case {"post": [key], **others} if not others and key != NONE:
            post = posts_storage.get_post(_org_id(scope), UUID(key))
            called = said(post_named(post.title, post.platform, channel_of(post.platform)))
            url = post.url if post.url.startswith("https://") else ""
            return Subject(called[:1].upper() + called[1:], url)
        case {"platform": [key], **others} if not others and key != NONE:
            return Subject(platform_named(key), "")
    return None


def posts_by_key(scope: Campaign | Organization) -> dict[str, Post]:
    """Return the posts by the keys of their groups."""
    if isinstance(scope, Campaign):
        found = posts_storage.list_posts(scope.org_id, scope.id)
    else:
        found = posts_storage.list_posts(scope.id)
    return {str(post.id): post for post in found}


def filters_of(scope: Campaign | Organization, question: Question) -> list[Filter]:
    """Return the filters of the form."""
    is_campaign = isinstance(scope, Campaign)
    org_id = _org_id(scope)
    posts = posts_by_key(scope).values()
    sources = sources_storage.list_sources(org_id)
    choices: dict[str, list[tuple[str, str]]] = {
        "post": [(str(post.id), post.title or post.url or str(post.id)) for post in posts],
        "platform": [
            (key, platform_named(key)) for key, _name in _distinct(post.platform for post in posts)
        ],
        "medium": _distinct(post.medium for post in posts),
        "author": _distinct(post.author for post in posts),
        "kind": [(each.value, said(noun(each.value))) for each in ActionKind],
        "source": [(str(source.id), source.name) for source in sources],
        "hour": [(hour, f"{hour}:00–{hour}:59") for hour in HOURS],
        "campaign": []
        if is_campaign
        else [(each.slug, each.name) for each in campaigns.list_campaigns(org_id)],
    }
    for name in ("post", "platform", "medium", "author", "campaign"):
        choices[name].append((NONE, _("unknown")))
    found = []
    for name in FILTERS if is_campaign else FILTERS_OF_ORGANIZATION:
        chosen = question.filters.get(name, ())
        known = {key for key, _name in choices[name]}
        others = [(key, key) for key in chosen if key not in known]
        found.append(Filter(name, group_names()[name], chosen, [*choices[name], *others]))
    return found


def defined_figures(gifts: bool) -> list[tuple[str, str]]:
    """Return the figures that the page explains: (name, its key in the glossary)."""
    found = [
        (_("Actions"), "actions"),
        (_("Supporters"), "supporters"),
        (_("New"), "new"),
        (_("Returning"), "returning"),
        (_("Human clicks"), "clicks"),
        (_("Conversion rate"), "conversion_rate"),
        (_("Activation rate"), "activation_rate"),
        (_("Net raised"), "raised"),
        (_("Credit"), "window"),
        (_("Previous period, a year earlier"), "compared"),
        (_("Days, weeks, months and hours"), "group_days"),
    ]
    if gifts:
        found += [(_("Average gift"), "average_gift"), (_("Recurring share"), "recurring_share")]
    return found


def _distinct(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(each, each) for each in sorted(set(names) - {""})]


def _org_id(scope: Campaign | Organization) -> UUID:
    return scope.org_id if isinstance(scope, Campaign) else scope.id


def error_text(field: str, message: str) -> str:
    """Return in the reader's language what the API says of a field."""
    match field:
        case "from":
            text = said(message)
            return f"{text[:1].upper()}{text[1:]}."
        case "cursor":
            return str(_("This link continues a different selection. Start again."))
    called = group_names().get(field, field)
    return str(
        _("%(what)s: the link contains a value that does not exist. Choose again.", what=called)
    )
