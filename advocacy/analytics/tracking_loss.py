"""The lost-source alarm: a tool that used to bring our codes back has stopped doing so.

Pure but for the figures it is handed. Teams have needed months to see that a form was rebuilt and a
parameter got lost; here the tool and the parameter are named within a day.

Note: a low share is no alarm. Much of what a tool sends never came
through our links; the alarm is that the share has *fallen*, by more than chance would have it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, lgamma

from advocacy.core.messages import Phrase, say

LATELY_DAYS = 2
BEFORE_DAYS = 28
LEAST_RECENT = 10
LEAST_BEFORE = 20
LEAST_SHARE_BEFORE = 0.1
BY_CHANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Carried:
    """How many actions of a source came with our code: lately, and in the weeks before."""

    source: str
    provider: str
    recent: int
    recent_with_code: int
    before: int
    before_with_code: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A source that lost its codes; shares are from 0 to 1."""

    source: str
    provider: str
    share_before: float
    share_recent: float
    recent: int


def lost_sources(figures: Iterable[Carried]) -> list[Lost]:
    """Return the sources whose share of actions with our code fell by more than chance.

    Fisher's exact test on the two by two table, one-sided, at 1 in 10,000; and the share has to
    have at least halved, since a small fall of a large number is not what anybody has to mend.
    """
    found = []
    for each in figures:
        if each.recent < LEAST_RECENT or each.before < LEAST_BEFORE:
            continue
        before, recent = (
            each.before_with_code / each.before,
            each.recent_with_code / each.recent,
        )
        if before < LEAST_SHARE_BEFORE or recent > before / 2:
            continue
        if chance_of_so_few(each) < BY_CHANCE:
            found.append(Lost(each.source, each.provider, before, recent, each.recent))
    return found


def in_words(lost: Lost, carries: str, tool: str) -> Phrase:
    """Say what was lost and where to look; `carries` is the parameter in which the code travels."""
    return say(
        "%(before)s of its actions carried our code; recently only %(recent)s of "
        "%(number)s did. Check that %(carries)s still reaches %(tool)s.",
        before=f"{lost.share_before:.0%}",
        recent=f"{lost.share_recent:.0%}",
        number=lost.recent,
        carries=carries,
        tool=tool,
    )


def chance_of_so_few(each: Carried) -> float:
    """Return how likely so few codes among the recent actions are, if nothing had changed.

    The lower tail of the hypergeometric distribution: of all actions, those with a code are dealt
    out at random between before and lately.
    """
    with_code = each.recent_with_code + each.before_with_code
    every = each.recent + each.before
    total = 0.0
    for drawn in range(max(0, each.recent - (every - with_code)), each.recent_with_code + 1):
        total += exp(
            _log_choose(with_code, drawn)
            + _log_choose(every - with_code, each.recent - drawn)
            - _log_choose(every, each.recent)
        )
    return min(total, 1.0)


def _log_choose(n: int, k: int) -> float:
    if k < 0 or k > n:
        return -1e9
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
