"""Imports of exports: actions count once, also if webhooks report them before or after."""

from __future__ import annotations

import base64
import csv
import io
import json
from datetime import UTC, datetime

import pytest

from advocacy.analytics.figures import Money, Renewals
from advocacy.core.crypto import organization_key
from advocacy.core.events import Person
from advocacy.core.tabular.columns import fold
from advocacy.core.tabular.errors import BadTable
from advocacy.core.tabular.table import Row
from advocacy.identity.hashing import digests
from advocacy.ingestion import csv_import, drain, erasure
from advocacy.ingestion.csv_import import import_rows
from advocacy.providers.export_layouts import LAYOUTS
from advocacy.storage import sources
from advocacy.storage.session import transaction
from tests.support.csv_rows import rows_of
from tests.support.deliveries import facts_in
from tests.support.sql import run

ACTBLUE = """Receipt ID,Date,Amount,Recurring Total Months,Recurrence Number,Reference Code,\
Reference Code 2,Donor Email,Donor Phone,Lineitem ID,Refund Date
AB1,2026-11-01 09:30:00,25.00,,,{code},,ana@example.org,,9001,
AB2,2026-11-02 09:30:00,"$1,010.50",,,{code},,ben@example.org,,9002,2026-11-05 10:00:00
AB3,2026-11-03 09:30:00,10.00,12,1,,,cleo@example.org,,9003,
AB3,2026-12-03 09:30:00,10.00,12,2,,,cleo@example.org,,9004,
AB4,soon,10.00,,,,,dora@example.org,,9005,
AB5,2026-11-03 09:30:00,ten,,,,,eli@example.org,,9006,
"""


def bring(world, provider: str, text: str, **said: str):
    refused: list[tuple[int, str]] = []
    source = next(each for each in sources.list_sources(world.org_id) if each.provider == provider)
    brought = import_rows(
        world.settings,
        source,
        rows_of(text, provider),
        said,
        lambda row, why: refused.append((row.line, why)),
    )
    return brought, refused


def actblue_hook(world, line: int, email: str, amount: str, paid: str, **more: str):
    body = {
        "donor": {"email": email},
        "contribution": {
            "orderNumber": "AB1",
            "status": "approved",
            "recurringPeriod": "once",
            "refcodes": {"refcode": world.links["x"]},
        },
        "lineitems": [
            {"lineitemId": line, "amount": amount, "paidAt": paid, "sequence": 1, **more}
        ],
    }
    login = base64.b64encode(world.login.encode()).decode()
    return world.post("actblue", json.dumps(body).encode(), {"Authorization": f"Basic {login}"})


def test_an_export_of_actblue(world):
    brought, refused = bring(world, "actblue", ACTBLUE.format(code=world.links["x"]))

    assert (brought.new, brought.known, brought.refused) == (4, 0, 2)
    assert [(line, why.split(":")[0]) for line, why in refused] == [
        (6, "bad_instant"),
        (7, "bad_amount"),
    ]
    report = world.report(last=datetime(2027, 1, 1, tzinfo=UTC).date())
    assert report.money == (Money("USD", 105550, 101050, 4500, 4, Renewals(1, 1000, 0)),)
    assert report.supporters.distinct == 3
    posts = {row.post.platform: row.actions for row in report.posts if row.post}
    assert posts["x"] == 2
    # 09:30 in New York on the first of November 2026 is after the clocks changed.
    (first,) = run("select occurred_at from actions where external_id = '9001'")
    assert first.occurred_at == datetime(2026, 11, 1, 14, 30, tzinfo=UTC)


def test_importing_again_changes_nothing(world):
    text = ACTBLUE.format(code=world.links["x"])
    bring(world, "actblue", text)
    before = world.report()
    brought, _ = bring(world, "actblue", text)
    assert (brought.new, brought.known, brought.refused) == (0, 4, 2)
    assert world.report() == before


def test_a_gift_that_came_by_webhook_is_known(world):
    actblue_hook(world, 9001, "ana@example.org", "25.00", "2026-11-01T09:30:00-05:00")
    world.drain()
    brought, _ = bring(world, "actblue", ACTBLUE.format(code=world.links["x"]))
    assert (brought.new, brought.known) == (3, 1)
    assert world.report(last=datetime(2027, 1, 1, tzinfo=UTC).date()).money[0].donations == 4


def test_a_gift_that_comes_by_webhook_afterwards_counts_once(world):
    bring(world, "actblue", ACTBLUE.format(code=world.links["x"]))
    before = world.report()
    actblue_hook(world, 9001, "ana@example.org", "25.00", "2026-11-01T09:30:00-05:00")
    world.drain()
    assert world.report() == before


def test_a_refund_that_only_the_export_knows_is_new(world):
    actblue_hook(world, 9002, "ben@example.org", "1010.50", "2026-11-02T09:30:00-05:00")
    world.drain()
    brought, _ = bring(world, "actblue", ACTBLUE.format(code=world.links["x"]))
    assert (brought.new, brought.known) == (4, 0)
    assert world.report().money[0].refunded_minor == 101050


def test_a_rebuild_includes_imported_history(world):
    bring(world, "actblue", ACTBLUE.format(code=world.links["x"]))
    before = world.report()
    drain.rebuild(world.settings, world.org_id)
    assert world.report() == before


