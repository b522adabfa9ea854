"""A campaign's report without figures about few people, and without a way to work them out.

Pure. `withheld_report` is what every page, mail, answer and export of an activation goes through.
What is about fewer than `least` people is *folded*: one row stands for several posts, platforms or
kinds, with their sums and without their people. A figure inside a row that is about few is None.

How nothing can be had by difference:
- what is folded is together about at least `least` people, else the next smallest row joins it;
- what is left of a platform after its posts are taken off, or of several, is nothing or enough,
  also when it can only be had by combining sums;
- kinds, money and evidence of posts are shown for a post or not at all, and so that what is left
  of each column for the others is nothing or enough;
- days by kind are a table: the sums of kinds are known, those of days are told where they can be;
- evidence is judged together with posts and platforms, since each tier says whether there is one.

What a stranger would get wrong: how many people several rows are about is not known, since one can
be in all of them. It is taken as the least that it can be: the most of one row, or all people less
those of the rows that are shown. Where people are not counted (a kind within a post, a day, a tier)
the number of actions stands in for them. Of refunds only the sum is known: they are shown wherever
what was given is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

from advocacy.small_groups import Sum, reduced, withheld, withheld_crossing, withheld_parts

FEW = "few"
"""What kinds are called together that few people each did."""

SOME, ALL = "some", "all"
"""How much of a report is withheld; empty where nothing is."""

REFERRER, UNATTRIBUTED = "referrer", "unattributed"
INFERRED = frozenset({REFERRER, "identity"})

_MONEY = ("gross_minor", "refunded_minor", "net_minor", "donations")
_RENEWALS = ("donations", "gross_minor", "refunded_minor")
_GENERATIONS = ("direct", "first_share", "beyond")
_NOTHING = Fraction(1, 10**6)
"""What is less than this is left of rounding."""
_NOBODY = {"distinct": None, "new": None, "returning": None}

Row = dict[str, Any]


def withheld_report(report: Mapping[str, Any], least: int) -> dict[str, Any]:
    """Return a report (see `report.activation`) without what is about fewer than `least` people.

    It has "withheld" besides: "some", "all" (no figure is left), or nothing. With `least` below 2
    the report comes back as it is. What is given is not changed.
    """
    if least < 2:
        return dict(report)
    if 0 < _about(report) < least:
        return _nothing_of(report)
    out = dict(report)
    out["supporters"] = _people(report["supporters"], least)
    everybody = _about(report)
    few_kinds = _folded(report["by_kind"], everybody, least)
    kinds = frozenset(report["by_kind"][at]["kind"] for at in few_kinds)
    out["by_kind"] = _with_fold(
        report["by_kind"],
        few_kinds,
        least,
        lambda rows: {"kind": FEW, "actions": _sum(rows, "actions"), "supporters": dict(_NOBODY)},
    )
    out["by_day"] = _days(report["by_day"], kinds, least)
    out["restated"] = [
        {**each, "actions": None if 0 < each["actions"] < least else each["actions"]}
        for each in report["restated"]
    ]
    few_posts = _folded(report["posts"], everybody, least)
    posts = _with_fold(report["posts"], few_posts, least, _posts_as_one)
    few_platforms = _folded(report["platforms"], everybody, least)
    few_platforms = _platforms_too(report, few_posts, few_platforms, least)
    platforms = _with_fold(report["platforms"], few_platforms, least, _platforms_as_one)
    out["evidence"], out["bounds"] = _evidence(
        report["evidence"],
        report["bounds"],
        _places(report, few_posts, few_platforms, least),
        least,
    )
    no_money = "donation" in kinds
    out["money"] = _totals_of_money(report["money"], no_money, least)
    blind = no_money or any(sum_["donations"] is None for sum_ in out["money"])
    blank = _blank([_columns(row, kinds) for row in posts], least)
    unsure = _blank([_tiers(row) for row in posts], least)
    if any(each["actions"] is None for each in out["evidence"]):
        unsure = set(range(len(posts)))
    out["posts"] = [
        _of_post(row, kinds, at in blank, blind, at in unsure, least)
        for at, row in enumerate(posts)
    ]
    # A platform's money is that of its posts and of what has no post. It is shown where each of
    # these is, and nowhere else: so it opens nothing.
    open_ = not (blind or blank or few_posts or few_platforms or _residues(report, least))
    out["platforms"] = [
        {**row, "money": row["money"] if open_ or not row["money"] else None} for row in platforms
    ]
    out["withheld"] = SOME if _changed(report, out) else ""
    return out


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
            *_days(figures["by_day"], few_kinds, least),
            *({**each, "actions": None} for each in figures["by_day"] if each["kind"] in few_kinds),
        ]
        out["posts"] = _strongest(figures, out, few_kinds, least)
        bounds, rest = {"lower": 0, "upper": 0}, _rest(figures, out["posts"], least)
        out["evidence"] = _evidence(figures["evidence"], bounds, rest, least)[0]
    out["changed"] = _changes_shown(figures["changed"], campaigns, least)
    if ladder := figures.get("ladder"):
        whole = out["now"]["actions"]
        new = figures["now"]["new"]
        out["ladder"] = None if whole is None else _climbing_shown(ladder, new, least)
    return out


_WAYS = ("joined", "climbed", "stayed")


def _climbing_shown(ladder: Mapping[str, Any], new: int, least: int) -> Row:
    """Return who climbed (see `ladder.climbing`) without what is about few, nor tells it.

    Who stayed where she was is never said, and follows from what is. So do the few by whom those
    who came new to the ladder differ from the `new` of the report: who only gave what went back, or
    knew the organization from another campaign.
    """
    rungs, posts = ladder["rungs"], ladder["posts"]
    people: dict[Any, int] = {"people": ladder["people"]}
    sums = [
        Sum("people", tuple((each["rung"], "people") for each in rungs)),
        Sum("people", _WAYS),
    ]
    for way in _WAYS:
        people[way] = sum(each[way] for each in rungs)
        sums.append(Sum(way, tuple((each["rung"], way) for each in rungs)))
    for each in rungs:
        rung = each["rung"]
        people |= {(rung, name): each[name] for name in ("people", *_WAYS)}
        sums.append(Sum((rung, "people"), tuple((rung, way) for way in _WAYS)))
        climbs = [climb for climb in ladder["climbs"] if climb["to"] == rung]
        people |= {("climb", climb["from"], rung): climb["people"] for climb in climbs}
        sums.append(
            Sum((rung, "climbed"), tuple(("climb", climb["from"], rung) for climb in climbs))
        )
    for way in ("joined", "climbed"):
        people |= {("post", at, way): post[way] for at, post in enumerate(posts)}
        sums.append(Sum(way, tuple(("post", at, way) for at in range(len(posts)))))
    hidden = withheld(people, sums, least)
    if 0 < abs(people["joined"] - new) < least:
        hidden |= {
            key
            for key in people
            if (key == "joined" or key[-1] == "joined") and people.get((key[0], "people")) != 0
        }

    def shown(key: Any) -> int | None:
        return None if key in hidden else people[key]

    return {
        "people": shown("people"),
        "rungs": [
            {
                "rung": each["rung"],
                **{name: shown((each["rung"], name)) for name in ("people", *_WAYS)},
            }
            for each in rungs
        ],
        "climbs": [
            {**climb, "people": shown(("climb", climb["from"], climb["to"]))}
            for climb in ladder["climbs"]
        ],
        "posts": [
            {**post, **{way: shown(("post", at, way)) for way in ("joined", "climbed")}}
            for at, post in enumerate(posts)
        ],
    }


def _about_sum(figures: Mapping[str, Any]) -> int:
    return _about({**figures, "supporters": {"distinct": figures["supporters"]}})


def _no_sum(figures: Mapping[str, Any]) -> Row:
    return {**dict.fromkeys(figures), "money": []}


def _sum_shown(whole: Mapping[str, Any], blind: bool, least: int) -> Row:
    people = _people(
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
        "money": _totals_of_money(whole["money"], blind, least),
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
    return frozenset(kinds[at]["kind"] for at in _folded(rows, everybody, least))


def _campaigns_shown(
    campaigns: Sequence[Row], side: str, whole: Mapping[str, Any], shown: Row, least: int
) -> list[Row]:
    rows = [
        {**each[side], "supporters": {"distinct": each[side]["supporters"]}} for each in campaigns
    ]
    few = _folded(rows, _about_sum(whole), least)
    blind = any(each["donations"] is None for each in shown["money"])
    columns = [_donations(each[side]["money"]) for each in campaigns]
    blank = _blank(columns, least, frozenset(few)) if len(campaigns) > 1 else set()
    out = []
    for at, each in enumerate(campaigns):
        if at in few:
            out.append({**each, side: _no_sum(each[side])})
            continue
        one = _sum_shown(each[side], blind, least)
        if blind or at in blank:
            one["money"] = _totals_of_money(each[side]["money"], True, least)
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
        rest = _exact(whole[0]["now"]["actions"]) - sum(_exact(row["actions"]) for row in rows)
        others = figures.get("others", {}).get(name, 0)
        rows.append({"actions": max(rest, 0), "supporters": {"distinct": others}})
        few = _folded(rows, whole[0]["now"]["supporters"], least)
        out |= {at for place, at in enumerate(own) if place in few}
    # Gifts stand twice: in the sums of all campaigns, and in those of the post's own.
    columns = [
        _columns(post, few_kinds) | _donations_to(post["campaign"], post["money"]) for post in posts
    ]
    rest_of: dict[Any, Fraction] = _donations(figures["now"]["money"])
    for each in figures["campaigns"]:
        rest_of |= _donations_to(each["name"], each["now"]["money"])
    for each in figures["kinds"]:
        kind = each["kind"]
        if kind in few_kinds or kind != "donation":
            name = FEW if kind in few_kinds else kind
            rest_of[name] = rest_of.get(name, Fraction(0)) + _exact(each["now"])
    rest_of = {
        name: max(size - sum(column.get(name, Fraction(0)) for column in columns), Fraction(0))
        for name, size in rest_of.items()
    }
    blank = _blank([*columns, rest_of], least, frozenset({*out, len(posts)}))
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
    return {(campaign, *column): size for column, size in _donations(money).items()}


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


def _nothing_of(report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **report,
        "actions": None,
        "supporters": dict(_NOBODY),
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


# How many people --------------------------------------------------------------------------------


def _about(row: Mapping[str, Any]) -> int:
    """Return how many people a row is about: as counted, else no more than it has actions."""
    known: int = row["supporters"]["distinct"]
    moved = any(each["gross_minor"] or each["refunded_minor"] for each in row.get("money", ()))
    return known or ceil(row["actions"]) or int(moved)


def _people(people: Mapping[str, int], least: int) -> dict[str, int | None]:
    if any(0 < people[name] < least for name in ("new", "returning")):
        return {"distinct": people["distinct"], "new": None, "returning": None}
    return dict(people)


def _exact(number: float) -> Fraction:
    """Return a number of actions so that shares of one add up; they are told to the billionth."""
    return Fraction(round(number * 10**9), 10**9)


# Rows that become one ---------------------------------------------------------------------------


def _folded(rows: Sequence[Row], everybody: int, least: int) -> set[int]:
    """Return the places of the rows that become one, so that it is about at least `least`."""
    sizes = [_about(row) for row in rows]
    few = {at for at, size in enumerate(sizes) if 0 < size < least}
    while few:
        shown = sum(size for at, size in enumerate(sizes) if at not in few)
        together = max(max(sizes[at] for at in few), everybody - shown)
        left = [at for at, size in enumerate(sizes) if size and at not in few]
        if (len(few) > 1 and together >= least) or not left:
            break
        few.add(min(left, key=lambda at: (sizes[at], at)))
    return few


def _with_fold(
    rows: Sequence[Row], few: set[int], least: int, as_one: Callable[[list[Row]], Row]
) -> list[Row]:
    """Return the rows that stay, and at the end one for those that do not."""
    shown = [
        {**row, "supporters": _people(row["supporters"], least)}
        for at, row in enumerate(rows)
        if at not in few
    ]
    if few:
        shown.append({**as_one([rows[at] for at in sorted(few)]), "folded": len(few)})
    return shown


def _sum(rows: Iterable[Mapping[str, Any]], name: str) -> float:
    total = sum((_exact(row[name]) for row in rows), Fraction(0))
    return int(total) if total.denominator == 1 else round(float(total), 9)


def _clicks(rows: Sequence[Row]) -> dict[str, float]:
    return {name: _sum((row["clicks"] for row in rows), name) for name in ("human", "other")}


def _sums_of_money(rows: Sequence[Row]) -> list[Row]:
    found: dict[str, list[Row]] = defaultdict(list)
    for each in (each for row in rows for each in row["money"]):
        found[each["currency"]].append(each)
    return [
        {
            "currency": currency,
            **{name: _sum(same, name) for name in _MONEY},
            "renewals": {name: _sum((e["renewals"] for e in same), name) for name in _RENEWALS},
        }
        for currency, same in sorted(found.items())
    ]


def _platforms_as_one(rows: list[Row]) -> Row:
    return {
        "platform": "",
        "clicks": _clicks(rows),
        "actions": _sum(rows, "actions"),
        "supporters": dict(_NOBODY),
        "money": _sums_of_money(rows),
    }


def _posts_as_one(rows: list[Row]) -> Row:
    actions = _sum(rows, "actions")
    tiers = [each["tier"] for each in rows[0]["evidence"]]
    evidence = []
    for tier in tiers:
        of_tier = _sum((e for row in rows for e in row["evidence"] if e["tier"] == tier), "actions")
        share = round(of_tier / actions, 4) if actions else 0.0
        evidence.append({"tier": tier, "actions": of_tier, "share": share})
    passed = {name: _sum((row["generations"] for row in rows), name) for name in _GENERATIONS}
    direct = passed["direct"]
    kinds = sorted({kind for row in rows for kind in row["by_kind"]})
    return {
        "post": None,
        "clicks": _clicks(rows),
        "actions": actions,
        "by_kind": {
            kind: _sum((row["by_kind"] for row in rows if kind in row["by_kind"]), kind)
            for kind in kinds
        },
        "supporters": dict(_NOBODY),
        "money": _sums_of_money(rows),
        "evidence": evidence,
        "bounds": {n: _sum((row["bounds"] for row in rows), n) for n in ("lower", "upper")},
        "generations": {
            **passed,
            "factor": round(sum(passed.values()) / direct, 4) if direct else None,
        },
    }


# Posts and platforms say the same twice ---------------------------------------------------------


def _platform_of(row: Row) -> str:
    return str(row["post"]["platform"]) if row["post"] else ""


def _platforms_too(
    report: Mapping[str, Any], few_posts: set[int], few: set[int], least: int
) -> set[int]:
    """Fold more platforms until, with what is shown of posts, no small remainder can be had.

    Those that have one, and one other where that is enough; else the smallest in turn.
    """
    rows, few = report["platforms"], set(few)
    sizes = [_about(row) for row in rows]
    if not _told_little(report, few_posts, few, least):
        return few
    unseen = _unseen(report, few_posts)
    few |= {
        at
        for at, row in enumerate(rows)
        if sizes[at] and 0 < max(unseen[of, row["platform"]] for of in ("posts", "none")) < least
    }

    def left() -> list[int]:
        others = [at for at, size in enumerate(sizes) if size and at not in few]
        return sorted(others, key=lambda at: (sizes[at], at))

    for more in (set(), *({at} for at in left())):
        if not _told_little(report, few_posts, few | more, least):
            return few | more
    while (others := left()) and _told_little(report, few_posts, few, least):
        few.add(others[0])
    return few


def _told_little(report: Mapping[str, Any], few_posts: set[int], few: set[int], least: int) -> bool:
    """Say whether sums of what is not shown are known and are about fewer than `least` people.

    Not shown of a platform are its folded posts, and its actions that no post is known for.
    """
    posts, known = report["posts"], _unseen(report, few_posts)
    names = [row["platform"] for row in report["platforms"]]
    keys = [key for key, size in known.items() if size]
    nobody = next((at for at, post in enumerate(posts) if post["post"] is None), None)
    without = {("none", name) for name in names}
    with_ = {("posts", name) for name in names}
    sums = [with_ if nobody is None or nobody not in few_posts else with_ | without]
    if nobody is None or nobody not in few_posts:
        sums.append(without)
    sums += [{("posts", name), ("none", name)} for at, name in enumerate(names) if at not in few]
    folded = {names[at] for at in few}
    sums.append({key for key in known if key[1] in folded})
    rows = [[Fraction(key in each) for key in keys] for each in sums]
    rows = [row for row in rows if any(row)]
    for row in [*rows, *reduced(rows)]:
        held = [(key, factor) for key, factor in zip(keys, row, strict=True) if factor]
        same = len({factor > 0 for _, factor in held}) == 1
        if same and max(known[key] for key, _ in held) < least:
            return True
    return False


def _nobody(report: Mapping[str, Any]) -> int:
    """Return how many people acted without a post."""
    return sum(_about(post) for post in report["posts"] if post["post"] is None)


def _unseen(report: Mapping[str, Any], few_posts: set[int]) -> dict[tuple[str, str], Fraction]:
    """Return how many people each part of a platform that is not shown is about, at the least."""
    known: dict[tuple[str, str], Fraction] = {}
    nobody = Fraction(_nobody(report))
    for row in report["platforms"]:
        name = row["platform"]
        own = [
            (at, post)
            for at, post in enumerate(report["posts"])
            if post["post"] and _platform_of(post) == name
        ]
        hidden = [post for at, post in own if at in few_posts]
        known["posts", name] = Fraction(max((_about(post) for post in hidden), default=0))
        rest = _exact(row["actions"]) - sum(_exact(post["actions"]) for _, post in own)
        known["none", name] = max(min(rest, nobody, Fraction(_about(row))), Fraction(0))
    return known


def _residues(report: Mapping[str, Any], least: int) -> bool:
    """Say whether money of a platform, less that of its posts, comes from few donations."""
    for row in report["platforms"]:
        own = [p for p in report["posts"] if p["post"] and _platform_of(p) == row["platform"]]
        posts: dict[Any, Fraction] = defaultdict(Fraction)
        for post in own:
            for column, size in _donations(post["money"]).items():
                posts[column] += size
        whole = _donations(row["money"])
        rest = [size - posts[column] for column, size in whole.items()]
        if any(0 < size < least for size in [*rest, *whole.values()]):
            return True
    return False


# Inside of rows ---------------------------------------------------------------------------------


def _donations(money: Iterable[Row]) -> dict[Any, Fraction]:
    """Return numbers of donations by currency, renewals apart; money that only moved counts one."""
    found: dict[Any, Fraction] = {}
    for each in money:
        later = _exact(each["renewals"]["donations"])
        first = _exact(each["donations"]) - later
        if not (first or later) and (each["gross_minor"] or each["refunded_minor"]):
            first = Fraction(1)
        found[each["currency"], "first"] = first
        found[each["currency"], "renewals"] = later
    return found


def _columns(row: Row, few_kinds: frozenset[str]) -> dict[Any, Fraction]:
    """Return what a post's kinds and donations count, with kinds that are folded as one."""
    found: dict[Any, Fraction] = defaultdict(Fraction)
    for kind, number in row["by_kind"].items():
        if kind != "donation" or kind in few_kinds:
            found[FEW if kind in few_kinds else kind] += _exact(number)
    if "donation" not in few_kinds:
        found.update(_donations(row["money"]))
    return found


