"""The modules of the product, and its statements across organizations."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("advocacy", "workers", "config")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


ACROSS = {
    ("inbox", "organizations_with_work"),
    ("inbox", "oldest_pending_seconds"),
    ("links", "links_for_redirect"),
    ("links", "links_version"),
}
"""Statements across all organizations, or without one; each is listed here by name."""
