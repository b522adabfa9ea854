"""The tables of the weekly report, in the reader's language.

Note: these functions are called within `flask_babel.force_locale`.
"""

from __future__ import annotations

from flask_babel import gettext

from advocacy.analytics.figures import Evidence, Money, Number
from advocacy.analytics.weekly_figures import (
    CampaignComparison,
    Climbing,
    KindComparison,
    TopPost,
)
from advocacy.analytics.weekly_summary import TOP_POSTS
from advocacy.core.periods import Period
from advocacy.core.vocabulary import TIERS_MEAN, platform_named
from advocacy.reporting.email.sheet import Cell, TableBlock, web_address
from advocacy.reporting.formats import money, number, percent, rung_names
from advocacy.reporting.texts import kind_named, translated


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def days_query(period: Period) -> str:
    """Return the query of a page that shows these days."""
    return f"?from={period.first}&to={period.last}"


def text_row(*texts: str) -> tuple[Cell, ...]:
    """Return a row of plain texts."""
    return tuple(Cell(text) for text in texts)


def posts_block(posts: tuple[TopPost, ...], *, with_campaign: bool) -> TableBlock | None:
    """Return the table of the top posts."""
    if not posts:
        return None
    return TableBlock(
        title=_("Top posts"),
        headings=(_("Post"), _("Clicks"), _("Actions"), _("Supporters"), _("Net raised")),
        rows=tuple(_post_row(post, with_campaign) for post in posts),
        chart="posts",
        alt=_("Actions of the top posts; the table shows the same data."),
    )


def _post_row(post: TopPost, with_campaign: bool) -> tuple[Cell, ...]:
    where = platform_named(post.platform) + (f" · {post.campaign}" if with_campaign else "")
    by_kind = ", ".join(f"{kind_named(kind)} {number(n)}" for kind, n in post.by_kind.items())
    return (
        Cell(
            _post_name(post.title, post.url),
            hint=" · ".join(filter(None, (where, by_kind))),
            link=web_address(post.url),
        ),
        Cell(number(post.clicks)),
        Cell(number(post.actions)),
        Cell(
            number(post.supporters),
            hint=_("%(n)s new", n=number(post.new)) if post.new else "",
        ),
        Cell(_net(post.money)),
    )


def _post_name(title: str, url: str) -> str:
    return title or url or _("Without a title")


def _net(sums: tuple[Money, ...]) -> str:
    return ", ".join(money(each.net_minor, each.currency) for each in sums)


def ladder_blocks(ladder: Climbing) -> list[TableBlock]:
    """Return how far supporters came, and the posts that led to climbs."""
    rungs = rung_names()
    climbs = [
        _(
            "from “%(before)s” to “%(after)s” %(n)s",
            before=rungs[each.lower],
            after=rungs[each.higher],
            n=number(each.people),
        )
        for each in ladder.climbs
        if each.people
    ]
    blocks = [
        TableBlock(
            title=_("Supporters who climbed the ladder"),
            headings=(_("Highest rung"), _("Supporters"), _("New"), _("Climbed to this rung")),
            rows=tuple(
                text_row(
                    rungs[each.rung],
                    number(each.people),
                    number(each.joined),
                    number(each.climbed),
                )
                for each in reversed(ladder.rungs)
            ),
            note=_("Climbed: %(ways)s.", ways="; ".join(climbs))
            if climbs
            else _("Everyone who has ever acted, by the highest rung they reached."),
        )
    ]
    if posts := [post for post in ladder.posts if post.climbed or post.joined]:
        rows = tuple(
            (
                Cell(
                    _("Unattributed") if post.title is None else _post_name(post.title, post.url),
                    hint=platform_named(post.platform) if post.platform else "",
                    link=web_address(post.url),
                ),
                Cell(number(post.climbed)),
                Cell(number(post.joined)),
            )
            for post in posts[:TOP_POSTS]
        )
        headings = (_("Post"), _("Climbed"), _("New supporters"))
        blocks.append(TableBlock(_("Posts that led to climbs"), headings, rows))
    return blocks


def kinds_block(kinds: tuple[KindComparison, ...]) -> TableBlock | None:
    """Return the table of actions by kind."""
    if not kinds:
        return None
    return TableBlock(
        title=_("Actions by kind"),
        headings=(_("Kind"), _("Actions"), _("Before")),
        rows=tuple(
            text_row(kind_named(each.kind), number(each.now), number(each.before)) for each in kinds
        ),
    )


def campaigns_block(
    campaigns: tuple[CampaignComparison, ...], public_url: str, period: Period
) -> TableBlock | None:
    """Return the table of campaigns, with links to their pages."""
    if not campaigns:
        return None

    def compared(now: Number, before: Number) -> Cell:
        return Cell(number(now), hint=_("before: %(n)s", n=number(before)))

    return TableBlock(
        title=_("Campaigns"),
        headings=(_("Campaign"), _("Supporters"), _("New"), _("Actions"), _("Net raised")),
        rows=tuple(
            (
                Cell(each.name, link=f"{public_url}/campaigns/{each.slug}{days_query(period)}"),
                compared(each.now.supporters, each.before.supporters),
                compared(each.now.new, each.before.new),
                compared(each.now.actions, each.before.actions),
                Cell(_net(each.now.money)),
            )
            for each in campaigns
        ),
    )


def evidence_block(evidence: tuple[Evidence, ...], attributed_share: float) -> TableBlock | None:
    """Return the table of evidence."""
    shown = [each for each in evidence if each.actions]
    if not shown:
        return None
    return TableBlock(
        title=_("How sure the credit is"),
        headings=(_("Evidence"), _("Actions"), _("Share")),
        rows=tuple(
            text_row(
                translated(TIERS_MEAN[each.tier]),
                number(each.actions),
                percent(each.share),
            )
            for each in shown
        ),
        note=_(
            "For %(share)s of the actions there is evidence of the post or platform "
            "they came from.",
            share=percent(attributed_share),
        ),
    )
