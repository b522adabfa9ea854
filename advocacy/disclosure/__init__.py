"""Disclosure control: reports for people who are not members have rounded numbers.

Members (signed-in staff, API tokens, the files they download, emails to their address) see exact
figures. View links and emails to other addresses show what `shared_activation`, `shared_summary`
and `shared_surge` return; `docs/decisions/6-shared-output-is-rounded.md` has the reasons and the
limits.

Note: only rounded numbers may be summed, divided or compared for others. A share or a change of
exact numbers would disclose them.
"""

from __future__ import annotations

from advocacy.disclosure.reports import shared_activation, shared_summary, shared_surge
from advocacy.disclosure.rounding import Rounding

__all__ = ["Rounding", "shared_activation", "shared_summary", "shared_surge"]
