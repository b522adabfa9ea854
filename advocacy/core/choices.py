"""Closed lists that the command line offers and the code behind it keeps to.

Note: this imports nothing, so that `advocacy COMMAND --help` stays fast.
"""

from __future__ import annotations

LANGUAGES = {"en": "English", "fr": "Français", "es": "Español"}
"""The languages of pages and mails, by their codes."""

ATTRIBUTION_MODELS = (
    "last_touch",
    "last_social_touch",
    "first_touch",
    "linear",
    "position_based",
    "time_decay",
)
"""The rules of `attribution.RULES`, by the names in reports and URLs; the first is usual."""

MEASURES = ("supporters", "donors", "net", "calls", "actions")
"""What a goal can be about."""

ROLES = ("reader", "editor", "owner")
"""What a member may do, each with all that is before it."""

SHORTEST_DAYS = 32
"""The shortest time over which `generate` spreads actions."""
