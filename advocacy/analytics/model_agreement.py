"""How far the attribution models agree: the range of each key's share over all models.

Pure. A key is a platform or a post. Shares are of the actions that a model gives to somebody:
models of single actions also count those without a known path, which Markov and Shapley never see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advocacy.analytics.conversion_paths import ModelCredits

AGREE_WITHIN = 0.02
"""Shares that differ by at most this agree: a difference on which nobody would decide anything."""

WORTH_NAMING = 0.005
"""A key whose share is below this by every model is left out."""


@dataclass(frozen=True, slots=True)
class KeyAgreement:
    """The shares of a key by model, in the order of the models; the least, the most, the usual."""

    id: str
    key: str
    shares: tuple[float, ...]
    least: float
    most: float
    usual: float
    least_by: str
    most_by: str

    @property
    def spread(self) -> float:
        """By how much the models differ, in parts of one."""
        return self.most - self.least

    @property
    def agrees(self) -> bool:
        """Whether the models agree about this key."""
        return round(self.spread, 4) <= AGREE_WITHIN


@dataclass(frozen=True, slots=True)
class Agreement:
    """The models that have figures, and each key's range; the largest usual share first."""

    models: tuple[str, ...]
    rows: tuple[KeyAgreement, ...]

    @property
    def spread(self) -> float:
        """The largest difference between two models about one key."""
        return max((row.spread for row in self.rows), default=0.0)

    @property
    def agrees(self) -> bool:
        """Whether the models agree about every key."""
        return all(row.agrees for row in self.rows)

    @property
    def disputed(self) -> tuple[KeyAgreement, ...]:
        """The keys about which models do not agree, the most disputed first."""
        rows = [row for row in self.rows if not row.agrees]
        return tuple(sorted(rows, key=lambda row: (-row.spread, row.key)))

    @property
    def agreed(self) -> tuple[KeyAgreement, ...]:
        """The keys about which all models agree."""
        return tuple(row for row in self.rows if row.agrees)


def agreement(models: Sequence[ModelCredits]) -> Agreement:
    """Return how far these models agree; the first is the usual one.

    Models without figures are left out.
    """
    known = [model for model in models if any(row.id and row.actions for row in model.rows)]
    totals = [sum(row.actions for row in model.rows if row.id) for model in known]
    names = {row.id: row.key for model in known for row in model.rows if row.id}
    rows = []
    for key, name in names.items():
        shares = []
        for model, total in zip(known, totals, strict=True):
            actions = sum(row.actions for row in model.rows if row.id == key)
            shares.append(round(actions / total, 4))
        least, most = min(shares), max(shares)
        if most < WORTH_NAMING:
            continue
        rows.append(
            KeyAgreement(
                id=key,
                key=name,
                shares=tuple(shares),
                least=least,
                most=most,
                usual=shares[0],
                least_by=known[shares.index(least)].model,
                most_by=known[shares.index(most)].model,
            )
        )
    rows.sort(key=lambda row: (-row.usual, -row.most, row.key))
    return Agreement(tuple(model.model for model in known), tuple(rows))
