"""Email addresses and phone numbers: normalization, and rejection of placeholders."""

from __future__ import annotations

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from advocacy.core.contacts import is_unreadable, normalise_email, normalise_phone

LETTERS = st.text("ab1._+-", min_size=1, max_size=12)
LABEL = st.text("ab1-", min_size=1, max_size=8)
TLD = st.sampled_from(
    [
        "org",
        "com",
        "uk",
        "local",
        "test",
        "invalid",
        "localhost",
        "arpa",
        "onion",
        "o",
        "1",
        "locale",
        "example",
        "xn--p1ai",
    ]
)


@given(LETTERS, st.lists(LABEL, min_size=0, max_size=3), TLD)
@example("a", ["x" * 63], "org")
@example("a" * 64, ["b"], "org")
@example("a" * 65, ["b"], "org")
def test_plain_addresses_are_accepted_as_by_the_library(local, labels, tld):
    written = f"{local}@{'.'.join([*labels, tld])}"
    try:
        expected = validate_email(
            written, check_deliverability=False, test_environment=True
        ).normalized.lower()
    except EmailNotValidError:
        expected = ""
    assert normalise_email(written) == expected


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Ana@Example.ORG ", "ana@example.org"),
        ("ＡＮＡ@example.org", "ana@example.org"),
        ("ana+trees@example.org", "ana+trees@example.org"),
        ("josé@example.org", "josé@example.org"),
        ("nobody", ""),
        ("a@b@c.org", ""),
        ("", ""),
        # Two addresses, or a blank within one: to pick one out may name somebody else.
        ("ana@example.org, ben@example.org", ""),
        ("ana lopez@example.org", ""),
        ("ana@example.org/ben@example.org", ""),
        ("#ana@example.org #ben@example.org", ""),
        ("sip:ana@example.org", ""),
        # These may be the address's own.
        ("_ana@example.org", "_ana@example.org"),
        ("~ana@example.org", "~ana@example.org"),
        ("-ana@example.org", "-ana@example.org"),
        ("+ana@example.org", "+ana@example.org"),
        ("ana#1@example.org", "ana#1@example.org"),
        ("o'ana=x@example.org", "o'ana=x@example.org"),
        ("%61na@example.org", "%61na@example.org"),
        ("ben@example.org <ana@example.org>", ""),
        ("<ana@example.org> <ben@example.org>", ""),
        ("Ana", ""),
        ("<>", ""),
        ("@", ""),
    ],
)
def test_addresses(written, normal):
    assert normalise_email(written) == normal


@pytest.mark.parametrize(
    "around",
    [
        *("!{}", "={}", "#{}", "*{}", "*{}*", "**{}**", "_{}_", "__{}__", "*_{}_*", "~{}~", "|{}|"),
        *('="{}"', "{}/", "{}\\", "{}=", "{}#", "- {}", "• {}", "> {}", "%20{}", "{}%0D%0A"),
        *("smtp:{}", "SMTP:{}", "mailto:{}", "mailto://{}", "Email: {}", "e-mail : {}", "mail:{}/"),
        *("<smtp:{}>", "Ana <#{}>", "#mailto:{}?subject=a"),
    ],
)
def test_punctuation_around_an_address_is_not_part_of_it(around):
    assert normalise_email(around.format("ana@example.org")) == "ana@example.org"


