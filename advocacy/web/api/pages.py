"""Lists of the API, page by page, and fields that several schemas share."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from marshmallow import Schema, fields, validate

from advocacy.core.plain_text import visible
from advocacy.storage.campaigns import Cursor
from advocacy.web.api.endpoint import Query
from advocacy.web.api.transactions import invalid

MAX_LIMIT = 200
_ARCHIVED = {"false": False, "true": True, "all": None}


class Text(fields.Str):
    """A line of text, without invisible characters and superfluous spaces."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return " ".join(visible(super()._deserialize(value, attr, data, **kwargs)).split())


def text(longest: int, description: str = "", *, shortest: int = 0, **about: Any) -> Text:
    """Return the field of a line of text with at most so many characters."""
    return Text(
        validate=validate.Length(shortest, longest),
        metadata={"description": description} if description else {},
        **about,
    )


class PageQuery(Schema):
    """A page of a list."""

    limit = fields.Int(load_default=50, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.Str(
        load_default="", metadata={"description": "`next` of the page before this one."}
    )
    archived = fields.Str(
        load_default="false",
        validate=validate.OneOf(list(_ARCHIVED)),
        metadata={"description": "Which ones: `false` (the default), `true` or `all`."},
    )


class Page(Schema):
    """What all lists have."""

    next = fields.Str(
        allow_none=True,
        metadata={"description": "The cursor of the next page; null: there is none."},
    )


class _Row(Protocol):
    @property
    def created_at(self) -> datetime: ...

    @property
    def id(self) -> UUID: ...


RowT = TypeVar("RowT", bound=_Row)


def wanted(query: Query) -> dict[str, Any]:
    """Return the parameters of a list for storage: one row more than a page has."""
    return {
        "limit": query["limit"] + 1,
        "before": _read_cursor(query["cursor"]),
        "archived": _ARCHIVED[query["archived"]],
    }


def page(rows: Sequence[RowT], query: Query) -> tuple[Sequence[RowT], str | None]:
    """Return the rows of a page, and the cursor of the next one."""
    limit = query["limit"]
    return rows[:limit], _cursor(rows[limit - 1]) if len(rows) > limit else None


def _cursor(row: _Row) -> str:
    text = f"{row.created_at.astimezone(UTC).isoformat()}|{row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> Cursor | None:
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, row_id = base64.urlsafe_b64decode(padded).decode("ascii").split("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError(at)
        return moment, UUID(row_id)
    except (binascii.Error, ValueError):
        raise invalid("cursor", "is not the cursor of a previous answer") from None
