"""Every text is marked for translation, and translated into French and Spanish.

`make texts` adds missing texts to the .po files; translate them there and run it again.
"""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo

from tests.support.translations import (
    LANGUAGES,
    PACKAGE,
    PLACEHOLDER,
    ROOT,
    TRANSLATIONS,
    first,
    messages,
    strings,
    translated,
)

TEMPLATES = sorted((PACKAGE / "web" / "templates").rglob("*.html"))

# What marks a text, as `make texts` says it to pybabel.
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "N_": None,
    "say": None,
    "say_many": (1, 2),
}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]

# Names and signs that are the same in every language; the API's own page is English.
SAME_EVERYWHERE = {"UTC", "PNG"}
ENGLISH_PAGES = {"api.html", "api_reference.html"}


@cache
def marked() -> dict[str | tuple[str, ...], str]:
    """Return every text of code and templates, and where it stands first."""
    found: dict[str | tuple[str, ...], str] = {}
    for file, line, text, _comments, _context in extract_from_dir(
        PACKAGE, method_map=METHODS, keywords=KEYWORDS
    ):
        found.setdefault(text, f"{file}:{line}")
    return found


def test_texts_are_found_in_code_and_templates():
    for text in ("Campaigns", "No click id was returned.", "Forbidden", "the signature"):
        assert text in marked()
    assert ("%(num)s hour", "%(num)s hours") in marked()
    assert len(marked()) > 500


def test_make_texts_extracts_the_same_calls():
    said = (ROOT / "Makefile").read_text() + (ROOT / "babel.cfg").read_text()
    for mark in (
        "-k N_",
        "-k say ",
        "-k say_many:1,2",
        *(f"{how}: {what}" for what, how in METHODS),
    ):
        assert mark in said, mark


# Numbers that are never 1: limits, spans that are fixed, and what is said of several only.
SEVERAL = {"most", "days", "posts", "number", "rows", "places", "weeks"}
_COUNTED = re.compile(r"%\((\w+)\)s (?:\w+ )?(?!(?:is|was|has|as|runs|gets|this)\b)[a-z]+s\b")


def one_for_all_numbers(text: str) -> set[str]:
    """Return the values of a text that stand before a plural, whatever their number is."""
    return {
        found[1]
        for found in _COUNTED.finditer(text)
        if found[1] in COUNTS and found[1] not in SEVERAL
    }


COUNTS = {
    "n", "num", "number", "count", "counted", "actions", "supporters", "clicks", "links", "known",
    "minutes", "hours", "days", "weeks", "rows", "posts", "most", "people", "deliveries", "sources",
}  # fmt: skip


def test_a_text_with_a_number_has_singular_and_plural():
    wrong = {
        text: where
        for text, where in marked().items()
        if isinstance(text, str) and one_for_all_numbers(text)
    }
    constant = {text for text in wrong if "post within %(minutes)s minutes; they count" in text}
    assert {text: wrong[text] for text in wrong if text not in constant} == {}, "use ngettext"


@pytest.mark.parametrize("text", ["%(n)s actions", "Now %(clicks)s human clicks by %(people)s"])
def test_a_missing_singular_is_noticed(text):
    assert one_for_all_numbers(text)


