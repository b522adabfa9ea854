"""Record restatements: changes to figures of days that were already complete.

The reasons are a late action (`late`), a correction by the tool (`correction`), and late
evidence that moved a credit (`evidence`).

Note: changes of today are not restatements, since today is not complete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from advocacy.core.dates import day_in
from advocacy.ingestion.batch import Batch
from advocacy.storage import restatements
from advocacy.storage.actions import Action
from advocacy.storage.restatements import Restatement

_CREDIT = ("post_id", "campaign_id", "tier", "path")
_FACTS = ("counted", "gross_minor", "currency", "kind", "occurred_at")


def note_restatements(batch: Batch) -> None:
    """Store what this batch changes of completed days."""
    now = datetime.now(UTC)
    restatements.put_restatements(
        batch.org_id, restated(batch.stored, batch.actions, batch.zones, now)
    )


def restated(
    before: Mapping[UUID, Action],
    after: Iterable[Action],
    zones: Mapping[UUID | None, str],
    now: datetime,
) -> list[Restatement]:
    """Return what changes of these actions did to completed days, by campaign and reason."""
    changed: dict[tuple[UUID, str], list[Action]] = defaultdict(list)
    today = {campaign_id: day_in(now, zone) for campaign_id, zone in zones.items()}
    for action in after:
        why = _why(before.get(action.id), action)
        if why and action.campaign_id and action.occurred_on < today[action.campaign_id]:
            changed[action.campaign_id, why].append(action)
    return [
        Restatement(
            campaign_id,
            why,
            min(action.occurred_on for action in actions),
            max(action.occurred_on for action in actions),
            len(actions),
        )
        for (campaign_id, why), actions in sorted(changed.items())
    ]


def _why(old: Action | None, new: Action) -> str:
    if old is None:
        return "late" if new.counted else ""
    if not (old.counted or new.counted):
        return ""
    if any(getattr(old, name) != getattr(new, name) for name in _FACTS):
        return "correction"
    if any(getattr(old, name) != getattr(new, name) for name in _CREDIT):
        return "evidence"
    return ""
