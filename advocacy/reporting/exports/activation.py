"""An activation report as flat tables, for spreadsheets and programs.

Pure. `tables_of` takes the report that the page and the API show and lays its figures out, without
counting anything anew; `written_csv` and `written_workbook` write them.

What a stranger would get wrong: names of posts and campaigns are other people's text. A spreadsheet
would run a cell that begins with `=`, `+`, `-` or `@` as a formula, so in CSV such a text gets an
apostrophe in front; a workbook says of each cell that it is text, and needs none. Headings are not
translated: programs read them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from advocacy.core.events import ActionKind
from advocacy.core.money import exponent
from advocacy.core.spreadsheets import Cell, csv_cell

GROUPS = ("summary", "by_kind", "by_day", "posts", "platforms", "money", "evidence")
"""The tables there are, in the order in which they are written."""
# The longest text that a cell of a workbook can hold.
_LONGEST = 32_767


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, headings, and rows as long as the headings."""

    name: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables_of(report: Mapping[str, Any]) -> list[Table]:
    """Lay out the figures of `report.activation` in tables, in the order of `GROUPS`.

    Money is in major units of its currency, exact. A column `net_USD` stands for each currency of
    the report.
    """
    currencies = tuple(sum_["currency"] for sum_ in report["money"] or ())
    return [
        _summary(report),
        _table(
            "by_kind",
            ("kind", "actions", *_PEOPLE),
            ((each["kind"], each["actions"], *_people(each)) for each in report["by_kind"]),
        ),
        _table(
            "by_day",
            ("day", "kind", "actions"),
            ((each["day"], each["kind"], each["actions"]) for each in report["by_day"]),
        ),
        _posts(report, currencies),
        _table(
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
        _table("money", ("of", "name", *_SUMS), _money(report)),
        _table(
            "evidence",
            ("tier", "actions", "share"),
            ((each["tier"], each["actions"], each["share"]) for each in report["evidence"]),
        ),
    ]


def digest_of(tables: Iterable[Table], *about: str) -> str:
    """Return a digest that is another one whenever a figure, a name or a heading is."""
    made = hashlib.blake2b(digest_size=16)
    for table in tables:
        made.update(repr((table.name, table.headings, table.rows)).encode())
    made.update(repr(about).encode())
    return made.hexdigest()


def written_csv(tables: Sequence[Table]) -> bytes:
    """Write tables as CSV (RFC 4180): one alone is headings and rows and nothing else.

    Several stand below each other, each under a line with its name and behind an empty line. It
    begins with a byte order mark, without which Excel reads UTF-8 as another encoding; `utf-8-sig`
    reads it. Every text is quoted, so that it is one cell whatever separator a reader expects.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    for number, table in enumerate(tables):
        if len(tables) > 1:
            if number:
                out.write("\r\n")
            writer.writerow([table.name])
        writer.writerow(table.headings)
        writer.writerows([csv_cell(cell) for cell in row] for row in table.rows)
    return out.getvalue().encode("utf-8-sig")


def written_workbook(tables: Sequence[Table]) -> bytes:
    """Write tables as an XLSX workbook with a sheet for each; equal tables give equal bytes."""
    # Loaded where it is used: few requests are for a workbook.
    from xlsxwriter import Workbook

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(out, options) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})  # noqa: DTZ001 -- as it takes it
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        places = {n: book.add_format({"num_format": "#,##0." + "0" * n}) for n in (2, 3)}
        places[0] = book.add_format({"num_format": "#,##0"})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, table.headings, bold)
            for line, row in enumerate(table.rows, start=1):
                for column, cell in enumerate(row):
                    match cell:
                        case None:
                            pass
                        case str():
                            sheet.write_string(line, column, cell[:_LONGEST])
                        case date():
                            sheet.write_datetime(line, column, cell, day)
                        case Decimal():
                            exact = -int(cell.as_tuple().exponent)
                            sheet.write_number(line, column, cell, places[exact])
                        case _:
                            sheet.write_number(line, column, cell)
            sheet.autofit()
    return out.getvalue()


def major(minor: int | None, currency: str) -> Decimal | None:
    """Return money in major units of its currency, exact; None stays None."""
    return None if minor is None else Decimal(minor).scaleb(-exponent(currency))


_PEOPLE = ("supporters", "new", "returning")
_SUMS = ("currency", "donations", "gross", "refunded", "net")


def _table(name: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    return Table(name, tuple(headings), tuple(tuple(row) for row in rows))


def _summary(report: Mapping[str, Any]) -> Table:
    return _table(
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
    return _table(
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
        return ("", "No post found", "", "", "")
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
        ("post", each["post"]["title"] if each["post"] else "No post found", each["money"])
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
