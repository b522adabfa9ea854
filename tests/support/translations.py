"""Read the translation catalogs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "advocacy"
TRANSLATIONS = PACKAGE / "web" / "translations"
LANGUAGES = ("es", "fr")
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@cache
def translated(language: str) -> Catalog:
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def messages(language: str) -> Iterator[Message]:
    return (each for each in translated(language) if each.id)


def first(text: str | list[str] | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else text[0]


def strings(of: str | list[str] | tuple[str, ...]) -> list[str]:
    return [of] if isinstance(of, str) else list(of)
