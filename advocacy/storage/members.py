"""Members: the staff of an organization, their roles, passwords and one-time links.

Note: a person may be a member of several organizations, as several rows with a password each.
`addresses` finds them by a keyed digest of the email address; only the sign-in form uses it, since
the organization is known everywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from advocacy.core.contacts import normalise_email
from advocacy.core.crypto import NO_ORGANIZATION, digest, organization_key
from advocacy.core.ids import new_id, new_key
from advocacy.storage import nodes
from advocacy.storage.errors import NotFound, Taken
from advocacy.storage.lookup_keys import find_owner, find_owners_by_prefix, token_digest
from advocacy.storage.session import column, execute, exists, run
from advocacy.storage.sessions import SESSION_IDLE, end_sessions

ONE_TIME_LASTS = timedelta(days=7)


class BadEmail(ValueError):
    """Not a valid email address; the message quotes it."""


class LastOwner(ValueError):
    """The change would leave no owner; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """A staff member. `joined` is whether they have set a password."""

    org_id: UUID
    id: UUID
    email: str
    name: str
    role: str
    language: str
    joined: bool

    @property
    def called(self) -> str:
        """Their name, or their email address if they have given none."""
        return self.name or self.email


_MEMBER = """m.org_id, m.id, m.email, m.name, m.role, m.language,
             m.password is not null as joined"""


def put_member(master: bytes, org_id: UUID, email: str, role: str, name: str = "") -> Member:
    """Make a member without a password yet. Raises `BadEmail` and `Taken`."""
    address = normalise_email(email)
    if not address:
        raise BadEmail(f"{email!a} is not a valid email address")
    rows = run(
        Member,
        f"""insert into members as m (org_id, id, email, name, role)
            values (:o, :id, :email, :name, :role)
            on conflict (org_id, email) do nothing
            returning {_MEMBER}""",
        o=org_id,
        id=new_id(),
        email=address,
        name=name,
        role=role,
    )
    if not rows:
        raise Taken(f"{address} is already a member")
    made = rows[0]
    execute(
        """insert into addresses (kind, word, org_id, target_id)
           values ('member', :word, :org_id, :id)""",
        word=f"{_email_digest(master, address)}/{org_id}",
        org_id=org_id,
        id=made.id,
    )
    return made


def find_member(org_id: UUID, member_id: UUID) -> Member | None:
    """Return the organization's member with this id."""
    rows = run(
        Member,
        f"select {_MEMBER} from members m where m.org_id = :o and m.id = :id",
        o=org_id,
        id=member_id,
    )
    return rows[0] if rows else None


def get_member(org_id: UUID, email: str) -> Member:
    """Return the organization's member with this e-mail address. Raises `NotFound`."""
    rows = _with_email(org_id, email)
    if not rows:
        raise NotFound(f"there is no member {email}; see `advocacy member list`")
    return rows[0]


def is_member(org_id: UUID, email: str) -> bool:
    """Return whether this e-mail address is one of the organization's members."""
    return bool(_with_email(org_id, email))


def _with_email(org_id: UUID, email: str) -> list[Member]:
    return run(
        Member,
        f"select {_MEMBER} from members m where m.org_id = :o and m.email = :email",
        o=org_id,
        email=normalise_email(email),
    )


class ListedMember(NamedTuple):
    """A member in the list, with their last visit."""

    org_id: UUID
    id: UUID
    email: str
    name: str
    role: str
    language: str
    joined: bool
    last_seen_on: date | None
    one_time_until: datetime | None
    sessions: int


def list_members(org_id: UUID) -> list[ListedMember]:
    """Return all members by address, with `one_time_until`, `last_seen_on` and open `sessions`."""
    return run(
        ListedMember,
        f"""select {_MEMBER}, m.last_seen_on,
                  case when m.one_time_until > now() then m.one_time_until end as one_time_until,
                  (select count(*) from sessions s
                   where s.org_id = :o and s.member_id = m.id
                     and s.expires_at > now() and s.seen_at > now() - :idle) as sessions
            from members m where m.org_id = :o order by m.email""",
        o=org_id,
        idle=SESSION_IDLE,
    )


class MemberByEmail(NamedTuple):
    """A member with their organization and password hash, for the sign-in form."""

    org_id: UUID
    org_name: str
    id: UUID
    password: str | None


def find_by_email(master: bytes, email: str) -> list[MemberByEmail]:
    """Return the members with this address in all organizations: org_id, org_name, id, password.

    Only the sign-in form uses it: everywhere else the organization is known.
    """
    address = normalise_email(email)
    owners = {
        owner.org_id: owner.target_id
        for owner in find_owners_by_prefix("member", f"{_email_digest(master, address)}/")
    }
    found = nodes.of_each(
        owners,
        lambda org_id: run(
            MemberByEmail,
            """select m.org_id, o.name as org_name, m.id, m.password
               from members m join organizations o on o.id = :o
               where m.org_id = :o and m.id = :id""",
            o=org_id,
            id=owners[org_id],
        ),
    )
    return sorted(found.rows, key=lambda row: (row.org_name, row.org_id))


def set_profile(org_id: UUID, member_id: UUID, name: str, language: str) -> None:
    """Store a member's name and language; '' is the browser's default."""
    execute(
        "update members set name = :name, language = :language where org_id = :o and id = :id",
        o=org_id,
        id=member_id,
        name=name,
        language=language,
    )


