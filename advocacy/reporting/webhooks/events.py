"""Events as the bodies of requests: JSON by Standard Webhooks, and messages for Slack and Teams.

Note: a signed endpoint belongs to the organization like an API token and gets exact figures. A
channel of Slack or Teams may have members who are no staff, so theirs are rounded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import force_locale, gettext

from advocacy.analytics import weekly_figures
from advocacy.analytics.surges import SurgeFigures
from advocacy.analytics.weekly_figures import WeeklySummary
from advocacy.core.records import JsonObject
from advocacy.disclosure import Rounding, shared_summary, shared_surge
from advocacy.reporting.email.sheet import FiguresBlock, Link, Sheet
from advocacy.reporting.email.surge_content import surge_sheet
from advocacy.reporting.email.weekly_content import weekly_sheet

SURGE, WEEKLY, TEST = "surge.noticed", "report.weekly", "webhook.test"
EVENTS = (SURGE, WEEKLY)
"""The events that a webhook can receive."""

FORMS = ("standard", "slack", "teams")
"""In which form a webhook gets its messages."""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a body is: its form, its language, and how its figures are rounded."""

    form: str
    language: str
    rounding: Rounding


def surge_body(surge: SurgeFigures, reader: Reader, public_url: str) -> str:
    """Return the body that says that a post is surging."""
    if reader.form != "standard":
        with force_locale(reader.language):
            return _chat(surge_sheet(shared_surge(surge, reader.rounding), public_url), reader.form)
    data = {
        "what": surge.what,
        "counted": surge.counted,
        "usual": surge.usual,
        "minutes": surge.minutes,
        "post": {"platform": surge.platform, "title": surge.title, "url": surge.url},
        "campaign": {"slug": surge.campaign.slug, "name": surge.campaign.name},
        "dashboard_url": f"{public_url}/campaigns/{surge.campaign.slug}",
    }
    return _event(SURGE, surge.made_at, data)


def weekly_body(report: WeeklySummary, reader: Reader, public_url: str) -> str:
    """Return the body with the figures of a week."""
    if reader.form != "standard":
        with force_locale(reader.language):
            shown = shared_summary(report, reader.rounding)
            return _chat(weekly_sheet(shown, public_url), reader.form)
    return _event(WEEKLY, report.made_at, weekly_figures.to_json(report))


def check_body(reader: Reader, public_url: str, now: datetime) -> str:
    """Return the body of a message with which staff try a webhook."""
    if reader.form == "standard":
        return _event(TEST, now, {"dashboard_url": f"{public_url}/"})
    with force_locale(reader.language):
        words = str(gettext("This channel will receive surges and weekly figures."))
        opens = Link(f"{public_url}/", str(gettext("Open the dashboard")))
        return _chat(Sheet("", words, "", "", (), opens, ()), reader.form)


def _event(kind: str, at: datetime, data: JsonObject) -> str:
    return json.dumps(
        {"type": kind, "timestamp": at.astimezone(UTC).isoformat(), "data": data},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _chat(sheet: Sheet, form: str) -> str:
    figures = [
        f"{each.label}: {each.value}{f' ({each.note})' if each.note else ''}"
        for block in sheet.blocks
        if isinstance(block, FiguresBlock)
        for each in block.items
    ]
    about = " · ".join(filter(None, (sheet.title, sheet.subtitle)))
    lines = [line for line in (sheet.lead, *figures) if line]
    body = (_slack if form == "slack" else _teams)(about, lines, sheet.link)
    return json.dumps(body, ensure_ascii=False)


def _slack(about: str, lines: list[str], link: Link) -> JsonObject:
    text = [f"*{_escaped(about)}*", *map(_escaped, lines)]
    return {"text": "\n".join([*text, f"<{link.url}|{_escaped(link.text)}>"])}


def _escaped(text: str) -> str:
    """Return text with what Slack would read as a link, a mention or bold type taken away."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("*", "∗")


def _teams(about: str, lines: list[str], link: Link) -> JsonObject:
    blocks: list[JsonObject] = [
        {"type": "TextBlock", "text": _plain(about), "weight": "bolder", "wrap": True},
        *({"type": "TextBlock", "text": _plain(line), "wrap": True} for line in lines),
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": [{"type": "Action.OpenUrl", "title": link.text, "url": link.url}],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _plain(text: str) -> str:
    """Return text in which a card finds no Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]()#" else letter for letter in text)
