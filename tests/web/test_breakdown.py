"""Activation by groups: the API and its page give the same figures for the same query."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from advocacy.analytics.breakdown import FILTERS, GROUPS, GROUPS_OF_ORGANIZATION, NONE
from advocacy.analytics.glossary import DEFINITIONS
from advocacy.attribution import WINDOWS
from advocacy.core.events import ActionKind
from advocacy.storage import campaigns, links, posts
from advocacy.storage.session import transaction
from tests.support.api import act_at, bearer, check_against, document, problem_of
from tests.support.figures import as_json
from tests.support.world import World

OF_CAMPAIGN = "/api/v1/campaigns/stay/activation/groups"
OF_ORGANIZATION = "/api/v1/activation"
NO_ID = "0198a5c2-7f4e-7d31-9b0a-6f2e1c4d5a70"
AT = datetime(2026, 5, 6, 16, 20, tzinfo=UTC)


@pytest.fixture
def ask(world):
    word = bearer(world.token())

    def asked(query: str = "", path: str = OF_CAMPAIGN, **headers: str):
        return world.app.test_client().get(path + query, headers={**word, **headers})

    return asked


@pytest.fixture
def sample_days(world):
    """Actions on days in May and one in April, of several posts and none; clicks; a refund."""
    with transaction():
        campaign = campaigns.get_campaign(world.org_id, "stay")
        campaigns.put_campaign(world.org_id, "quiet", "Quiet", "UTC")
        post = posts.put_post(
            world.org_id, campaign.id, "tiktok", title='=1+1 "video"', medium="video", author="Ana"
        )
        link = links.put_link(
            world.org_id, post, "https://example.org", "action_network", {"source": "tiktok"}
        )
    world.posts["tiktok"], world.links["tiktok"] = post.id, link.code
    before = AT - timedelta(days=20)
    world.act("call", email="a@example.org", click_id=world.click("x", at=before), at=before)
    for number, platform in enumerate(("instagram", "tiktok", "tiktok")):
        at = AT + timedelta(days=number % 2, hours=number)
        click = world.click(platform, at=at - timedelta(minutes=5))
        world.act("signature", email=f"{number}@example.org", click_id=click, at=at)
        world.click(platform, at=at)
    world.act("signature", email="a@example.org", at=AT)
    gift = {"email": "0@example.org", "code": world.links["tiktok"], "at": AT}
    world.act("donation", id="d", amount="30.00", **gift)
    world.act("donation", id="e", amount="10.00", **gift)
    world.act("donation", id="f", amount="500", currency="JPY", **gift)
    world.act("donation.refunded", id="d", amount="5.50", at=AT + timedelta(days=1))
    world.drain()
    return "?from=2026-05-01&to=2026-05-31"


def rows_of(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def net(row) -> dict[str, int]:
    return {each["currency"]: each["net_minor"] for each in row["money"]}


# The figures.


@pytest.mark.parametrize("path", [OF_CAMPAIGN, OF_ORGANIZATION])
def test_every_group_sums_to_the_same_total_that_the_report_says(world, ask, sample_days, path):
    report = as_json(world.report(first=date(2026, 5, 1), last=date(2026, 5, 31)))
    totals = []
    for by in GROUPS if path == OF_CAMPAIGN else GROUPS_OF_ORGANIZATION:
        found = ask(f"{sample_days}&group_by={by}", path).get_json()
        spec = document(world)
        where = f"/paths/{path.replace('/stay/', '/{slug}/').replace('/', '~1')}"
        check_against(spec, f"{where}/get/responses/200/content/application~1json/schema", found)
        total = found["total"]
        totals.append(total)
        assert total["actions"] == report["actions"] == sum(e["actions"] for e in found["groups"])
        assert total["supporters"] == report["supporters"]
        assert total["clicks"] == report["clicks"]
        assert net(total) == {e["currency"]: e["net_minor"] for e in report["money"]}
        for currency, minor in net(total).items():
            assert minor == sum(net(each).get(currency, 0) for each in found["groups"])
        if by not in {"kind", "source"}:
            for who in ("human", "other"):
                assert total["clicks"][who] == sum(e["clicks"][who] for e in found["groups"])
    assert all(each == totals[0] for each in totals)


def test_groups_are_those_of_the_report(world, ask, sample_days):
    report = as_json(world.report(first=date(2026, 5, 1), last=date(2026, 5, 31)))
    by_post = {row["key"]: row for row in ask(sample_days).get_json()["groups"]}
    for post in report["posts"]:
        row = by_post.get(post["post"]["id"] if post["post"] else NONE)
        if row is None:
            assert not post["actions"] and not post["clicks"]["human"]
            continue
        for name in ("actions", "supporters", "clicks"):
            assert row[name] == post[name]
    for by, name in (("platform", "platforms"), ("kind", "by_kind")):
        rows = {row["key"]: row for row in ask(f"{sample_days}&group_by={by}").get_json()["groups"]}
        for each in report[name]:
            row = rows[each[by] or NONE]
            assert (row["actions"], row["supporters"]) == (each["actions"], each["supporters"])


def test_a_row_of_time_is_the_report_of_those_days(world, ask, sample_days):
    for by in ("day", "week", "month"):
        for row in ask(f"{sample_days}&group_by={by}").get_json()["groups"]:
            days = {
                name: date.fromisoformat(row[end])
                for name, end in (("first", "from"), ("last", "to"))
            }
            report = as_json(world.report(**days))
            assert row["actions"] == report["actions"]
            assert row["supporters"] == report["supporters"]
            assert row["clicks"] == report["clicks"]


@pytest.mark.parametrize("name", [each for each in FILTERS if each != "hour"])
def test_a_filter_by_each_value_divides_the_total(ask, sample_days, name):
    whole = ask(f"{sample_days}&group_by={name}").get_json()
    keys = [row["key"] for row in whole["groups"]]
    assert len(keys) > 1 or name in {"author", "medium", "source"}
    parts = {
        key: ask(f"{sample_days}&group_by=day&{name}={key}").get_json()["total"] for key in keys
    }
    assert sum(each["actions"] for each in parts.values()) == whole["total"]["actions"]
    for row in whole["groups"]:
        part = parts[row["key"]]
        assert part["actions"] == row["actions"]
        assert part["supporters"] == row["supporters"]
        assert net(part) == net(row)
    several = "".join(f"&{name}={key}" for key in keys)
    assert (
        ask(f"{sample_days}&group_by=day{several}").get_json()["total"]["actions"]
        == (whole["total"]["actions"])
    )


def test_an_hour_of_the_clock_is_that_of_each_day(ask, sample_days):
    whole = ask(f"{sample_days}&group_by=hour").get_json()
    by_clock: dict[str, float] = {}
    for row in whole["groups"]:
        clock = row["key"].partition("T")[2][:2]
        by_clock[clock] = by_clock.get(clock, 0) + row["actions"]
    assert len(by_clock) > 1
    for clock in (f"{hour:02}" for hour in range(24)):
        found = ask(f"{sample_days}&group_by=platform&hour={clock}").get_json()
        assert found["total"]["actions"] == by_clock.get(clock, 0)
        assert found["filters"]["hour"] == [clock]
    assert ask(f"{sample_days}&hour=24").status_code == 422


def test_the_organization_is_filtered_by_its_campaigns(world, ask, sample_days):
    whole = ask(f"{sample_days}&group_by=campaign", OF_ORGANIZATION).get_json()
    assert len(whole["groups"]) > 1
    for row in whole["groups"]:
        asked = f"{sample_days}&group_by=platform&campaign={row['key']}"
        found = ask(asked, OF_ORGANIZATION).get_json()
        assert found["total"]["actions"] == row["actions"]
    assert ask(f"{sample_days}&campaign=nowhere", OF_ORGANIZATION).status_code == 422
    assert ask(f"{sample_days}&campaign=stay").status_code == 422


def test_filters_of_several_names_all_have_to_hold(world, ask, sample_days):
    found = ask(f"{sample_days}&group_by=kind&platform=tiktok&kind=donation").get_json()
    assert [row["key"] for row in found["groups"]] == ["donation"]
    assert found["total"]["actions"] == 3
    assert found["total"]["clicks"] == {"human": 4, "other": 0}
    assert ask(f"{sample_days}&platform=x&kind=donation").get_json()["total"]["actions"] == 0


def test_rates_and_gifts_match_their_definitions(ask, sample_days):
    (row,) = (
        each
        for each in ask(f"{sample_days}&group_by=platform&gifts=true").get_json()["groups"]
        if each["key"] == "tiktok"
    )
    assert row["actions"] == 5
    assert row["clicks"]["human"] == 4
    assert row["conversion_rate"] == 1.25
    assert row["activation_rate"] == 0.75
    assert {e["currency"]: e["average_gift_minor"] for e in row["money"]} == {
        "JPY": 500,
        "USD": 2000,
    }
    assert {e["recurring_share"] for e in row["money"]} == {0.0}
    without = ask(f"{sample_days}&group_by=platform").get_json()["total"]
    assert {e["average_gift_minor"] for e in without["money"]} == {None}


# Time.


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25)])
def test_a_day_on_which_clocks_change_has_its_hours(world, ask, day, hours):
    begins = datetime.fromisoformat(f"{day}T{'05' if hours == 23 else '04'}:00:00+00:00")
    for hour in range(-1, hours + 1):
        world.act("call", email=f"{hour}@example.org", at=begins + timedelta(hours=hour, minutes=7))
        world.click("x", at=begins + timedelta(hours=hour, minutes=7))
    world.drain()
    range_ = f"?from={day}&to={day}"
    for path in (OF_CAMPAIGN, OF_ORGANIZATION):
        found = ask(f"{range_}&group_by=hour", path).get_json()
        assert len(found["groups"]) == hours
        assert {row["actions"] for row in found["groups"]} == {1}
        assert {row["supporters"]["new"] for row in found["groups"]} == {1}
        assert {row["clicks"]["human"] for row in found["groups"]} == {1}
        keys = [row["key"] for row in found["groups"]]
        assert keys == sorted(keys, key=datetime.fromisoformat)
        assert keys[0].startswith(f"{day}T00:00") and keys[-1].startswith(f"{day}T23:00")
        one = [key[16:] for key in keys if key.startswith(f"{day}T01:00")]
        assert one == (["-05:00"] if hours == 23 else ["-04:00", "-05:00"])
        assert any(key.startswith(f"{day}T02:00") for key in keys) == (hours == 25)
        assert ask(f"{range_}&group_by=day", path).get_json()["total"]["actions"] == hours


def test_each_campaign_has_days_of_its_own_zone(world, ask):
    with transaction():
        campaigns.put_campaign(world.org_id, "far", "Far", "Pacific/Auckland")
    act_at(world, "America/New_York", "2026-05-01T23:30:00")
    assert ask("?from=2026-05-01&to=2026-05-01").get_json()["total"]["actions"] == 1
    far = "/api/v1/campaigns/far/activation/groups"
    assert ask("?group_by=day", far).get_json()["about"]["timezone"] == "Pacific/Auckland"


# Beside another period.


def test_the_period_before_and_the_year_before(world, ask, sample_days):
    for kind, days in (("before", 31), ("year", 365)):
        world.act("call", email=f"{kind}@example.org", at=AT - timedelta(days=days))
    world.drain()
    found = ask(f"{sample_days}&group_by=kind&compare=before").get_json()
    assert found["compare"] == {"with": "before", "from": "2026-03-31", "to": "2026-04-30"}
    rows = {row["key"]: row for row in found["groups"]}
    assert rows["call"]["actions"] == 0
    assert rows["call"]["earlier"]["actions"] == 2
    assert rows["call"]["change"]["actions"] == {"by": -2, "share": -1.0}
    assert rows["signature"]["change"]["actions"] == {"by": 4, "share": None}
    before = ask("?from=2026-03-31&to=2026-04-30&group_by=kind").get_json()
    assert found["total"]["earlier"] == {
        name: value for name, value in before["total"].items() if name not in {"earlier", "change"}
    }
    year = ask(f"{sample_days}&group_by=day&compare=year").get_json()
    assert year["compare"] == {"with": "year", "from": "2025-05-01", "to": "2025-05-31"}
    (row,) = (each for each in year["groups"] if each["earlier"]["actions"])
    assert row["key"] == "2026-05-06"
    hours = ask("?from=2026-05-06&to=2026-05-06&group_by=hour&compare=year").get_json()
    (row,) = (each for each in hours["groups"] if each["earlier"]["actions"])
    assert row["key"] == "2026-05-06T12:00-04:00"


BESIDE = [
    ("2024-02-29", "2024-02-29", "year"),
    ("2024-02-28", "2024-03-01", "year"),
    ("2025-02-20", "2025-03-10", "year"),
    ("2024-03-01", "2024-03-31", "before"),
    ("2025-12-29", "2026-01-11", "before"),
]


def test_the_compared_days_are_complete_and_unique(world, ask):
    for day in range(-40, 80, 1):
        for year in (2023, 2024, 2025):
            at = datetime(year, 2, 1, 17, tzinfo=UTC) + timedelta(days=day)
            world.act("call", email=f"{day}@example.org", at=at)
    for day in range(40):
        at = datetime(2025, 12, 8, 17, tzinfo=UTC) + timedelta(days=day)
        world.act("call", email=f"{day}@example.org", at=at)
    world.drain()
    for (first, last, compare), by in product(BESIDE, ("day", "week", "month", "hour")):
        query = f"?from={first}&to={last}&group_by={by}&compare={compare}&limit=1000"
        found = ask(query).get_json()
        beside = sum(row["earlier"]["actions"] for row in found["groups"])
        assert beside == found["total"]["earlier"]["actions"] > 0
        other = found["compare"]
        plain = ask(f"?from={other['from']}&to={other['to']}&group_by=kind").get_json()["total"]
        assert plain["actions"] == beside
        assert plain["supporters"] == found["total"]["earlier"]["supporters"]


# Pages, marks and files.


def test_pages_of_groups_are_all_groups_once(ask, sample_days):
    whole = ask(f"{sample_days}&group_by=platform&compare=before").get_json()
    found, cursor = [], ""
    for _ in range(20):
        query = f"{sample_days}&group_by=platform&compare=before&limit=1" + (
            f"&cursor={cursor}" if cursor else ""
        )
        page = ask(query).get_json()
        assert page["total"] == whole["total"]
        found += page["groups"]
        if (cursor := page["next"]) is None:
            break
    assert found == whole["groups"]
    assert len(found) > 2


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJ4IiwxXQ", "é", "a" * 1000, "%00", "bnVsbA"])
def test_a_foreign_cursor_is_refused(ask, sample_days, cursor):
    body = problem_of(ask(f"{sample_days}&cursor={cursor}"), 422)
    if cursor != "%00":
        assert [each["field"] for each in body["errors"]] == ["cursor"]


@pytest.mark.parametrize("name", ["platform", "medium", "author"])
def test_a_filter_that_nothing_can_have_is_refused(ask, sample_days, name):
    body = problem_of(ask(f"{sample_days}&{name}=x%00"), 422)
    assert [each["field"].partition(".")[0] for each in body["errors"]] == [name]


def test_a_cursor_belongs_to_one_query(ask, sample_days):
    cursor = ask(f"{sample_days}&group_by=platform&limit=1").get_json()["next"]
    for other in (
        "&group_by=kind",
        "&group_by=platform&kind=call",
        "&group_by=platform&compare=year",
    ):
        body = problem_of(ask(f"{sample_days}{other}&cursor={cursor}"), 422)
        assert body["errors"][0]["field"] == "cursor"


def test_an_unchanged_response_is_304(world, ask, sample_days):
    for written in ("json", "csv", "xlsx"):
        query = f"{sample_days}&group_by=medium&format={written}"
        first = ask(query)
        mark = first.headers["ETag"]
        assert ask(query, **{"If-None-Match": mark}).status_code == 304
        world.act("call", email=f"{written}@example.org", at=AT)
        world.drain()
        again = ask(query, **{"If-None-Match": mark})
        assert again.status_code == 200
        assert again.headers["ETag"] != mark


@pytest.mark.parametrize("by", ["post", "platform", "day", "hour"])
def test_files_have_the_figures_of_the_answer(world, ask, sample_days, by):
    query = f"{sample_days}&group_by={by}&compare=before&gifts=true"
    found = ask(query).get_json()
    rows = rows_of(ask(f"{query}&format=csv"))
    assert [row["of"] for row in rows] == ["total", *("group" for _ in found["groups"])]
    for row, said in zip(rows, [found["total"], *found["groups"]], strict=True):
        assert row["key"].lstrip("'") == said.get("key", "")
        assert row["actions"] == str(said["actions"])
        assert row["supporters"] == str(said["supporters"]["distinct"])
        assert row["clicks"] == str(said["clicks"]["human"])
        assert row["earlier_actions"] == str(said["earlier"]["actions"])
        assert row["change_actions"] == str(said["change"]["actions"]["by"])
        nets = {each["currency"]: each for each in said["change"]["net"]}
        usd = nets.get("USD", {"by": 0, "share": None})
        assert Decimal(row["change_net_USD"]) * 100 == usd["by"]
        assert row["change_share_net_USD"] == str("" if usd["share"] is None else usd["share"])
        for name in ("actions", "supporters", "new", "clicks", "conversion_rate"):
            share = said["change"][name]["share"]
            assert row[f"change_share_{name}"] == ("" if share is None else str(share))
        assert Decimal(row["net_USD"]) * 100 == net(said).get("USD", 0)
        assert Decimal(row["net_JPY"]) == net(said).get("JPY", 0)
    book = load_workbook(io.BytesIO(ask(f"{query}&format=xlsx").data))
    headings, *cells = book["groups"].iter_rows(values_only=True)
    assert list(headings) == list(rows[0])
    actions = headings.index("actions")
    assert [str(line[actions]) for line in cells] == [row["actions"] for row in rows]
    if by == "post":
        assert {row["label"] for row in rows} >= {'\'=1+1 "video"'}


def test_a_change_of_money_has_its_part_in_file_and_page(world, ask, sample_days):
    gift = {"email": "b@example.org", "currency": "USD", "at": AT - timedelta(days=20)}
    world.act("donation", id="earlier", amount="20.00", **gift)
    world.drain()
    query = f"{sample_days}&group_by=kind&compare=before"
    total, *_ = rows_of(ask(f"{query}&format=csv"))
    # 30.00 and 10.00 less 5.50 that went back, beside 20.00.
    assert (total["change_net_USD"], total["change_share_net_USD"]) == ("14.50", "0.725")
    staff = world.member("reader")
    shown = staff.get(f"/campaigns/stay/posts{query}").text
    assert re.search(r"34\.50 USD.*?\+72 %", shown.replace("\xa0", " "), re.S)
    shown = staff.get(f"/explore{query}").text
    assert "+14.50 USD (+72 %)</span>" in shown.replace("\xa0", " ")


def test_the_page_its_files_and_the_api_say_the_same(world, ask, sample_days):
    staff = world.member("reader")
    query = f"{sample_days}&group_by=platform&compare=before&gifts=true"
    for page, api in (("/campaigns/stay/posts", OF_CAMPAIGN), ("/explore", OF_ORGANIZATION)):
        for written in ("csv", "xlsx", "json"):
            assert (
                staff.get(f"{page}.{written}{query}").data
                == ask(f"{query}&format={written}", api).data
            )
        shown = staff.get(page + query)
        assert shown.status_code == 200
        found = ask(query, api).get_json()
        body = re.search(r"<tbody>(.*?)</tbody>", shown.text, re.S)[1]
        lines = re.findall(r"<tr>(.*?)</tr>", body, re.S)
        # A campaign's page leaves out rows that have figures in the earlier period only.
        of_page = page.endswith("/posts")
        groups = [
            row
            for row in found["groups"]
            if not of_page
            or row["actions"]
            or row["supporters"]["distinct"]
            or row["clicks"]["human"]
        ]
        assert len(lines) == len(groups) > 2
        for line, row in zip(lines, groups, strict=True):
            figures = re.findall(r'<td class="num"[^>]*>\s*([\d,]+)', line)
            assert figures[0] == str(row["actions"])
            assert figures[1] == str(row["supporters"]["distinct"])
        files = re.findall(r'href="([^"]*(?:explore|posts)\.\w+[^"]*)" download', shown.text)
        for address in files:
            assert staff.get(address.replace("&amp;", "&")).status_code == 200


def test_definitions_are_on_the_page_and_in_the_document(world, sample_days):
    page = world.member("reader").get(f"/campaigns/stay/posts{sample_days}").text
    spec = json.dumps(document(world), ensure_ascii=False)
    assert "What is this?" in page
    for name in (
        "actions",
        "supporters",
        "new",
        "returning",
        "conversion_rate",
        "activation_rate",
        "raised",
        "compared",
        "group_days",
        "window",
    ):
        assert DEFINITIONS[name] in spec
        assert DEFINITIONS[name] in page


def test_the_documented_window_is_the_effective_one():
    assert "seven days" in DEFINITIONS["window"]
    assert "thirty days" in DEFINITIONS["window"]
    gift = WINDOWS[ActionKind.DONATION]
    assert gift == timedelta(days=30)
    assert {window for kind, window in WINDOWS.items() if kind is not ActionKind.DONATION} == {
        timedelta(days=7)
    }


@pytest.mark.parametrize("by", GROUPS_OF_ORGANIZATION)
def test_every_group_has_its_page_also_where_nothing_is(world, sample_days, by):
    staff = world.member("reader")
    for query in (
        f"?group_by={by}",
        f"{sample_days}&group_by={by}&compare=year&kind=call&author=Nobody",
        f"?group_by={by}&from=0001-01-01&to=9999-12-31",
    ):
        if by != "campaign":
            assert staff.get(f"/campaigns/stay/posts{query}").status_code == 200
            assert staff.get(f"/campaigns/quiet/posts{query}").status_code == 200
        assert staff.get(f"/explore{query}").status_code == 200


def test_a_post_and_a_platform_have_a_page_that_the_campaigns_page_leads_to(world, sample_days):
    client = world.member("reader")
    shown = html.unescape(client.get("/campaigns/stay").text)
    (own,) = re.findall(f'href="(/campaigns/stay/posts/{world.posts["tiktok"]}[^"]*)"', shown)
    page = html.unescape(client.get(own).text)
    assert '<h1>=1+1 "video"</h1>' in page
    assert "May 6, 2026" in page
    former = "/campaigns/stay/explore?platform=x&group_by=day"
    assert "Platform: X " in client.get(former, follow_redirects=True).text


def row_of(page: str, slug: str) -> str:
    """Return a campaign's row of the overview, as text."""
    found = re.search(
        rf'<a href="/campaigns/{slug}(?:\?[^"]*)?">(?:(?!<a ).)*?</tr>',
        page[page.index('id="campaigns"') :],
        re.S,
    )
    return " ".join(re.sub("<[^>]+>", " ", found[0]).split())


