"""Reports as the JSON that the API documents, made without the API's schemas."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

from advocacy.analytics.figures import CampaignActivation


def as_json(report: CampaignActivation) -> dict[str, Any]:
    """Return a report as JSON; texts, days and ids are strings."""
    found = _plain(report)
    found |= {"from": found.pop("first"), "to": found.pop("last")}
    del found["rounded_to"]
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


def _plain(part: Any) -> Any:
    """Return dataclasses as dictionaries, with the figures that follow from others."""
    if is_dataclass(part):
        names = [each.name for each in fields(part)]
        names += [name for name in ("bounds", "factor") if hasattr(part, name)]
        return {name: _plain(getattr(part, name)) for name in names}
    return [_plain(each) for each in part] if isinstance(part, tuple) else part
