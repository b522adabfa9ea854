"""Errors for third-party input that is refused or cannot be read."""

from __future__ import annotations


class Refused(Exception):
    """A delivery that its provider does not vouch for. `reason` never leaves the process.

    `source` and `provider` are for the log, where the key was one of a source.
    """

    def __init__(self, reason: str, source: str = "", provider: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.source, self.provider = source, provider


class Unreadable(Exception):
    """A body that was vouched for and cannot be understood. `reason` is one word, kept."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