def test_the_overview_compares_all_campaigns_with_the_days_before(world, sample_days):
    now = datetime.now(UTC)
    world.act("call", email="now@example.org", at=now - timedelta(days=2))
    for number in range(3):
        world.act("call", email=f"then{number}@example.org", at=now - timedelta(days=40))
    world.drain()
    page = world.member("reader").get("/").text
    assert row_of(page, "stay").endswith("1 ▼ −67 % 1 1 ▼ −67 % 0")
    assert row_of(page, "quiet").endswith("0 0 0 0")
    assert "1 person acted; 1 for the first time. That is 67 % fewer" in page


def test_the_overview_tells_of_a_week_or_a_quarter_and_what_was_raised_before(world, sample_days):
    now = datetime.now(UTC)
    gift = {"amount": "10.00", "email": "now@example.org"}
    world.act("donation", id="n", at=now - timedelta(days=2), **gift)
    world.act("donation", id="t", at=now - timedelta(days=9), **{**gift, "amount": "40.00"})
    world.drain()
    reader = world.member("reader")
    answer = reader.get("/?days=7")
    assert answer.status_code == 302
    week = reader.get(answer.headers["Location"]).text
    assert "Last 7 days" in week and re.search(r"\$10 +▼ −75 %", row_of(week, "stay"))
    month = reader.get("/").text
    assert "$50" in row_of(month, "stay")
    for none in ("8", "x", "-1", "9999999999999999999999"):
        assert "Last 30 days" in reader.get(f"/?days={none}").text


