"""Change tokens: they differ whenever figures may differ.

A token is the version of the figures (`figures_versions`), whether deliveries wait, and how many
are quarantined, since pages show that too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from advocacy.storage.session import run, scalar

Watched = tuple[UUID, UUID]
"""An organization and a campaign of it."""

_QUEUE = """(select exists (select 1 from waiting where org_id = :o) as waits,
                    (select count(*) from (
                       select 1 from quarantine where org_id = :o limit 1000
                     ) few) as quarantined) q"""


def read_change_tokens(watched: Sequence[Watched]) -> dict[Watched, str]:
    """Return the change tokens of these campaigns, with one statement for each organization."""
    by_org: dict[UUID, list[UUID]] = {}
    for org_id, campaign_id in watched:
        by_org.setdefault(org_id, []).append(campaign_id)
    return {
        (org_id, row.campaign_id): row.token
        for org_id, campaign_ids in by_org.items()
        for row in _read(org_id, campaign_ids)
    }


class _TokenRow(NamedTuple):
    campaign_id: UUID
    token: str


def _read(org_id: UUID, campaign_ids: Sequence[UUID]) -> list[_TokenRow]:
    return run(
        _TokenRow,
        f"""select w.id as campaign_id,
                   concat_ws('.', coalesce(v.version, 0), coalesce(a.version, 0), q.waits::int,
                             q.quarantined) as token
            from unnest(cast(:campaigns as uuid[])) as w (id)
            left join figures_versions v on v.org_id = :o and v.scope_id = w.id
            left join figures_versions a on a.org_id = :o and a.scope_id = :o
            cross join {_QUEUE}""",
        o=org_id,
        campaigns=list(campaign_ids),
    )


def read_change_token(org_id: UUID) -> str:
    """Return the change token of all figures of an organization.

    The versions only ever rise, so their sum differs whenever one of them does.
    """
    return scalar(
        str,
        f"""select concat_ws('.', v.version, q.waits::int, q.quarantined) as token
            from (select coalesce(sum(version), 0) as version
                  from figures_versions where org_id = :o) v
            cross join {_QUEUE}""",
        o=org_id,
    )
