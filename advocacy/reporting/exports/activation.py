"""An activation report as flat tables, for spreadsheets and programs.

Pure. `tables_of` takes the report that the page and the API show and lays its figures out, without
counting anything anew; `written_csv` and `written_workbook` write them.

Note: names of posts and campaigns are other people's text. A spreadsheet
would run a cell that begins with `=`, `+`, `-` or `@` as a formula, so in CSV such a text gets an
apostrophe in front; a workbook says of each cell that it is text, and needs none. Headings are not
translated: programs read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from advocacy.core.events import ActionKind
from advocacy.core.spreadsheets import Cell
from advocacy.reporting.exports.writers import Table, major, table_of

GROUPS = ("summary", "by_kind", "by_day", "posts", "platforms", "money", "evidence")
"""The tables there are, in the order in which they are written."""


def tables_of(report: Mapping[str, Any]) -> list[Table]:
    """Lay out the figures of `report.activation` in tables, in the order of `GROUPS`.

    Money is in major units of its currency, exact. A column `net_USD` stands for each currency of
    the report.
    """
    currencies = tuple(sum_["currency"] for sum_ in report["money"] or ())
    return [
        _summary(report),
        table_of(
            "by_kind",
            ("kind", "actions", *_PEOPLE),
            ((each["kind"], each["actions"], *_people(each)) for each in report["by_kind"]),
        ),
        table_of(
            "by_day",
            ("day", "kind", "actions"),
            ((each["day"], each["kind"], each["actions"]) for each in report["by_day"]),
        ),
        _posts(report, currencies),
        table_of(
            "platforms",
            (
                "platform",
                "clicks",
                "other_clicks",
                "actions",
                *_PEOPLE,
                *(f"net_{currency}" for currency in currencies),
            ),
            (
                (
                    each["platform"],
                    each["clicks"]["human"],
                    each["clicks"]["other"],
                    each["actions"],
                    *_people(each),
                    *_net(each["money"], currencies),
                )
                for each in report["platforms"]
            ),
        ),
        table_of("money", ("of", "name", *_SUMS), _money(report)),
        table_of(
            "evidence",
            ("tier", "actions", "share"),
            ((each["tier"], each["actions"], each["share"]) for each in report["evidence"]),
        ),
    ]


_PEOPLE = ("supporters", "new", "returning")
_SUMS = ("currency", "donations", "gross", "refunded", "net")


def _summary(report: Mapping[str, Any]) -> Table:
    return table_of(
        "summary",
        ("figure", "value"),
        (
            ("campaign", report["campaign"]["name"]),
            ("slug", report["campaign"]["slug"]),
            ("timezone", report["campaign"]["timezone"]),
            ("from", report["from"]),
            ("to", report["to"]),
            ("model", report["model"]),
            *zip(_PEOPLE, _people(report), strict=True),
            ("actions", report["actions"]),
            ("actions_lower", report["bounds"]["lower"]),
            ("actions_upper", report["bounds"]["upper"]),
            ("clicks", report["clicks"]["human"]),
            ("other_clicks", report["clicks"]["other"]),
        ),
    )


def _posts(report: Mapping[str, Any], currencies: Sequence[str]) -> Table:
    kinds = [str(kind) for kind in ActionKind]
    return table_of(
        "posts",
        (
            "post",
            "title",
            "platform",
            "url",
            "published_at",
            "clicks",
            "other_clicks",
            "actions",
            "actions_lower",
            "actions_upper",
            *_PEOPLE,
            *kinds,
            *(f"net_{currency}" for currency in currencies),
            "direct",
            "first_share",
            "beyond",
        ),
        (
            (
                *_about(each["post"]),
                each["clicks"]["human"],
                each["clicks"]["other"],
                each["actions"],
                each["bounds"]["lower"],
                each["bounds"]["upper"],
                *_people(each),
                *(each["by_kind"].get(kind, 0) for kind in kinds),
                *_net(each["money"], currencies),
                *(each["generations"][name] for name in ("direct", "first_share", "beyond")),
            )
            for each in report["posts"]
        ),
    )


def _about(post: Mapping[str, Any] | None) -> tuple[Cell, ...]:
    if post is None:
        return ("", "Unattributed", "", "", "")
    published = post["published_at"]
    return (
        str(post["id"]),
        post["title"],
        post["platform"],
        post["url"],
        published.isoformat() if published else "",
    )


def _people(each: Mapping[str, Any]) -> tuple[Cell, Cell, Cell]:
    people = each["supporters"]
    return people["distinct"], people["new"], people["returning"]


def _net(sums: Iterable[Mapping[str, Any]], currencies: Sequence[str]) -> Iterable[Cell]:
    by_currency = {sum_["currency"]: sum_["net_minor"] for sum_ in sums}
    return [major(by_currency.get(currency, 0), currency) for currency in currencies]


def _money(report: Mapping[str, Any]) -> Iterable[tuple[Cell, ...]]:
    """Yield every sum of the report: of the campaign, of each post, of each platform."""
    grains = [("campaign", report["campaign"]["name"], report["money"])]
    grains += [
        ("post", each["post"]["title"] if each["post"] else "Unattributed", each["money"])
        for each in report["posts"]
    ]
    grains += [("platform", each["platform"], each["money"]) for each in report["platforms"]]
    for of, name, sums in grains:
        for sum_ in sums:
            currency = sum_["currency"]
            yield (
                of,
                name,
                currency,
                sum_["donations"],
                *(major(sum_[f"{part}_minor"], currency) for part in ("gross", "refunded", "net")),
            )
