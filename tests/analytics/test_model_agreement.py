"""Where attribution models agree about the share of a platform, and where they do not."""

from __future__ import annotations

import pytest

from advocacy.analytics.conversion_paths import ModelCredits, ModelShare
from advocacy.analytics.model_agreement import agreement


def model(name: str, reason: str = "", **actions: float) -> ModelCredits:
    rows = tuple(
        ModelShare("" if key == "nobody" else key, key, n, 0) for key, n in actions.items()
    )
    return ModelCredits(name, reason, rows)


def test_shares_are_of_what_has_a_path():
    """A rule knows 50 actions without a path, of which Markov does not know."""
    found = agreement(
        [model("last_touch", x=30, email=20, nobody=50), model("markov_1", x=30, email=20)]
    )
    assert found.models == ("last_touch", "markov_1")
    assert [(row.key, row.shares) for row in found.rows] == [
        ("x", (0.6, 0.6)),
        ("email", (0.4, 0.4)),
    ]
    assert found.agrees
    assert found.spread == 0


@pytest.mark.parametrize(("other", "agrees"), [(620, True), (621, False)])
def test_two_points_are_still_agreement(other, agrees):
    found = agreement(
        [model("last_touch", x=600, email=400), model("linear", x=other, email=1000 - other)]
    )
    assert found.agrees is agrees
    assert len(found.disputed) == (0 if agrees else 2)


def test_a_disputed_platform_says_by_which_models():
    found = agreement(
        [
            model("last_touch", x=50, email=30, tiktok=20),
            model("first_touch", x=30, email=50, tiktok=20),
            model("linear", x=40, email=40, tiktok=20),
        ]
    )
    assert [row.key for row in found.rows] == ["x", "email", "tiktok"]
    assert [row.key for row in found.agreed] == ["tiktok"]
    x = next(row for row in found.disputed if row.key == "x")
    assert (x.least, x.most, x.usual) == (0.3, 0.5, 0.5)
    assert (x.least_by, x.most_by) == ("first_touch", "last_touch")
    assert found.spread == pytest.approx(0.2)


def test_a_platform_that_a_model_does_not_know_has_no_share_of_it():
    found = agreement([model("last_touch", x=10), model("first_touch", x=5, email=5)])
    email = found.rows[1]
    assert (email.key, email.least, email.most, email.usual) == ("email", 0, 0.5, 0)


def test_models_without_figures_and_tiny_platforms_are_left_out():
    found = agreement(
        [model("last_touch", x=1000, email=2), model("markov_3", reason="too_many_states")]
    )
    assert found.models == ("last_touch",)
    assert [row.key for row in found.rows] == ["x"]
    assert agreement([]).rows == ()
    assert agreement([]).agrees
