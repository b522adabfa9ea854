"""The data of an action's receipt, and of a campaign's list of actions.

Amounts are whole minor units. Nothing in here identifies a person: no address, hash or id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from advocacy.core.events import Tier


@dataclass(frozen=True, slots=True)
class Refund:
    """Part of a gift that was refunded."""

    at: datetime
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ActionMoney:
    """What was given with an action and what was refunded."""

    currency: str
    gross_minor: int
    refunded_minor: int
    returns: tuple[Refund, ...] = ()

    @property
    def net_minor(self) -> int:
        """Gross minus refunded."""
        return self.gross_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class CampaignName:
    """A campaign's slug and name."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class SourceName:
    """A source's name and provider."""

    name: str
    provider: str


@dataclass(frozen=True, slots=True)
class CreditedPost:
    """A post and the slug of its campaign."""

    id: UUID
    platform: str
    title: str
    url: str
    campaign: str


@dataclass(frozen=True, slots=True)
class ReceiptAction:
    """The action that a receipt is about; `timezone` is that of its day."""

    id: UUID
    kind: str
    at: datetime
    day: date
    timezone: str
    campaign: CampaignName | None
    source: SourceName
    renewal: bool
    ended_at: datetime | None
    page: str


@dataclass(frozen=True, slots=True)
class ReceiptDelivery:
    """A delivery and the types of its statements about the action."""

    id: UUID
    source: SourceName
    received_at: datetime
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReceiptCredit:
    """Who is credited, and the evidence for it."""

    tier: Tier
    platform: str
    post: CreditedPost | None


@dataclass(frozen=True, slots=True)
class ReceiptInheritance:
    """The payment whose credit a renewal inherits."""

    action_id: UUID
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class ReceiptEvidence:
    """One tier of evidence: whether any was received, matches a touch, and is used."""

    tier: Tier
    received: bool
    found: bool
    used: bool
    text: str


@dataclass(frozen=True, slots=True)
class ReceiptShare:
    """What a touch gets by one model; `share` is exact, as 0, 1 or 1/3."""

    share: str
    percent: float
    gross_minor: int
    refunded_minor: int

    @property
    def net_minor(self) -> int:
        """Gross minus refunded."""
        return self.gross_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class ReceiptTouch:
    """A touch: its number in the path, or the reason why it is not counted.

    `timed` says whether `at` is the instant of a click; otherwise it is that of the action.
    `shares` are by model, and empty for a touch that is not counted.
    """

    number: int | None
    post: CreditedPost | None
    platform: str
    channel: str
    tier: Tier
    at: datetime
    timed: bool
    rejection_reason: str
    text: str
    shares: Mapping[str, ReceiptShare]


@dataclass(frozen=True, slots=True)
class ReceiptChange:
    """Something that arrived after the action was first counted, and changed it."""

    at: datetime
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Why an action is credited as it is."""

    action: ReceiptAction
    summary: str
    counted: bool
    not_counted_reason: str
    current: bool
    deliveries: tuple[ReceiptDelivery, ...]
    money: ActionMoney | None
    credit: ReceiptCredit
    inherits: ReceiptInheritance | None
    evidence: tuple[ReceiptEvidence, ...]
    touches: tuple[ReceiptTouch, ...]
    restated: tuple[ReceiptChange, ...]
