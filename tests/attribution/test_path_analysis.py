"""Assists, top paths, and what helped another channel."""

from __future__ import annotations

from fractions import Fraction

from advocacy.attribution.campaign_models import Journey
from advocacy.attribution.path_analysis import Assists, assists, helped, top_paths
from tests.support.worked_examples import MIXED, journey


def test_assists():
    found = assists(MIXED)
    assert found == {"A": Assists(3, 4), "B": Assists(3, 3), "C": Assists(2, 0)}
    assert found["A"].ratio == Fraction(4, 3)


def test_a_post_does_not_assist_its_own_action():
    assert assists([journey("A>B>A", 5)]) == {"A": Assists(5, 0), "B": Assists(0, 5)}
    assert assists([journey("A>B", 5)])["A"].ratio is None


def test_the_credited_touch_need_not_be_last():
    assert assists([Journey(("A", "B"), 2, credited="A")]) == {
        "A": Assists(2, 0),
        "B": Assists(0, 2),
    }


def test_a_path_without_an_action_gives_no_assist():
    assert assists([journey("A>B", 0, 0, 9)]) == {}


def test_top_paths():
    first, second, third = top_paths(MIXED, 3)
    assert (first.path, first.actions, first.amount_minor) == (("A", "B"), 2, 60)
    assert (second.path, second.actions, second.share) == (("A",), 2, Fraction(1, 4))
    assert third.path == ("A", "B", "A", "C")
    assert second.ratio == Fraction(2, 6)


def test_top_paths_are_only_of_actions():
    assert ("C", "C") not in {each.path for each in top_paths(MIXED, 99)}


def test_top_paths_collapsed():
    (only,) = top_paths(
        [journey("A>A>B", 1), journey("A>B>B", 2), journey("A>B", 4)], collapse=True
    )
    assert (only.path, only.actions, only.share) == (("A", "B"), 7, 1)


def test_social_helped_the_email():
    found = helped(
        [
            journey("social>email", 2),
            journey("email>social>email", 3),
            journey("email>social", 5),
            journey("email", 7),
            journey("social", 11),
            journey("social>email", 0, 0, 13),
        ]
    )
    assert (found.helped, found.actions, found.share) == (5, 17, Fraction(5, 17))


def test_a_text_message_and_unattributed():
    assert helped([journey("sms>web", 1)], "web", by="sms").share == 1
    assert helped([journey("social", 1)]).share is None
