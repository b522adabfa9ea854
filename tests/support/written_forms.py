"""The forms in which a text can stand in a body."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote


def _base64(plain: bytes) -> str:
    return base64.b64encode(plain).decode()


FORMS = {
    "plain": lambda text: text,
    "upper case": str.upper,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "every byte percent-encoded": lambda text: "".join(f"%{ord(each):02x}" for each in text),
    "base64": lambda text: _base64(text.encode()),
    "base64 without padding": lambda text: _base64(text.encode()).rstrip("="),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 twice": lambda text: _base64(_base64(text.encode()).encode()),
    "percent-encoded base64": lambda text: quote(_base64(text.encode()), safe=""),
    "hexadecimal": lambda text: text.encode().hex(),
    "quoted-printable": lambda text: "".join(
        each if each.isalnum() else f"={ord(each):02X}" for each in text
    ),
    "HTML entities": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "JSON escapes": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "invisible letters": lambda text: "\u200b".join(text),
    "full-width letters": lambda text: "".join(chr(ord(each) + 0xFEE0) for each in text),
    "MD5": lambda text: hashlib.md5(text.encode()).hexdigest(),  # noqa: S324
    "SHA-1": lambda text: hashlib.sha1(text.encode()).hexdigest(),  # noqa: S324
    "SHA-256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "SHA-256, upper case": lambda text: hashlib.sha256(text.encode()).hexdigest().upper(),
    "SHA-1 in base64": lambda text: _base64(hashlib.sha1(text.encode()).digest()),  # noqa: S324
    "SHA-256 in base64": lambda text: _base64(hashlib.sha256(text.encode()).digest()),
}
