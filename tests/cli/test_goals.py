"""`advocacy goal`: add, list, remove."""

from __future__ import annotations

import pytest


@pytest.fixture
def hope(operator):
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    operator.does("campaign", "create", "--slug", "stay", "--name", "Stay")
    return operator


RANGE = ("--from", "2026-01-01", "--until", "2035-12-31")


def test_a_goal_is_added_listed_and_removed(hope):
    assert "advocacy goal add" in hope.does("goal", "list")
    made = hope.does(
        "goal", "add", "--campaign", "stay", "--measure", "net", "--currency", "usd",
        "--target", "25,000", *RANGE, "--name", "Legal fund",
    ).strip()  # fmt: skip
    listed = hope.does("goal", "list")
    assert made in listed
    assert "0.00 USD of 25,000.00 USD" in listed
    assert "Legal fund" in listed
    hope.does("goal", "remove", made)
    assert made not in hope.does("goal", "list")
    assert "there is no goal" in hope.fails("goal", "remove", made)


def test_growth_is_accepted_and_errors_are_one_line(hope):
    hope.does("goal", "add", "--measure", "supporters", "--target", "+5%", *RANGE)
    assert "nothing to grow over" in hope.does("goal", "list")
    assert "+5%" in hope.fails("goal", "add", "--measure", "calls", "--target", "some", *RANGE)
    assert "currency" in hope.fails("goal", "add", "--measure", "net", "--target", "5", *RANGE)
    assert "no campaign" in hope.fails(
        "goal", "add", "--campaign", "none", "--measure", "calls", "--target", "5", *RANGE
    )
