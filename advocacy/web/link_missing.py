"""The page for supporters whose link leads nowhere: what happened, and where to go instead.

Note: it is shown by the redirect, which has neither Flask's stack nor the database. So it is made
from its template and the translations alone, and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from babel.support import NullTranslations, Translations
from jinja2 import Environment, PackageLoader
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from advocacy.core.choices import LANGUAGES

_STYLE = """
:root { color-scheme: light dark; --ink: #16181d; --paper: #ffffff; --accent: #2546b8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceef2; --paper: #14161a; --accent: #9db4ff; }
}
body { margin: 0; color: var(--ink); background: var(--paper);
  font: 1.125rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 12vh 1.25rem 2rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; }
a { display: inline-block; min-height: 1.5rem; padding: .75rem 1.25rem; border-radius: .5rem;
  color: var(--paper); background: var(--accent); font-weight: 650; text-decoration: none; }
a:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex"),
]
_TRANSLATIONS = Path(__file__).parent / "translations"
_templates = Environment(
    loader=PackageLoader("advocacy.web", "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


@lru_cache(maxsize=256)
def language_of(accepted: str) -> str:
    """Return the language of ours that a browser asks for first; English where it asks for none."""
    asked = parse_accept_header(accepted, LanguageAccept)
    return asked.best_match(list(LANGUAGES)) or "en"


@lru_cache(maxsize=256)
def page(*, ended: bool, language: str, name: str = "", url: str = "") -> bytes:
    """Return the page in a language. `name` and `url` say where the supporter can go instead."""
    translations = _translations(language)

    def said(text: str, **values: object) -> str:
        return translations.gettext(text) % values if values else translations.gettext(text)

    template = _templates.get_template("link_missing.html")
    shown = {"ended": ended, "language": language, "name": name, "url": url}
    return template.render(shown, style=_STYLE, _=said).encode()


@lru_cache
def _translations(language: str) -> NullTranslations:
    return Translations.load(_TRANSLATIONS, [language])
