"""Versions of figures: a counter for each campaign, raised by whatever changes its figures.

What changes figures calls `note_change`; what staff set up (posts, goals, campaigns, sources) is
noted when it is stored. `transaction()` raises the counters of all that was noted.

Note: a version is at least the time in microseconds. So none comes twice, even where a crash of the
machine loses commits of the drain, or a backup is restored.

The counters are raised last in a transaction, in one order everywhere. So no two transactions wait
for each other, and a counter is locked only for the length of a commit.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

from flask_sqlalchemy.session import Session
from sqlalchemy import event, text
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm import scoped_session

from advocacy.storage.db import db
from advocacy.storage.models import Campaign, Goal, Organization, Post, Source

_NOTED = "figures changed"
_RAISE = text(
    """insert into figures_versions (org_id, scope_id, version)
       select :o, v.scope_id, :now from unnest(cast(:scopes as uuid[])) as v (scope_id)
       order by v.scope_id
       on conflict (org_id, scope_id)
       do update set version = greatest(figures_versions.version + 1, excluded.version)"""
)


def note_change(org_id: UUID, campaign_ids: Iterable[UUID | None]) -> None:
    """Let figures of these campaigns have another version; None is what belongs to no campaign."""
    _note(db.session(), org_id, campaign_ids)


def _note(session: OrmSession, org_id: UUID, campaign_ids: Iterable[UUID | None]) -> None:
    noted = session.info.setdefault(_NOTED, {})
    noted.setdefault(org_id, set()).update(each or org_id for each in campaign_ids)


def raise_noted(session: scoped_session[Session]) -> None:
    """Raise the versions of all that was noted in this transaction."""
    session.flush()
    noted: dict[UUID, set[UUID]] = session().info.pop(_NOTED, {})
    for org_id in sorted(noted):
        session.execute(
            _RAISE,
            {"o": org_id, "scopes": sorted(noted[org_id]), "now": time.time_ns() // 1000},
        )


def forget_noted(session: scoped_session[Session]) -> None:
    """Forget what was noted in a transaction that is rolled back."""
    session().info.pop(_NOTED, None)


@event.listens_for(Session, "before_flush")
def _note_what_staff_changed(session: Session, _flush: object, _objects: object) -> None:
    for each in (*session.new, *session.deleted, *filter(session.is_modified, session.dirty)):
        match each:
            case Post() | Goal() | Source():
                _note(session, each.org_id, [each.campaign_id])
            case Campaign():
                _note(session, each.org_id, [each.id])
            case Organization():
                _note(session, each.id, [None])
