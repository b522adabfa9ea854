"""Evidence, judged with what else of a report sums with it: a tier says whether there is a post."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

from advocacy.disclosure.platforms import platform_of, unseen_of, without_post
from advocacy.disclosure.rows import Row, about, exact
from advocacy.disclosure.suppression import Sum, withheld

REFERRER, UNATTRIBUTED = "referrer", "unattributed"
INFERRED = frozenset({REFERRER, "identity"})
_NOTHING = Fraction(1, 10**6)
"""What is less than this is left of rounding."""


class Elsewhere(NamedTuple):
    """What else of a report sums with its evidence.

    Numbers of actions; which of them are told, and which are of few people; and sums.
    """

    sizes: dict[Any, Fraction]
    told: frozenset[Any]
    few: frozenset[Any]
    sums: list[Sum]


def said_by_places(
    report: Mapping[str, Any], few_posts: set[int], few_platforms: set[int], least: int
) -> Elsewhere:
    """Return what posts and platforms tell of tiers.

    What is unattributed has neither post nor platform, a referrer names a platform and no post, and
    all else a post. So the actions without a post, by platform, are those two tiers.
    """
    names = [row["platform"] for row in report["platforms"]]
    unseen = unseen_of(report, few_posts)
    sizes: dict[Any, Fraction] = {}
    told: set[Any] = set()
    few: set[Any] = {"no post"} if without_post(report) < least else set()
    sums: list[Sum] = []
    for at, row in enumerate(report["platforms"]):
        name = row["platform"]
        for of in ("shown", "folded"):
            sizes[of, name] = sum(
                (
                    exact(post["actions"])
                    for place, post in enumerate(report["posts"])
                    if post["post"]
                    and platform_of(post) == name
                    and (place in few_posts) == (of == "folded")
                ),
                Fraction(0),
            )
        rest = exact(row["actions"]) - sizes["shown", name] - sizes["folded", name]
        sizes["none", name] = rest if rest > _NOTHING else Fraction(0)
        parts = tuple((of, name) for of in ("shown", "folded", "none"))
        sizes["platform", name] = sum((sizes[part] for part in parts), Fraction(0))
        sums.append(Sum(("platform", name), parts))
        told |= {("shown", name)} | ({("platform", name)} if at not in few_platforms else set())
        if about(row) < least:
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
    return Elsewhere(sizes, frozenset(told), frozenset(few), sums)


def said_by_strongest(figures: Mapping[str, Any], posts: Sequence[Row], least: int) -> Elsewhere:
    """Return what the strongest posts tell of tiers: all but two of these are of some post.

    A reader may know that there are no others, or how many.
    """
    without = (UNATTRIBUTED, REFERRER)
    of_posts = sum(
        (exact(each["actions"]) for each in figures["evidence"] if each["tier"] not in without),
        Fraction(0),
    )
    strongest = sum((exact(post["actions"]) for post in posts), Fraction(0))
    others = of_posts - strongest
    known = [(post["campaign"], post["title"], post["url"], post["platform"]) for post in posts]
    gone = [
        post
        for post in figures["posts"]
        if (post["campaign"], post["title"], post["url"], post["platform"]) not in known
    ]
    beyond = others - sum((exact(post["actions"]) for post in gone), Fraction(0))
    behind = max(figures.get("others", {}).values(), default=beyond)
    most = max([behind, *(post["supporters"] or ceil(post["actions"]) for post in gone)])
    sizes = {"strongest": strongest, "others": others if others > _NOTHING else Fraction(0)}
    sums = [Sum("all", ("strongest", "others", *without))]
    few = frozenset({"others"} if most < least else ())
    return Elsewhere(sizes, frozenset({"strongest"}), few, sums)


def evidence_shown(
    evidence: Sequence[Row], bounds: Mapping[str, float], elsewhere: Elsewhere, least: int
) -> tuple[list[Row], dict[str, Any]]:
    """Return tiers and bounds, without what tells of few by what else of the report is told."""
    sizes: dict[Any, Fraction] = {each["tier"]: exact(each["actions"]) for each in evidence}
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
