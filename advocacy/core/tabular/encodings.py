"""Find the encoding of a text file.

A byte order mark decides; then UTF-16 and UTF-32 by their zero bytes; then UTF-8, which other text
hardly ever is by accident. Only if it is none of these is the encoding guessed.

Note: the whole file is examined, because the decisive letter may be in the last row.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import BinaryIO

from charset_normalizer import from_bytes

from advocacy.core.messages import say
from advocacy.core.tabular.errors import BadTable

_CHUNK = 1 << 20
_SAMPLE = 1 << 16

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# In the order of preference if they fit equally well.
_CANDIDATES = (
    "cp1252", "mac_roman", "cp850", "cp1250", "cp1251", "koi8_r", "cp866", "cp1253", "cp1254",
    "cp1255", "cp1256", "cp1257", "cp932", "gb18030", "big5", "cp949", "euc_jp",
)  # fmt: skip
# How much likelier an encoding is than others that fit as well. Almost any bytes are valid Chinese.
_PRIOR = {"cp1252": 0.4} | dict.fromkeys(("cp932", "gb18030", "big5", "cp949", "euc_jp"), -3.0)
_NAMES = {
    "utf-8": "UTF-8",
    "ascii": "UTF-8",
    "cp1252": "Windows-1252",
    "mac-roman": "Mac Roman",
    "iso8859-1": "Latin-1",
    "cp932": "Shift JIS",
}
# Python codecs that are not encodings of files, or that would interpret escapes.
_NO_ENCODINGS = {"idna", "punycode", "undefined", "mbcs", "oem", "utf-7"}
_TYPOGRAPHIC = frozenset("’‘“”–—…€£©®™°ºª¿¡«»\u00a0·№")


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding: Python's name, how many bytes of a mark to skip, how it was found.

    `damaged` means that some bytes are invalid in it; rows with such bytes have to be rejected.
    """

    codec: str
    skip: int = 0
    how: str = ""
    damaged: bool = False

    @property
    def name(self) -> str:
        """Its common name."""
        if self.codec.startswith("cp125"):
            return f"Windows-{self.codec[2:]}"
        return _NAMES.get(self.codec, self.codec.upper())


def find_encoding(file: BinaryIO, asked: str = "") -> Encoding:
    """Find the encoding of a seekable file, or check the requested one. Raises `BadTable`."""
    file.seek(0)
    sample = file.read(_SAMPLE)
    skip, marked = next(
        ((len(mark), codec) for mark, codec in _MARKS if sample.startswith(mark)), (0, "")
    )
    if asked:
        codec = _checked(asked)
        if marked and codec.replace("-", "")[:5] == marked.replace("-", "")[:5]:
            codec = marked
        else:
            skip = 0
        return _whole(file, Encoding(codec, skip, say("as requested")))
    if marked:
        return _whole(file, Encoding(marked, skip, say("by its byte order mark")))
    if wide := _wide(sample):
        return _whole(file, Encoding(wide, 0, say("by its zero bytes")))
    return _narrow(file)


def _checked(asked: str) -> str:
    try:
        info = codecs.lookup(asked)
        text = info._is_text_encoding
    except (LookupError, ValueError, UnicodeError):
        text = False
    if not text or info.name in _NO_ENCODINGS or "escape" in info.name:
        raise BadTable(
            say(
                "there is no encoding %(name)s; try UTF-8, UTF-16 or Windows-1252",
                name=ascii(asked),
            )
        )
    if info.name in {"utf-16", "utf-32"}:
        return f"{info.name}-le"
    return "utf-8" if info.name in {"utf-8-sig", "ascii"} else info.name


def _whole(file: BinaryIO, encoding: Encoding) -> Encoding:
    """Return the encoding if the whole file is valid in it. Raises `BadTable`."""
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    file.seek(encoding.skip)
    at = encoding.skip
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
            at += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        if encoding.codec == "utf-8":
            return Encoding("utf-8", encoding.skip, encoding.how, damaged=True)
        raise BadTable(
            say(
                "the file cannot be read as %(encoding)s; it may be cut off or damaged: export it"
                " again, or name another encoding",
                encoding=encoding.name,
            )
        ) from None
    return encoding


