"""Time zones that are hard to get right."""

from __future__ import annotations

HARD = (
    "America/Vancouver",
    "America/Edmonton",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Apia",
)