def test_a_campaigns_days_are_chosen_with_one_click(world, sample_days):
    world.act("call", email="now@example.org")
    world.drain()
    reader = world.member("reader")
    page = html.unescape(reader.get("/campaigns/stay").text)
    offers = re.findall(r'<a href="([^"]+)"( aria-current="true")?[^>]*>([^<]+)</a>', page)
    shown = {called: (address, bool(mark)) for address, mark, called in offers}
    assert shown["Last 30 days"][1] and shown["Previous period"][1]
    assert "from=2026-04-16&" in shown["Whole campaign"][0]
    week, is_shown = shown["Last 7 days"]
    assert not is_shown
    page = html.unescape(reader.get(f"{week}&model=linear").text)
    today = datetime.now(ZoneInfo("America/New_York")).date()
    assert f'name="from" value="{today - timedelta(days=6)}"' in page
    assert f'name="to" value="{today}"' in page
    # What else was chosen stays, and keys follow the same links.
    assert re.search(r'model=linear&[^"]*" aria-current="true" data-shortcut="w">Last 7', page)
    keys = re.findall(r'data-shortcut="(\w)"', page)
    assert sorted(keys) == ["a", "d", "m", "w", "x"]
    assert 'compare=none" data-shortcut="x">No comparison' in page


def test_a_campaign_that_has_ended_is_shown_whole(world, sample_days):
    page = html.unescape(world.member("reader").get("/campaigns/stay").text)
    assert re.search(r'aria-current="true" data-shortcut="a">Whole campaign', page)


