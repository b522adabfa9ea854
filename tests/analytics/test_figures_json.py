"""Figures come back from JSON as what they were; what other code wrote is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from advocacy.analytics.figures import Clicks, PostAbout
from advocacy.analytics.figures_json import decode, encode
from advocacy.storage.goals import OfDay


def test_figures_rows_and_plain_values_come_back():
    values = {
        "from": date(2026, 1, 2),
        "at": datetime(2026, 1, 2, 3, tzinfo=UTC),
        "rows": [OfDay(date(2026, 1, 2), 3), [None, 1.5, uuid4()]],
        "clicks": Clicks(human=3, other=1),
        "post": PostAbout(uuid4(), "x", "On x", "https://x.example/1", None),
        "one": {"$": "no tag"},
    }
    found = decode(encode(values))
    assert found == values
    assert type(found["rows"][0]) is OfDay
    assert type(found["clicks"].human) is int


def test_sequences_within_figures_are_tuples():
    figures = PostAbout(uuid4(), "x", "", "", None)
    assert decode(encode(OfDay(date(2026, 1, 2), ((figures,), 1)))).number == ((figures,), 1)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        '{"$type":"os:system","command":"true"}',
        '{"$type":"advocacy.analytics.figures:Missing"}',
        '{"$type":"advocacy.analytics.gone:Clicks"}',
        '{"$type":"advocacy.analytics.figures:Clicks","robots":1}',
        '{"$on":"yesterday"}',
    ],
)
def test_what_this_version_did_not_write_is_refused(text):
    with pytest.raises(ValueError):
        decode(text)


def test_what_is_no_figure_is_refused():
    with pytest.raises(TypeError):
        encode({"connection": object()})
