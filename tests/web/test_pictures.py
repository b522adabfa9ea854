"""Small pictures say in words what they show, in the reader's language, and carry no styles."""

from __future__ import annotations

import re

import pytest
from flask import render_template_string
from flask_babel import force_locale

FROM = "{% import 'pictures.html' as pictures with context %}"


@pytest.fixture
def drawn(app):
    def draw(call, **values):
        with app.test_request_context(), force_locale("en"):
            text = render_template_string(FROM + "{{ " + call + " }}", **values)
        assert "style=" not in text and "<style" not in text
        return text

    return draw


def test_a_change_has_an_arrow_a_sign_and_a_colour(drawn):
    assert re.search(r'class="chip good".*▲.*\+50 %', drawn("pictures.chip(15, 10)"))
    assert re.search(r'class="chip bad".*▼.*−50 %', drawn("pictures.chip(5, 10)"))
    assert re.search(r'class="chip good".*▼', drawn("pictures.chip(5, 10, good='down')"))
    assert re.search(r'class="chip plain".*no change', drawn("pictures.chip(5, 5)"))
    assert "new" in drawn("pictures.chip(5, 0)")
    assert drawn("pictures.chip(5, none)").strip() == ""


def test_a_strip_of_kinds_says_them_in_words_and_in_the_order_of_charts(drawn):
    text = drawn("pictures.kind_strip(k, 20)", k={"donation": 4, "signature": 5, "letter": 0})
    assert "signature 5, donation 4" in re.search('aria-label="([^"]*)"', text)[1]
    assert re.findall(r'class="kind-(\w+)"', text) == ["signature", "donation"]


def test_a_strip_of_nothing_is_nothing(drawn):
    assert drawn("pictures.kind_strip({})").strip() == ""


def test_a_funnel_is_a_table_with_bars(drawn):
    text = drawn("pictures.funnel([('Clicks', 1000, none), ('Acted', 250, 1000)], 'Funnel')")
    assert "<caption" in text and "1,000" in text and "25 %" in text
    assert re.findall(r'class="filled[^"]*" width="([\d.]+)"', text) == ["100.0", "25.0"]


def test_a_heat_map_is_a_table_with_every_figure(drawn):
    text = drawn(
        "pictures.heat_map('By hour', 'Day', ['0', '1'], [('Mon', [0, 10]), ('Tue', [5, none])])"
    )
    assert re.findall(r'class="heat-(\d)"', text) == ["0", "5", "3"]
    assert 'title="Mon 1: 10"' in text and text.count('class="nothing"') == 1


def test_a_sparkline_without_a_label_is_hidden_from_screen_readers(drawn):
    assert 'aria-hidden="true"' in drawn("pictures.sparkline([1, 2])")
    labelled = drawn("pictures.sparkline([1, 2], 'Actions by day')")
    assert 'role="img" aria-label="Actions by day"' in labelled


@pytest.mark.parametrize(
    ("state", "said"),
    [("likely", "On track"), ("open", "At risk"), ("unlikely", "Behind"), ("reached", "Reached")],
)
def test_the_state_of_a_goal_is_said(drawn, state, said):
    assert said in drawn("pictures.goal_state(state)", state=state)


def test_a_tile_without_an_earlier_figure_has_no_change(drawn):
    assert "changed" not in drawn("pictures.tile('New', '5', 5, none)")
    assert "+25 %" in drawn("pictures.tile('New', '5', 5, 4, [1, 2, 5])")
