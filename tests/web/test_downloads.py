"""Downloads of the activation report, opened with real readers."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from advocacy.core.spreadsheets import csv_cell
from advocacy.reporting.exports.activation import GROUPS, tables_of
from advocacy.reporting.exports.writers import Table, digest_of, written_csv
from advocacy.storage import campaigns, posts
from advocacy.storage.session import transaction
from tests.support.api import ACTIVATION, bearer, check_against, document, problem_of
from tests.support.figures import as_json
from tests.support.world import World

NOW = datetime.now(UTC).replace(microsecond=0)
FILE = "/campaigns/stay/activation."
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HOSTILE = '=HYPERLINK("https://evil.example";"x")'


@pytest.fixture
def told(world):
    """Signatures, gifts in two currencies, a refund, clicks, and a post with a hostile title."""
    with transaction():
        campaign = campaigns.get_campaign(world.org_id, "stay")
        posts.put_post(world.org_id, campaign.id, "tiktok", title=HOSTILE)
    click = world.click("instagram", at=NOW - timedelta(hours=1))
    world.act("signature", "m1", email="a@example.org", click_id=click)
    world.act(
        "donation", "m2", id="d", email="a@example.org", amount="25.50", code=world.links["x"]
    )
    world.act("donation.refunded", "m3", id="d", amount="5.25")
    world.act("donation", "m4", email="b@example.org", amount="5000", currency="JPY")
    world.act("call", "m5", email="c@example.org", referrer="https://t.co/")
    world.drain()
    return as_json(world.report())


@pytest.fixture
def staff(world):
    client = world.app.test_client()
    client.post("/sign-in", data={"token": world.token()})
    return client


def read(answer) -> dict[str, list[dict[str, str]]]:
    """Read a CSV of all tables by their names."""
    found: dict[str, list[dict[str, str]]] = {}
    text = answer.data.decode("utf-8-sig")
    for part in text.split("\r\n\r\n"):
        name, headings, *rows = csv.reader(io.StringIO(part))
        found[name[0]] = [dict(zip(headings, row, strict=True)) for row in rows]
    return found


def test_every_form_has_the_figures_of_the_report(world, staff, told):
    as_csv = staff.get(FILE + "csv")
    assert as_csv.content_type == "text/csv; charset=utf-8"
    tables = read(as_csv)
    assert tuple(tables) == GROUPS
    summary = {row["figure"]: row["value"] for row in tables["summary"]}
    assert summary["actions"] == str(told["actions"]) == "4"
    assert summary["supporters"] == str(told["supporters"]["distinct"]) == "3"
    assert summary["clicks"] == str(told["clicks"]["human"]) == "1"
    assert [(row["day"], row["kind"], row["actions"]) for row in tables["by_day"]] == [
        (each["day"], each["kind"], str(each["actions"])) for each in told["by_day"]
    ]
    assert [(row["post"], row["actions"], row["supporters"]) for row in tables["posts"]] == [
        (
            each["post"]["id"] if each["post"] else "",
            str(each["actions"]),
            str(each["supporters"]["distinct"]),
        )
        for each in told["posts"]
    ]
    assert [row["platform"] for row in tables["platforms"]] == [
        each["platform"] for each in told["platforms"]
    ]
    whole = [row for row in tables["money"] if row["of"] == "campaign"]
    assert [(row["currency"], row["gross"], row["refunded"], row["net"]) for row in whole] == [
        ("JPY", "5000", "0", "5000"),
        ("USD", "25.50", "5.25", "20.25"),
    ]
    assert [row["tier"] for row in tables["evidence"]] == [e["tier"] for e in told["evidence"]]

    as_json = staff.get(FILE + "json").get_json()
    for row in (*told["posts"], *as_json["posts"]):
        if row["post"]:
            row["post"].pop("published_at")
    assert as_json == told


def test_the_workbook_says_the_same_as_the_csv(staff, told):
    answer = staff.get(FILE + "xlsx")
    assert answer.content_type == XLSX
    book = load_workbook(io.BytesIO(answer.data))
    assert tuple(book.sheetnames) == GROUPS
    tables = read(staff.get(FILE + "csv"))
    for sheet in book:
        headings, *rows = sheet.iter_rows(values_only=True)
        for row, said in zip(rows, tables[sheet.title], strict=True):
            assert list(said) == list(headings)
            for cell, word in zip(row, said.values(), strict=True):
                if isinstance(cell, datetime):
                    assert f"{cell:%Y-%m-%d}" == word
                elif isinstance(cell, int | float):
                    assert Decimal(str(cell)) == Decimal(word)
                else:
                    assert (cell or "") == word.removeprefix("'")
    (net,) = (cell for cell in book["posts"][1] if cell.value == "net_USD")
    assert book["posts"].cell(2, net.column).number_format == "#,##0.00"


def test_no_cell_is_run_as_a_formula(staff, told):
    rows = read(staff.get(FILE + "csv"))["posts"]
    assert f"'{HOSTILE}" in {row["title"] for row in rows}
    sheet = load_workbook(io.BytesIO(staff.get(FILE + "xlsx").data))["posts"]
    (cell,) = (cell for cell in sheet["B"] if cell.value == HOSTILE)
    assert cell.data_type == "s"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1"])
def test_a_text_that_would_be_a_formula_is_made_text(text):
    assert csv_cell(text) == f"'{text}"
    assert csv_cell(-5) == -5
    assert csv_cell(Decimal("-5.00")) == Decimal("-5.00")
    assert csv_cell("a=1") == "a=1"
    assert csv_cell("") == ""


def test_a_text_stays_one_cell_for_a_reader_that_expects_semicolons():
    table = Table("posts", ("title", "n"), (('a;=1,"b"\nc', 1),))
    lines = written_csv([table]).decode("utf-8-sig")
    (_headings, row) = csv.reader(io.StringIO(lines, newline=""), delimiter=";")
    assert row[0].startswith('a;=1,"b"\nc')
    assert list(csv.reader(io.StringIO(lines, newline="")))[1] == ['a;=1,"b"\nc', "1"]


def test_it_begins_with_a_byte_order_mark_and_keeps_every_letter(world, staff):
    with transaction():
        campaign = campaigns.get_campaign(world.org_id, "stay")
        posts.put_post(world.org_id, campaign.id, "x", title="Łódź – 平和 🕊")
    answer = staff.get(FILE + "csv?group=posts")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert "Łódź – 平和 🕊" in answer.data.decode("utf-8-sig")


@pytest.mark.parametrize("group", GROUPS)
def test_one_table_alone_is_flat(staff, told, group):
    answer = staff.get(f"{FILE}csv?group={group}")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert len({len(row) for row in rows}) == 1
    assert f"-{group}.csv" in answer.headers["Content-Disposition"]
    found = staff.get(f"{FILE}json?group={group}").get_json()
    assert found["campaign"]["slug"] == "stay"
    assert len(found) < len(told)


def test_an_empty_campaign_has_empty_tables(staff):
    tables = read(staff.get(FILE + "csv"))
    assert tuple(tables) == GROUPS
    assert tables["by_day"] == tables["money"] == []
    assert staff.get(FILE + "xlsx").status_code == 200


def test_the_range_and_the_model_are_those_of_the_query(world, staff, told):
    day = (NOW + timedelta(days=1)).date()
    tables = read(staff.get(f"{FILE}csv?from={day}&to={day}&model=linear"))
    summary = {row["figure"]: row["value"] for row in tables["summary"]}
    assert (summary["from"], summary["to"], summary["model"]) == (str(day), str(day), "linear")
    assert summary["actions"] == "0"


@pytest.mark.parametrize(
    "query", ["?from=x", "?from=2026-05-02&to=2026-05-01", "?model=none", "?group=people", "?q=1"]
)
def test_an_impossible_query_is_explained(staff, query):
    answer = staff.get(FILE + "csv" + query)
    assert answer.status_code == 422
    assert "Enter from and to as YYYY-MM-DD" in answer.text
    assert staff.get(FILE + "pdf").status_code == 404
    assert staff.get("/campaigns/none/activation.csv").status_code == 404


def test_a_file_is_the_session_s_own(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    bob.act("call", "m", email="b@example.org")
    bob.drain()
    client = app.test_client()
    assert client.get(FILE + "csv").status_code == 302
    client.post("/sign-in", data={"token": alice.token()})
    summary = read(client.get(FILE + "csv"))["summary"]
    assert {row["figure"]: row["value"] for row in summary}["actions"] == "0"


# The API, and what is known already.


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", None, "application/json"),
        ("", "*/*", "application/json"),
        ("", "text/csv", "text/csv; charset=utf-8"),
        ("", f"text/html, {XLSX};q=0.9", XLSX),
        ("", "image/png", "application/json"),
        ("?format=csv", "application/json", "text/csv; charset=utf-8"),
        ("?format=xlsx", None, XLSX),
        ("?format=json", "text/csv", "application/json"),
    ],
)
def test_the_api_answers_in_the_form_that_is_asked_for(world, told, query, accept, kind):
    headers = bearer(world.token()) | ({"Accept": accept} if accept else {})
    answer = world.app.test_client().get(ACTIVATION + query, headers=headers)
    assert (answer.status_code, answer.content_type) == (200, kind)
    assert "Accept" in answer.headers["Vary"]


def test_the_api_and_the_page_hand_over_the_same_bytes(world, staff, told):
    headers = bearer(world.token())
    for written in ("csv", "xlsx", "json"):
        of_api = world.app.test_client().get(f"{ACTIVATION}?format={written}", headers=headers)
        assert of_api.data == staff.get(FILE + written).data
    spec = document(world)
    content = spec["paths"]["/api/v1/campaigns/{slug}/activation"]["get"]["responses"]["200"][
        "content"
    ]
    assert set(content) == {"application/json", "text/csv", XLSX}


def test_an_unknown_format_is_named(world):
    for query, field in (("?format=pdf", "format"), ("?group=people", "group")):
        answer = world.app.test_client().get(ACTIVATION + query, headers=bearer(world.token()))
        body = problem_of(answer, 422)
        assert [each["field"] for each in body["errors"]] == [field]
        spec = document(world)
        check_against(spec, "/components/schemas/ProblemDetails", body)


@pytest.mark.parametrize("written", ["csv", "xlsx", "json"])
def test_an_unchanged_response_is_304(world, staff, told, written):
    word = bearer(world.token())
    for get in (
        lambda **headers: staff.get(FILE + written, headers=headers),
        lambda **headers: world.app.test_client().get(
            f"{ACTIVATION}?format={written}", headers={**word, **headers}
        ),
    ):
        first = get()
        mark = first.headers["ETag"]
        again = get(**{"If-None-Match": mark})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == mark
        assert get(**{"If-None-Match": f'"other", W/{mark}'}).status_code == 304
        assert get(**{"If-None-Match": '"other"'}).status_code == 200
        world.act("call", email="new@example.org")
        world.drain()
        changed = get(**{"If-None-Match": mark})
        assert changed.status_code == 200
        assert changed.headers["ETag"] != mark


def test_an_etag_covers_the_whole_response(world, told):
    report = world.report()
    tables = tables_of(report)
    assert digest_of(tables) == digest_of(tables_of(world.report()))
    assert digest_of(tables) != digest_of(tables[1:])
    first, *others = report.posts
    changed = replace(first, post=replace(first.post, title=first.post.title + "!"))
    report = replace(report, posts=(changed, *others))
    assert digest_of(tables_of(report)) != digest_of(tables)
