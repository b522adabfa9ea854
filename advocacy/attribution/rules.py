"""The rules that share one action among the posts that led to it.

A rule is a function from a path (touches in order of time, at least one) to weights of the same
length that sum to exactly one. It looks at the path of one action only. Models of a whole campaign
are in `campaign_models.py`, amounts in `proration.py`.

Note: weights are `Fraction` until money is split. Half-life weights are irrational, so they are
rounded to a grid of 10^-12 by largest remainder: they sum to one without floats, are the same on
every machine, and add up over many actions without growing denominators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction

from advocacy.attribution.eligibility import SESSION, check_eligibility, path_of, strength
from advocacy.attribution.proration import split_by_weights
from advocacy.core.events import Credit, Tier, Touch, shape

Rule = Callable[[Sequence[Touch], datetime], list[Fraction]]

SOCIAL = "social"
HALF_LIFE = timedelta(days=7)
GRID = 10**12
FAINT = 64
"""A touch so many half-lives before the last one weighs nothing: 2^-64 is far below the grid."""

_DIGITS = 40
_DECIMAL = Context(prec=_DIGITS)
_LN2 = _DECIMAL.ln(Decimal(2))
_MICROSECOND = timedelta(microseconds=1)


_NONE, _ALL = Fraction(0), Fraction(1)


def _all_to(index: int, path: Sequence[Touch]) -> list[Fraction]:
    return [_ALL if each == index else _NONE for each in range(len(path))]


def _last_of_strongest(path: Sequence[Touch], among: Iterable[int]) -> int:
    return min(among, key=lambda index: (strength(path[index].tier), -index))


def last_touch(path: Sequence[Touch], occurred_at: datetime) -> list[Fraction]:
    """Give everything to the last touch of the strongest tier.

    A link that the action names beats a later click that is only known to be the same person's: the
    best tier wins, tiers are never averaged.
    """
    return _all_to(_last_of_strongest(path, range(len(path))), path)


def last_social_touch(path: Sequence[Touch], occurred_at: datetime) -> list[Fraction]:
    """Give everything to the last touch through a post, ignoring later e-mails and text messages.

    If no touch came through a post, that is the last touch ("last non-direct", turned round).
    """
    social = [index for index, touch in enumerate(path) if touch.channel == SOCIAL]
    return _all_to(_last_of_strongest(path, social or range(len(path))), path)


def first_touch(path: Sequence[Touch], occurred_at: datetime) -> list[Fraction]:
    """Give everything to the first touch, by whatever evidence it is known."""
    return _all_to(0, path)


def linear(path: Sequence[Touch], occurred_at: datetime) -> list[Fraction]:
    """Give every touch the same; a post that was touched twice gets twice."""
    return [Fraction(1, len(path))] * len(path)


def position_based(path: Sequence[Touch], occurred_at: datetime) -> list[Fraction]:
    """Give 40 % to the first, 40 % to the last, and share 20 % among those between.

    Two touches get one half each. Source: Google Ads, "position-based" attribution.
    """
    if len(path) <= 2:
        return linear(path, occurred_at)
    between = Fraction(1, 5) / (len(path) - 2)
    end = Fraction(2, 5)
    return [end, *[between] * (len(path) - 2), end]


def time_decay(path: Sequence[Touch], occurred_at: datetime) -> list[Fraction]:
    """Give a touch half of what one a week later gets. Source: Google Ads, "time decay"."""
    return decayed(path, HALF_LIFE)


def decayed(path: Sequence[Touch], half_life: timedelta) -> list[Fraction]:
    """Weigh touches by 2^(-age / half_life), exactly if all ages are whole half-lives.

    Ages count from the last touch: a factor common to all weights does not matter, so the result is
    the same as with ages from the action. Raises `ValueError` for a half-life that is not positive.
    """
    if half_life <= timedelta(0):
        raise ValueError("a half-life must be positive")
    ages = [divmod(path[-1].at - touch.at, half_life) for touch in path]
    weights = [_halved(whole, rest, half_life) for whole, rest in ages]
    if not any(rest for _, rest in ages):
        total = sum(weights)
        return [Fraction(weight, total) for weight in weights]
    return [Fraction(part, GRID) for part in split_by_weights(GRID, weights)]


def _halved(whole: int, rest: timedelta, half_life: timedelta) -> int:
    """Return 2^-(whole + rest/half_life) as an integer on a scale of 2^64 times 10^40.

    Decimal `exp` is correctly rounded on every machine, to forty digits.
    """
    if whole >= FAINT:
        return 0
    part = _DECIMAL.divide(Decimal(rest // _MICROSECOND), Decimal(half_life // _MICROSECOND))
    halved = _DECIMAL.exp(_DECIMAL.multiply(-part, _LN2))
    return int(halved.scaleb(_DIGITS, _DECIMAL)) << FAINT - whole


RULES: Mapping[str, Rule] = {
    "last_touch": last_touch,
    "last_social_touch": last_social_touch,
    "first_touch": first_touch,
    "linear": linear,
    "position_based": position_based,
    "time_decay": time_decay,
}
"""The rules by their names in reports, columns and URLs; the first is the default."""


def attribute(
    occurred_at: datetime,
    touches: Iterable[Touch],
    rule: Rule,
    window: timedelta,
    session: timedelta = SESSION,
) -> list[Credit]:
    """Share an action that occurred at this instant among its touches.

    Returns credits whose shares sum to exactly one; without eligible touches, one credit without a
    touch.
    """
    return share_out(path_of(occurred_at, touches, window, session), occurred_at, rule)


def share_out(path: Sequence[Touch], occurred_at: datetime, rule: Rule) -> list[Credit]:
    """Share an action along its path, as `attribute` does."""
    if not path:
        return [Credit(None, _ALL, Tier.UNATTRIBUTED)]
    return [
        Credit(touch, share, touch.tier)
        for touch, share in zip(path, rule(path, occurred_at), strict=True)
        if share
    ]


@shape()
class WeightedTouch:
    """A line of the receipt: a touch, why it was rejected if it was, and its weight by rule."""

    touch: Touch
    rejection_reason: str
    shares: Mapping[str, Fraction]


def assign_weights(
    occurred_at: datetime,
    touches: Iterable[Touch],
    window: timedelta,
    rules: Mapping[str, Rule] = RULES,
    session: timedelta = SESSION,
) -> list[WeightedTouch]:
    """Return every touch of an action, in order of time, with its weight by rule.

    The weights of one rule sum to exactly one, or to zero if no touch is in the path.
    """
    judged = check_eligibility(occurred_at, touches, window, session)
    path = [each.touch for each in judged if not each.rejection_reason]
    shares = iter(shares_of(path, occurred_at, rules))
    nothing = dict.fromkeys(rules, _NONE)
    return [
        WeightedTouch(
            each.touch, each.rejection_reason, nothing if each.rejection_reason else next(shares)
        )
        for each in judged
    ]


def shares_of(
    path: Sequence[Touch], occurred_at: datetime, rules: Mapping[str, Rule] = RULES
) -> list[dict[str, Fraction]]:
    """Return the weight of each touch of a path by rule; those of one rule sum to exactly one."""
    if not path:
        return []
    by_rule = [rule(path, occurred_at) for rule in rules.values()]
    return [dict(zip(rules, shares, strict=True)) for shares in zip(*by_rule, strict=True)]
