"""Tail probabilities."""

from __future__ import annotations

from math import exp, lgamma, log


def chance_of_so_many(counted: int, expected: float) -> float:
    """Return how likely at least so many are where `expected` come on average.

    The upper tail of the Poisson distribution. Nothing is expected: anything at all is a wonder.
    """
    if counted <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    if counted <= expected:
        # Not in the upper tail; the sum below would be long and its answer is "likely".
        return 1.0
    term = exp(counted * log(expected) - expected - lgamma(counted + 1))
    total, number = 0.0, counted
    while term > total * 1e-12:
        total += term
        number += 1
        term *= expected / number
    return min(total, 1.0)
