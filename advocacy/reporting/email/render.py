"""A sheet laid out: as HTML for a mail, as plain text, as PDF, with its charts.

The charts are the page's own definitions (`web/charts`), drawn by vl-convert; the PDF is set by
Typst from its own template (`pdf`). Nothing is loaded from elsewhere.

Note: titles are staff's words and reach Typst as data, never as markup.
The PDF has only the signs that its fonts have; pictographs are left out of it, since a box in their
place would say less than nothing.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import render_template

from advocacy.reporting import charts
from advocacy.reporting.email import pdf as pdf_email
from advocacy.reporting.email.smtp import Letter
from advocacy.reporting.email.weekly_content import Sheet, kind_named

_D3_LOCALES = {"fr": "fr-FR", "es": "es-ES"}
_MAIL_WIDTH, _PAGE_WIDTH, _HEIGHT = 580, 760, 130
_LONGEST_NAME = 34
_LEGEND_COLUMNS = 4


def letter(sheet: Sheet, figures: Mapping[str, Any], language: str, file: str = "") -> Letter:
    """Lay a sheet out as a mail; with the name of a file the PDF is enclosed.

    Where the packages for pictures and PDF are not installed, it goes out without them: its tables
    have the same figures.
    """
    pictures = _pictures(sheet, figures, language)
    return Letter(
        sheet["subject"],
        text(sheet),
        html(sheet, language, {name: f"cid:{name}" for name, _ in pictures}),
        pictures,
        [(file, pdf(sheet, figures, language))] if file and pdf_email.pdf_installed() else [],
    )


def html(sheet: Sheet, language: str, pictures: Mapping[str, str]) -> str:
    """Lay a sheet out as HTML; `pictures` says at which address each chart is."""
    laid_out = render_template(
        "mail/sheet.html", sheet=sheet, mail_language=language, pictures=pictures
    )
    return laid_out.lstrip()


def text(sheet: Sheet) -> str:
    """Lay a sheet out as plain text; a row of a table is a line, its address the next one."""
    parts = [f"{sheet['title']}\n{sheet['subtitle']}", sheet["lead"]]
    for block in sheet["blocks"]:
        lines = [block["title"].upper()] if block.get("title") else []
        match block["kind"]:
            case "figures":
                lines += [
                    f"{each['label']}: {each['value']}" + _aside(each["note"])
                    for each in block["items"]
                ]
            case "list":
                lines += [f"- {each}" for each in block["items"]]
            case _:
                lines += _lines(block["table"] if block["kind"] == "chart" else block)
        parts.append("\n".join(lines))
    links = [sheet["link"], *filter(None, [sheet.get("more")])]
    parts.append("\n".join(f"{each['text']}: {each['url']}" for each in links))
    return "\n\n".join(parts) + "\n\n-- \n" + "\n".join(sheet["footer"]) + "\n"


def _aside(words: str) -> str:
    return f" ({words})" if words else ""


def _lines(table: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, *cells in table["rows"]:
        figures = (
            f"{heading} {each['text']}" + _aside(each["hint"])
            for heading, each in zip(table["headings"][1:], cells, strict=True)
            if each["text"]
        )
        lines.append(f"- {name['text']}{_aside(name['hint'])}: {', '.join(figures)}")
        if name["link"]:
            lines.append(f"  {name['link']}")
    return lines + [each for each in [table["note"]] if each]


def pdf(sheet: Sheet, figures: Mapping[str, Any], language: str) -> bytes:
    """Lay a sheet out as PDF, A4."""
    return pdf_email.typeset(to_set(sheet, figures, language))


def to_set(sheet: Sheet, figures: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return all that `pdf.typeset` needs, as data that JSON can hold."""
    drawn = definitions(sheet, figures, _PAGE_WIDTH)
    return {
        "sheet": {**_without_pictographs(sheet), "language": language, "charts": list(drawn)},
        "charts": drawn,
        "locales": _locales(language),
        "made_at": figures["made_at"],
    }


def data_pictures(sheet: Sheet, figures: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return the charts as `data:` addresses, for HTML that stands in one file by itself."""
    return {
        name: "data:image/png;base64," + base64.b64encode(picture).decode()
        for name, picture in _pictures(sheet, figures, language)
    }


def _pictures(sheet: Sheet, figures: Mapping[str, Any], language: str) -> list[tuple[str, bytes]]:
    """Draw a sheet's charts as PNG; none where that is not installed."""
    if not pdf_email.pdf_installed():
        return []
    return [
        (name, _png(definition, language))
        for name, definition in definitions(sheet, figures).items()
    ]


def definitions(
    sheet: Sheet, figures: Mapping[str, Any], width: int = _MAIL_WIDTH
) -> dict[str, dict[str, Any]]:
    """Return the Vega-Lite definitions of the charts that a sheet shows, by name.

    `width` is in pixels, words included, so that letters are as large in each.
    """
    shown = {block.get("chart") or block.get("name") for block in sheet["blocks"]}
    made = {}
    if "by_day" in shown:
        made["by_day"] = charts.actions_by_day(
            [{**each, "day": date.fromisoformat(each["day"])} for each in figures["by_day"]],
            date.fromisoformat(figures["first"]),
            date.fromisoformat(figures["last"]),
        )
        made["by_day"]["height"] = _HEIGHT
    if "posts" in shown and (rows := _bars(figures)):
        made["posts"] = charts.actions_of_posts(rows)
    for definition in made.values():
        definition.update(
            width=width, background="white", autosize={"type": "fit-x", "contains": "padding"}
        )
        _translate(definition)
        if width == _MAIL_WIDTH:
            # All kinds beside each other would run out of the picture.
            definition["encoding"]["color"]["legend"]["columns"] = _LEGEND_COLUMNS
    return made


def _bars(figures: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """Return (name, kind, actions) of the posts; posts of the same name stay apart by a number."""
    rows: list[tuple[str, str, float]] = []
    for place, post in enumerate(figures["posts"], 1):
        title = _shortened(post["title"] or post["platform"])
        rows += [(f"{place}. {title}", kind, n) for kind, n in post["by_kind"].items()]
    return rows


def _shortened(title: str) -> str:
    plain = " ".join(_plain(title).split())
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1].rstrip() + "…"


def _translate(definition: dict[str, Any]) -> None:
    """Name kinds in the reader's language; the definition's own words are the keys."""
    encoding = definition["encoding"]
    words = {kind: kind_named(kind) for kind in charts.COLOURS}
    legend = encoding["color"]["legend"]
    legend["labelExpr"] = f"{json.dumps(words, ensure_ascii=False)}[datum.label]"
    for axis in ("x", "y"):
        if encoding[axis].get("title") == "actions":
            encoding[axis]["title"] = None


def _locales(language: str) -> dict[str, Any]:
    name = _D3_LOCALES.get(language)
    return {"format_locale": name, "time_format_locale": name} if name else {}


def _png(definition: dict[str, Any], language: str) -> bytes:
    import vl_convert

    made: bytes = vl_convert.vegalite_to_png(definition, scale=2, **_locales(language))
    return made


def _without_pictographs(value: Any) -> Any:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, Mapping):
        return {
            name: each
            if name in {"url", "link"} and isinstance(each, str)
            else _without_pictographs(each)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_pictographs(each) for each in value]
    return value


def _plain(words: str) -> str:
    """Return text without pictographs and what only joins and colours them."""
    return "".join(
        sign
        for sign in words
        if unicodedata.category(sign) not in {"So", "Cs", "Co", "Cn"}
        and sign not in "\u200d\ufe0e\ufe0f"
        and not 0x1F3FB <= ord(sign) <= 0x1F3FF
    )