def set_role(org_id: UUID, member_id: UUID, role: str) -> None:
    """Change a member's role, from their next request on. Raises `LastOwner`."""
    if role != "owner":
        _leave_an_owner(org_id, member_id)
    execute(
        "update members set role = :role where org_id = :o and id = :id",
        o=org_id,
        id=member_id,
        role=role,
    )


def remove_member(org_id: UUID, member_id: UUID) -> None:
    """Remove a member with their sessions and one-time link at once. Raises `LastOwner`."""
    _leave_an_owner(org_id, member_id)
    _lock(org_id, member_id)
    execute(
        """delete from addresses where org_id = :o and target_id = :id
           and kind in ('member', 'one_time')""",
        o=org_id,
        id=member_id,
    )
    execute("delete from members where org_id = :o and id = :id", o=org_id, id=member_id)


class _OwnerRow(NamedTuple):
    id: UUID
    joined: bool


def _leave_an_owner(org_id: UUID, member_id: UUID) -> None:
    """Raise `LastOwner` unless another owner can sign in. Locks the owners."""
    owners = run(
        _OwnerRow,
        """select id, password is not null as joined from members
           where org_id = :o and role = 'owner' order by id for update""",
        o=org_id,
    )
    if any(each.id == member_id for each in owners) and not any(
        each.joined for each in owners if each.id != member_id
    ):
        raise LastOwner("cannot remove the last owner; make another member an owner first")


# Passwords.


def put_one_time_token(org_id: UUID, member_id: UUID) -> str:
    """Make a token with which a member sets a password once, within `ONE_TIME_LASTS`.

    The previous token becomes invalid. The password does not change until then.
    """
    _lock(org_id, member_id)
    _drop_one_time_tokens(org_id, member_id)
    token = new_key("once")
    execute(
        """insert into addresses (kind, word, org_id, target_id)
           values ('one_time', :word, :org_id, :id)""",
        word=token_digest(token),
        org_id=org_id,
        id=member_id,
    )
    execute(
        "update members set one_time_until = now() + :lasts where org_id = :o and id = :id",
        o=org_id,
        id=member_id,
        lasts=ONE_TIME_LASTS,
    )
    return token


def find_by_one_time_token(token: str) -> Member | None:
    """Return the member who may set a password with this token now."""
    owner = find_owner("one_time", token)
    if owner is None:
        return None
    rows = run(
        Member,
        f"""select {_MEMBER} from members m
            where m.org_id = :o and m.id = :id and m.one_time_until > now()""",
        o=owner.org_id,
        id=owner.target_id,
    )
    return rows[0] if rows else None


def use_one_time_token(org_id: UUID, member_id: UUID, token: str, password: str) -> bool:
    """Set a password with a one-time token and end it; return False if it was used meanwhile."""
    _lock(org_id, member_id)
    used = execute(
        """delete from addresses where org_id = :o and kind = 'one_time' and word = :word
           and target_id = :id""",
        o=org_id,
        word=token_digest(token),
        id=member_id,
    )
    if used:
        set_password(org_id, member_id, password)
    return bool(used)


def password_of(org_id: UUID, member_id: UUID) -> str | None:
    """Return the hash of a member's password."""
    rows = column(
        str, "select password from members where org_id = :o and id = :id", o=org_id, id=member_id
    )
    return rows[0] if rows else None


def set_password(org_id: UUID, member_id: UUID, password: str, keep: str = "") -> None:
    """Store a new password, and end every session but the one with the token `keep`."""
    _lock(org_id, member_id)
    _drop_one_time_tokens(org_id, member_id)
    execute(
        """update members set password = :password, one_time_until = null
           where org_id = :o and id = :id""",
        o=org_id,
        id=member_id,
        password=password,
    )
    end_sessions(org_id, member_id, keep)


def update_hash(org_id: UUID, member_id: UUID, before: str, password: str) -> None:
    """Store the same password under today's parameters, unless it was changed meanwhile."""
    execute(
        """update members set password = :password
           where org_id = :o and id = :id and password = :before""",
        o=org_id,
        id=member_id,
        before=before,
        password=password,
    )


def _lock(org_id: UUID, member_id: UUID) -> None:
    """Lock a member's one-time tokens until the transaction ends.

    Call it before reading them: two transactions at once would not see each other's token.
    """
    execute(
        "select 1 from members where org_id = :o and id = :id for no key update",
        o=org_id,
        id=member_id,
    )


def _drop_one_time_tokens(org_id: UUID, member_id: UUID) -> None:
    """Remove a member's one-time tokens, if there are any.

    Of `addresses` a cluster lets only one transaction delete at a time, and none that inserts
    beside it. Two that had each inserted a new member would wait for each other's delete.
    """
    if exists(
        "select 1 from addresses where org_id = :o and kind = 'one_time' and target_id = :id",
        o=org_id,
        id=member_id,
    ):
        execute(
            "delete from addresses where org_id = :o and kind = 'one_time' and target_id = :id",
            o=org_id,
            id=member_id,
        )


def _email_digest(master: bytes, address: str) -> str:
    return digest(organization_key(master, NO_ORGANIZATION, "member"), "email", address)
