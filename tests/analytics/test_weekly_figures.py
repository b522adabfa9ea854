"""Weekly reports as stored JSON: what was stored is read as the same, also from older versions."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from advocacy.analytics.weekly_figures import (
    Climb,
    Climbing,
    PeriodFigures,
    PostProgress,
    RungFigures,
    from_json,
    to_json,
)
from advocacy.analytics.weekly_summary import summarize
from advocacy.core.periods import Period
from advocacy.storage import campaigns, organizations
from advocacy.storage.session import transaction

# As version 0.2.0 stored a report.
MONEY = {
    "currency": "USD",
    "gross_minor": 2500,
    "refunded_minor": 500,
    "net_minor": 2000,
    "donations": 1.5,
    "renewals": {"donations": 0, "gross_minor": 0, "refunded_minor": 0},
}
FIGURES = {
    "supporters": 3,
    "new": 2,
    "returning": 1,
    "actions": 4.5,
    "clicks": 9,
    "donors": 1,
    "money": [MONEY],
}
STORED = {
    "organization": "Hope",
    "timezone": "UTC",
    "campaign": {"slug": "stay", "name": "Stay"},
    "model": "linear",
    "made_at": "2026-11-23T08:00:00+00:00",
    "first": "2026-11-16",
    "last": "2026-11-22",
    "before_first": "2026-11-09",
    "before_last": "2026-11-15",
    "now": FIGURES,
    "before": {**FIGURES, "money": []},
    "campaigns": [{"slug": "stay", "name": "Stay", "now": FIGURES, "before": FIGURES}],
    "kinds": [{"kind": "call", "now": 4.5, "before": 0}],
    "evidence": [{"tier": "code", "actions": 4.5, "share": 1.0}],
    "by_day": [{"day": "2026-11-17", "kind": "call", "actions": 4.5}],
    "posts": [
        {
            "id": "0199b7c2-1f6e-7a3b-9c1d-5e8f2a4b6c7d",
            "campaign": "Stay",
            "title": "Call",
            "platform": "x",
            "url": "",
            "clicks": 9,
            "actions": 4.5,
            "supporters": 3,
            "new": 2,
            "by_kind": {"call": 4.5},
            "money": [MONEY],
        }
    ],
    "ladder": {
        "people": 3,
        "rungs": [{"rung": "called", "people": 3, "joined": 1, "climbed": 1, "stayed": 1}],
        "climbs": [{"from": "signed", "to": "called", "people": 1}],
        "posts": [{"title": None, "platform": "", "url": "", "climbed": 1, "joined": 0}],
    },
    "changed": {
        "first": "2026-11-09",
        "last": "2026-11-15",
        "since": "2026-11-16",
        "compared": True,
        "rows": [{"campaign": "Stay", "figure": "actions", "currency": "", "then": 1, "now": 2}],
        "why": [
            {
                "campaign": "Stay",
                "on": "2026-11-17",
                "why": "late",
                "actions": 1,
                "first_on": "2026-11-15",
                "last_on": "2026-11-15",
            }
        ],
    },
}


def test_a_report_of_an_older_version_is_read_and_stored_under_the_same_names():
    report = from_json(STORED)
    assert report.made_at == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert (report.first, report.last) == (date(2026, 11, 16), date(2026, 11, 22))
    assert report.now.money[0].net_minor == 2000
    assert report.ladder == Climbing(
        3,
        (RungFigures("called", 3, 1, 1, 1),),
        (Climb("signed", "called", 1),),
        (PostProgress("", "", None, 1, 0),),
    )
    again = json.loads(json.dumps(to_json(report)))
    added = {"rounded_to": 0, "changed": {**STORED["changed"], "hidden": False}}
    assert again == STORED | added | {"made_at": "2026-11-23T08:00:00Z"}


def test_a_report_from_before_the_ladder_is_read():
    without = {name: value for name, value in STORED.items() if name != "ladder"}
    assert from_json(without).ladder is None


def test_a_report_is_read_as_it_was_stored(world):
    world.act("call", email="a@example.org", code=world.links["x"])
    world.act("donation", email="b@example.org", amount="12.34", currency="USD")
    world.drain()
    today = datetime.now(UTC).date()
    with transaction():
        organization = organizations.get_organization("hope")
        for campaign in (None, campaigns.get_campaign(world.org_id, "stay")):
            period = Period(today - timedelta(days=6), today)
            report = summarize(organization, campaign, period)
            assert report.now != PeriodFigures()
            assert from_json(json.loads(json.dumps(to_json(report)))) == report
