"""What a mail says, without figures about few people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from advocacy.disclosure.days import days_shown
from advocacy.disclosure.evidence import evidence_shown, said_by_strongest
from advocacy.disclosure.ladder import climbing_shown
from advocacy.disclosure.money import columns_of, donations_of, totals_shown
from advocacy.disclosure.rows import FEW, Row, about, blank_of, exact, fold_of, people_shown


def withheld_figures(figures: Mapping[str, Any], least: int) -> dict[str, Any]:
    """Return what a mail says (see `weekly.figures`) without what is about fewer people than that.

    Figures of campaigns, kinds and days that may not be shown are None; posts are left out. With
    `least` below 2, or withheld already, they come back as they are. What is given is not changed.
    """
    if least < 2 or figures.get("least", 0) >= least:
        return dict(figures)
    out: dict[str, Any] = {**figures, "least": least, "others": {}}
    campaigns = [dict(each) for each in figures["campaigns"]]
    kinds = [dict(each) for each in figures["kinds"]]
    few_kinds: frozenset[str] = frozenset()
    for side in ("now", "before"):
        whole = figures[side]
        if 0 < _about_sum(whole) < least:
            out[side] = _no_sum(whole)
            campaigns = [{**each, side: _no_sum(each[side])} for each in campaigns]
            kinds = [{**each, side: None} for each in kinds]
            continue
        few = _few_kinds(kinds, side, _about_sum(whole), least)
        kinds = [{**each, side: None} if each["kind"] in few else each for each in kinds]
        few_kinds = few if side == "now" else few_kinds
        out[side] = _sum_shown(whole, "donation" in few, least)
        campaigns = _campaigns_shown(campaigns, side, whole, out[side], least)
    out["campaigns"], out["kinds"] = campaigns, kinds
    if out["now"]["actions"] is None:
        out["evidence"] = [{**each, "actions": None, "share": None} for each in figures["evidence"]]
        out["by_day"], out["posts"] = [], []
    else:
        out["by_day"] = [
            *days_shown(figures["by_day"], few_kinds, least),
            *({**each, "actions": None} for each in figures["by_day"] if each["kind"] in few_kinds),
        ]
        out["posts"] = _strongest(figures, out, few_kinds, least)
        bounds, rest = {"lower": 0, "upper": 0}, said_by_strongest(figures, out["posts"], least)
        out["evidence"] = evidence_shown(figures["evidence"], bounds, rest, least)[0]
    out["changed"] = _changes_shown(figures["changed"], campaigns, least)
    if ladder := figures.get("ladder"):
        whole = out["now"]["actions"]
        new = figures["now"]["new"]
        out["ladder"] = None if whole is None else climbing_shown(ladder, new, least)
    return out


def _about_sum(figures: Mapping[str, Any]) -> int:
    return about({**figures, "supporters": {"distinct": figures["supporters"]}})


def _no_sum(figures: Mapping[str, Any]) -> Row:
    return {**dict.fromkeys(figures), "money": []}


def _sum_shown(whole: Mapping[str, Any], blind: bool, least: int) -> Row:
    people = people_shown(
        {
            "distinct": whole["supporters"],
            "new": whole["new"],
            "returning": whole["returning"],
        },
        least,
    )
    return {
        **whole,
        "new": people["new"],
        "returning": people["returning"],
        "money": totals_shown(whole["money"], blind, least),
    }


def _few_kinds(kinds: Sequence[Row], side: str, everybody: int, least: int) -> frozenset[str]:
    """Return the kinds of which no number is shown; people stand in the figures since they do."""
    rows = [
        {
            "actions": each[side] or 0,
            "supporters": {"distinct": each.get(f"{side}_people", 0) or 0},
        }
        for each in kinds
    ]
    return frozenset(kinds[at]["kind"] for at in fold_of(rows, everybody, least))


def _campaigns_shown(
    campaigns: Sequence[Row], side: str, whole: Mapping[str, Any], shown: Row, least: int
) -> list[Row]:
    rows = [
        {**each[side], "supporters": {"distinct": each[side]["supporters"]}} for each in campaigns
    ]
    few = fold_of(rows, _about_sum(whole), least)
    blind = any(each["donations"] is None for each in shown["money"])
    columns = [donations_of(each[side]["money"]) for each in campaigns]
    blank = blank_of(columns, least, frozenset(few)) if len(campaigns) > 1 else set()
    out = []
    for at, each in enumerate(campaigns):
        if at in few:
            out.append({**each, side: _no_sum(each[side])})
            continue
        one = _sum_shown(each[side], blind, least)
        if blind or at in blank:
            one["money"] = totals_shown(each[side]["money"], True, least)
        out.append({**each, side: one})
    return out


def _strongest(
    figures: Mapping[str, Any], shown: Mapping[str, Any], few_kinds: frozenset[str], least: int
) -> list[Row]:
    """Return the strongest posts but those about few, or of which the rest of a campaign tells."""
    posts = figures["posts"]
    out: set[int] = set()
    names = [each["name"] for each in figures["campaigns"]]
    for name in {post["campaign"] for post in posts}:
        whole = [each for each in figures["campaigns"] if each["name"] == name]
        own = [at for at, post in enumerate(posts) if post["campaign"] == name]
        hidden = any(
            each["now"]["actions"] is None for each in shown["campaigns"] if each["name"] == name
        )
        if hidden or names.count(name) != 1:
            out |= set(own)
            continue
        # What is not among the strongest can be had by difference, so it stands here as a row.
        rows = [_post_row(posts[at]) for at in own]
        rest = exact(whole[0]["now"]["actions"]) - sum(exact(row["actions"]) for row in rows)
        others = figures.get("others", {}).get(name, 0)
        rows.append({"actions": max(rest, 0), "supporters": {"distinct": others}})
        few = fold_of(rows, whole[0]["now"]["supporters"], least)
        out |= {at for place, at in enumerate(own) if place in few}
    # Gifts stand twice: in the sums of all campaigns, and in those of the post's own.
    columns = [
        columns_of(post, few_kinds) | _donations_to(post["campaign"], post["money"])
        for post in posts
    ]
    rest_of: dict[Any, Fraction] = donations_of(figures["now"]["money"])
    for each in figures["campaigns"]:
        rest_of |= _donations_to(each["name"], each["now"]["money"])
    for each in figures["kinds"]:
        kind = each["kind"]
        if kind in few_kinds or kind != "donation":
            name = FEW if kind in few_kinds else kind
            rest_of[name] = rest_of.get(name, Fraction(0)) + exact(each["now"])
    rest_of = {
        name: max(size - sum(column.get(name, Fraction(0)) for column in columns), Fraction(0))
        for name, size in rest_of.items()
    }
    blank = blank_of([*columns, rest_of], least, frozenset({*out, len(posts)}))
    blind = any(each["donations"] is None for each in shown["now"]["money"])
    return [
        {
            **post,
            "new": None if _thin(post, least) else post["new"],
            "by_kind": {}
            if at in blank
            else {kind: n for kind, n in post["by_kind"].items() if kind not in few_kinds},
            "money": None if post["money"] and (at in blank or blind) else post["money"],
        }
        for at, post in enumerate(posts)
        if at not in out
    ]


def _donations_to(campaign: str, money: Iterable[Row]) -> dict[Any, Fraction]:
    return {(campaign, *column): size for column, size in donations_of(money).items()}


def _post_row(post: Row) -> Row:
    return {**post, "supporters": {"distinct": post["supporters"]}}


def _thin(post: Row, least: int) -> bool:
    return any(0 < size < least for size in (post["new"], post["supporters"] - post["new"]))


def _changes_shown(changed: Mapping[str, Any], campaigns: Sequence[Row], least: int) -> Row:
    """Return what changed: a figure that moved by little tells of those few by whom it moved."""
    quiet = {each["name"] for each in campaigns if each["now"]["actions"] is None}
    steady = [
        row
        for row in changed["rows"]
        if row["figure"] != "net_minor"
        and row["campaign"] not in quiet
        and not 0 < abs(row["now"] - row["then"]) < least
        and not any(0 < row[side] < least for side in ("now", "then"))
    ]
    given = {
        each["name"]
        for each in campaigns
        if all(sum_["donations"] is not None for sum_ in each["now"]["money"])
    }
    moved = {row["campaign"] for row in steady if row["figure"] == "actions"} & given
    told = [
        row
        for row in changed["rows"]
        if row in steady or (row["figure"] == "net_minor" and row["campaign"] in moved)
    ]
    why = [
        each
        for each in changed["why"]
        if each["campaign"] not in quiet and not 0 < each["actions"] < least
    ]
    hidden = len(told) < len(changed["rows"]) or len(why) < len(changed["why"])
    return {**changed, "rows": told, "why": why, "hidden": hidden}
