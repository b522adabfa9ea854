"""The words that all rooms share.

Here live the small frozen shapes that travel between rooms: what came to the door (`Delivery`),
what a provider vouches for (`Verified`), what a tool says happened (`ActionEvent`), a click as
evidence (`Touch`), and the share of an action given to a post (`Credit`).

Nothing here is imported from outside the standard library.

What a stranger would get wrong: an `ActionEvent` is a *statement* about an action, not the action.
A tool may make several about one action (gave, returned, stopped giving) and they arrive in any
order; `ledger.settle` makes one action of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal, TypeVar, dataclass_transform
from uuid import UUID

Shape = TypeVar("Shape")


@dataclass_transform(frozen_default=True)
def shape(*, kw_only: bool = False) -> Callable[[type[Shape]], type[Shape]]:
    """Make a dataclass that nobody changes once it is made: the type checker sees to that.

    Python would see to it, too, by a call for each field, and a batch makes tens of thousands of
    these: so it took longer to freeze them than to fill them.
    """
    return dataclass(slots=True, kw_only=kw_only, unsafe_hash=True)


class ActionKind(StrEnum):
    """What a supporter did. One word each, used in columns, URLs and pages."""

    SIGNATURE = "signature"
    CALL = "call"
    LETTER = "letter"
    DONATION = "donation"
    SUBMISSION = "submission"
    ATTENDANCE = "attendance"
    CLICK = "click"
    OTHER = "other"


class StatementType(StrEnum):
    """What a statement says of its action."""

    CREATED = "made"
    """It happened."""
    REFUNDED = "returned"
    """Money of it went back: a refund, a dispute, a re-sent gift without its amount."""
    REFUND_REVERSED = "stands"
    """An earlier return is taken back: a dispute that was won, a refund that failed."""
    RECURRING_ENDED = "ended"
    """A recurring gift stops. No money moves."""
    DUPLICATE_OF = "elsewhere"
    """Another action tells the same, and better: this one is never counted by itself."""


EXPORTED_TOTAL = ":exported"
"""So ends the statement id of a return that an export has: all of its sort, whenever it was."""


class Tier(StrEnum):
    """How strong the evidence is that joins an action to a post; the first is the strongest."""

    CLICK_ID = "click_id"
    CODE = "code"
    UTM = "utm"
    REFERRER = "referrer"
    IDENTITY = "identity"
    UNATTRIBUTED = "unattributed"


TIERS: tuple[Tier, ...] = tuple(Tier)


@shape()
class Delivery:
    """One HTTP request as it stood at the door.

    `headers` has lower-case names. `url` is the address as the tool sees it (some sign it).
    `setup` is what staff configured for this source: region, time zone, mapping.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    setup: Mapping[str, Any] = field(default_factory=dict)


@shape()
class Verified:
    """A body that a provider vouches for, with the little of the request that parsing needs.

    `dedupe_body` is what of it is the same when it is sent again; all of it, where empty.
    """

    body: bytes
    received_at: datetime
    message_id: str = ""
    content_type: str = ""
    setup: Mapping[str, Any] = field(default_factory=dict)
    dedupe_body: bytes = b""


@shape()
class Person:
    """How a tool names a supporter, as it wrote it. Lives in memory only; see `identity`."""

    email: str = ""
    phone: str = ""
    person_id: str = ""


@shape(kw_only=True)
class ActionEvent:
    """One statement of a tool about one action.

    `external_id` names the action within `namespace` (empty: within its source), so that two tools
    that report the same gift name the same action. `statement_id` names this statement; saying it
    twice changes nothing. `stated_at` orders statements about one action: the newest wins.
    `amount_minor` is in the smallest unit of `currency` (ISO 4217, upper case); on a `RETURNED`
    statement `None` means all of it. `cumulative` marks a returned amount that already holds all
    earlier returns of its sort, or on `STANDS` that all of them are taken back; statement ids of
    one sort begin with the same word and a colon. `same_as` are further names of this action in the
    same namespace: what is told of one of them is told of this action. `recurs_as` names the
    mandate of a recurring gift; `renewal` is true for every payment of it after the first.
    """

    kind: ActionKind
    external_id: str
    occurred_at: datetime
    said: StatementType = StatementType.CREATED
    statement_id: str = ""
    stated_at: datetime | None = None
    namespace: str = ""
    person: Person = field(default_factory=Person)
    code: str = ""
    click_id: str = ""
    utm: Mapping[str, str] = field(default_factory=dict)
    referrer: str = ""
    amount_minor: int | None = None
    currency: str = ""
    cumulative: bool = False
    recurs_as: str = ""
    renewal: bool = False
    target: str = ""
    test: bool = False
    same_as: tuple[str, ...] = ()


@shape(kw_only=True)
class Touch:
    """A click as evidence: which link and post, when, and how strongly it is tied to the action.

    `channel` is where its link was put: `social` for a post's, else `email`, `sms`, `web`.
    """

    tier: Tier
    at: datetime
    click_id: str = ""
    link_id: UUID | None = None
    post_id: UUID | None = None
    campaign_id: UUID | None = None
    platform: str = ""
    seen_at: datetime | None = None
    channel: str = "social"


@shape()
class Credit:
    """The share of an action given to a post. The shares of one action sum to exactly one."""

    touch: Touch | None
    share: Fraction
    tier: Tier


Trust = Literal["signed", "basic_auth", "secret_path", "bearer", "none"]
