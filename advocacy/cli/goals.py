"""`advocacy goal`: targets of a campaign or of the organization."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import click

from advocacy.cli.context import Refusal, in_app, org_option, table
from advocacy.core.choices import MEASURES

if TYPE_CHECKING:
    from advocacy.analytics.goals import GoalProgress

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def goal() -> None:
    """Goals: targets with a pace and a forecast."""


@goal.command("add")
@org_option
@click.option("--campaign", "slug", help="Default: the whole organization.")
@click.option("--measure", required=True, type=click.Choice(MEASURES))
@click.option("--target", required=True, help="A number, 5000 or 1250.50, or growth: +5%.")
@click.option("--from", "first", required=True, type=_DAY, help="Its first day, YYYY-MM-DD.")
@click.option("--until", "last", required=True, type=_DAY, help="Its last day, YYYY-MM-DD.")
@click.option("--name", default="", help="Its name.")
@click.option("--currency", default="", help="For money goals, e.g. USD.")
@click.option(
    "--district", "districts", multiple=True, help="A district with its own target; repeatable."
)
@click.option("--each", "each_district", default=0, help="Calls needed in each district.")
@in_app
def goal_add(
    org: str | None,
    slug: str | None,
    measure: str,
    target: str,
    first: datetime,
    last: datetime,
    name: str,
    currency: str,
    districts: tuple[str, ...],
    each_district: int,
) -> None:
    """Add a goal and print its id.

    \b
    Example: advocacy goal add --measure supporters --target +5% \\
               --from 2026-01-01 --until 2026-12-31
    Example: advocacy goal add --measure net --currency USD --target 25000 --campaign stay \\
               --from 2026-05-01 --until 2026-06-30
    Example: advocacy goal add --measure calls --target 500 --campaign stay --name "The vote" \\
               --district TX-07 --district TX-10 --each 100 --from 2026-05-01 --until 2026-05-20
    """
    from advocacy.analytics.goal_input import BadGoal, put_goal
    from advocacy.storage import campaigns, organizations
    from advocacy.storage.session import transaction

    try:
        with transaction():
            owner = organizations.get_organization(org)
            made = put_goal(
                owner.id,
                campaigns.get_campaign(owner.id, slug).id if slug else None,
                measure,
                target,
                first.date(),
                last.date(),
                name=name,
                currency=currency.upper(),
                districts=districts,
                each_district=each_district,
            )
            click.echo(made.id)
    except BadGoal as error:
        raise Refusal(str(error)) from None


@goal.command("list")
@org_option
@in_app
def goal_list(org: str | None) -> None:
    """List the goals and their progress, by last day.

    Example: advocacy goal list
    """
    from advocacy.analytics.goals import goals
    from advocacy.storage import organizations

    owner = organizations.get_organization(org)
    rows = [
        (
            each.id,
            each.campaign or "(all)",
            each.name or each.measure,
            f"{_number(each, each.reached)} of {_number(each, each.target)}",
            _forecast(each),
            each.state.replace("_", " "),
            each.last.isoformat(),
        )
        for each in goals(owner.id)
    ]
    if not rows:
        click.echo("no goals yet; to add one: advocacy goal add --help")
        return
    table(("id", "campaign", "goal", "reached", "forecast", "state", "until"), rows)


def _number(goal: GoalProgress, number: int | None) -> str:
    from advocacy.core.money import format_minor

    if number is None:
        return "–"
    return format_minor(number, goal.currency) if goal.currency else f"{number:,}"


def _forecast(goal: GoalProgress) -> str:
    end = goal.forecast
    return f"{_number(goal, end.low)} to {_number(goal, end.high)}" if end else "–"


@goal.command("remove")
@org_option
@click.argument("goal_id", type=click.UUID)
@in_app
def goal_remove(org: str | None, goal_id: UUID) -> None:
    """Delete a goal. Figures do not change.

    Example: advocacy goal remove 0198a5c2-7f4e-8d31-9b0a-6f2e1c4d5a70
    """
    from advocacy.storage import goals as store
    from advocacy.storage import organizations
    from advocacy.storage.session import transaction

    with transaction():
        owner = organizations.get_organization(org)
        store.remove_goal(owner.id, goal_id)
    click.echo(f"deleted goal {goal_id}")
