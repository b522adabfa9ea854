"""Errors that name what is missing or in use."""

from __future__ import annotations


class Taken(Exception):
    """The name is in use; the message says which."""


class NotFound(Exception):
    """There is no such thing; the message says what to do."""
