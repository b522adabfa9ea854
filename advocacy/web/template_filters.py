"""Template filters: numbers, money and shares in the reader's language."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import format_decimal

from advocacy.reporting import formats

blueprint = Blueprint("template_filters", __name__)


@blueprint.app_template_filter("money")
def money(minor: int | None, currency: str) -> str:
    """Write minor units as people do; a dash where there is none."""
    return "–" if minor is None else formats.money(minor, currency)


@blueprint.app_template_filter("number")
def number(value: float | None) -> str:
    """Write a number with its thousands apart and at most one decimal; a dash for none."""
    return formats.number(value)


@blueprint.app_template_filter("decimal")
def decimal(value: float, most: int = 1) -> str:
    """Write a number with a decimal, or as many as it has and no more than `most`."""
    return str(format_decimal(value, format="#,##0.0" + "#" * (most - 1)))


@blueprint.app_template_filter("percent")
def percent(share: float | None) -> str:
    """Write a share as a whole percentage; what is little is not nothing."""
    return formats.percent(share)


@blueprint.app_template_filter("signed")
def signed(value: float) -> str:
    """Write by how much something changed, with its sign."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{number(abs(value))}"


@blueprint.app_template_filter("signed_percent")
def signed_percent(share: float) -> str:
    """Write by what part something changed, as a whole percentage with its sign."""
    return f"{'+' if share > 0 else '−' if share < 0 else '±'}{percent(abs(share))}"
