"""Return quarantined deliveries to the queue, so that a worker tries them again.

Note: a delivery in quarantine for `id_reuse` has the id of another one that was processed. It is
queued again only if its provider adapter gives it a different id by now, for example after a
mapping was corrected that gave a gift and its refund one id.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from advocacy.core.crypto import open_text, unseal
from advocacy.core.errors import Unreadable
from advocacy.core.events import Verified
from advocacy.core.minimization import keyed_name
from advocacy.providers import BY_SLUG
from advocacy.storage import inbox
from advocacy.storage import sources as sources_storage


def put_back(
    master: bytes,
    org_id: UUID,
    *,
    reason: str | None = None,
    ids: Sequence[UUID] | None = None,
) -> int:
    """Queue quarantined deliveries again; return how many. The caller commits."""
    tried = inbox.requeue(org_id, reason=reason, ids=ids)
    if reason in (None, inbox.ID_REUSE):
        tried += _put_back_renamed(master, org_id, ids)
    return tried


def _put_back_renamed(master: bytes, org_id: UUID, ids: Sequence[UUID] | None) -> int:
    sources = {source.id: source for source in sources_storage.list_sources(org_id)}
    tried = 0
    for row in inbox.lock_reused(org_id, ids):
        source = sources[row.source_id]
        try:
            body = unseal(master, org_id, f"body:{row.id}", row.body)
            message_id = open_text(master, org_id, f"message:{row.id}", row.message_id)
        except Unreadable:
            continue
        verified = Verified(body, row.received_at, message_id, row.content_type, source.setup)
        name = keyed_name(master, org_id, BY_SLUG[source.provider].external_id(verified))
        if name != row.external_id.rpartition("#")[0]:
            tried += inbox.requeue_as(org_id, row.id, row.source_id, name)
    return tried
