"""The first hours of a post, beside the median of the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from advocacy.analytics.post_story import FIRST_HOURS, curves
from advocacy.storage.post_story import FirstHourRow

NOW = datetime(2026, 5, 10, tzinfo=UTC)
OWN, *OTHERS = (UUID(int=number) for number in range(5))


def published(**days: float) -> dict[UUID, datetime]:
    names = {"own": OWN} | {f"other{number}": each for number, each in enumerate(OTHERS)}
    return {names[name]: NOW - timedelta(days=number) for name, number in days.items()}


def test_actions_are_summed_up_hour_by_hour():
    rows = [FirstHourRow(OWN, 0, 5), FirstHourRow(OWN, 2, 1), FirstHourRow(OWN, 71, 4)]
    found = curves(published(own=9), OWN, rows, NOW)
    assert len(found.actions) == FIRST_HOURS
    assert found.actions[:3] == (5, 5, 6)
    assert found.actions[-2:] == (6, 10)


def test_a_young_post_has_the_hours_that_began():
    found = curves(published(own=0.2), OWN, [FirstHourRow(OWN, 1, 2)], NOW)
    assert found.actions == (0, 2, 2, 2, 2)
    assert curves(published(own=-1), OWN, [], NOW).actions == ()


def test_the_median_is_of_the_other_posts_also_of_those_without_actions():
    rows = [FirstHourRow(OTHERS[0], 0, 9), FirstHourRow(OTHERS[1], 1, 4), FirstHourRow(OWN, 0, 99)]
    found = curves(published(own=9, other0=9, other1=9, other2=9), OWN, rows, NOW)
    assert found.others == 3
    assert found.median[:3] == (0, 4, 4)


def test_the_median_ends_where_too_few_posts_are_old_enough():
    found = curves(published(own=9, other0=9, other1=9, other2=0.2), OWN, [], NOW)
    assert len(found.median) == 5
    assert curves(published(own=9, other0=9), OWN, [], NOW).median == ()
