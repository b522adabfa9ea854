"""Which post set an action in motion: `attribute(action, touches, rule) -> credits`.

Pure: rules that know nobody. Touches come in as evidence (`evidence.py`), a rule shares the action
out among them (`rules.py`), whole minor units are split without loss (`money.py`). Over a whole
campaign, `journeys.py` holds Markov and Shapley and `influence.py` what a last click does not show;
both are imported by name, since only reports need them. No Flask, no SQL, no settings, no clock.
"""

from __future__ import annotations

from advocacy.attribution.eligibility import (
    SESSION,
    WINDOWS,
    CheckedTouch,
    check_eligibility,
    eligible,
    path_of,
    window_bounds,
)
from advocacy.attribution.proration import split_minor, split_returns
from advocacy.attribution.rules import (
    RULES,
    Rule,
    WeightedTouch,
    assign_weights,
    attribute,
    first_touch,
    last_social_touch,
    last_touch,
    linear,
    position_based,
    share_out,
    shares_of,
    time_decay,
)

__all__ = [
    "RULES",
    "SESSION",
    "WINDOWS",
    "CheckedTouch",
    "Rule",
    "WeightedTouch",
    "assign_weights",
    "attribute",
    "check_eligibility",
    "eligible",
    "first_touch",
    "last_social_touch",
    "last_touch",
    "linear",
    "path_of",
    "position_based",
    "share_out",
    "shares_of",
    "split_minor",
    "split_returns",
    "time_decay",
    "window_bounds",
]
