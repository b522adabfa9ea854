"""Keeping little: bodies go after their time, and a person can be erased while the counts stay.

What a stranger would get wrong: erasing does not delete actions. Her actions get a token
of chance for their person, so that every count stays; the hashes leave the facts; the bodies go;
and a mark, under another key, keeps late deliveries and rebuilds from bringing her back.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from advocacy.events import Person
from advocacy.identity import (
    DIGEST_BYTES,
    digests,
    organization_key,
    supporter_of,
    suppression_mark,
)
from advocacy.store import actions, inbox, touches, transaction
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: so many actions lost their person, so many bodies are gone."""

    actions: int
    bodies: int
    clicks: int


def drop_old_bodies(settings: Settings, org_id: UUID) -> int:
    """Remove bodies that were worked through longer ago than they may be kept."""
    before = datetime.now(UTC) - timedelta(days=settings.body_retention_days)
    with transaction():
        return inbox.drop_old_bodies(org_id, before)


def erase(settings: Settings, org_id: UUID, *, email: str, phone: str, region: str) -> Erased:
    """Erase one person of one organization, by e-mail address, phone number, or both.

    Raises `ValueError` where neither can be read as one.
    """
    master = settings.secret_key.encode()
    found = digests(
        Person(email=email, phone=phone), organization_key(master, org_id, "identity"), region, ""
    )
    if not found:
        raise ValueError("give an e-mail address or a phone number that can be read as one")
    suppress = organization_key(master, org_id, "suppress")
    erased_actions = erased_bodies = erased_clicks = 0
    with transaction():
        actions.lock_organization(org_id, alone=True)
        actions.put_suppressed(
            org_id, [suppression_mark(suppress, each) for each in found.values()]
        )
        for kind, value in found.items():
            supporter = supporter_of({kind: value})
            if supporter is None:
                continue
            before = actions.lock_actions(org_id, actions.ids_of_supporter(org_id, supporter))
            token = secrets.token_hex(DIGEST_BYTES)
            nobody = supporter_of({"erased": token})
            actions.replace_actions(
                org_id,
                [replace(each, supporter_id=nobody, click_id="") for each in before.values()],
            )
            actions.rename_supporter(org_id, supporter, nobody)
            deliveries = sorted({one for each in before.values() for one in each.delivery_ids})
            erased_bodies += inbox.erase_person(org_id, deliveries, list(found.values()), token)
            erased_clicks += touches.erase_owner(org_id, supporter)
            erased_actions += len(before)
    return Erased(erased_actions, erased_bodies, erased_clicks)
