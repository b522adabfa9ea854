"""Small records that storage shares with the pure packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias, TypedDict
from uuid import UUID

from advocacy.core.tracking_parameters import CLICK_ID_LENGTH

JsonObject: TypeAlias = dict[str, object]
"""A JSON object as it was read, from a `jsonb` column or from another program.

Its values are narrowed with `isinstance`, or by the functions of `providers.parsing`.
"""


class StoredTouch(TypedDict):
    """A touch on the path of an action, as stored in `actions.path`.

    `at` is ISO 8601; `shares` has the share by model, as a fraction ("1/3"), without zeros.
    """

    post_id: str | None
    link_id: str | None
    platform: str
    channel: str
    tier: str
    at: str
    shares: dict[str, str]


class StoredReturn(TypedDict):
    """Money that went back, as stored in `actions.returns`; `at` is ISO 8601."""

    at: str
    amount_minor: int


class Identifier(NamedTuple):
    """A keyed hash, with the kind of what was hashed."""

    kind: str
    digest: str


# Many clicks share few links.
_uuid = lru_cache(maxsize=10_000)(UUID)


class Click(NamedTuple):
    """A click as it is logged: no IP address, no browser, nothing about the person.

    `not_human_why` is empty for a person, else `head`, `prefetch` or `preview`.
    """

    click_id: str
    org_id: UUID
    link_id: UUID
    at: datetime
    not_human_why: str = ""
    referrer_host: str = ""

    def to_line(self) -> bytes:
        """Return the click as one line of tab-separated fields."""
        return (
            "\t".join(
                (
                    self.click_id,
                    str(self.org_id),
                    str(self.link_id),
                    self.at.isoformat(),
                    self.not_human_why,
                    self.referrer_host,
                )
            ).encode()
            + b"\n"
        )

    @classmethod
    def from_line(cls, line: bytes) -> Click:
        """Read what `to_line` wrote. Raises `ValueError` for anything else.

        On a full disk a line may be truncated, and the next one then follows on the same line.
        """
        *_torn, click_id, org_id, link_id, at, why, host = (
            line.decode(errors="replace").rstrip("\n").split("\t")
        )
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or len(click_id) < CLICK_ID_LENGTH:
            raise ValueError("not a click")
        return cls(
            click_id[-CLICK_ID_LENGTH:],
            _uuid(org_id),
            _uuid(link_id),
            moment.astimezone(UTC),
            why,
            host,
        )


@dataclass(frozen=True, slots=True)
class Running:
    """A post's recent and usual activity: counts in the window, and per day over the last days.

    `own_per_day` is the post's average, `campaign_per_day` the average of the campaign's posts.
    """

    post_id: UUID
    campaign_id: UUID
    counted: int
    own_per_day: float
    campaign_per_day: float


@dataclass(frozen=True, slots=True)
class Surge:
    """A post far above its usual activity; `usual` is the average of an equally long window."""

    post_id: UUID
    campaign_id: UUID
    counted: int
    usual: float


class LinkByCode(NamedTuple):
    """A link and its post's platform, found by its code."""

    code: str
    link_id: UUID
    post_id: UUID
    campaign_id: UUID
    platform: str


class LinkByUtm(NamedTuple):
    """A link and its post's platform, found by its UTM parameters, which are folded."""

    utm: dict[str, str]
    link_id: UUID
    post_id: UUID
    campaign_id: UUID
    platform: str


class StoredClick(NamedTuple):
    """A click as attribution needs it."""

    click_id: str
    link_id: UUID
    post_id: UUID
    campaign_id: UUID
    platform: str
    clicked_at: datetime
    seen_at: datetime
    human: bool