def _tiers(row: Row) -> dict[Any, Fraction]:
    return {each["tier"]: _exact(each["actions"]) for each in row["evidence"]}


def _blank(
    rows: Sequence[Mapping[Any, Fraction]], least: int, gone: frozenset[int] = frozenset()
) -> set[int]:
    """Return the rows whose figures are not shown, so that what is left of a column is enough.

    `gone` are rows that nobody shows anyway.
    """
    blank = {at for at, row in enumerate(rows) if any(0 < size < least for size in row.values())}
    blank |= {at for at in gone if any(rows[at].values())}
    while blank:
        left: dict[Any, Fraction] = defaultdict(Fraction)
        for at in blank:
            for column, size in rows[at].items():
                left[column] += size
        thin = {column for column, size in left.items() if 0 < size < least}
        near = [
            at
            for at, row in enumerate(rows)
            if at not in blank and any(row.get(column) for column in thin)
        ]
        if not near:
            break
        blank.add(min(near, key=lambda at: (sum(rows[at].values()), at)))
    return blank


def _of_post(
    row: Row, few_kinds: frozenset[str], blank: bool, blind: bool, unsure: bool, least: int
) -> Row:
    kinds: dict[str, Any] = {}
    for kind, number in row["by_kind"].items():
        name = FEW if kind in few_kinds else kind
        kinds[name] = _sum(({"n": kinds.get(name, 0)}, {"n": number}), "n")
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


