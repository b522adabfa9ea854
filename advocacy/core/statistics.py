"""Tail probabilities."""

from __future__ import annotations

from math import exp, lgamma, log


def chance_of_so_many(counted: int, expected: float) -> float:
    """Return the probability of at least `counted` events where `expected` are the average.

    The upper tail of the Poisson distribution; zero if nothing is expected and something happens.
    """
    if counted <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    if counted <= expected:
        # Not in the upper tail: the sum below would be long, and the result is close to one.
        return 1.0
    term = exp(counted * log(expected) - expected - lgamma(counted + 1))
    total, number = 0.0, counted
    while term > total * 1e-12:
        total += term
        number += 1
        term *= expected / number
    return min(total, 1.0)
