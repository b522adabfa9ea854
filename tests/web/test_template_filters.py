"""Templates fail on a figure that a report does not have, and only on that."""

from __future__ import annotations

import pytest
from flask import render_template_string
from jinja2 import UndefinedError

from advocacy.analytics.figures import Clicks
from advocacy.reporting import formats


@pytest.mark.parametrize("named", ["clicks.robots", "clicks['from']"])
def test_a_figure_that_a_report_does_not_have_is_an_error(app, named):
    with app.test_request_context(), pytest.raises(UndefinedError, match="Clicks has no"):
        render_template_string("{{ " + named + " }}", clicks=Clicks())


def test_other_missing_names_are_empty(app):
    with app.test_request_context():
        text = render_template_string(
            "{{ clicks.human }}{{ missing }}{{ some.key }}", clicks=Clicks(), some={}
        )
    assert text == "0"


@pytest.mark.parametrize("name", ["day", "decimal", "money", "number", "percent", "signed"])
def test_pages_and_emails_format_by_the_same_functions(app, name):
    assert app.jinja_env.filters[name] is getattr(formats, name)
