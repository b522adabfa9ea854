"""An activation report as flat tables, for spreadsheets and programs.

Note: headings are not translated, since programs read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from advocacy.analytics.figures import (
    CampaignActivation,
    Clicks,
    Money,
    People,
    PlatformFigures,
    PostAbout,
    PostFigures,
)
from advocacy.core.events import ActionKind
from advocacy.core.spreadsheets import Cell
from advocacy.reporting.exports.writers import Table, major, table_of

GROUPS = ("summary", "by_kind", "by_day", "posts", "platforms", "money", "evidence")
"""The names of the tables, in the order in which they are written."""

_PEOPLE = ("supporters", "new", "returning")
_SUMS = ("currency", "donations", "gross", "refunded", "net")


def tables_of(report: CampaignActivation) -> list[Table]:
    """Return the figures of a report as tables, in the order of `GROUPS`.

    Money is in major units of its currency, exact. There is a column `net_USD` for each currency of
    the report.
    """
    currencies = [sum_.currency for sum_ in report.money]
    return [
        _summary(report),
        table_of(
            "by_kind",
            ("kind", "actions", *_PEOPLE),
            ((each.kind, each.actions, *_people(each.supporters)) for each in report.by_kind),
        ),
        table_of(
            "by_day",
            ("day", "kind", "actions"),
            ((each.day, each.kind, each.actions) for each in report.by_day),
        ),
        _posts(report.posts, currencies),
        _platforms(report.platforms, currencies),
        table_of("money", ("of", "name", *_SUMS), _money(report)),
        table_of(
            "evidence",
            ("tier", "actions", "share"),
            ((each.tier, each.actions, each.share) for each in report.evidence),
        ),
    ]


def _summary(report: CampaignActivation) -> Table:
    return table_of(
        "summary",
        ("figure", "value"),
        (
            ("campaign", report.campaign.name),
            ("slug", report.campaign.slug),
            ("timezone", report.campaign.timezone),
            ("from", report.first),
            ("to", report.last),
            ("model", report.model),
            *zip(_PEOPLE, _people(report.supporters), strict=True),
            ("actions", report.actions),
            ("actions_lower", report.bounds.lower),
            ("actions_upper", report.bounds.upper),
            ("clicks", report.clicks.human),
            ("other_clicks", report.clicks.other),
        ),
    )


def _posts(posts: Iterable[PostFigures], currencies: Sequence[str]) -> Table:
    kinds = [str(kind) for kind in ActionKind]
    return table_of(
        "posts",
        (
            "post",
            "title",
            "platform",
            "url",
            "published_at",
            "clicks",
            "other_clicks",
            "actions",
            "actions_lower",
            "actions_upper",
            *_PEOPLE,
            *kinds,
            *(f"net_{currency}" for currency in currencies),
            "direct",
            "first_share",
            "beyond",
        ),
        (
            (
                *_about(each.post),
                *_clicks(each.clicks),
                each.actions,
                each.bounds.lower,
                each.bounds.upper,
                *_people(each.supporters),
                *(each.by_kind.get(kind, 0) for kind in kinds),
                *_net(each.money, currencies),
                each.generations.direct,
                each.generations.first_share,
                each.generations.beyond,
            )
            for each in posts
        ),
    )


def _platforms(platforms: Iterable[PlatformFigures], currencies: Sequence[str]) -> Table:
    return table_of(
        "platforms",
        (
            "platform",
            "clicks",
            "other_clicks",
            "actions",
            *_PEOPLE,
            *(f"net_{currency}" for currency in currencies),
        ),
        (
            (
                each.platform,
                *_clicks(each.clicks),
                each.actions,
                *_people(each.supporters),
                *_net(each.money, currencies),
            )
            for each in platforms
        ),
    )


def _about(post: PostAbout | None) -> tuple[Cell, ...]:
    if post is None:
        return ("", "Unattributed", "", "", "")
    published = post.published_at.isoformat() if post.published_at else ""
    return (str(post.id), post.title, post.platform, post.url, published)


def _people(people: People) -> tuple[Cell, ...]:
    return people.distinct, people.new, people.returning


def _clicks(clicks: Clicks) -> tuple[Cell, ...]:
    return clicks.human, clicks.other


def _net(sums: Iterable[Money], currencies: Sequence[str]) -> Iterable[Cell]:
    by_currency = {sum_.currency: sum_.net_minor for sum_ in sums}
    return [major(by_currency.get(currency, 0), currency) for currency in currencies]


def _money(report: CampaignActivation) -> Iterable[tuple[Cell, ...]]:
    """Yield every sum of the report: of the campaign, of each post, of each platform."""
    groups = [("campaign", report.campaign.name, report.money)]
    groups += [
        ("post", each.post.title if each.post else "Unattributed", each.money)
        for each in report.posts
    ]
    groups += [("platform", each.platform, each.money) for each in report.platforms]
    for of, name, sums in groups:
        for sum_ in sums:
            amounts = (sum_.gross_minor, sum_.refunded_minor, sum_.net_minor)
            yield (
                of,
                name,
                sum_.currency,
                sum_.donations,
                *(major(minor, sum_.currency) for minor in amounts),
            )
