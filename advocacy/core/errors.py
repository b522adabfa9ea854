"""Errors for third-party input that is rejected or cannot be parsed."""

from __future__ import annotations


class Refused(Exception):
    """A delivery that could not be verified. `reason` is logged and never sent to the client.

    `source` and `provider` are for the log, if the key belongs to a source.
    """

    def __init__(self, reason: str, source: str = "", provider: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.source, self.provider = source, provider


class Unreadable(Exception):
    """A verified body that cannot be parsed. `reason` is one stored word."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
