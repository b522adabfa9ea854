"""Texts that pages and emails share, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext, ngettext

from advocacy.core.messages import in_language
from advocacy.core.vocabulary import platform_named
from advocacy.reporting.formats import number


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def translated(text: str) -> str:
    """Translate a text of `core`."""
    return in_language(text, gettext, ngettext)


def rounding_note(base: int) -> str:
    """Return the note on rounding below a report for people who are not members."""
    return _(
        "Counts in this report are rounded to a multiple of %(base)s to protect supporters’ "
        "privacy; totals are rounded separately and may not add up. Amounts are rounded to "
        "three digits, and not shown (–) where fewer than %(base)s people gave.",
        base=base,
    )


def kind_named(kind: str) -> str:
    """Return the plural name of a kind of action."""
    return {
        "signature": _("signatures"),
        "call": _("calls"),
        "letter": _("letters"),
        "donation": _("donations"),
        "submission": _("forms"),
        "attendance": _("attendances"),
        "click": _("link clicks"),
        "other": _("other actions"),
    }.get(kind, kind)


def post_named(title: str, platform: str) -> str:
    """Name a post by its title and platform."""
    name = platform_named(platform)
    return f"“{title}” ({name})" if title else _("A post on %(platform)s", platform=name)


def supporters(count: int) -> str:
    """Write a number of supporters."""
    return str(ngettext("%(n)s supporter", "%(n)s supporters", count, n=number(count)))


def actions(count: float) -> str:
    """Write a number of actions."""
    return str(ngettext("%(n)s action", "%(n)s actions", int(count), n=number(count)))


def clicks(count: int) -> str:
    """Write a number of clicks."""
    return str(
        ngettext("%(n)s click by a person", "%(n)s clicks by people", count, n=number(count))
    )