def test_an_export_of_action_network(world):
    text = (
        "uuid,Email,Source,Timestamp (EST),Type\n"
        f"a-1,ana@example.org,{world.links['x']},2026-11-10 12:00,Petition\n"
        "a-2,ben@example.org,none,2026-11-10 12:00,Letter\n"
        "a-3,,widget,2026-11-10 12:00,\n"
    )
    brought, refused = bring(world, "action_network", text, _kind="call")
    assert (brought.new, refused) == (3, [])
    kinds = {row.external_id: row.kind for row in run("select external_id, kind from actions")}
    assert kinds == {
        "action_network:a-1": "signature",
        "action_network:a-2": "letter",
        "action_network:a-3": "call",
    }
    drain.rebuild(world.settings, world.org_id)
    again = {row.external_id: row.kind for row in run("select external_id, kind from actions")}
    assert again == kinds


def test_an_import_does_not_bring_back_erased_people(world):
    who = {"email": "ana@example.org", "phone": "", "region": "US"}
    erasure.erase(world.settings, world.org_id, **who)
    bring(world, "actblue", ACTBLUE.format(code=world.links["x"]))

    def named() -> list[object]:
        rows = run("select supporter_id from actions where counted order by external_id")
        return [row.supporter_id is not None for row in rows]

    assert named() == [False, True, True, True]
    key = organization_key(world.master, world.org_id, "identity")
    digest = digests(Person(email="ana@example.org"), key, "US", "")["email"]
    assert run("select count(*) from inbox where body is null") == [(1,)]
    assert not [fact for fact in facts_in(world) if digest in fact.who.values()]
    # What is told of the same gift later is settled with what was told first.
    back = {"refundedAt": "2026-11-20T09:30:00-05:00"}
    actblue_hook(world, 9001, "", "25.00", "2026-11-01T09:30:00-05:00", **back)
    world.drain()
    assert named() == [False, True, True, True]


def test_an_interrupted_import_can_be_resumed(world, monkeypatch):
    rows = "".join(
        f"AB{n},2026-11-01 09:30:00,5.00,,,,,p{n % 50}@example.org,,{n},\n" for n in range(120)
    )
    text = ACTBLUE.splitlines()[0] + "\n" + rows
    monkeypatch.setattr(csv_import, "ROWS_AT_ONCE", 40)
    real, calls = csv_import.apply_batch, []

    def settle(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(csv_import, "apply_batch", settle)
    with pytest.raises(KeyboardInterrupt):
        bring(world, "actblue", text)
    assert run("select count(*) from actions")[0][0] == 40
    brought, _ = bring(world, "actblue", text)
    assert (brought.new, brought.known) == (80, 40)
    assert world.report().supporters.distinct == 50


@pytest.mark.parametrize("text", ["", "\n", "a,a\n1,2\n"])
def test_a_file_that_is_not_csv_is_reported(text):
    with pytest.raises(BadTable):
        rows_of(text)


def test_hostile_rows_are_refused_one_by_one(world):
    header = ACTBLUE.splitlines()[0]
    cells = ["AB1,2026-11-01 09:30:00,{},,,,,a@example.org,,{},"]
    bad = ["NaN", "1e999", "-", "1.005", "9" * 400, "=1+1"]
    text = (
        header
        + "\n"
        + "\n".join(cells[0].format(amount, 100 + n) for n, amount in enumerate(bad))
        + "\nAB9,2026-11-01 09:30:00,7.00,,,,,a@example.org,,200,\n"
    )
    brought, refused = bring(world, "actblue", text)
    assert (brought.new, brought.refused) == (1, len(bad)), refused


HOSTILE = [
    "²", "12/31/9999 23:30", "1/1/1 00:00", "0001-01-01", "9" * 4400, "-1", "NaN", "1e999",
    "1E+4400", "\0", "٣", "１２", "1_000", "1,5", "13/45/2026", "2026-11-01T09:30:00+99:99",
    "9999-12-31T23:59:59-12:00", "\u202e", "é" * 5000, "=1", "%s", " ",
]  # fmt: skip


@pytest.mark.parametrize("provider", ["actblue", "action_network"])
def test_a_hostile_cell_in_any_column_ends_no_import(world, provider):
    columns = list({fold(name): name for name in LAYOUTS[provider].names}.values())
    usual = dict.fromkeys(columns, "1") | {"Amount": "5.00"}
    for name in columns:
        if name == "Currency":
            usual[name] = "USD"
        elif "Date" in name or "Timestamp" in name or name.endswith(" At"):
            usual[name] = "2026-11-01 09:30:00"
    rows = [usual | {column: cell} for column in columns for cell in HOSTILE]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(rows)
    brought, refused = bring(world, provider, out.getvalue())
    assert brought.rows == len(rows)
    assert 0 < len(refused) < len(rows)
    assert all(2 <= line <= len(rows) + 1 for line, _ in refused)


@pytest.mark.slow
def test_a_million_rows_take_no_more_memory_than_a_thousand(world):
    """The rows are read as they come: nothing holds them all."""
    import tracemalloc

    def rows(number: int):
        for n in range(number):
            values = {
                "Receipt ID": f"AB{n}",
                "Date": "2026-11-01 09:30:00",
                "Amount": "5.00",
                "Donor Email": f"p{n}@example.org",
                "Lineitem ID": str(n),
            }
            yield Row(n + 2, values)

    source = next(each for each in sources.list_sources(world.org_id) if each.provider == "actblue")
    peaks = []
    for number in (1_000, 4_000):
        with transaction():
            pass
        tracemalloc.start()
        import_rows(world.settings, source, rows(number), {}, lambda *_: None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5