def _totals_of_money(money: Sequence[Row], nothing: bool, least: int) -> list[Row]:
    """Return the sums by currency: no figure of a currency that few gave in."""
    sizes = {each["currency"]: sum(_donations([each]).values(), Fraction(0)) for each in money}
    few, _ = withheld_parts(sizes, least)  # type: ignore[arg-type]
    out = []
    for each in money:
        kept = dict(each)
        thin = any(0 < size < least for size in _donations([each]).values())
        if nothing or 0 < sizes[each["currency"]] < least:
            kept |= {**dict.fromkeys(_MONEY), "renewals": dict.fromkeys(_RENEWALS)}
        elif each["currency"] in few:
            # Its number is hidden so that another's cannot be had; its sums tell nothing of that.
            kept |= {"donations": None, "renewals": dict.fromkeys(_RENEWALS)}
        elif thin:
            kept |= {"renewals": dict.fromkeys(_RENEWALS)}
        out.append(kept)
    return out


def _days(by_day: Sequence[Row], few_kinds: frozenset[str], least: int) -> list[Row]:
    """Return the days by kind. What is not told of a day by its kind is told together, as `FEW`.

    Where that is not either, all kinds of the day are None.
    """
    cells: dict[tuple[str, Any], Fraction] = defaultdict(Fraction)
    for each in by_day:
        kind = FEW if each["kind"] in few_kinds else each["kind"]
        cells[kind, each["day"]] += _exact(each["actions"])
    hidden, untold = withheld_crossing(cells, least)  # type: ignore[arg-type]
    shown: dict[tuple[str, Any], float | None] = {}
    rest: dict[Any, Fraction] = defaultdict(Fraction)
    for cell, number in cells.items():
        shown[cell] = None if cell in hidden else _sum([{"n": number}], "n")
        if cell in hidden and cell[1] not in untold:
            rest[cell[1]] += number
    for day, number in rest.items():
        more = Fraction(0) if (FEW, day) in hidden else cells.get((FEW, day), Fraction(0))
        shown[FEW, day] = _sum([{"n": number + more}], "n")
    rows = [{"day": day, "kind": kind, "actions": n} for (kind, day), n in shown.items()]
    return sorted(rows, key=lambda row: (row["day"], row["kind"]))


