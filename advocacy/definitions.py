"""What each figure means, in one or two plain sentences, each written once.

Pure. Pages show these as "what is this?", the API has them as descriptions in its OpenAPI document,
and the code that computes a figure names its definition here.

What a stranger would get wrong: texts are marked with `N_`, which `pybabel extract` knows, so that
they are found for translation; a page translates them when it shows them, the API document is
English.
"""

from __future__ import annotations

from collections.abc import Mapping


def N_(text: str) -> str:
    """Mark a text for translation and return it as it is."""
    return text


DEFINITIONS: Mapping[str, str] = {
    "credits": N_(
        "How many actions, and how much money, each way of counting gives to each post or "
        "platform. Where the columns agree, the figure does not depend on the way of counting."
    ),
    "rules": N_(
        "These columns share out each action among the touches on its own way. Renewals count, and "
        "what nobody brought stands under “not known”, so each column sums to all actions."
    ),
    "campaign_models": N_(
        "Markov asks by how much the chance of an action falls if the post had not been there; "
        "Shapley shares each action in equal parts among all that were on the way. Both look at "
        "the whole campaign at once and leave out renewals and actions without a known way."
    ),
    "assists": N_(
        "Assisted: actions that it was on the way to and that another got the credit for by last "
        "touch. Assists of several posts do not add up."
    ),
    "sequences": N_(
        "The platforms that supporters came through before they acted, in order of time, the most "
        "frequent ways first."
    ),
    "time_to_action": N_(
        "How long it took from the click to the action, where the tool brought back the very click."
    ),
    "social_help": N_(
        "Of the actions with an e-mail or text message on their way, those that a social post had "
        "been on the way to before."
    ),
}
"""What is shown, by name."""
