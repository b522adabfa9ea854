"""The tables, without behaviour; the queries are in `storage/`.

`org_id` comes first in every primary, unique and foreign key, so that no row of one organization
can point at another's and the same schema can be distributed by `org_id`. Two tables are global:
`organizations`, and `addresses`, the lookup keys.

Note: `actions`, `identifiers`, `supporters` and `totals` are derived. The source of truth is
`inbox`, `touches` and what staff made; `rebuild` derives the rest.
"""

from __future__ import annotations

from advocacy.storage.models.access import (
    AuditRow,
    IdempotencyKey,
    Member,
    SessionRow,
    Token,
)
from advocacy.storage.models.derived import (
    ActionName,
    ActionRow,
    CellCounter,
    CellNews,
    ClickSpanTotal,
    ClickTotal,
    DayTotal,
    FiguresVersion,
    GenerationTotal,
    IdentifierRow,
    PersonNumber,
    Presence,
    PresenceNews,
    Restatement,
    SpanTotal,
    StoredCell,
    Supporter,
    Suppressed,
    Total,
)
from advocacy.storage.models.ingestion import (
    Claim,
    InboxRow,
    QuarantinedDelivery,
    RefusedRequest,
    WaitingDelivery,
)
from advocacy.storage.models.reports import (
    OutgoingAttempt,
    OutgoingMessage,
    OutgoingWebhook,
    ReportSubscription,
    SentReport,
    SurgeRow,
    ViewLink,
)
from advocacy.storage.models.tenancy import (
    Address,
    Campaign,
    Goal,
    Organization,
    SecretKeyDigest,
    Source,
    SourceSecret,
)
from advocacy.storage.models.tracking import Link, Post, TouchRow

__all__ = [
    "ActionName",
    "ActionRow",
    "Address",
    "AuditRow",
    "Campaign",
    "CellCounter",
    "CellNews",
    "Claim",
    "ClickSpanTotal",
    "ClickTotal",
    "DayTotal",
    "FiguresVersion",
    "GenerationTotal",
    "Goal",
    "IdempotencyKey",
    "IdentifierRow",
    "InboxRow",
    "Link",
    "Member",
    "Organization",
    "OutgoingAttempt",
    "OutgoingMessage",
    "OutgoingWebhook",
    "PersonNumber",
    "Post",
    "Presence",
    "PresenceNews",
    "QuarantinedDelivery",
    "RefusedRequest",
    "ReportSubscription",
    "Restatement",
    "SecretKeyDigest",
    "SentReport",
    "SessionRow",
    "Source",
    "SourceSecret",
    "SpanTotal",
    "StoredCell",
    "Supporter",
    "Suppressed",
    "SurgeRow",
    "Token",
    "Total",
    "TouchRow",
    "ViewLink",
    "WaitingDelivery",
]
