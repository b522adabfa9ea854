"""Amounts in minor units."""

from __future__ import annotations

import pytest

from advocacy.core.money import format_minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123456, "USD", "1,234.56 USD"),
        (-5, "EUR", "-0.05 EUR"),
        (0, "USD", "0.00 USD"),
        (5000, "JPY", "5,000 JPY"),
        (1234, "KWD", "1.234 KWD"),
        (2**53 - 1, "USD", "90,071,992,547,409.91 USD"),
        (100, "", "1.00"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(minor, currency, text):
    assert format_minor(minor, currency) == text
