"""Posts and platforms say the same twice: what is left of one by the other is nothing or enough.

Money of a platform is that of its posts and of what has no post.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from advocacy.disclosure.money import donations_of
from advocacy.disclosure.rows import Row, about, exact
from advocacy.disclosure.suppression import reduced


def platform_of(row: Row) -> str:
    """Return the platform of a post, empty for what has no post."""
    return str(row["post"]["platform"]) if row["post"] else ""


def platforms_too(
    report: Mapping[str, Any], few_posts: set[int], few: set[int], least: int
) -> set[int]:
    """Fold more platforms until, with what is shown of posts, no small remainder can be had.

    Those that have one, and one other where that is enough; else the smallest in turn.
    """
    rows, few = report["platforms"], set(few)
    sizes = [about(row) for row in rows]
    if not _told_little(report, few_posts, few, least):
        return few
    unseen = unseen_of(report, few_posts)
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
    posts, known = report["posts"], unseen_of(report, few_posts)
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


def without_post(report: Mapping[str, Any]) -> int:
    """Return how many people acted without a post."""
    return sum(about(post) for post in report["posts"] if post["post"] is None)


def unseen_of(report: Mapping[str, Any], few_posts: set[int]) -> dict[tuple[str, str], Fraction]:
    """Return how many people each part of a platform that is not shown is about, at the least."""
    known: dict[tuple[str, str], Fraction] = {}
    nobody = Fraction(without_post(report))
    for row in report["platforms"]:
        name = row["platform"]
        own = [
            (at, post)
            for at, post in enumerate(report["posts"])
            if post["post"] and platform_of(post) == name
        ]
        hidden = [post for at, post in own if at in few_posts]
        known["posts", name] = Fraction(max((about(post) for post in hidden), default=0))
        rest = exact(row["actions"]) - sum(exact(post["actions"]) for _, post in own)
        known["none", name] = max(min(rest, nobody, Fraction(about(row))), Fraction(0))
    return known


def has_residues(report: Mapping[str, Any], least: int) -> bool:
    """Say whether money of a platform, less that of its posts, comes from few donations."""
    for row in report["platforms"]:
        own = [p for p in report["posts"] if p["post"] and platform_of(p) == row["platform"]]
        posts: dict[Any, Fraction] = defaultdict(Fraction)
        for post in own:
            for column, size in donations_of(post["money"]).items():
                posts[column] += size
        whole = donations_of(row["money"])
        rest = [size - posts[column] for column, size in whole.items()]
        if any(0 < size < least for size in [*rest, *whole.values()]):
            return True
    return False
