"""English sentences that a page can show in the reader's language.

Pure. A `Phrase` is its English text, so the API, the command line and logs use it like any other
string; it also remembers its parts, and `in_language` builds it again from translated ones.

Note: write `say("… %(post)s …", post=name)` and never an f-string, since `pybabel extract` has to
find the text and a translation may reorder the parts. A value that is a `Phrase` is translated too;
any other is shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


class Phrase(str):
    """English text that knows what it was made of."""

    one: str
    many: str
    number: int | None
    values: Mapping[str, object]
    parts: tuple[str, ...]
    between: str


def _phrase(
    english: str,
    one: str = "",
    many: str = "",
    number: int | None = None,
    values: Mapping[str, object] | None = None,
    parts: tuple[str, ...] = (),
    between: str = "",
) -> Phrase:
    made = Phrase(english)
    made.one, made.many, made.number = one, many, number
    made.values, made.parts, made.between = values or {}, parts, between
    return made


def say(text: str, **values: object) -> Phrase:
    """Return a translatable sentence; values are inserted as %(name)s."""
    return _phrase(text % values if values else text, one=text, values=values)


def say_many(one: str, many: str, number: int, **values: object) -> Phrase:
    """Return a translatable sentence that depends on a number, inserted as %(num)s."""
    values = {"num": number, **values}
    return _phrase((one if number == 1 else many) % values, one, many, number, values)


def joined(parts: Iterable[str], between: str = " ") -> Phrase:
    """Return several phrases, one after the other."""
    parts = tuple(parts)
    return _phrase(between.join(parts), parts=parts, between=between)


def in_language(
    words: object, gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str]
) -> str:
    """Return a phrase in another language, using these functions; other values stay as they are."""
    if not isinstance(words, Phrase):
        return str(words)
    if words.parts:
        return words.between.join(in_language(each, gettext, ngettext) for each in words.parts)
    if words.number is None:
        text = gettext(words.one) if words.one else ""
    else:
        text = ngettext(words.one, words.many, words.number)
    if not words.values:
        return text
    return text % {
        name: in_language(value, gettext, ngettext) if isinstance(value, Phrase) else value
        for name, value in words.values.items()
    }


def N_(text: str) -> str:
    """Mark a text for translation and return it unchanged."""
    return text