class _Elsewhere(NamedTuple):
    """What else of a report sums with its evidence.

    Numbers of actions; which of them are told, and which are of few people; and sums.
    """

    sizes: dict[Any, Fraction]
    told: frozenset[Any]
    few: frozenset[Any]
    sums: list[Sum]


def _places(
    report: Mapping[str, Any], few_posts: set[int], few_platforms: set[int], least: int
) -> _Elsewhere:
    """Return what posts and platforms tell of tiers.

    What is unattributed has neither post nor platform, a referrer names a platform and no post, and
    all else a post. So the actions without a post, by platform, are those two tiers.
    """
    names = [row["platform"] for row in report["platforms"]]
    unseen = _unseen(report, few_posts)
    sizes: dict[Any, Fraction] = {}
    told: set[Any] = set()
    few: set[Any] = {"no post"} if _nobody(report) < least else set()
    sums: list[Sum] = []
    for at, row in enumerate(report["platforms"]):
        name = row["platform"]
        for of in ("shown", "folded"):
            sizes[of, name] = sum(
                (
                    _exact(post["actions"])
                    for place, post in enumerate(report["posts"])
                    if post["post"]
                    and _platform_of(post) == name
                    and (place in few_posts) == (of == "folded")
                ),
                Fraction(0),
            )
        rest = _exact(row["actions"]) - sizes["shown", name] - sizes["folded", name]
        sizes["none", name] = rest if rest > _NOTHING else Fraction(0)
        parts = tuple((of, name) for of in ("shown", "folded", "none"))
        sizes["platform", name] = sum((sizes[part] for part in parts), Fraction(0))
        sums.append(Sum(("platform", name), parts))
        told |= {("shown", name)} | ({("platform", name)} if at not in few_platforms else set())
        if _about(row) < least:
            few.add(("platform", name))
        few |= {
            (part, name)
            for part, of in (("folded", "posts"), ("none", "none"))
            if unseen[of, name] < least
        }

    def together(whole: str, parts: Iterable[Any], *, shown: bool = True) -> None:
        of = tuple(parts)
        sizes[whole] = sum((sizes[part] for part in of), Fraction(0))
        sums.append(Sum(whole, of))
        if shown:
            told.add(whole)

    folded: list[Any] = [("folded", name) for name in names]
    none: list[Any] = [("none", name) for name in names]
    nowhere = any(report["posts"][at]["post"] is None for at in few_posts)
    together("folded posts", [*folded, *none] if nowhere else folded)
    together("no post", none, shown=not nowhere)
    together("folded platforms", [("platform", names[at]) for at in sorted(few_platforms)])
    sizes["all"] = sum((sizes["platform", name] for name in names), Fraction(0))
    sums += [
        Sum("all", tuple(("platform", name) for name in names)),
        Sum(UNATTRIBUTED, tuple(key for key in none if not key[1])),
        Sum(REFERRER, tuple(key for key in none if key[1])),
    ]
    return _Elsewhere(sizes, frozenset(told), frozenset(few), sums)


