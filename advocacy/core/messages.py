"""Sentences that are English, and that a page can say in the reader's language.

Pure. A `Phrase` is its English text, so the API, the command line and logs use it as they use any
other; it also remembers what it was made of, and `in_language` puts it together again out of
translated parts.

What a stranger would get wrong: `say("… %(post)s …", post=name)` and never an f-string, since
`pybabel extract` has to find the text, and a translation puts the parts in another order. A value
that is itself a `Phrase` is translated, too; any other is shown as it is.
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
    """Say a sentence; values stand in it as %(name)s."""
    return _phrase(text % values if values else text, one=text, values=values)


def say_many(one: str, many: str, number: int, **values: object) -> Phrase:
    """Say a sentence that depends on a number, which stands in it as %(num)s."""
    values = {"num": number, **values}
    return _phrase((one if number == 1 else many) % values, one, many, number, values)


def joined(parts: Iterable[str], between: str = " ") -> Phrase:
    """Say several after each other."""
    parts = tuple(parts)
    return _phrase(between.join(parts), parts=parts, between=between)


def in_language(
    words: object, gettext: Callable[[str], str], ngettext: Callable[[str, str, int], str]
) -> str:
    """Return what was said, put together anew by these two; what is no `Phrase` stays as it is."""
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
    """Mark a text for translation and return it as it is."""
    return text