def test_time_without_an_action_is_seen_in_the_chart(world):
    """Two weeks beside each other that are a month apart would look like one after the other.

    The chart ends with the range, not with the last who acted.
    """
    for number, day in enumerate((13, 34)):
        at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day - 1)
        world.act("call", id=f"c{number}", email=f"{number}@example.org", at=at)
    world.drain()
    staff = world.member("reader")
    for by, keys in (
        ("week", [f"2026-W{week:02}" for week in range(3, 11)]),
        ("month", ["2026-01", "2026-02", "2026-03"]),
        (
            "day",
            [f"Jan {day}, 2026" for day in range(13, 32)]
            + [f"Feb {day}, 2026" for day in range(1, 29)]
            + [f"Mar {day}, 2026" for day in range(1, 9)],
        ),
    ):
        query = {"group_by": by, "from": "2026-01-12", "to": "2026-03-08", "compare": "before"}
        page = staff.get("/explore", query_string=query).text
        spec = json.loads(re.search(r'id="groups-spec">(.*?)</script>', page, re.S)[1])
        drawn = spec["data"]["values"]
        now = [each for each in drawn if each["period"] == "these days"]
        assert [each["group"] for each in now] == keys, by
        acted = {"week": "2026-W06", "month": "2026-02", "day": "Feb 3, 2026"}[by]
        assert {each["group"] for each in now if each["actions"]} == {keys[0], acted}