def _rest(figures: Mapping[str, Any], posts: Sequence[Row], least: int) -> _Elsewhere:
    """Return what the strongest posts tell of tiers: all but two of these are of some post.

    A reader may know that there are no others, or how many.
    """
    without = (UNATTRIBUTED, REFERRER)
    of_posts = sum(
        (_exact(each["actions"]) for each in figures["evidence"] if each["tier"] not in without),
        Fraction(0),
    )
    strongest = sum((_exact(post["actions"]) for post in posts), Fraction(0))
    others = of_posts - strongest
    known = [(post["campaign"], post["title"], post["url"], post["platform"]) for post in posts]
    gone = [
        post
        for post in figures["posts"]
        if (post["campaign"], post["title"], post["url"], post["platform"]) not in known
    ]
    beyond = others - sum((_exact(post["actions"]) for post in gone), Fraction(0))
    behind = max(figures.get("others", {}).values(), default=beyond)
    about = max([behind, *(post["supporters"] or ceil(post["actions"]) for post in gone)])
    sizes = {"strongest": strongest, "others": others if others > _NOTHING else Fraction(0)}
    sums = [Sum("all", ("strongest", "others", *without))]
    few = frozenset({"others"} if about < least else ())
    return _Elsewhere(sizes, frozenset({"strongest"}), few, sums)


