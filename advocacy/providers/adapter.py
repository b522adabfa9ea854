"""The interface of a provider module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from advocacy.core.events import ActionEvent, Delivery, Trust, Verified


class Provider(Protocol):
    """The interface of an adapter module, checked by `tests/providers/test_contract.py`."""

    slug: str
    title: str
    TRUST: Trust
    ANSWER: int
    CODE_PARAMETERS: str
    SETUP_STEPS: Sequence[str]

    def verify(self, delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified:
        """Verify the exact bytes of a request. Raises `Refused`."""
        ...

    def external_id(self, verified: Verified) -> str:
        """Return the tool's id of the delivery, by which a redelivery is recognised."""
        ...

    def parse(self, verified: Verified) -> list[ActionEvent]:
        """Return the statements about actions in a body. Raises `Unreadable`."""
        ...

    def destination(self, url: str, code: str, click_id: str) -> str:
        """Return the URL of a page of the tool, with code and click id in its parameters."""
        ...

    def sample_delivery(
        self,
        landing: str,
        secret: str,
        message_id: str,
        now: datetime,
        setup: Mapping[str, object],
        url: str,
    ) -> Delivery:
        """Return the signed test delivery of an invented supporter who arrived at `landing`."""
        ...
