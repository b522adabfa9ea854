"""Allowed destinations, tested with known bypasses of URL checks."""

from __future__ import annotations

import pytest

from advocacy.core.urls import BadDestination, check_destination

HOSTILE = [
    # Without a scheme, or with half of one.
    "//evil.example",
    "///evil.example",
    "////evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/evil.example",
    "evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "https:/\\evil.example",
    "https://\\evil.example",
    "https//evil.example",
    "://evil.example",
    ":https://evil.example",
    "",
    "https://",
    "https://?a",
    "https://#a",
    "https://.",
    "https://..",
    # Other schemes.
    "http://example.org/",
    "HTTP://example.org/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript://example.org/%0aalert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "ftp://example.org/",
    "blob:https://example.org/1",
    "view-source:https://example.org/",
    "intent://example.org/#Intent;scheme=https;end",
    "whatsapp://send?text=a",
    # Somebody before the host.
    "https://example.org@evil.example/",
    "https://example.org:a@evil.example/",
    "https://@evil.example/",
    "https://example.org%40evil.example@evil.example/",
    "https://example.org;@evil.example/",
    "https://example.org\\@evil.example/",
    "https://example.org&@evil.example/",
    # Hosts that are not what they look like.
    "https://example.org%2f.evil.example/",
    "https://example.org%00.evil.example/",
    "https://example.org%E3%80%82evil.example/",
    "https://ex\u0430mple.org/",
    "https://example\u3002org/",
    "https://example.org\uff0fevil.example/",
    "https://ⓔⓧⓐⓜⓟⓛⓔ.org/",
    "https://exa\u00admple.org/",
    "https://exam\u200dple.org/",
    "https://\u202egro.elpmaxe/",
    "https://example.org\u2024evil.example/",
    "https://exa_mple.org/",
    "https://-example.org/",
    "https://example-.org/",
    "https://exa..mple.org/",
    "https://.example.org/",
    "https://*.example.org/",
    "https://example.org,evil.example/",
    "https://example.org'/",
    "https://" + "a" * 64 + ".org/",
    "https://localhost/",
    "https://intranet/",
    # Addresses, however they are written.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://127.0.0.0x1/",
    "https://0177.0.0.1/",
    "https://10.0.0.1./",
    "https://169.254.169.254/latest/meta-data/",
    "https://8.8.8.8/",
    "https://[::1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://[v1.a]/",
    "https://[evil",
    "https://evil]/",
    # Ports.
    "https://example.org:22/",
    "https://example.org:443/",
    "https://example.org:8443/",
    "https://example.org:/",
    "https://example.org:99999/",
    "https://example.org:-1/",
    "https://example.org:80a/",
    "https://example.org:\u0661/",
    # What would break a header, a line, or a page.
    "https://example.org/\r\nSet-Cookie: a=b",
    "https://example.org/\nLocation: https://evil.example",
    "https://example.org/\ta",
    "https://exam\tple.org/",
    "https://example.org/\x00",
    "https://example.org/\x7f",
    "https://example.org/\x85",
    "https://example.org/\u2028",
    " https://example.org/",
    "https://example.org/ ",
    "https://example.org/a b",
    'https://example.org/"onload="',
    "https://example.org/<script>",
    "https://example.org/`a`",
    "https://example.org/{a}",
    "https://example.org/|a",
    "https://example.org/^a",
    "https://example.org/é",
    "https://example.org/\ud800",
    "https://example.org/" + "a" * 2048,
]

GOOD = {
    "https://example.org": "https://example.org",
    "https://example.org/": "https://example.org/",
    "HTTPS://Example.ORG/Path?Q=1#F": "https://example.org/Path?Q=1#F",
    "https://example.org./a": "https://example.org/a",
    "https://xn--bcher-kva.example/": "https://xn--bcher-kva.example/",
    "https://a-b.c2.example.co.uk/x/%C3%A9?y=a+b&z=%0D": (
        "https://a-b.c2.example.co.uk/x/%C3%A9?y=a+b&z=%0D"
    ),
    "https://example.org/?next=https://other.example/@me": (
        "https://example.org/?next=https://other.example/@me"
    ),
    "https://actionnetwork.org/petitions/stay?source=#top": (
        "https://actionnetwork.org/petitions/stay?source=#top"
    ),
}


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
def test_unusual_destinations_are_refused(url):
    with pytest.raises(BadDestination) as refusal:
        check_destination(url)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("url", GOOD)
def test_usual_destinations_are_accepted_and_normalized(url):
    assert check_destination(url) == GOOD[url]
    assert check_destination(GOOD[url]) == GOOD[url]


def test_localhost_is_a_destination_only_in_development():
    for url in ("http://localhost:8000/a", "http://127.0.0.1:9/", "https://localhost/"):
        assert check_destination(url, local=True) == url
        with pytest.raises(BadDestination):
            check_destination(url)
    for url in ("http://example.org/", "https://10.0.0.1/", "http://127.0.0.1.example.org/"):
        with pytest.raises(BadDestination):
            check_destination(url, local=True)
