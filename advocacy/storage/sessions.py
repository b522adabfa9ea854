"""Sessions of signed-in browsers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.ids import new_key
from advocacy.storage.lookup_keys import token_digest
from advocacy.storage.session import execute, run

SESSION_LASTS = timedelta(hours=12)
SESSION_IDLE = timedelta(minutes=30)

_NOTED_AGAIN = timedelta(minutes=1)
"""The interval at which the use of a session is recorded."""


def put_session(
    org_id: UUID, *, member_id: UUID | None = None, token_id: UUID | None = None
) -> str:
    """Create a session of a member or an API token; return its token, which is not stored."""
    execute(
        """delete from sessions where org_id = :o
           and (expires_at < now() or seen_at < now() - :idle)""",
        o=org_id,
        idle=SESSION_IDLE,
    )
    token = new_key("ses")
    execute(
        """insert into sessions (org_id, digest, member_id, token_id, expires_at)
           values (:o, :digest, :member_id, :token_id, now() + :lasts)""",
        o=org_id,
        digest=token_digest(token),
        member_id=member_id,
        token_id=token_id,
        lasts=SESSION_LASTS,
    )
    return token


class OpenSession(NamedTuple):
    """An open session of a member or of an API token.

    The fields of the other are empty; `id` is the member's.
    """

    org_id: UUID
    id: UUID | None
    email: str
    name: str
    role: str
    language: str
    token: str
    noted: bool


def find_session(org_id: UUID, token: str) -> OpenSession | None:
    """Return the open session with this token: its member's or token's columns, and `noted`.

    `noted` is False if `record_session_use` has to be called again.
    """
    rows = run(
        OpenSession,
        """select s.org_id, m.id, coalesce(m.email, '') as email, coalesce(m.name, '') as name,
                  coalesce(m.role, '') as role, coalesce(m.language, '') as language,
                  coalesce(t.name, '') as token,
                  s.seen_at > now() - :again as noted
           from sessions s
           left join members m on m.org_id = s.org_id and m.id = s.member_id
           left join tokens t on t.org_id = s.org_id and t.id = s.token_id
             and t.revoked_at is null and t.expires_at > now()
           where s.org_id = :o and s.digest = :digest
             and s.expires_at > now() and s.seen_at > now() - :idle
             and (m.id is not null or t.id is not null)""",
        o=org_id,
        digest=token_digest(token),
        again=_NOTED_AGAIN,
        idle=SESSION_IDLE,
    )
    return rows[0] if rows else None


def record_session_use(org_id: UUID, token: str) -> None:
    """Record that a session is in use, and the day of its member's visit."""
    execute(
        "update sessions set seen_at = now() where org_id = :o and digest = :digest",
        o=org_id,
        digest=token_digest(token),
    )
    execute(
        """update members m set last_seen_on = :today from sessions s
           where m.org_id = :o and s.org_id = :o and s.digest = :digest and m.id = s.member_id
             and m.last_seen_on is distinct from :today""",
        o=org_id,
        today=datetime.now(UTC).date(),
        digest=token_digest(token),
    )


def end_session(org_id: UUID, token: str) -> None:
    """End one session; copies of its cookie are no longer valid."""
    execute(
        "delete from sessions where org_id = :o and digest = :digest",
        o=org_id,
        digest=token_digest(token),
    )


def end_sessions(org_id: UUID, member_id: UUID, keep: str = "") -> int:
    """End all sessions of a member except the one with the token `keep`; return how many."""
    return execute(
        "delete from sessions where org_id = :o and member_id = :id and digest <> :kept",
        o=org_id,
        id=member_id,
        kept=token_digest(keep),
    )
