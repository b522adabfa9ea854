"""What a report or an alert says, in the reader's language: figures into words, no layout.

The answer is one *sheet*: title, lead, and blocks (figures, chart, table, list) of plain text,
which `paper` lays out as HTML, as plain text and as PDF. So the three say the same.

Note: these are called within `flask_babel.force_locale`; everything that
is said goes through `_()`, and numbers, money and days through the functions at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import format_date, gettext, ngettext

from advocacy.analytics.weekly_summary import TOP_POSTS, attributed_share
from advocacy.core.messages import in_language
from advocacy.core.periods import Period
from advocacy.core.vocabulary import TIERS_MEAN, model_named, platform_named
from advocacy.reporting.formats import day, days, decimal, money, number, percent, rung_names

Sheet = dict[str, Any]


def _(words: str, **values: object) -> str:
    return str(gettext(words, **values))


def _said(words: str) -> str:
    return in_language(words, gettext, ngettext)


def weekly_sheet(figures: Mapping[str, Any], public_url: str) -> Sheet:
    """Put a report's figures (see `weekly.figures`) into words."""
    period = _period(figures, "first", "last")
    about = figures["campaign"]
    name = about["name"] if about else figures["organization"]
    now, before = figures["now"], figures["before"]
    page = f"{public_url}/campaigns/{about['slug']}" if about else f"{public_url}/"
    if about:
        page += f"?from={period.first}&to={period.last}"
    blocks = [
        {"kind": "figures", "items": _tiles(now, before)},
        _chart_block(figures),
        _posts_block(figures, whole=about is None),
        *_ladder_blocks(figures),
        _kinds_block(figures),
        None if about else _campaigns_block(figures, public_url, period),
        _evidence_block(figures),
        _changed_block(figures),
    ]
    return {
        "subject": _(
            "%(name)s, %(days)s: %(people)s",
            name=name,
            days=days(period),
            people=_people(now["supporters"]),
        ),
        "title": name,
        "subtitle": _(
            "%(days)s, compared with %(before)s",
            days=days(period),
            before=days(_period(figures, "before_first", "before_last")),
        ),
        "lead": _lead(now, before),
        "blocks": [block for block in blocks if block],
        "link": {"url": page, "text": _("Open the dashboard")},
        "footer": [
            _(
                "Days are in the time zone %(zone)s. Each person is counted once, "
                "however often they acted, so people do not add up over posts, kinds "
                "or campaigns. Actions are credited by the model “%(model)s”.",
                zone=figures["timezone"],
                model=_said(model_named(figures["model"])),
            ),
            *_rounding_notes(figures),
            _("An editor can stop these emails: %(page)s", page=f"{public_url}/reports"),
        ],
    }


def surge_sheet(figures: Mapping[str, Any], public_url: str) -> Sheet:
    """Put a surge (see `alerting.surge_figures`) into words."""
    name = post_named(figures)
    minutes = figures["minutes"]
    counted = _counted(figures["what"], figures["counted"])
    usual = decimal(figures["usual"])
    return {
        "subject": _("%(post)s is surging", post=name),
        "title": _("%(post)s is surging", post=name),
        "subtitle": figures["campaign"]["name"],
        "lead": ngettext(
            "%(counted)s in %(minutes)s minute; typical: %(usual)s.",
            "%(counted)s in %(minutes)s minutes; typical: %(usual)s.",
            minutes,
            counted=counted,
            minutes=minutes,
            usual=usual,
        ),
        "blocks": [
            {
                "kind": "figures",
                "items": [
                    _item(
                        ngettext(
                            "In the last %(minutes)s minute",
                            "In the last %(minutes)s minutes",
                            minutes,
                            minutes=minutes,
                        ),
                        counted,
                    ),
                    _item(
                        ngettext(
                            "Typical in %(minutes)s minute",
                            "Typical in %(minutes)s minutes",
                            minutes,
                            minutes=minutes,
                        ),
                        usual,
                    ),
                    _item(_("Detected"), figures["noticed"]),
                ],
            },
            {
                "kind": "list",
                "title": _("What to do next"),
                "items": [
                    _("Check that the page it leads to still responds quickly."),
                    _(
                        "Reply to comments while it is popular, and share the link where "
                        "it has not been posted yet."
                    ),
                ],
            },
        ],
        "link": {
            "url": f"{public_url}/campaigns/{figures['campaign']['slug']}",
            "text": _("Open the dashboard"),
        },
        "more": _safe(figures["url"]) and {"url": figures["url"], "text": _("View the post")},
        "footer": [
            ngettext(
                "You will not receive another alert about this post for an hour.",
                "You will not receive another alert about this post for %(num)s hours.",
                figures["quiet_hours"],
            ),
            *_rounding_notes(figures),
            _("An editor can stop these emails: %(page)s", page=f"{public_url}/reports"),
        ],
    }


