"""The content of the weekly report, in the reader's language.

Note: these functions are called within `flask_babel.force_locale`.
"""

from __future__ import annotations

from datetime import timedelta

from flask_babel import format_date, gettext

from advocacy.analytics.figures import Evidence, Money, Number
from advocacy.analytics.weekly_figures import (
    CampaignComparison,
    Changes,
    Climbing,
    FigureChange,
    KindComparison,
    PeriodFigures,
    TopPost,
    WeeklySummary,
)
from advocacy.analytics.weekly_summary import TOP_POSTS
from advocacy.core.periods import Period
from advocacy.core.vocabulary import TIERS_MEAN, model_named, platform_named
from advocacy.reporting.email.sheet import (
    Block,
    Cell,
    Figure,
    FiguresBlock,
    Link,
    ListBlock,
    Sheet,
    TableBlock,
    web_address,
)
from advocacy.reporting.formats import (
    day,
    days,
    money,
    number,
    percent,
    rung_names,
    signed,
    signed_percent,
)
from advocacy.reporting.texts import actions, kind_named, rounding_note, supporters, translated


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def weekly_sheet(report: WeeklySummary, public_url: str) -> Sheet:
    """Return the content of a report."""
    period = Period(report.first, report.last)
    about = report.campaign
    name = about.name if about else report.organization
    page = f"{public_url}/campaigns/{about.slug}{_query(period)}" if about else f"{public_url}/"
    blocks: list[Block | None] = [
        FiguresBlock(_figures(report.now, report.before)),
        _days_block(report, period),
        _posts_block(report.posts, with_campaign=about is None),
        *(_ladder_blocks(report.ladder) if report.ladder and report.ladder.people else ()),
        _kinds_block(report.kinds),
        None if about else _campaigns_block(report.campaigns, public_url, period),
        _evidence_block(report.evidence, report.attributed_share),
        _changes_block(report.changed, report.now.money),
    ]
    return Sheet(
        subject=_(
            "%(name)s, %(days)s: %(people)s",
            name=name,
            days=days(period),
            people=supporters(report.now.supporters),
        ),
        title=name,
        subtitle=_(
            "%(days)s, compared with %(before)s",
            days=days(period),
            before=days(Period(report.before_first, report.before_last)),
        ),
        lead=_lead(report.now, report.before),
        blocks=tuple(block for block in blocks if block),
        link=Link(page, _("Open the dashboard")),
        footer=(
            _(
                "Days are in the time zone %(zone)s. Each person is counted once, "
                "however often they acted, so people do not add up over posts, kinds "
                "or campaigns. Actions are credited by the model “%(model)s”.",
                zone=report.timezone,
                model=translated(model_named(report.model)),
            ),
            *([rounding_note(report.rounded_to)] if report.rounded_to else []),
            _("An editor can stop these emails: %(page)s", page=f"{public_url}/reports"),
        ),
    )


def change(now: float, before: float) -> str:
    """Compare a figure with the one before."""
    if now == before:
        return _("as before")
    difference = signed(now - before)
    if before:
        difference += f" ({signed_percent((now - before) / before)})"
    return _("%(difference)s, before: %(before)s", difference=difference, before=number(before))


def _query(period: Period) -> str:
    return f"?from={period.first}&to={period.last}"


def _lead(now: PeriodFigures, before: PeriodFigures) -> str:
    if not now.actions and not now.clicks:
        return _("No actions in this period. Post a tracking link to get the first ones.")
    sentences = [
        # Parts are rounded separately, so that one can be more than the total.
        _("%(people)s took part.", people=supporters(now.supporters))
        if now.new > now.supporters
        else _(
            "%(people)s took part, %(new)s of them for the first time.",
            people=supporters(now.supporters),
            new=number(now.new),
        ),
        _difference(now.supporters, before.supporters),
    ]
    sentences += [
        _("Raised: %(sum)s.", sum=money(each.net_minor, each.currency))
        for each in now.money
        if each.net_minor
    ]
    return " ".join(sentences)


def _difference(now: int, before: int) -> str:
    if now == before:
        return _("That is the same as in the previous period.")
    if now > before:
        return _("That is %(more)s more than in the previous period.", more=number(now - before))
    return _("That is %(less)s fewer than in the previous period.", less=number(before - now))


def _figures(now: PeriodFigures, before: PeriodFigures) -> tuple[Figure, ...]:
    figures = [
        Figure(label, number(this), change(this, last))
        for label, this, last in (
            (_("Supporters"), now.supporters, before.supporters),
            (_("New"), now.new, before.new),
            (_("Returning"), now.returning, before.returning),
            (_("Actions"), now.actions, before.actions),
            (_("Human clicks"), now.clicks, before.clicks),
        )
    ]
    sums = [{each.currency: each for each in side.money} for side in (now, before)]
    for currency in sorted({*sums[0], *sums[1]}):
        new, old = (side.get(currency, Money(currency)) for side in sums)
        note = _("before: %(sum)s", sum=money(old.net_minor, currency))
        if new.refunded_minor:
            note += "; " + _("%(sum)s refunded", sum=money(new.refunded_minor, currency))
        figures.append(Figure(_("Net raised"), money(new.net_minor, currency), note))
    return tuple(figures)


