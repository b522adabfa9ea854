"""The content of an email before layout, as `render` lays it out in HTML, plain text and PDF.

Note: all texts are in the reader's language. Names of fields are read by `sheet.html` and
`sheet.typ`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its label, and a note below."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table, with a hint below; `link` is an address or empty."""

    text: str
    hint: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class FiguresBlock:
    """Figures beside each other."""

    items: tuple[Figure, ...]
    kind: str = "figures"


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table, with a note below; `chart` names the chart above it, `alt` describes this."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    chart: str = ""
    alt: str = ""
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class ListBlock:
    """A list of sentences."""

    title: str
    items: tuple[str, ...]
    kind: str = "list"


Block = FiguresBlock | TableBlock | ListBlock


@dataclass(frozen=True, slots=True)
class Link:
    """An address and its text."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The content of one email."""

    subject: str
    title: str
    subtitle: str
    lead: str
    blocks: tuple[Block, ...]
    link: Link
    footer: tuple[str, ...]
    more: Link | None = None


def web_address(url: str) -> str:
    """Return an address if an email may link to it, else an empty string."""
    return url if url.startswith(("https://", "http://")) else ""
