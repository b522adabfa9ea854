"""Layout of a sheet as HTML and plain text for an email and as PDF, with its charts.

The charts are the same definitions as on pages, drawn by vl-convert; the PDF is set by Typst from
its own template (see `pdf`). Nothing is loaded from elsewhere.

Note: titles are written by staff and reach Typst as data, never as markup. Pictographs are left out
of the PDF and of charts, as their fonts lack them.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Mapping

import msgspec
from flask import render_template

from advocacy.analytics.weekly_figures import WeeklySummary
from advocacy.reporting import charts
from advocacy.reporting.email import pdf as pdf_email
from advocacy.reporting.email.sheet import FiguresBlock, ListBlock, Sheet, TableBlock
from advocacy.reporting.email.smtp import EmailContent
from advocacy.reporting.texts import kind_named

_D3_LOCALES = {"fr": "fr-FR", "es": "es-ES"}
_MAIL_WIDTH, _PAGE_WIDTH, _HEIGHT = 580, 760, 130
_LONGEST_NAME = 34
_LEGEND_COLUMNS = 4

Report = WeeklySummary | None
"""The report that charts are drawn from; an alert has none."""


def email_content(sheet: Sheet, report: Report, language: str, file: str = "") -> EmailContent:
    """Return a sheet as an email; with the name of a file the PDF is attached.

    Without the optional packages for charts and PDF they are left out; the tables have the same
    figures.
    """
    pictures = _pictures(sheet, report, language)
    files = []
    if report and file and pdf_email.pdf_installed():
        files.append((file, pdf(sheet, report, language)))
    return EmailContent(
        sheet.subject,
        text(sheet),
        html(sheet, language, {name: f"cid:{name}" for name, _ in pictures}),
        pictures,
        files,
    )


def html(sheet: Sheet, language: str, pictures: Mapping[str, str]) -> str:
    """Return a sheet as HTML; `pictures` has the address of each chart."""
    laid_out = render_template(
        "mail/sheet.html", sheet=sheet, mail_language=language, pictures=pictures
    )
    return laid_out.lstrip()


def text(sheet: Sheet) -> str:
    """Return a sheet as plain text; a row of a table is a line, with its link on the next."""
    parts = [f"{sheet.title}\n{sheet.subtitle}", sheet.lead]
    for block in sheet.blocks:
        match block:
            case FiguresBlock():
                lines = [
                    f"{each.label}: {each.value}{_in_brackets(each.note)}" for each in block.items
                ]
            case ListBlock():
                lines = [block.title.upper(), *(f"- {each}" for each in block.items)]
            case TableBlock():
                lines = [block.title.upper(), *_table_lines(block)]
        parts.append("\n".join(lines))
    links = [sheet.link, *([sheet.more] if sheet.more else [])]
    parts.append("\n".join(f"{each.text}: {each.url}" for each in links))
    return "\n\n".join(parts) + "\n\n-- \n" + "\n".join(sheet.footer) + "\n"


def _in_brackets(words: str) -> str:
    return f" ({words})" if words else ""


def _table_lines(table: TableBlock) -> list[str]:
    lines = []
    for name, *cells in table.rows:
        figures = (
            f"{heading} {each.text}{_in_brackets(each.hint)}"
            for heading, each in zip(table.headings[1:], cells, strict=True)
            if each.text
        )
        lines.append(f"- {name.text}{_in_brackets(name.hint)}: {', '.join(figures)}")
        if name.link:
            lines.append(f"  {name.link}")
    return [*lines, *([table.note] if table.note else [])]


def pdf(sheet: Sheet, report: WeeklySummary, language: str) -> bytes:
    """Return a sheet as PDF, A4."""
    return pdf_email.typeset(to_set(sheet, report, language))


def to_set(sheet: Sheet, report: WeeklySummary, language: str) -> pdf_email.Task:
    """Return what `pdf.typeset` needs, as JSON."""
    drawn = definitions(sheet, report, _PAGE_WIDTH)
    content = {
        name: _without_pictographs(part, name) for name, part in msgspec.to_builtins(sheet).items()
    }
    return pdf_email.Task(
        sheet={**content, "language": language, "charts": list(drawn)},
        charts=drawn,
        locales=_locales(language),
        made_at=report.made_at,
    )


def data_pictures(sheet: Sheet, report: Report, language: str) -> dict[str, str]:
    """Return the charts as `data:` URLs, for HTML in a single file."""
    return {
        name: "data:image/png;base64," + base64.b64encode(picture).decode()
        for name, picture in _pictures(sheet, report, language)
    }


def _pictures(sheet: Sheet, report: Report, language: str) -> list[tuple[str, bytes]]:
    """Draw the charts of a sheet as PNG, if the packages are installed."""
    if report is None or not pdf_email.pdf_installed():
        return []
    return [
        (name, _png(definition, language))
        for name, definition in definitions(sheet, report).items()
    ]


def definitions(
    sheet: Sheet, report: WeeklySummary, width: int = _MAIL_WIDTH
) -> dict[str, charts.Definition]:
    """Return the Vega-Lite definitions of the charts in a sheet, by name.

    `width` is in pixels, with labels, so that these have the same size in each.
    """
    shown = {block.chart for block in sheet.blocks if isinstance(block, TableBlock)}
    made = {}
    if "by_day" in shown:
        made["by_day"] = charts.actions_by_day(report.by_day, report.first, report.last)
        made["by_day"]["height"] = _HEIGHT
    if "posts" in shown and (rows := _bars(report)):
        made["posts"] = charts.actions_of_posts(rows)
    for definition in made.values():
        definition.update(
            width=width, background="white", autosize={"type": "fit-x", "contains": "padding"}
        )
        _translate(definition)
        if width == _MAIL_WIDTH:
            # The names of all kinds would not fit into one line.
            definition["encoding"]["color"]["legend"]["columns"] = _LEGEND_COLUMNS
    return made


def _bars(report: WeeklySummary) -> list[tuple[str, str, float]]:
    """Return (name, kind, actions) of the posts; a number tells posts of the same name apart."""
    rows: list[tuple[str, str, float]] = []
    for place, post in enumerate(report.posts, 1):
        title = _shortened(post.title or post.platform)
        rows += [(f"{place}. {title}", kind, n) for kind, n in post.by_kind.items()]
    return rows


def _shortened(title: str) -> str:
    plain = " ".join(_plain(title).split())
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1].rstrip() + "…"


def _translate(definition: charts.Definition) -> None:
    """Name kinds in the reader's language; axes of counts need no title."""
    encoding = definition["encoding"]
    words = {kind: kind_named(kind) for kind in charts.COLOURS}
    legend = encoding["color"]["legend"]
    legend["labelExpr"] = f"{json.dumps(words, ensure_ascii=False)}[datum.label]"
    for axis in ("x", "y"):
        if encoding[axis].get("title") == "actions":
            encoding[axis]["title"] = None


def _locales(language: str) -> charts.Definition:
    name = _D3_LOCALES.get(language)
    return {"format_locale": name, "time_format_locale": name} if name else {}


def _png(definition: charts.Definition, language: str) -> bytes:
    import vl_convert

    made: bytes = vl_convert.vegalite_to_png(definition, scale=2, **_locales(language))
    return made


def _without_pictographs(part: object, name: str = "") -> object:
    """Return the texts of a part of a sheet without pictographs; addresses stay as they are."""
    match part:
        case str():
            return part if name in {"url", "link"} else _plain(part)
        case Mapping():
            return {key: _without_pictographs(each, key) for key, each in part.items()}
        case list() | tuple():
            return [_without_pictographs(each) for each in part]
    return part


def _plain(words: str) -> str:
    """Return text without pictographs and their modifiers."""
    return "".join(
        sign
        for sign in words
        if unicodedata.category(sign) not in {"So", "Cs", "Co", "Cn"}
        and sign not in "\u200d\ufe0e\ufe0f"
        and not 0x1F3FB <= ord(sign) <= 0x1F3FF
    )