def _evidence(
    evidence: Sequence[Row], bounds: Mapping[str, float], elsewhere: _Elsewhere, least: int
) -> tuple[list[Row], dict[str, Any]]:
    sizes: dict[Any, Fraction] = {each["tier"]: _exact(each["actions"]) for each in evidence}
    inferred = tuple(tier for tier in sizes if tier in INFERRED)
    carried = tuple(tier for tier in sizes if tier not in INFERRED and tier != UNATTRIBUTED)
    sizes["lower"] = sum((sizes[tier] for tier in carried), Fraction(0))
    sizes["inferred"] = sum((sizes[tier] for tier in inferred), Fraction(0))
    sizes["upper"] = sizes["lower"] + sizes["inferred"]
    sizes["all"] = sizes["upper"] + sizes.get(UNATTRIBUTED, Fraction(0))
    rest = (UNATTRIBUTED,) if UNATTRIBUTED in sizes else ()
    sums = [
        Sum("all", ("upper", *rest)),
        Sum("upper", ("lower", "inferred")),
        Sum("lower", carried),
        Sum("inferred", inferred),
    ]
    untold = elsewhere.sizes.keys() - elsewhere.told - {"all"}
    sizes = elsewhere.sizes | sizes
    hidden = withheld(
        sizes,  # type: ignore[arg-type]
        [*sums, *(each for each in elsewhere.sums if _holds(each, sizes))],
        least,
        told=elsewhere.told | {"all"},
        untold=untold,
        few=elsewhere.few,
    )
    rows = [
        {**each, "actions": None, "share": None} if each["tier"] in hidden else dict(each)
        for each in evidence
    ]
    return rows, {name: None if name in hidden else bounds[name] for name in bounds}


def _holds(each: Sum, sizes: Mapping[Any, Fraction]) -> bool:
    if any(key not in sizes for key in (each.whole, *each.parts)):
        return False
    parts = sum((sizes[part] for part in each.parts), Fraction(0))
    return abs(sizes[each.whole] - parts) <= _NOTHING
