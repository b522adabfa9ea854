"""Every reason for quarantine is explained on the page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import advocacy
from advocacy.web.delivery_reasons import of_quarantined

PACKAGE = Path(advocacy.__file__).parent
# Of made-up deliveries for a rehearsal, which are never kept.
NEVER_KEPT = {"no_example"}
# Given by a batch, by the inbox and by claims, and not by a room.
GIVEN_ELSEWHERE = {"room_failed", "id_reuse", "killed_worker", "failed"}


def reasons() -> dict[str, str]:
    """Return every word that is raised as a reason, and where."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        # A row of a file is refused with the table's reason, and never quarantined.
        if path.name == "csv_import.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Unreadable":
                place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                (word, *_rest) = node.args
                assert isinstance(word, ast.Constant), f"{place}: its reason is not one word"
                found.setdefault(word.value, place)
    return found


def test_every_reason_is_explained(app):
    given = reasons().keys() - NEVER_KEPT
    assert len(given) > 15
    with app.test_request_context():
        said = of_quarantined()
    assert said.keys() == given | GIVEN_ELSEWHERE
    for reason, words in said.items():
        assert words.endswith("."), reason


def test_other_reasons_are_raised_where_listed():
    code = "".join(
        path.read_text()
        for room in ("ingestion", "storage")
        for path in (PACKAGE / room).glob("*.py")
    )
    for word in GIVEN_ELSEWHERE:
        assert re.search(rf"[\"']{word}[\"']", code), word
