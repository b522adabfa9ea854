"""The applications of `advocacy.doors` by their former name."""

from advocacy.doors import application, doors

__all__ = ["application", "doors"]