def _wide(sample: bytes) -> str:
    """Return the encoding of UTF-16 or UTF-32 without a mark, or ''."""
    zeros = sample.count(0)
    if len(sample) < 4 or zeros < len(sample) / 50:
        return ""
    lanes = [sample[lane::4].count(0) for lane in range(4)]
    most = len(sample) // 4 * 0.9
    if lanes[3] >= most and lanes[2] >= most and lanes[0] == 0:
        found = "utf-32-le"
    elif lanes[0] >= most and lanes[1] >= most and lanes[3] == 0:
        found = "utf-32-be"
    elif not lanes[0] + lanes[2]:
        found = "utf-16-le"
    elif not lanes[1] + lanes[3]:
        found = "utf-16-be"
    else:
        return ""
    whole = sample[: len(sample) // 4 * 4]
    text = codecs.getincrementaldecoder(found)("replace").decode(whole)
    readable = sum(each.isprintable() or each.isspace() for each in text)
    # Any two single-byte letters are one double-byte letter; but then no line end is among them.
    ends = sum(text.count(end) for end in "\r\n")
    line_ends = sum(whole.count(end) for end in b"\r\n")
    return found if readable >= 0.95 * len(text) and ends > 0.6 * max(line_ends, 1) else ""


def _narrow(file: BinaryIO) -> Encoding:
    """Tell UTF-8 from single-byte encodings."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    file.seek(0)
    right = wrong = 0
    while chunk := file.read(_CHUNK):
        if chunk.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(chunk)
        if not text.isascii():
            bad = len(re.findall("[\udc80-\udcff]", text))
            wrong += bad
            right += len(re.findall("[^\x00-\x7f]", text)) - bad
    wrong += len(decoder.decode(b"", final=True))
    if not wrong:
        return Encoding("utf-8")
    # By accident, hardly one in ten letters of another encoding is valid UTF-8.
    if right > wrong:
        return Encoding("utf-8", damaged=True)
    return _guessed(file)


def _guessed(file: BinaryIO) -> Encoding:
    telling = _telling(file)
    for codec in [*_ranked(telling), "iso8859-1"]:
        guess = Encoding(codecs.lookup(codec).name, 0, say("guessed"))
        try:
            return _whole(file, guess)
        except BadTable:
            continue
    raise AssertionError("Latin-1 reads every byte")


def _telling(file: BinaryIO) -> bytes:
    """Return the first lines with non-ASCII bytes, up to the size of a sample."""
    file.seek(0)
    lines: list[bytes] = []
    size = 0
    while size < _SAMPLE and (chunk := file.read(_CHUNK)):
        for line in chunk.splitlines():
            if line.isascii():
                continue
            lines.append(line[:_SAMPLE])
            size += len(lines[-1])
            if size >= _SAMPLE:
                break
    return b"\n".join(lines)[:_SAMPLE]


def _ranked(telling: bytes) -> list[str]:
    """Return the candidates, the most plausible first.

    Note: names in a table are too short for the letter frequencies that detectors use; so
    neighbouring letters are compared first, and the library decides between equals.
    """
    plausible: dict[str, float] = {}
    for codec in _CANDIDATES:
        try:
            plausible[codec] = _plausible(telling.decode(codec))
        except UnicodeDecodeError as error:
            # A sample may end within a letter.
            if error.start > len(telling) - 4 and error.start > 0:
                plausible[codec] = _plausible(telling[: error.start].decode(codec))
    if not plausible:
        return []
    best = max(plausible.values())
    near = [codec for codec in plausible if plausible[codec] >= best - 0.02]
    if len(near) > 1:
        matches = from_bytes(telling, cp_isolation=near)
        sure = {
            codec: each.coherence - each.chaos
            for each in reversed(list(matches))
            for codec in each.could_be_from_charset
        }
        near.sort(key=lambda codec: -(sure.get(codec, -0.2) + _PRIOR.get(codec, 0.0)))
    rest = [codec for codec in plausible if codec not in near]
    return [*near, *sorted(rest, key=lambda codec: -plausible[codec])]


def _plausible(text: str) -> float:
    """Return how well the non-ASCII letters fit into their words, from -1 to 1."""
    score = number = run = 0.0
    before = " "
    for place, letter in enumerate(text):
        if letter.isascii():
            before, run = letter, 0
            continue
        number += 1
        after = text[place + 1] if place + 1 < len(text) else " "
        if not letter.isalpha():
            score += 0.5 if letter in _TYPOGRAPHIC else -1
        elif letter.isupper() and (
            before.islower() or (before.isupper() and after.isalpha() and after.islower())
        ):
            score -= 1
        elif not before.isalpha() and not after.isalpha():
            score += 0 if before.isdigit() or after.isdigit() else 0.5
        else:
            script = _script(letter)
            run = run + 1 if script == "LATIN" else 0
            strange = any(each.isalpha() and _script(each) != script for each in (before, after))
            score += -1 if strange or run > 2 else 1
        before = letter
    return score / number if number else 0.0


def _script(letter: str) -> str:
    if letter in "ºª":
        return "LATIN"
    script = unicodedata.name(letter, "?").split()[0]
    return "CJK" if script in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL"} else script
