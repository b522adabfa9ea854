"""Attribution models over a whole campaign: Markov removal effect (order 1 to 3) and Shapley value.

The input is the paths of many people as `Journey`s. Each key of a path (a post, a platform or a
channel, as the caller chooses) gets its part of all actions and of all money, by what would be
missing without it.

Note: these models look at all data, so they are reports with a cut-off date and never the
attribution of one action. Paths that led to nothing matter: without them the Markov model only sees
which keys occur together. Amounts are of one currency. A rare key in a chain of order 2 or 3 gets a
noisy result; that is a property of the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

from advocacy.attribution.proration import in_whole_units

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K = TypeVar("K", bound=Hashable)

GRID = 10**12
MAX_STATES = 2_000
"""A dense solve of so many states takes about a second; beyond that use a lower order."""


class TooManyStates(ValueError):
    """The chain is too large for the data: use a lower order, or platforms instead of posts."""

    reason = "too_many_states"


@dataclass(frozen=True, slots=True)
class Journey(Generic[K]):
    """People who touched these keys in this order: how many acted, and how many did not (`nulls`).

    `amount_minor` is net, in minor units of one currency: what all actions gave less what was
    returned on this path, including returns of other actions; so it can be negative. `credited` is
    the key that has the action by last touch; by default the last of the path.
    """

    path: tuple[K, ...]
    actions: int = 1
    amount_minor: int = 0
    nulls: int = 0
    credited: K | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for negative counts."""
        if min(self.actions, self.nulls) < 0:
            raise ValueError("counts must not be negative")


@dataclass(frozen=True, slots=True)
class Shared(Generic[K]):
    """What each key has of a campaign; `actions` and `amount_minor` sum to the campaign's.

    Journeys without a touch are left out: no model credits their actions to anyone.
    """

    actions: Mapping[K, Fraction]
    amount_minor: Mapping[K, int]


@dataclass(frozen=True, slots=True)
class Removal(Generic[K]):
    """The probability that a journey ends in an action, and how far it falls without each key."""

    probability: float
    effects: Mapping[K, float]


def merge(journeys: Iterable[Journey[K]]) -> list[Journey[K]]:
    """Add up journeys of the same path, in a fixed order, without those that count nothing.

    Sorting makes every result identical in every order of arrival, to the last bit.
    """
    alike: dict[tuple[K, ...], list[Journey[K]]] = defaultdict(list)
    for journey in journeys:
        if journey.path and (journey.actions or journey.nulls or journey.amount_minor):
            alike[journey.path].append(journey)
    return [
        Journey(
            path,
            sum(each.actions for each in alike[path]),
            sum(each.amount_minor for each in alike[path]),
            sum(each.nulls for each in alike[path]),
        )
        for path in sorted(alike, key=_named)
    ]


def _named(path: Sequence[object]) -> list[str]:
    return [str(key) for key in path]


def _keys(merged: Sequence[Journey[K]]) -> list[K]:
    return sorted({key for journey in merged for key in journey.path}, key=str)


def removal_effects(journeys: Iterable[Journey[K]], order: int = 1) -> Removal[K]:
    """Return the removal effect of each key in a Markov chain of this order.

    States are the last `order` keys of a path; a shorter path is a state of its own. Removing a key
    redirects every transition into a state with it to "null". Source: Anderl et al. 2016, "Mapping
    the customer journey"; states as in the package ChannelAttribution. Raises `TooManyStates` above
    `MAX_STATES`, `ValueError` for an order below 1.
    """
    # Imported on use: processes that never solve a chain save the memory.
    import numpy as np

    if order < 1:
        raise ValueError("the order of a chain is at least 1")
    # A path with returns only is not one that anyone took in this period.
    merged = [each for each in merge(journeys) if each.actions or each.nulls]
    states: dict[tuple[K, ...], int] = {}
    walks = [
        [states.setdefault(gram, len(states)) for gram in _grams(journey.path, order)]
        for journey in merged
    ]
    if len(states) > MAX_STATES:
        raise TooManyStates(f"{len(states)} states of order {order}; at most {MAX_STATES}")
    if not any(journey.actions for journey in merged):
        return Removal(0.0, dict.fromkeys(_keys(merged), 0.0))

    start, moves, converts = _chain(merged, walks, len(states))
    # Visits to j from i before the end: the fundamental matrix, from which all removals follow.
    fundamental = np.linalg.inv(np.eye(len(states)) - moves)
    visits = start @ fundamental
    success = fundamental @ converts
    probability = float(start @ success)
    effects = {}
    for key in _keys(merged):
        held = [index for gram, index in states.items() if key in gram]
        # Every action of a walk that enters a state with the key is lost without it. The
        # probability of entering at j first is visits[held] · inverse(fundamental[held, held]).
        lost = visits[held] @ np.linalg.solve(fundamental[np.ix_(held, held)], success[held])
        effects[key] = min(1.0, max(0.0, float(lost) / probability))
    return Removal(probability, effects)