# What is refused.


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("group_by=person", "group_by"),
        ("group_by=campaign", "group_by"),
        ("from=x", "from"),
        ("from=2026-05-02&to=2026-05-01", "from"),
        ("from=0001-01-01&to=0001-01-02&compare=before", "from"),
        ("from=0001-01-01&to=0001-01-02&compare=year", "from"),
        ("compare=always", "compare"),
        ("model=none", "model"),
        ("kind=dance", "kind.0"),
        ("post=x", "post"),
        ("post=00000000-0000-0000-0000-000000000009", "post"),
        ("source=00000000-0000-0000-0000-000000000009", "source"),
        ("platform=", "platform.0"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("format=pdf", "format"),
        ("by=post", "by"),
        ("org_id=1", "org_id"),
    ],
)
def test_an_invalid_parameter_is_named(world, ask, query, field):
    body = problem_of(ask(f"?{query}"), 422)
    assert [each["field"] for each in body["errors"]] == [field]
    page = world.member("reader").get(f"/campaigns/stay/posts?{query}")
    if field in {"platform.0", "limit", "format", "by", "org_id"}:
        assert page.status_code == 200  # not the page's, or empty as in a form
        return
    assert page.status_code == 422
    # Of a range it is said what is wrong with its days.
    named = {"from": "date"}.get(field, field.partition(".")[0])
    assert named in page.text.lower()


