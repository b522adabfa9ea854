"""Mappings for known tools, as data for the generic adapter.

Each JSON file is one mapping. Its `evidence` says how sure its shape is: `documented` (the tool's
own pages), `seen` (public code that receives it), `assumed` (no body is published; check it with a
dry run on one of yours). `source` says where.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


def names() -> list[str]:
    """Return the names of the included mappings."""
    found = (each.name for each in files(__name__).iterdir())
    return sorted(name.removesuffix(".json") for name in found if name.endswith(".json"))


@cache
def _text_of(name: str) -> str:
    return files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")


def get(name: str) -> dict[str, object]:
    """Return a mapping by its name. Raises `KeyError` if there is none."""
    if name not in names():
        raise KeyError(name)
    mapping: dict[str, object] = json.loads(_text_of(name))
    return mapping