@pytest.mark.parametrize(
    ("written", "region", "normal"),
    [
        ("(202) 555-0143", "US", "+12025550143"),
        ("+1 202 555 0143", "FR", "+12025550143"),
        ("12024444444", "US", "+12024444444"),
        ("545-370-1537 x9178", "US", "+15453701537"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("12", "US", ""),
        ("call me", "US", ""),
        # As spreadsheets write a number with decimals; one that was rounded is another's.
        ("2127365000.0", "US", "+12127365000"),
        ("12127365000.00", "US", "+12127365000"),
        ("+33612345678.0", "US", "+33612345678"),
        ("2127365000.5", "US", ""),
        ("2.12737E+09", "US", ""),
        ("2.127365E9", "US", ""),
        ("5550123.0", "US", ""),
        # Without its area code a number is many people's.
        ("555-0123", "US", ""),
        ("5550123", "US", ""),
        ("15550123", "US", ""),
        ("+15550123", "US", ""),
        ("7946 0958", "GB", ""),
        ("5550123", "DE", ""),
        ("5550123", "AU", ""),
        ("5550123", "MX", ""),
        ("0555 0123", "DE", "+495550123"),
        ("20 7946 0958", "GB", "+442079460958"),
        ("6 12 34 56 78", "FR", "+33612345678"),
        ("22 12 34 56", "NO", "+4722123456"),
        ("02 12345678", "IT", "+390212345678"),
        # What stands for a hidden number, or for none.
        ("+8656696", "US", ""),
        ("+266696687", "US", ""),
        ("+7378742833", "US", ""),
        ("+86282452253", "US", ""),
        ("+2562533", "US", ""),
        ("1266696687", "US", ""),
        ("Anonymous", "US", ""),
        ("(555) 123-4567", "US", ""),
        ("1234567890", "US", ""),
        ("7378742833", "US", "+17378742833"),
        # Names on a telephone system that look like numbers.
        ("client:2025550143", "US", ""),
        ("sip:+12025550143@example.org", "US", ""),
        ("whatsapp:+12025550143", "US", "+12025550143"),
        ("tel:+1-202-555-0143;ext=4", "US", "+12025550143"),
        # Copied out of a list of contacts, with marks of direction.
        ("\u202a+1 202\u200f 555 0143\u202c", "DE", "+12025550143"),
    ],
)
def test_numbers(written, region, normal):
    assert normalise_phone(written, region) == normal


NUMBER = st.text("0123456789+-. ()x", max_size=16)
WRITTEN = st.tuples(
    st.sampled_from(["", "1", "+1", "+1 ", "1-", "+", "01"]),
    st.sampled_from(["202", "(202)", "112", "911", "555", "022"]),
    st.sampled_from(["", " ", "-", "."]),
    st.sampled_from(["555", "155", "055", "200"]),
    st.sampled_from(["", " ", "-", "."]),
    st.sampled_from(["0143", "014", "01434", "0143 x9"]),
).map("".join)


@given(st.one_of(NUMBER, WRITTEN), st.sampled_from(["US", "CA"]))
def test_plain_numbers_are_accepted_as_by_the_library(written, region):
    """But for area codes that the North American plan does not have."""
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        assert normalise_phone(written, region) == ""
        return
    number.extension = None
    possible = phonenumbers.is_possible_number_with_reason(number)
    whole = possible == phonenumbers.ValidationResult.IS_POSSIBLE
    if number.country_code == 1:
        area = phonenumbers.national_significant_number(number)[:4]
        whole = whole and area[0] > "1" and area[3:] > "1" and area[1:3] != "11"
        whole = whole and area[:3] != "555"
    expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert normalise_phone(written, region) == (expected if whole else "")


INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u2060\u2066\u2069\ufeff\u00ad\u034f\ufe0f"


@st.composite
def ways_to_write(draw: st.DrawFn, address: str) -> str:
    """Write an address as it comes out of forms, mail programs and spreadsheets."""
    for char in draw(st.lists(st.sampled_from(INVISIBLE), max_size=3)):
        at = draw(st.integers(0, len(address)))
        address = address[:at] + char + address[at:]
    if draw(st.booleans()):
        address = address.upper()
    form = draw(
        st.sampled_from(
            [
                "{}",
                " {} ",
                "{},",
                "{};",
                "{}.",
                "<{}>",
                "\u00a0{}\t",
                "'{}'",
                "\u201c{}\u201d",
                "({})",
                "Ana <{}>",
                '"Lopez, Ana" <{}>',
                "Ana &lt;{}&gt;",
                "{} (Ana)",
                "mailto:{}",
                "mailto:{}?subject=Hello",
                "{}\r\n",
                "\u200b{}\ufeff",
            ]
        )
    )
    written = form.format(address)
    spelled = draw(st.sampled_from(["@", "\uff20", "&#64;", " @ "]))
    return written.replace("@", spelled)


@given(st.data(), st.sampled_from(["ana@example.org", "o'neil+trees@mail.example.co.uk"]))
def test_an_address_is_the_same_in_any_spelling(data, address):
    written = data.draw(ways_to_write(address))
    assert normalise_email(written) == address, ascii(written)


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[^@\s]{1,12}@[^@\s]{1,12}\.[a-z]{2}")))
@example("İ@example.org")
@example("ana@exa\u200dmple.org")
def test_normalizing_an_address_is_idempotent(written):
    read = normalise_email(written)
    assert normalise_email(read) == read


@given(
    st.one_of(NUMBER, WRITTEN, st.text(max_size=20)),
    st.sampled_from(["US", "FR", "GB", "DE", "IT", "AU", "MX", "BR", "KE", "NO"]),
    st.sampled_from(["US", "FR", "DE"]),
)
def test_normalizing_a_number_is_idempotent(written, region, other):
    read = normalise_phone(written, region)
    assert normalise_phone(read, other) == read


@pytest.mark.parametrize(
    ("email", "phone", "unreadable"),
    [
        ("", "", False),
        ("ana@example.org", "555-0123", False),
        ("ana at example", "202 555 0143", False),
        ("ana at example", "", True),
        ("", "555-0123", True),
        ("ana@example.org ben@example.org", "-", True),
        # Nobody gave anything here.
        ("n/a", "+266696687", False),
        (" \u200b", "Anonymous", False),
        ("noreply@example.org", "", False),
    ],
)
def test_unreadable_contacts_are_recognized(email, phone, unreadable):
    assert is_unreadable(email, phone, "US") is unreadable
