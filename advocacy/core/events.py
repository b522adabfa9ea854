"""The types that pass between packages.

A `Delivery` is an HTTP request, `Verified` a body whose sender is verified, an `ActionEvent` what a
tool says happened, a `Touch` a click as evidence, and a `Credit` the share of an action that goes
to a post. Imports only the standard library.

Note: an `ActionEvent` is a *statement* about an action, not the action. A tool may make several
about one action (given, refunded, ended), and they arrive in any order; `ingestion.reconcile` makes
one action of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Literal, TypeVar, dataclass_transform
from uuid import UUID

Shape = TypeVar("Shape")


@dataclass_transform(frozen_default=True)
def shape(*, kw_only: bool = False) -> Callable[[type[Shape]], type[Shape]]:
    """Return a dataclass decorator; the type checker makes sure that instances are never changed.

    A frozen dataclass calls a function for each field, and a batch creates tens of thousands of
    these: freezing them took longer than filling them.
    """
    return dataclass(slots=True, kw_only=kw_only, unsafe_hash=True)


class ActionKind(StrEnum):
    """What a supporter did; used in columns, URLs and pages."""

    SIGNATURE = "signature"
    CALL = "call"
    LETTER = "letter"
    DONATION = "donation"
    SUBMISSION = "submission"
    ATTENDANCE = "attendance"
    CLICK = "click"
    OTHER = "other"


class StatementType(StrEnum):
    """What a statement says about its action."""

    CREATED = "made"
    """The action happened."""
    REFUNDED = "returned"
    """Money was returned: a refund, a dispute, a gift sent again without its amount."""
    REFUND_REVERSED = "stands"
    """An earlier return was taken back: a dispute that was won, a refund that failed."""
    RECURRING_ENDED = "ended"
    """A recurring gift ended. No money moves."""
    DUPLICATE_OF = "elsewhere"
    """Another action is the better report of the same event: this one is never counted."""


EXPORTED_TOTAL = ":exported"
"""The suffix of statement ids for the total of all returns of a kind in an export."""


class Tier(StrEnum):
    """How strong the evidence is that connects an action with a post, strongest first."""

    CLICK_ID = "click_id"
    CODE = "code"
    UTM = "utm"
    REFERRER = "referrer"
    IDENTITY = "identity"
    UNATTRIBUTED = "unattributed"


TIERS: tuple[Tier, ...] = tuple(Tier)


@shape()
class Delivery:
    """One HTTP request as it was received.

    `headers` has lower-case names. `url` is the URL as the tool knows it (some sign it). `setup` is
    what staff configured for this source: region, time zone, mapping.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    setup: Mapping[str, object] = field(default_factory=dict)


@shape()
class Verified:
    """A body whose sender is verified, with the little of the request that parsing needs.

    `dedupe_body` is the part that is the same when the delivery is sent again; empty for all of it.
    """

    body: bytes
    received_at: datetime
    message_id: str = ""
    content_type: str = ""
    setup: Mapping[str, object] = field(default_factory=dict)
    dedupe_body: bytes = b""


@shape()
class Person:
    """How a tool identifies a supporter, as written. Never stored; see `identity`."""

    email: str = ""
    phone: str = ""
    person_id: str = ""


@shape(kw_only=True)
class ActionEvent:
    """One statement of a tool about one action.

    `external_id` names the action within `namespace` (empty: within its source), so that two tools
    that report the same gift name the same action. `same_as` are further names of the action in the
    same namespace. `statement_id` names the statement; repeating it changes nothing. `stated_at`
    orders statements about one action: the newest wins.

    `amount_minor` is in the smallest unit of `currency` (ISO 4217, upper case); on a `REFUNDED`
    statement `None` means all of it. `cumulative` marks a returned amount that includes all earlier
    returns of its kind, or on `REFUND_REVERSED` that all of them are taken back; statement ids of
    one kind begin with the same word and a colon. `recurs_as` names the mandate of a recurring
    gift; `renewal` is true for every payment of it after the first.
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

    `channel` is where the link was published: `social` for a post, else `email`, `sms` or `web`.
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
    """The share of an action that goes to a post. The shares of one action sum to exactly one."""

    touch: Touch | None
    share: Fraction
    tier: Tier


Trust = Literal["signed", "basic_auth", "secret_path", "bearer", "none"]
