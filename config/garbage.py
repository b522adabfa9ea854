"""How often Python looks for reference cycles."""

from __future__ import annotations

import gc

_OBJECTS = 200_000


def tune_garbage_collection() -> None:
    """Look for cycles once in 200,000 objects, and never again in those that exist now.

    A batch creates some hundred thousand objects that live until it is committed. With Python's
    default of 700, a quarter of a drain's time was spent on walking through them in vain: a batch
    has no reference cycles, so its objects are freed at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, 10, 10)
