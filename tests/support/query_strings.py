"""Codes as they arrive after a link was shared, with text around them."""

from __future__ import annotations

PASSED_ON = [
    *("{code}", "{CODE}", "{code}/", "{code}//", "{Code}/", "/{code}", "//{code}"),
    *(
        "{code}.",
        "{code},",
        "{code})",
        "{code}]",
        "{code}!",
        "{code};",
        "{code}:",
        "{code}...",
        "({code})",
    ),
    *(
        "{code}%20",
        "{code}+",
        "{code}%0A",
        "{code}%0D%0A",
        "{code}%09",
        "{code}%C2%A0",
        "%20{code}",
    ),
    *(
        "{code}%22",
        "{code}'",
        "{code}%3E",
        "%3C{code}%3E",
        "{code}*",
        "*{code}*",
        "_{code}_",
        "{code}~",
    ),
    *("{code}%E2%80%A6", "{code}%E2%80%9D", "{code}%C2%BB", "{code}%E3%80%82", "{code}%85"),
    *(
        "{code}%E2%80%8B",
        "%E2%80%8B{code}",
        "{code}%EF%BB%BF",
        "{code}%E2%80%8F",
        "{code}%EF%B8%8F",
    ),
    *(
        "{half}%C2%AD{rest}",
        "{half}%E2%81%A0{rest}",
        "{code}%F0%9F%91%89",
        "{code}%00",
        "{code}%FF",
    ),
    *(
        "{code}/anything",
        "{code}/any/thing.html",
        "{code}&fbclid=a",
        "{code}&amp;b=c",
        "{code}=",
        "{code}%3F",
    ),
    *("{code}%2520", "{code}%2E", "{code}%2F", "{code}%20Please%20sign", "{code}-", "{code}_"),
    *("{code}{code}", "{code}/{code}", "{code},{code}", "{code}/r/{code}", "r/{code}", "/r/{code}"),
    *("https://go.example/r/{code}", "{code}https://go.example/r/{code}", "{code}{click}"),
    *("{code}%E3%81%A7%E3%81%99", "{code}%D0%B8", "{code}https", "{wide}"),
]


def passed_on(written: str, code: str) -> str:
    return written.format(
        code=code,
        CODE=code.upper(),
        Code=code.title(),
        half=code[:5],
        rest=code[5:],
        click="b" * 26,
        wide="".join(
            f"%EF%BD%{0x81 + ord(each) - 97:X}" if each < "p" and each.isalpha() else each
            for each in code
        ),
    )