def _days_block(report: WeeklySummary, period: Period) -> TableBlock | None:
    """Return the chart by day with its table, which has kinds as rows and all days as columns."""
    if not report.by_day:
        return None
    every = [period.first + timedelta(n) for n in range(period.days)]
    of_day = {(each.day, each.kind): each.actions for each in report.by_day}
    kinds = [each.kind for each in report.kinds]
    sums = {on: sum(of_day.get((on, kind), 0) for kind in kinds) for on in every}
    peak = max(every, key=lambda on: sums[on])
    rows = [
        _row(kind_named(kind), *(number(of_day.get((on, kind), 0)) for on in every))
        for kind in kinds
    ]
    if len(kinds) > 1:
        rows.append(_row(_("all kinds"), *(number(sums[on]) for on in every)))
    return TableBlock(
        title=_("Actions by day"),
        headings=("", *(str(format_date(on, "EEE d")) for on in every)),
        rows=tuple(rows),
        chart="by_day",
        alt=_(
            "Actions by day, stacked by kind. Peak on %(day)s: %(number)s.",
            day=day(peak),
            number=number(sums[peak]),
        ),
    )


def _row(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)


def _posts_block(posts: tuple[TopPost, ...], *, with_campaign: bool) -> TableBlock | None:
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


def _ladder_blocks(ladder: Climbing) -> list[TableBlock]:
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
                _row(
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


def _kinds_block(kinds: tuple[KindComparison, ...]) -> TableBlock | None:
    if not kinds:
        return None
    return TableBlock(
        title=_("Actions by kind"),
        headings=(_("Kind"), _("Actions"), _("Before")),
        rows=tuple(
            _row(kind_named(each.kind), number(each.now), number(each.before)) for each in kinds
        ),
    )


def _campaigns_block(
    campaigns: tuple[CampaignComparison, ...], public_url: str, period: Period
) -> TableBlock | None:
    if not campaigns:
        return None

    def compared(now: Number, before: Number) -> Cell:
        return Cell(number(now), hint=_("before: %(n)s", n=number(before)))

    return TableBlock(
        title=_("Campaigns"),
        headings=(_("Campaign"), _("Supporters"), _("New"), _("Actions"), _("Net raised")),
        rows=tuple(
            (
                Cell(each.name, link=f"{public_url}/campaigns/{each.slug}{_query(period)}"),
                compared(each.now.supporters, each.before.supporters),
                compared(each.now.new, each.before.new),
                compared(each.now.actions, each.before.actions),
                Cell(_net(each.now.money)),
            )
            for each in campaigns
        ),
    )


def _evidence_block(evidence: tuple[Evidence, ...], attributed_share: float) -> TableBlock | None:
    shown = [each for each in evidence if each.actions]
    if not shown:
        return None
    return TableBlock(
        title=_("How sure the credit is"),
        headings=(_("Evidence"), _("Actions"), _("Share")),
        rows=tuple(
            _row(
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


def _changes_block(changed: Changes, sums: tuple[Money, ...]) -> ListBlock:
    reported = days(Period(changed.first, changed.last))
    names = {
        "actions": _("actions"),
        "supporters": _("supporters"),
        "new": _("new supporters"),
        "net_minor": _("net raised"),
    }
    reasons = {
        "late": _("they arrived late"),
        "correction": _("the tool corrected them"),
        "evidence": _("evidence arrived late and credit moved"),
    }
    items = [
        _(
            "%(campaign)s, %(days)s: %(figure)s were reported as %(then)s and are now %(now)s.",
            campaign=row.campaign,
            days=reported,
            figure=names[row.figure],
            then=_changed_figure(row, row.then),
            now=_changed_figure(row, row.now),
        )
        for row in changed.rows
    ]
    items += [
        _(
            "%(campaign)s: on %(on)s, %(actions)s of %(days)s were restated: %(why)s.",
            campaign=each.campaign,
            on=day(each.on),
            actions=actions(each.actions),
            days=days(Period(each.first_on, each.last_on)),
            why=reasons[each.why],
        )
        for each in changed.why
    ]
    items += [
        _(
            "%(sum)s was refunded in these days and is deducted from the amount raised.",
            sum=money(each.refunded_minor, each.currency),
        )
        for each in sums
        if each.refunded_minor
    ]
    if changed.hidden:
        items.append(_("Changes that are too small to be shown are left out."))
    if not items:
        items = [_("Nothing: the figures for %(days)s are unchanged.", days=reported)]
    return ListBlock(_("What changed since the last report"), tuple(items))


def _changed_figure(row: FigureChange, value: Number) -> str:
    return money(int(value), row.currency) if row.currency else number(value)
