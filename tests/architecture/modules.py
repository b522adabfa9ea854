"""The modules of the product, and its statements across organizations."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("advocacy", "workers", "config")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


ACROSS = {
    ("inbox", "organizations_with_work"),
    ("inbox", "_oldest_pending_seconds"),
    ("links", "_links_for_redirect"),
    ("links", "_count_links"),
}
"""Statements across all organizations, or without one; each is listed here by name."""
