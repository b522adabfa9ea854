"""A campaign's report without figures about few people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from advocacy.disclosure.days import days_shown
from advocacy.disclosure.evidence import evidence_shown, said_by_places
from advocacy.disclosure.money import columns_of, sums_of_money, totals_shown
from advocacy.disclosure.platforms import has_residues, platforms_too
from advocacy.disclosure.rows import (
    FEW,
    NOBODY,
    Row,
    about,
    blank_of,
    exact,
    fold_of,
    people_shown,
    total_of,
    with_fold,
)

SOME, ALL = "some", "all"
"""How much of a report is withheld; empty where nothing is."""
_GENERATIONS = ("direct", "first_share", "beyond")


def withheld_report(report: Mapping[str, Any], least: int) -> dict[str, Any]:
    """Return a report (see `report.activation`) without what is about fewer than `least` people.

    It has "withheld" besides: "some", "all" (no figure is left), or nothing. With `least` below 2
    the report comes back as it is. What is given is not changed.
    """
    if least < 2:
        return dict(report)
    if 0 < about(report) < least:
        return _nothing_of(report)
    out = dict(report)
    out["supporters"] = people_shown(report["supporters"], least)
    everybody = about(report)
    few_kinds = fold_of(report["by_kind"], everybody, least)
    kinds = frozenset(report["by_kind"][at]["kind"] for at in few_kinds)
    out["by_kind"] = with_fold(
        report["by_kind"],
        few_kinds,
        least,
        lambda rows: {
            "kind": FEW,
            "actions": total_of(rows, "actions"),
            "supporters": dict(NOBODY),
        },
    )
    out["by_day"] = days_shown(report["by_day"], kinds, least)
    out["restated"] = [
        {**each, "actions": None if 0 < each["actions"] < least else each["actions"]}
        for each in report["restated"]
    ]
    few_posts = fold_of(report["posts"], everybody, least)
    posts = with_fold(report["posts"], few_posts, least, _posts_as_one)
    few_platforms = fold_of(report["platforms"], everybody, least)
    few_platforms = platforms_too(report, few_posts, few_platforms, least)
    platforms = with_fold(report["platforms"], few_platforms, least, _platforms_as_one)
    out["evidence"], out["bounds"] = evidence_shown(
        report["evidence"],
        report["bounds"],
        said_by_places(report, few_posts, few_platforms, least),
        least,
    )
    no_money = "donation" in kinds
    out["money"] = totals_shown(report["money"], no_money, least)
    blind = no_money or any(sum_["donations"] is None for sum_ in out["money"])
    blank = blank_of([columns_of(row, kinds) for row in posts], least)
    unsure = blank_of([_tiers(row) for row in posts], least)
    if any(each["actions"] is None for each in out["evidence"]):
        unsure = set(range(len(posts)))
    out["posts"] = [
        _of_post(row, kinds, at in blank, blind, at in unsure, least)
        for at, row in enumerate(posts)
    ]
    # A platform's money is that of its posts and of what has no post. It is shown where each of
    # these is, and nowhere else: so it opens nothing.
    open_ = not (blind or blank or few_posts or few_platforms or has_residues(report, least))
    out["platforms"] = [
        {**row, "money": row["money"] if open_ or not row["money"] else None} for row in platforms
    ]
    out["withheld"] = SOME if _changed(report, out) else ""
    return out


def _nothing_of(report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **report,
        "actions": None,
        "supporters": dict(NOBODY),
        "clicks": {"human": None, "other": None},
        **{name: [] for name in ("by_kind", "money", "restated", "by_day", "posts", "platforms")},
        "evidence": [
            {"tier": each["tier"], "actions": None, "share": None} for each in report["evidence"]
        ],
        "bounds": {"lower": None, "upper": None},
        "withheld": ALL,
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(before[name] != after[name] for name in before)


def _platforms_as_one(rows: list[Row]) -> Row:
    return {
        "platform": "",
        "clicks": _clicks(rows),
        "actions": total_of(rows, "actions"),
        "supporters": dict(NOBODY),
        "money": sums_of_money(rows),
    }


def _clicks(rows: Sequence[Row]) -> dict[str, float]:
    return {name: total_of((row["clicks"] for row in rows), name) for name in ("human", "other")}


def _posts_as_one(rows: list[Row]) -> Row:
    actions = total_of(rows, "actions")
    tiers = [each["tier"] for each in rows[0]["evidence"]]
    evidence = []
    for tier in tiers:
        of_tier = total_of(
            (e for row in rows for e in row["evidence"] if e["tier"] == tier), "actions"
        )
        share = round(of_tier / actions, 4) if actions else 0.0
        evidence.append({"tier": tier, "actions": of_tier, "share": share})
    passed = {name: total_of((row["generations"] for row in rows), name) for name in _GENERATIONS}
    direct = passed["direct"]
    kinds = sorted({kind for row in rows for kind in row["by_kind"]})
    return {
        "post": None,
        "clicks": _clicks(rows),
        "actions": actions,
        "by_kind": {
            kind: total_of((row["by_kind"] for row in rows if kind in row["by_kind"]), kind)
            for kind in kinds
        },
        "supporters": dict(NOBODY),
        "money": sums_of_money(rows),
        "evidence": evidence,
        "bounds": {n: total_of((row["bounds"] for row in rows), n) for n in ("lower", "upper")},
        "generations": {
            **passed,
            "factor": round(sum(passed.values()) / direct, 4) if direct else None,
        },
    }


def _tiers(row: Row) -> dict[Any, Fraction]:
    return {each["tier"]: exact(each["actions"]) for each in row["evidence"]}


def _of_post(
    row: Row, few_kinds: frozenset[str], blank: bool, blind: bool, unsure: bool, least: int
) -> Row:
    kinds: dict[str, Any] = {}
    for kind, number in row["by_kind"].items():
        name = FEW if kind in few_kinds else kind
        kinds[name] = total_of(({"n": kinds.get(name, 0)}, {"n": number}), "n")
    out = {
        **row,
        "by_kind": None if blank else kinds,
        "money": None if row["money"] and (blank or blind) else row["money"],
    }
    if unsure:
        out["evidence"] = [{**each, "actions": None, "share": None} for each in row["evidence"]]
        out["bounds"] = {"lower": None, "upper": None}
    if any(0 < row["generations"][name] < least for name in _GENERATIONS):
        out["generations"] = dict.fromkeys((*_GENERATIONS, "factor"))
    return out
