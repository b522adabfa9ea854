"""The content of the weekly report, in the reader's language.

Note: these functions are called within `flask_babel.force_locale`.
"""

from __future__ import annotations

from datetime import timedelta

from flask_babel import format_date, gettext

from advocacy.analytics.figures import Money, Number
from advocacy.analytics.weekly_figures import (
    Changes,
    FigureChange,
    PeriodFigures,
    WeeklySummary,
)
from advocacy.core.periods import Period
from advocacy.core.vocabulary import model_named
from advocacy.reporting.email.sheet import (
    Block,
    Figure,
    FiguresBlock,
    Link,
    ListBlock,
    Sheet,
    TableBlock,
)
from advocacy.reporting.email.weekly_tables import (
    campaigns_block,
    days_query,
    evidence_block,
    kinds_block,
    ladder_blocks,
    posts_block,
    text_row,
)
from advocacy.reporting.formats import (
    day,
    days,
    money,
    number,
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
    page = f"{public_url}/campaigns/{about.slug}{days_query(period)}" if about else f"{public_url}/"
    blocks: list[Block | None] = [
        FiguresBlock(_figures(report.now, report.before)),
        _days_block(report, period),
        posts_block(report.posts, with_campaign=about is None),
        *(ladder_blocks(report.ladder) if report.ladder and report.ladder.people else ()),
        kinds_block(report.kinds),
        None if about else campaigns_block(report.campaigns, public_url, period),
        evidence_block(report.evidence, report.attributed_share),
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
        text_row(kind_named(kind), *(number(of_day.get((on, kind), 0)) for on in every))
        for kind in kinds
    ]
    if len(kinds) > 1:
        rows.append(text_row(_("all kinds"), *(number(sums[on]) for on in every)))
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
