"""Closed lists that the command line offers and the code accepts.

Note: this imports nothing, so that `advocacy COMMAND --help` stays fast.
"""

from __future__ import annotations

LANGUAGES = {"en": "English", "fr": "Français", "es": "Español"}
"""The languages of pages and e-mails, by code."""

ATTRIBUTION_MODELS = (
    "last_touch",
    "last_social_touch",
    "first_touch",
    "linear",
    "position_based",
    "time_decay",
)
"""The rules of `attribution.RULES` by their names in reports and URLs; the first is the default."""

MEASURES = ("supporters", "donors", "net", "calls", "actions")
"""What a goal can measure."""

ROLES = ("reader", "editor", "owner")
"""The roles of members, each with the rights of those before it."""

SCOPES = ("reports", "write", "admin")
"""The scopes of API tokens, each with the rights of those before it."""

SHORTEST_DAYS = 32
"""The shortest period over which `generate` spreads actions, in days."""
