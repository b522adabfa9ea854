"""The content of an alert that a post is surging, in the reader's language.

Note: these functions are called within `flask_babel.force_locale`.
"""

from __future__ import annotations

from flask_babel import gettext, ngettext

from advocacy.analytics.surges import SurgeFigures
from advocacy.reporting.email.sheet import (
    Figure,
    FiguresBlock,
    Link,
    ListBlock,
    Sheet,
    web_address,
)
from advocacy.reporting.formats import decimal
from advocacy.reporting.texts import actions, clicks, post_named, rounding_note


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def surge_sheet(surge: SurgeFigures, public_url: str) -> Sheet:
    """Return the content of an alert."""
    name, minutes = post_named(surge.title, surge.platform), surge.minutes
    number = clicks(surge.counted) if surge.what == "clicks" else actions(surge.counted)
    usual = decimal(surge.usual)
    figures = (
        Figure(
            ngettext(
                "In the last %(minutes)s minute",
                "In the last %(minutes)s minutes",
                minutes,
                minutes=minutes,
            ),
            number,
        ),
        Figure(
            ngettext(
                "Typical in %(minutes)s minute",
                "Typical in %(minutes)s minutes",
                minutes,
                minutes=minutes,
            ),
            usual,
        ),
        Figure(_("Detected"), surge.noticed),
    )
    next_steps = (
        _("Check that the page it leads to still responds quickly."),
        _(
            "Reply to comments while it is popular, and share the link where "
            "it has not been posted yet."
        ),
    )
    post = web_address(surge.url)
    return Sheet(
        subject=_("%(post)s is surging", post=name),
        title=_("%(post)s is surging", post=name),
        subtitle=surge.campaign.name,
        lead=ngettext(
            "%(counted)s in %(minutes)s minute; typical: %(usual)s.",
            "%(counted)s in %(minutes)s minutes; typical: %(usual)s.",
            minutes,
            counted=number,
            minutes=minutes,
            usual=usual,
        ),
        blocks=(FiguresBlock(figures), ListBlock(_("What to do next"), next_steps)),
        link=Link(f"{public_url}/campaigns/{surge.campaign.slug}", _("Open the dashboard")),
        more=Link(post, _("View the post")) if post else None,
        footer=(
            ngettext(
                "You will not receive another alert about this post for an hour.",
                "You will not receive another alert about this post for %(num)s hours.",
                surge.quiet_hours,
            ),
            *([rounding_note(surge.rounded_to)] if surge.rounded_to else []),
            _("An editor can stop these emails: %(page)s", page=f"{public_url}/reports"),
        ),
    )
