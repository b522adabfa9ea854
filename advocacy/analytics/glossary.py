"""What each figure means, in one or two plain sentences, each written once.

Pure. Pages show these as "what is this?", the API has them as descriptions in its OpenAPI document,
and the code that computes a figure names its definition here.

Note: texts are marked with `N_`, which `pybabel extract` knows, so that
they are found for translation; a page translates them when it shows them, the API document is
English.
"""

from __future__ import annotations

from collections.abc import Mapping

from advocacy.core.messages import N_

DEFINITIONS: Mapping[str, str] = {
    "actions": N_(
        "What supporters did, as verified by a tool; tests are excluded. A model may "
        "divide an action among several posts; the parts add up to the action."
    ),
    "supporters": N_(
        "Distinct people behind the actions. A person who acted in two groups is in "
        "both, so groups do not add up."
    ),
    "new": N_(
        "Supporters whose first action in the organization was in this period; in a "
        "row for a day, week or hour, in that one."
    ),
    "returning": N_("Supporters who had acted in the organization before this period."),
    "clicks": N_(
        "Clicks on tracking links by people; previews, prefetches and bots are counted "
        "separately. Clicks have no kind or source, so these two filters do not apply "
        "to them."
    ),
    "conversion_rate": N_(
        "Actions credited to a post, without renewals, per click by a person. It "
        "exceeds 100 % when one click led to several actions, or when links were "
        "opened without a click that we recorded."
    ),
    "activation_rate": N_(
        "Supporters, including those who never clicked, per click by a person. No one "
        "is tracked before they act, so clicks are counted, not the people who clicked."
    ),
    "raised": N_("Gifts minus refunds. A refund counts on the day it was made."),
    "window": N_(
        "A post can be credited with actions up to seven days after a supporter "
        "clicked its link, and with gifts up to thirty days after. Older clicks are "
        "not credited."
    ),
    "compared": N_(
        "The previous period has the same number of days, immediately before the "
        "first. A year earlier means the same dates of the year before."
    ),
    "group_days": N_(
        "A day is a calendar day in the campaign’s time zone: 23 or 25 hours long when "
        "clocks change. Weeks run Monday to Sunday; weeks and months include only the "
        "days you selected. An hour that occurs twice appears as two rows."
    ),
    "credits": N_(
        "Actions and money credited to each post or platform by each model. Where the "
        "columns agree, the figure does not depend on the model."
    ),
    "rules": N_(
        "These columns share each action among the touches on its own path. Renewals "
        "count, and unattributed actions are listed under “unknown”, so each column "
        "adds up to all actions."
    ),
    "campaign_models": N_(
        "Markov measures how much the probability of an action falls without the post; "
        "Shapley shares each action equally among all posts on its path. Both consider "
        "the whole campaign and leave out renewals and actions without a known path. "
        "Markov shares money in the same proportions as actions, Shapley path by path."
    ),
    "assists": N_(
        "Assisted: actions whose path included the post or platform, but which last "
        "touch credits to another one. Assists of several posts do not add up."
    ),
    "sequences": N_(
        "The platforms that supporters came through before they acted, in "
        "chronological order, the most frequent first."
    ),
    "time_to_action": N_(
        "Time from the click to the action, where the tool returned the click id."
    ),
    "social_help": N_(
        "Of the actions whose path includes an email or text message, those with an "
        "earlier social post."
    ),
    "ladder": N_(
        "Each supporter is on the highest rung they have ever reached: clicked; signed "
        "(petition, letter or form); called (or attended an event); gave; gives "
        "monthly (any recurring gift, even if it has stopped since). “Clicked” "
        "includes only supporters whom a tool reported with a click: a click cannot be "
        "linked to a person until that person acts. A fully refunded gift does not "
        "count."
    ),
    "climbed": N_(
        "Supporters who were on a rung before this period and reached a higher one in "
        "it. People who were on none before are new. A campaign’s ladder includes only "
        "its own actions, so someone who had acted in another campaign is new on it, "
        "and returning in its report."
    ),
    "climbed_from": N_(
        "The post credited, by last touch, with the action by which a supporter "
        "reached a new highest rung in this period."
    ),
    "retention": N_(
        "Of the people whose first action was in a month, the share who acted in each "
        "later month. Automatic renewals of recurring gifts do not count."
    ),
    "repeat": N_(
        "Of the people whose first 90 days ended in this period, the share who acted "
        "on another day within those 90 days."
    ),
    "average_gift": N_("The average one-time gift before refunds. Recurring gifts are excluded."),
    "recurring_share": N_(
        "The part of the money raised, net of refunds, that came from recurring gifts."
    ),
    "goal_pace": N_(
        "The pace is a straight line from the goal's starting value to its target: "
        "where it should be today to be reached on time."
    ),
    "goal_forecast": N_(
        "The forecast continues the last full weeks, at most eight. The range covers "
        "the result in four of five cases, based on how much those weeks varied; it "
        "does not consider trends, seasons or plans."
    ),
    "goal_measures": N_(
        "Supporters: everyone who has acted by then. Donors: people who gave within "
        "the goal’s period. Money is net of refunds. A growth goal is measured against "
        "the number of supporters before its first day; all other goals against the "
        "period of equal length before it."
    ),
    "countdown": N_(
        "Calls within the goal’s period by the district or office that the tool "
        "reported, and how many are still needed."
    ),
}
"""What is shown, by name."""
