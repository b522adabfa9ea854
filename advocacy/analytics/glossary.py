"""What each figure means, in one or two plain sentences, each written once.

Pure. Pages show these as "what is this?", the API has them as descriptions in its OpenAPI document,
and the code that computes a figure names its definition here.

What a stranger would get wrong: texts are marked with `N_`, which `pybabel extract` knows, so that
they are found for translation; a page translates them when it shows them, the API document is
English.
"""

from __future__ import annotations

from collections.abc import Mapping

from advocacy.core.messages import N_

DEFINITIONS: Mapping[str, str] = {
    "actions": N_(
        "What supporters did and a tool vouched for; tests are left out. A model may share one "
        "action out among several posts, and all parts together are the action."
    ),
    "supporters": N_(
        "Distinct people behind the actions. Who acted in two groups is in both, so groups do not "
        "add up."
    ),
    "new": N_(
        "Supporters whose first action of all in the organization is in these days; in a row of a "
        "day, a week or an hour, in that one."
    ),
    "returning": N_("Supporters who had acted in the organization before these days."),
    "clicks": N_(
        "Clicks on tracking links by people; previews, prefetches and bots stand apart. A click "
        "has no kind and no source, so these two do not filter clicks."
    ),
    "conversion_rate": N_(
        "Actions that are credited to a post, without renewals, per click by people. Above 100 % "
        "where one click led to several actions, or where links were opened without a click that "
        "we saw."
    ),
    "activation_rate": N_(
        "Supporters, also those who never clicked, per click by people. Nobody is followed before "
        "she acts, so clicks are counted and not the people who clicked."
    ),
    "raised": N_("Gifts less what went back. A refund counts on the day on which it was made."),
    "window": N_(
        "A post can have credit for what somebody did up to seven days after she tapped its link, "
        "and for a gift up to thirty days. What is older than that brought nothing."
    ),
    "compared": N_(
        "The period before is as many days, right before the first. A year earlier is the same "
        "dates of the year before."
    ),
    "group_days": N_(
        "A day is a calendar day in the campaign’s time zone, from midnight to midnight on its "
        "clocks: 23 or 25 hours where they change. Weeks are Monday to Sunday, and like months "
        "they have only the days that were asked for. An hour that comes twice is two rows."
    ),
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
        "the whole campaign at once and leave out renewals and actions without a known way. "
        "In Markov money is shared out as actions are, in Shapley way by way."
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
    "ladder": N_(
        "Each supporter stands on the highest rung she ever reached: clicked; signed (petition, "
        "letter or form); called (or came to an event); gave; gives monthly (any recurring gift, "
        "also one that has stopped since). Clicked are only those whom a tool named with a click: "
        "a click on a link is nobody’s until its visitor acts. A gift that was wholly refunded is "
        "none: who gave it keeps the rung she had otherwise, or is on none."
    ),
    "climbed": N_(
        "Supporters who were on a rung before these days and reached a higher one in them. Who was "
        "on none before is new on the ladder. On a campaign’s ladder only its own actions count, "
        "so somebody who had acted in another one is new on it, and returning in its report."
    ),
    "climbed_from": N_(
        "The post that is credited, by last touch, with the action by which a supporter reached "
        "her new highest rung in these days."
    ),
    "retention": N_(
        "Of the people whose first action was in a month, the share who acted in a later one. "
        "Renewals of a recurring gift, for which nobody does anything, do not count."
    ),
    "repeat": N_(
        "Of the people whose first 90 days ended in these days, the share who acted on a second "
        "day within them."
    ),
    "average_gift": N_(
        "What was given in one-time gifts, before refunds, per gift. Recurring gifts are left out."
    ),
    "recurring_share": N_(
        "The part of the money raised, net of refunds, that came from recurring gifts."
    ),
    "goal_pace": N_(
        "The pace is a straight line from where the goal began to its target: where it should "
        "stand by now to come out even."
    ),
    "goal_forecast": N_(
        "The forecast lets the last full weeks, at most eight, go on. The range holds the end in "
        "four of five cases, judged by how much those weeks differed; no trend, season or plan is "
        "in it."
    ),
    "goal_measures": N_(
        "Supporters: everybody who has acted by then. Donors: people who gave within the goal’s "
        "days. Money is net of what went back. A goal to grow grows over how many supporters there "
        "were before its first day; all else grows over the equally long time before."
    ),
    "countdown": N_(
        "Calls within the goal’s days by the district or office that the tool says was called, and "
        "how many are still needed."
    ),
}
"""What is shown, by name."""
