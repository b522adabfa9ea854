"""Template filters: numbers, amounts, shares and days in the reader's language.

Note: a template that names a figure that a report does not have fails, see `FigureUndefined`.
"""

from __future__ import annotations

from dataclasses import is_dataclass

from flask import Blueprint, Flask
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
        obj: object = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        if is_dataclass(obj):
            raise exc(f"{type(obj).__name__} has no {name}")


def init_app(app: Flask) -> None:
    """Let templates fail on figures that a report does not have."""
    app.jinja_env.undefined = FigureUndefined


for _filter in (
    formats.day,
    formats.day_short,
    formats.decimal,
    formats.money,
    formats.money_whole,
    formats.number,
    formats.percent,
    formats.signed,
    formats.signed_percent,
):
    blueprint.add_app_template_filter(_filter)
