"""Export layouts have exactly the columns that their readers use."""

from __future__ import annotations

import pytest

from advocacy.providers import csv_exports
from advocacy.providers.export_layouts import LAYOUTS, layout_of

WRITTEN = {
    "amount": "25.00",
    "total": "25.00",
    "date": "2026-11-01 09:30:00",
    "created": "2026-11-01 09:30:00",
    "timestamp": "2026-11-01 09:30:00",
    "paid at": "2026-11-01 09:30:00",
    "refunded at": "2026-11-01 09:30:00",
    "currency": "USD",
    "dispute status": "lost",
    "disputed status": "lost",
    "status": "paid",
}


def plausible(name: str) -> str:
    """Return what a column of that name may hold."""
    words = name.lower()
    if "status" in words or "amount" in words:
        return WRITTEN["amount" if "amount" in words else words]
    return next((value for word, value in WRITTEN.items() if word in words), "1")


@pytest.mark.parametrize("provider", sorted(csv_exports.READERS))
def test_a_layout_has_the_columns_of_its_reader(provider, monkeypatch):
    """A row that has everything is read; what was looked for is the layout, and nothing else."""
    asked: set[tuple[str, ...]] = set()
    needed: set[tuple[str, ...]] = set()
    find, get = csv_exports.Columns.find, csv_exports.Columns.get
    monkeypatch.setattr(
        csv_exports.Columns, "find", lambda self, *names: asked.add(names) or find(self, *names)
    )
    monkeypatch.setattr(
        csv_exports.Columns, "get", lambda self, *names: needed.add(names) or get(self, *names)
    )
    layout = LAYOUTS[provider]
    assert csv_exports.READERS[provider]({name: plausible(name) for name in layout.names}, {})
    assert set(layout.needed) == needed
    assert set(layout.names) == {name for names in asked for name in names}


def test_the_layout_of_a_mapping_has_the_fields_of_the_row():
    mapping = {
        "kind": "type || 'signature'",
        "fields": {
            "id": '"Ticket ID" || number',
            "at": "bought",
            "code": "split(ref, '/')[0]",
            "email": "person.email",
        },
    }
    layout = layout_of("generic", {"mapping": mapping})
    assert layout.needed == (("Ticket ID", "number"), ("bought",))
    assert {"type", "person"} <= set(layout.known)
    assert "email" not in layout.names
