"""Which post set an action in motion: `attribute(action, touches, rule) -> credits`.

Pure: rules that know nobody. Touches come in as evidence (`evidence.py`), a rule shares the action
out among them (`rules.py`). No Flask, no SQL, no settings, no clock.
"""

from __future__ import annotations

from advocacy.attribution.evidence import WINDOWS, eligible
from advocacy.attribution.rules import RULES, attribute, last_touch

__all__ = ["RULES", "WINDOWS", "attribute", "eligible", "last_touch"]
