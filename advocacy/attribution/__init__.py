"""Decide which posts get the credit for an action.

Pure. `touchpoints.collect_touchpoints` collects the evidence, `check_eligibility` decides what
counts, a rule of `RULES` shares the action among the rest, and `split_minor` splits money exactly.
`credit.credit_action` combines these for the stored credit and the receipt. Over a whole campaign,
`campaign_models` has the Markov and Shapley models and `path_analysis` the influence that a last
click does not show; both are imported by name, since only reports need them.
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
