"""Template filters: numbers, money and shares in the reader's language.

Note: a template that names a figure that a report does not have fails, see `FigureUndefined`.
"""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any

from flask import Blueprint, Flask
from flask_babel import format_decimal
from jinja2 import Undefined
from jinja2.exceptions import TemplateRuntimeError, UndefinedError
from jinja2.utils import missing

from advocacy.reporting import formats

blueprint = Blueprint("template_filters", __name__)


class FigureUndefined(Undefined):
    """As Jinja's own: nothing where a name is missing, but an error where a figure is missing."""

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        if is_dataclass(obj):
            raise exc(f"{type(obj).__name__} has no {name}")


def init_app(app: Flask) -> None:
    """Let templates fail on figures that a report does not have."""
    app.jinja_env.undefined = FigureUndefined


@blueprint.app_template_filter("money")
def money(minor: int | None, currency: str) -> str:
    """Format an amount in minor units; a dash for none."""
    return "–" if minor is None else formats.money(minor, currency)


@blueprint.app_template_filter("number")
def number(value: float | None) -> str:
    """Format a number with separators and at most one decimal; a dash for none."""
    return formats.number(value)


@blueprint.app_template_filter("decimal")
def decimal(value: float, most: int = 1) -> str:
    """Format a number with one to `most` decimals."""
    return str(format_decimal(value, format="#,##0.0" + "#" * (most - 1)))


@blueprint.app_template_filter("percent")
def percent(share: float | None) -> str:
    """Format a share as a whole percentage; a small share is not shown as zero."""
    return formats.percent(share)


@blueprint.app_template_filter("signed")
def signed(value: float) -> str:
    """Format a difference with its sign."""
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{number(abs(value))}"


@blueprint.app_template_filter("signed_percent")
def signed_percent(share: float) -> str:
    """Format a relative change as a whole percentage with its sign."""
    return f"{'+' if share > 0 else '−' if share < 0 else '±'}{percent(abs(share))}"
