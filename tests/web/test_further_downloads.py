"""Downloads of ladder, goals and conversion paths have the figures of their pages."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook

from advocacy.analytics.goal_input import put_goal
from advocacy.storage.session import transaction

NOW = datetime.now(UTC)
PATHS = ("/campaigns/stay/people", "/ladder", "/campaigns/stay/paths", "/goals")


@pytest.fixture
def staff(world):
    """Seven who signed, of whom three gave later; and two goals."""
    early = NOW - timedelta(days=40)
    for number in range(7):
        email = f"s{number}@example.org"
        click = world.click("x", at=early - timedelta(minutes=5))
        world.act("signature", id=f"s{number}", email=email, at=early, click_id=click)
        if number < 3:
            gift = {"amount": "12.50", "code": world.links["instagram"]}
            at = NOW - timedelta(days=2)
            world.act("donation", id=f"d{number}", email=email, at=at, **gift)
    world.act("call", id="c", email="s0@example.org", at=NOW - timedelta(days=1), target="TX-07")
    world.drain()
    first, last = (NOW - timedelta(days=30)).date(), (NOW + timedelta(days=30)).date()
    with transaction():
        put_goal(world.org_id, None, "net", "100", first, last, currency="USD", name="=Fund")
        put_goal(
            world.org_id, world.campaign_id, "calls", "50", first, last,
            districts=["TX-07"], each_district=20,
        )  # fmt: skip
    return world.member("reader")


def offered(staff, path: str) -> dict[str, str]:
    page = staff.get(path).text.replace("&amp;", "&")
    found = re.findall(r'<a class="button" href="([^"]+)" download>(\w+)</a>', page)
    return {called: address for address, called in found}


def tables(answer) -> dict[str, list[dict[str, str]]]:
    text = answer.data.decode("utf-8-sig")
    found = {}
    for part in text.split("\r\n\r\n"):
        name, _end, rows = part.partition("\r\n")
        found[name.strip('"')] = list(csv.DictReader(io.StringIO(rows, newline="")))
    return found


@pytest.mark.parametrize("path", PATHS)
def test_the_workbook_says_the_same_as_the_csv_and_is_known_again(staff, path):
    links = offered(staff, path)
    assert set(links) == {"Excel", "CSV", "JSON"}
    found, sent = tables(staff.get(links["CSV"])), staff.get(links["Excel"])
    book = load_workbook(io.BytesIO(sent.data))
    assert book.sheetnames == list(found)
    for name, rows in found.items():
        sheet = book[name]
        assert [cell.value for cell in sheet[1]] == list(rows[0]) if rows else sheet.max_row == 1
        assert sheet.max_row == len(rows) + 1
    for called, address in links.items():
        answer = staff.get(address)
        assert "attachment" in answer.headers["Content-Disposition"], called
        again = staff.get(address, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304, called
    assert staff.get(links["JSON"]).json


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/api/v1/campaigns/stay/ladder", "/campaigns/stay/people"),
        ("/api/v1/ladder", "/ladder"),
        ("/api/v1/goals", "/goals"),
        ("/api/v1/campaigns/stay/influence", ""),
        ("/api/v1/campaigns/stay/actions", ""),
    ],
)
def test_the_api_hands_out_the_same_files_and_knows_them_again(world, staff, path, page):
    client, word = world.app.test_client(), {"Authorization": f"Bearer {world.token()}"}
    forms = ("json",) if path.endswith("actions") else ("json", "csv", "xlsx")
    for written in forms:
        query = {"format": written} if len(forms) > 1 else {}
        answer = client.get(path, query_string=query, headers=word)
        assert answer.status_code == 200, answer.text
        mark = {"If-None-Match": answer.headers["ETag"]}
        assert client.get(path, query_string=query, headers=word | mark).status_code == 304
        if page and written != "json":
            assert answer.data == staff.get(f"{page}.{written}").data
        world.act("donation", id=written, email="new@example.org", amount="3", currency="USD")
        world.drain()
        assert client.get(path, query_string=query, headers=word | mark).status_code == 200
    assert client.get(path, query_string={"form": "csv"}, headers=word).status_code == 422
    if len(forms) > 1:
        by_accept = client.get(path, headers=word | {"Accept": "text/csv"})
        assert by_accept.content_type.startswith("text/csv")


def test_the_ladder_is_downloaded_as_shown(world, staff):
    links = offered(staff, "/campaigns/stay/people")
    found, told = tables(staff.get(links["CSV"])), staff.get(links["JSON"]).json
    page = staff.get("/campaigns/stay/people").text
    for row, rung in zip(found["rungs"], told["rungs"], strict=True):
        assert row == {name: str(value) for name, value in rung.items()}
        cells = [row[name] for name in ("people", "joined", "climbed")]
        assert "".join(f'<td class="num">{cell}</td>' for cell in cells) in page
    assert {(row["from"], row["to"], row["people"]) for row in found["climbs"]} == {
        ("signed", "gave", "3")
    }
    first = found["posts"][0]
    assert (first["title"], first["climbed"]) == ("On instagram", "3")
    (gifts,) = found["gifts"]
    assert (gifts["average"], gifts["net"]) == ("12.50", "37.50")
    assert "12.50 USD" in page
    api = world.app.test_client().get(
        "/api/v1/campaigns/stay/ladder", headers={"Authorization": f"Bearer {world.token()}"}
    )
    assert api.json == told


def test_goals_are_downloaded_as_shown(staff):
    found = tables(staff.get("/goals.csv"))
    by_name = {row["name"]: row for row in found["goals"]}
    fund, calls = by_name["'=Fund"], by_name[""]
    assert (fund["reached"], fund["target"], fund["currency"]) == ("37.50", "100.00", "USD")
    assert (calls["reached"], calls["target"]) == ("1", "50")
    assert [(row["district"], row["calls"], row["left"]) for row in found["districts"]] == [
        ("TX-07", "1", "19")
    ]
    last = [row for row in found["points"] if row["goal"] == fund["goal"]][-1]
    assert last["reached"] == "37.50"


def test_paths_are_downloaded_as_shown(staff):
    links = offered(staff, "/campaigns/stay/paths?order=2&from=2020-01-01")
    found = tables(staff.get(links["CSV"]))
    models = {row["model"] for row in found["credits"]}
    assert {"last_touch", "markov_2", "shapley"} <= models
    assert "markov_1" not in models
    last = [r for r in found["credits"] if (r["by"], r["model"]) == ("platform", "last_touch")]
    by_name = {row["name"]: (row["actions"], row["net"]) for row in last}
    assert by_name["instagram"] == ("3", "37.50")
    assert sum(int(row["actions"]) for row in found["time_to_action"]) == 7


@pytest.mark.parametrize("path", [f"{path}.csv?from=x" for path in PATHS[:3]])
def test_invalid_days_are_refused(staff, path):
    assert staff.get(path).status_code == 422