def test_another_organizations_posts_and_figures_are_not_there(app):
    alice, bob = World(app, "alice"), World(app, "bob")
    alice.act("call", email="a@example.org", click_id=alice.click("x"))
    alice.drain()
    client, word = app.test_client(), bearer(bob.token())
    assert client.get(OF_ORGANIZATION, headers=word).get_json()["total"]["actions"] == 0
    theirs = client.get(f"{OF_ORGANIZATION}?post={alice.posts['x']}", headers=word)
    problem_of(theirs, 422)
    problem_of(client.get("/api/v1/campaigns/nothing/activation/groups", headers=word), 404)


def many(world, kind: str, number: int, **more) -> None:
    for each in range(number):
        world.act(kind, email=f"{kind}{each}@example.org", **more)


@pytest.mark.parametrize(
    ("query", "french", "spanish"),
    [
        (
            "from=2099-01-01",
            "Le premier jour est après le dernier.",
            "El primer día es posterior al último.",
        ),
        (
            "from=0001-01-01&to=0001-01-02&compare=year",
            "Il n’y a pas de période antérieure",
            "No hay un período anterior",
        ),
        ("post=zzz", "Publication : le lien contient", "Publicación: el enlace contiene"),
        (f"source={NO_ID}", " : le lien contient", ": el enlace contiene"),
        ("campaign=none", "Campagne : le lien contient", "Campaña: el enlace contiene"),
        ("cursor=abc", "une autre question", "otra pregunta"),
    ],
)
def test_errors_are_in_the_readers_language(world, query, french, spanish):
    staff = world.member("reader")
    for language, words in (("fr", french), ("es", spanish)):
        answer = staff.get(f"/explore?{query}", headers={"Accept-Language": language})
        assert answer.status_code == 422
        page = html.unescape(answer.text)
        assert words in page
        for english in ("first day", "there is no", "there are no", "is an id", "was not given"):
            assert english not in page
