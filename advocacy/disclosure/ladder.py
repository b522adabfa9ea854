"""Who climbed the ladder, as a mail says it, without figures about few people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advocacy.disclosure.rows import Row
from advocacy.disclosure.suppression import Sum, withheld

_WAYS = ("joined", "climbed", "stayed")


def climbing_shown(ladder: Mapping[str, Any], new: int, least: int) -> Row:
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
