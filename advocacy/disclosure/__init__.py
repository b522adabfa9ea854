"""What people who are not members see: reports whose numbers are rounded. Pure.

Members (signed-in staff, API tokens, the files they download, mails to their address) see exact
figures. View links and mails to other addresses show what `shared_activation`, `shared_summary`
and `shared_surge` return; `docs/decisions/6-shared-output-is-rounded.md` says why and what it does
not protect from.

Note: only numbers that are already rounded may be summed, divided or compared for others. A share
or a change of exact numbers would tell them.
"""

from __future__ import annotations

from advocacy.disclosure.reports import shared_activation, shared_summary, shared_surge
from advocacy.disclosure.rounding import Rounding

__all__ = ["Rounding", "shared_activation", "shared_summary", "shared_surge"]