def test_no_command_writes_a_number_before_a_plural():
    wrong = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted((PACKAGE / "commands").glob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(
            r"""f".*\{[\w.\[\]'()]+\} (actions|clicks|links|supporters|people|deliveries|tools"""
            r"""|sources|bodies|others|rows|posts)\b""",
            line,
        )
    ]
    assert not wrong, "use `counted`:\n" + "\n".join(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language):
    catalog = translated(language)
    missing = [
        f"{where}: {first(text)}"
        for text, where in marked().items()
        if (found := catalog.get(text)) is None or not all(strings(found.string))
    ]
    assert not missing, "run `make texts` and translate:\n" + "\n".join(missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_no_unused_translations(language):
    """Removed texts are removed from the catalogs, so that no one translates them."""
    said = {first(text) for text in marked()}
    assert [first(each.id) for each in messages(language) if first(each.id) not in said] == []
    assert not translated(language).obsolete


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_is_not_fuzzy_and_has_the_same_placeholders(language):
    catalog = translated(language)
    assert not catalog.fuzzy
    for each in messages(language):
        assert not each.fuzzy, each.id
        wanted = set(PLACEHOLDER.findall(" ".join(strings(each.id))))
        several = strings(each.string)
        assert len(several) == (catalog.num_plurals if each.pluralizable else 1), each.id
        for number, string in enumerate(several):
            here = set(PLACEHOLDER.findall(string))
            # "The last day" needs no number.
            spared = {"num"} if each.pluralizable and number == 0 else set()
            assert wanted - spared <= here <= wanted, (each.id, string)
            assert not re.search(r"%(?!\()(?![\s,.)]|$)", string), (each.id, string)
            if "%(" in first(each.id):
                assert string % dict.fromkeys(wanted, "x")
        for sign in ".:":
            ends = first(each.id).rstrip().endswith(sign)
            assert ends <= several[0].rstrip().endswith((sign, ":")), (each.id, several[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_file_is_what_the_translators_wrote(language):
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        compiled = {first(each.id): strings(each.string) for each in read_mo(file) if each.id}
    written = {first(each.id): strings(each.string) for each in messages(language)}
    wrong = [each for each in {*written, *compiled} if written.get(each) != compiled.get(each)]
    assert not wrong, "run `make texts`:\n" + "\n".join(wrong)


def test_the_languages_offered_are_those_translated():
    from advocacy.core.choices import LANGUAGES as offered

    assert sorted(offered) == sorted(["en", *LANGUAGES])
    assert sorted(each.name for each in TRANSLATIONS.iterdir()) == sorted(LANGUAGES)


class _Unmarked(HTMLParser):
    """Collects what a reader would see of a template whose expressions are taken out."""

    SHOWN = ("alt", "aria-label", "placeholder", "title")
    CODE = ("code", "pre", "script", "style")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._within = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within += tag in self.CODE
        for name, value in attrs:
            if name in self.SHOWN and not (value or "").startswith("https://"):
                self._note(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._within -= tag in self.CODE

    def handle_data(self, data: str) -> None:
        if not self._within:
            self._note(data)

    def _note(self, words: str) -> None:
        self.found += [
            (self.getpos()[0], word)
            for word in re.findall(r"[^\W\d_]+", words)
            if word not in SAME_EVERYWHERE
        ]


# A word that an expression shows as it stands: {{ 'yes' if so else 'no' }}.
LITERAL = re.compile(r"'([^']*)'\s+if\b|\belse\s+'([^']*)'")


def unmarked(template: str) -> list[tuple[int, str]]:
    """Return what of a template is shown as it stands, and in which line."""

    def shown(found: re.Match[str]) -> str:
        # Lines are kept, so that an error says where; what is computed leaves a sign.
        lines = "\n" * found[0].count("\n")
        if not found[0].startswith("{{"):
            return lines
        words = " ".join(one or other for one, other in LITERAL.findall(found[0]))
        return f"·{words}{lines}"

    parser = _Unmarked()
    parser.feed(re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", shown, template, flags=re.DOTALL))
    parser.close()
    return parser.found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_text_in_a_template_is_marked_for_translation(path):
    if path.name in ENGLISH_PAGES:
        return
    template = path.read_text()
    assert unmarked(template) == [], f"{path}: write {{{{ _('…') }}}}"


@pytest.mark.parametrize(
    "template",
    [
        "<p>Hello</p>",
        '<p title="Hello"></p>',
        '<nav aria-label="Hello {{ name }}"></nav>',
        "<p>{{ name }} waits</p>",
        "{% if so %}Hello{% endif %}",
        "<option>all</option>",
        "<p>{{ 'yes' if so else _('no') }}</p>",
        "<p>{{ _('yes') if so else 'no' }}</p>",
    ],
)
def test_an_unmarked_text_is_noticed(template):
    assert unmarked(template)