def _grams(path: tuple[K, ...], order: int) -> list[tuple[K, ...]]:
    if len(path) <= order:
        return [path]
    return [path[at : at + order] for at in range(len(path) - order + 1)]


def _chain(
    merged: Sequence[Journey[K]], walks: Sequence[Sequence[int]], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the start distribution, the transitions, and the probability of an action per state.

    Shapes: (size,), (size, size), (size,); what a row lacks to one ends in "null".
    """
    import numpy as np

    start = np.zeros(size)
    moves = np.zeros((size, size))
    converts = np.zeros(size)
    visits = np.zeros(size)
    for journey, walk in zip(merged, walks, strict=True):
        weight = journey.actions + journey.nulls
        start[walk[0]] += weight
        for here in walk:
            visits[here] += weight
        for here, there in pairwise(walk):
            moves[here, there] += weight
        converts[walk[-1]] += journey.actions
    return start / start.sum(), moves / visits[:, None], converts / visits


def markov(journeys: Iterable[Journey[K]], order: int = 1) -> Shared[K]:
    """Share all actions and all money in proportion to removal effects.

    Effects are rounded to a grid of 10^-12, so that the result is exact and hardly depends on the
    machine's linear algebra. Money follows the same proportions as actions; where no one acted and
    money was only returned, it is shared path by path.
    """
    merged = merge(journeys)
    effects = {
        key: Fraction(round(effect * GRID), GRID)
        for key, effect in removal_effects(merged, order).effects.items()
    }
    total = sum(effects.values(), Fraction(0))
    if not total:
        by_path = shapley(merged).amount_minor
        return Shared(dict.fromkeys(by_path, Fraction(0)), by_path)
    actions = sum(journey.actions for journey in merged)
    amount = sum(journey.amount_minor for journey in merged)
    shares = {key: effect / total for key, effect in effects.items()}
    return Shared(
        {key: share * actions for key, share in shares.items()},
        _in_minor({key: share * amount for key, share in shares.items()}),
    )


def shapley(journeys: Iterable[Journey[K]]) -> Shared[K]:
    """Share actions and money by the Shapley value of the cumulative game.

    A set of keys is worth the actions whose path needs no other key. That game is a sum of
    unanimity games, so each action is shared equally among its distinct keys: exact, and without
    enumerating subsets. Amounts can be negative for a key on whose paths more was returned than
    given. Source: Shapley 1953.
    """
    merged = merge(journeys)
    actions = dict.fromkeys(_keys(merged), Fraction(0))
    amounts = dict(actions)
    for journey in merged:
        distinct = set(journey.path)
        for key in distinct:
            actions[key] += Fraction(journey.actions, len(distinct))
            amounts[key] += Fraction(journey.amount_minor, len(distinct))
    return Shared(actions, _in_minor(amounts))


def _in_minor(parts: Mapping[K, Fraction]) -> dict[K, int]:
    """Round parts by largest remainder; of equal remainders the later name comes first."""
    return dict(zip(parts, in_whole_units(list(parts.values())), strict=True))


MODELS: Mapping[str, Callable[[Iterable[Journey[str]]], Shared[str]]] = {
    "markov_1": partial(markov, order=1),
    "markov_2": partial(markov, order=2),
    "markov_3": partial(markov, order=3),
    "shapley": shapley,
}
"""The models of a whole campaign by their names in reports and URLs."""