def rounding_note(base: int) -> str:
    """Say how the numbers of a report are rounded that is shown to people who are not members."""
    return str(
        _(
            "Counts in this report are rounded to a multiple of %(base)s to protect supporters’ "
            "privacy; totals are rounded separately and may not add up. Amounts are rounded to "
            "three digits, and not shown (–) where fewer than %(base)s people gave.",
            base=base,
        )
    )


def _rounding_notes(figures: Mapping[str, Any]) -> list[str]:
    base = figures.get("rounded_to")
    return [rounding_note(base)] if base else []


def post_named(post: Mapping[str, Any]) -> str:
    """Name a post by its title and platform."""
    platform = platform_named(post["platform"])
    title = post["title"]
    return f"“{title}” ({platform})" if title else _("A post on %(platform)s", platform=platform)


# Blocks of the weekly report ------------------------------------------------------------------


def _lead(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    if not now["actions"] and not now["clicks"]:
        return _("No actions in this period. Post a tracking link to get the first ones.")
    said = [
        # Rounded by itself a part can be more than the whole.
        _("%(people)s took part.", people=_people(now["supporters"]))
        if now["new"] > now["supporters"]
        else _(
            "%(people)s took part, %(new)s of them for the first time.",
            people=_people(now["supporters"]),
            new=number(now["new"]),
        ),
        _against(now["supporters"], before["supporters"]),
    ]
    said += [
        _("Raised: %(sum)s.", sum=money(each["net_minor"], each["currency"]))
        for each in now["money"]
        if each["net_minor"]
    ]
    return " ".join(said)


def _against(now: float, before: float) -> str:
    if now == before:
        return _("That is the same as in the previous period.")
    if now > before:
        return _("That is %(more)s more than in the previous period.", more=number(now - before))
    return _("That is %(less)s fewer than in the previous period.", less=number(before - now))


def _tiles(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[dict[str, Any]]:
    tiles = [
        _item(label, number(now[name]), change(now[name], before[name]))
        for label, name in (
            (_("Supporters"), "supporters"),
            (_("New"), "new"),
            (_("Returning"), "returning"),
            (_("Actions"), "actions"),
            (_("Human clicks"), "clicks"),
        )
    ]
    sums = [{each["currency"]: each for each in side["money"]} for side in (now, before)]
    for currency in sorted({*sums[0], *sums[1]}):
        # Without a sum there was none.
        new, old = (each.get(currency, {"net_minor": 0}) for each in sums)
        note = _("before: %(sum)s", sum=money(old["net_minor"], currency))
        if refunded := new.get("refunded_minor"):
            note += "; " + _("%(sum)s refunded", sum=money(refunded, currency))
        tiles.append(_item(_("Net raised"), money(new["net_minor"], currency), note))
    return tiles


def _chart_block(figures: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the chart by day, and the table behind it: kinds down, days across, none left out."""
    if not figures["by_day"]:
        return None
    period = _period(figures, "first", "last")
    every = [period.first + timedelta(n) for n in range(period.days)]
    counted = {
        (date.fromisoformat(each["day"]), each["kind"]): each["actions"]
        for each in figures["by_day"]
    }
    kinds = [each["kind"] for each in figures["kinds"]]
    sums = {day: sum(counted.get((day, kind), 0) for kind in kinds) for day in every}
    best = max(every, key=lambda day: sums[day])
    rows = [
        [_cell(kind_named(kind)), *(_cell(number(counted.get((day, kind), 0))) for day in every)]
        for kind in kinds
    ]
    if len(kinds) > 1:
        rows.append([_cell(_("all kinds")), *(_cell(number(sums[day])) for day in every)])
    return {
        "kind": "chart",
        "name": "by_day",
        "title": _("Actions by day"),
        "alt": _(
            "Actions by day, stacked by kind. Peak on %(day)s: %(number)s.",
            day=day(best),
            number=number(sums[best]),
        ),
        "table": _table("", ["", *(str(format_date(day, "EEE d")) for day in every)], rows),
    }


def _posts_block(figures: Mapping[str, Any], *, whole: bool) -> dict[str, Any] | None:
    if not figures["posts"]:
        return None
    rows = []
    for post in figures["posts"]:
        hint = platform_named(post["platform"])
        if whole:
            hint += f" · {post['campaign']}"
        did = ", ".join(f"{kind_named(kind)} {number(n)}" for kind, n in post["by_kind"].items())
        raised = ", ".join(money(each["net_minor"], each["currency"]) for each in post["money"])
        rows.append(
            [
                _cell(
                    post["title"] or post["url"] or _("Without a title"),
                    hint=" · ".join(filter(None, (hint, did))),
                    link=_safe(post["url"]),
                ),
                _cell(number(post["clicks"])),
                _cell(number(post["actions"])),
                _cell(
                    number(post["supporters"]),
                    hint=_("%(n)s new", n=number(post["new"])) if post["new"] else "",
                ),
                _cell(raised),
            ]
        )
    headings = [_("Post"), _("Clicks"), _("Actions"), _("Supporters"), _("Net raised")]
    return {
        **_table(_("Top posts"), headings, rows),
        "chart": "posts",
        "alt": _("Actions of the top posts; the table shows the same data."),
    }


def _ladder_blocks(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how far people came, and the posts they climbed from. Older reports have neither."""
    ladder = figures.get("ladder")
    if not ladder or ladder["people"] == 0:
        return []
    rungs = rung_names()
    ways = [
        _(
            "from “%(before)s” to “%(after)s” %(n)s",
            before=rungs[each["from"]],
            after=rungs[each["to"]],
            n=number(each["people"]),
        )
        for each in ladder["climbs"]
        if each["people"]
    ]
    blocks = [
        _table(
            _("Supporters who climbed the ladder"),
            [_("Highest rung"), _("Supporters"), _("New"), _("Climbed to this rung")],
            [
                [
                    _cell(rungs[each["rung"]]),
                    *(_cell(number(each[name])) for name in ("people", "joined", "climbed")),
                ]
                for each in reversed(ladder["rungs"])
            ],
            note=_("Climbed: %(ways)s.", ways="; ".join(ways))
            if ways
            else _("Everyone who has ever acted, by the highest rung they reached."),
        )
    ]
    if posts := [post for post in ladder["posts"] if post["climbed"] or post["joined"]]:
        blocks.append(
            _table(
                _("Posts that led to climbs"),
                [_("Post"), _("Climbed"), _("New supporters")],
                [
                    [
                        _cell(
                            _("Unattributed")
                            if post["title"] is None
                            else post["title"] or post["url"] or _("Without a title"),
                            hint=platform_named(post["platform"]) if post["platform"] else "",
                            link=_safe(post["url"]),
                        ),
                        _cell(number(post["climbed"])),
                        _cell(number(post["joined"])),
                    ]
                    for post in posts[:TOP_POSTS]
                ],
            )
        )
    return blocks


def _kinds_block(figures: Mapping[str, Any]) -> dict[str, Any] | None:
    if not figures["kinds"]:
        return None
    return _table(
        _("Actions by kind"),
        [_("Kind"), _("Actions"), _("Before")],
        [
            [
                _cell(kind_named(each["kind"])),
                _cell(number(each["now"])),
                _cell(number(each["before"])),
            ]
            for each in figures["kinds"]
        ],
    )


def _campaigns_block(
    figures: Mapping[str, Any], public_url: str, period: Period
) -> dict[str, Any] | None:
    if not figures["campaigns"]:
        return None
    return _table(
        _("Campaigns"),
        [_("Campaign"), _("Supporters"), _("New"), _("Actions"), _("Net raised")],
        [
            [
                _cell(
                    each["name"],
                    link=f"{public_url}/campaigns/{each['slug']}"
                    f"?from={period.first}&to={period.last}",
                ),
                *(
                    _cell(
                        number(each["now"][name]),
                        hint=_("before: %(n)s", n=number(each["before"][name])),
                    )
                    for name in ("supporters", "new", "actions")
                ),
                _cell(
                    ", ".join(
                        money(sum_["net_minor"], sum_["currency"]) for sum_ in each["now"]["money"]
                    )
                ),
            ]
            for each in figures["campaigns"]
        ],
    )


def _evidence_block(figures: Mapping[str, Any]) -> dict[str, Any] | None:
    shown = [each for each in figures["evidence"] if each["actions"] != 0]
    if not shown:
        return None
    share = attributed_share(figures["evidence"])
    return _table(
        _("How sure the credit is"),
        [_("Evidence"), _("Actions"), _("Share")],
        [
            [
                _cell(_said(TIERS_MEAN[each["tier"]])),
                _cell(number(each["actions"])),
                _cell(percent(each["share"])),
            ]
            for each in shown
        ],
        note=_(
            "For %(share)s of the actions there is evidence of the post or platform "
            "they came from.",
            share=percent(share),
        ),
    )


def _changed_block(figures: Mapping[str, Any]) -> dict[str, Any]:
    changed = figures["changed"]
    told = days(_period(changed, "first", "last"))
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
            campaign=row["campaign"],
            days=told,
            figure=names[row["figure"]],
            then=_figure(row, "then"),
            now=_figure(row, "now"),
        )
        for row in changed["rows"]
    ]
    items += [
        _(
            "%(campaign)s: on %(on)s, %(actions)s of %(days)s were restated: %(why)s.",
            campaign=each["campaign"],
            on=day(each["on"]),
            actions=_counted("actions", each["actions"]),
            days=days(_period(each, "first_on", "last_on")),
            why=reasons[each["why"]],
        )
        for each in changed["why"]
    ]
    items += [
        _(
            "%(sum)s was refunded in these days and is deducted from the amount raised.",
            sum=money(each["refunded_minor"], each["currency"]),
        )
        for each in figures["now"]["money"]
        if each["refunded_minor"]
    ]
    if changed.get("hidden"):
        items.append(_("Changes that are too small to be shown are left out."))
    if not items:
        items = [_("Nothing: the figures for %(days)s are unchanged.", days=told)]
    return {"kind": "list", "title": _("What changed since the last report"), "items": items}


# Words for single things ------------------------------------------------------------------------


def kind_named(kind: str) -> str:
    """Return what actions of a kind are called."""
    return {
        "signature": _("signatures"),
        "call": _("calls"),
        "letter": _("letters"),
        "donation": _("donations"),
        "submission": _("forms"),
        "attendance": _("attendances"),
        "click": _("link clicks"),
        "other": _("other actions"),
    }.get(kind, kind)


def change(now: float, before: float) -> str:
    """Say how a figure stands against the one before."""
    if now == before:
        return _("as before")
    sign = "+" if now > before else "−"
    difference = f"{sign}{number(abs(now - before))}"
    if before:
        difference += f" ({sign}{percent(abs(now - before) / before)})"
    return _("%(difference)s, before: %(before)s", difference=difference, before=number(before))


def _people(count: int) -> str:
    return str(ngettext("%(n)s supporter", "%(n)s supporters", count, n=number(count)))


def _counted(what: str, count: float) -> str:
    if what == "clicks":
        return str(
            ngettext(
                "%(n)s click by a person", "%(n)s clicks by people", int(count), n=number(count)
            )
        )
    return str(ngettext("%(n)s action", "%(n)s actions", int(count), n=number(count)))


def _figure(row: Mapping[str, Any], side: str) -> str:
    return money(row[side], row["currency"]) if row["currency"] else number(row[side])


def _period(of: Mapping[str, Any], first: str, last: str) -> Period:
    return Period(date.fromisoformat(of[first]), date.fromisoformat(of[last]))


def _safe(url: str) -> str:
    """Return an address where a mail may lead to it, else nothing."""
    return url if url.startswith(("https://", "http://")) else ""


def _item(label: str, value: str, note: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def _cell(text: str, hint: str = "", link: str = "") -> dict[str, str]:
    return {"text": text, "hint": hint, "link": link}


def _table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[Mapping[str, str]]], note: str = ""
) -> dict[str, Any]:
    return {"kind": "table", "title": title, "headings": headings, "rows": rows, "note": note}
