"""What a report withholds about few people cannot be had back from what it shows."""

from __future__ import annotations

from collections import defaultdict
from copy import deepcopy
from datetime import date
from itertools import product

import numpy
from hypothesis import example, given
from hypothesis import strategies as st

from advocacy.analytics import weekly_summary
from advocacy.analytics.engagement_ladder import climbing_of
from advocacy.disclosure import FEW, withheld_figures, withheld_report
from advocacy.storage.engagement_ladder import RUNGS, Standing
from advocacy.storage.models import Post

POSTS = {"a": "x", "b": "x", "c": "instagram", "d": "instagram"}
PLACES = list(POSTS.items())
PLACES += [(None, "x"), (None, "instagram"), (None, "")]
KINDS = ("call", "donation", "signature")
TIERS = ("click_id", "code", "referrer", "identity", "unattributed")
DAYS = tuple(date(2026, 5, day) for day in (1, 2, 3))


def can_be(place, tier):
    """Say whether evidence leads there: a referrer names a platform only, and nothing nowhere."""
    post, platform = place
    if tier in ("referrer", "unattributed"):
        return post is None and (tier == "referrer") == bool(platform)
    return post is not None


LED = [(place, tier) for place, tier in product(PLACES, TIERS) if can_be(place, tier)]
CELLS = [(place, kind, tier, day) for (place, tier), kind, day in product(LED, KINDS, DAYS)]


def people_of(rows, new):
    persons = {person for person, _ in rows}
    return {
        "distinct": len(persons),
        "new": len(persons & new),
        "returning": len(persons - new),
    }


def money_of(rows):
    given_ = [cell for _, cell in rows if cell[1] == "donation"]
    if not given_:
        return []
    minor = 500 * len(given_)
    return [
        {
            "currency": "USD",
            "gross_minor": minor,
            "refunded_minor": 0,
            "net_minor": minor,
            "donations": len(given_),
            "renewals": {"donations": 0, "gross_minor": 0, "refunded_minor": 0},
        }
    ]


def grouped(rows, key):
    found = defaultdict(list)
    for row in rows:
        found[key(row[1])].append(row)
    return found


def evidence_of(rows):
    by_tier = grouped(rows, lambda cell: cell[2])
    return [
        {
            "tier": tier,
            "actions": len(by_tier[tier]),
            "share": round(len(by_tier[tier]) / len(rows), 4) if rows else 0.0,
        }
        for tier in TIERS
    ]


def bounds_of(rows):
    tiers = [cell[2] for _, cell in rows]
    lower = sum(tier in ("click_id", "code") for tier in tiers)
    return {"lower": lower, "upper": len(tiers) - tiers.count("unattributed")}


def report_of(rows, new=frozenset()):
    """Make a report as `activation.activation` does, from (person, cell) rows."""
    by_post = grouped(rows, lambda cell: cell[0][0])
    by_platform = grouped(rows, lambda cell: cell[0][1])
    seen = [*POSTS, *([None] if None in by_post else [])]
    return {
        "campaign": {"slug": "stay", "name": "Stay", "timezone": "UTC"},
        "model": "last_touch",
        "from": DAYS[0],
        "to": DAYS[-1],
        "actions": len(rows),
        "supporters": people_of(rows, new),
        "clicks": {"human": 2 * len(rows), "other": 0},
        "by_kind": [
            {"kind": kind, "actions": len(same), "supporters": people_of(same, new)}
            for kind, same in sorted(grouped(rows, lambda cell: cell[1]).items())
        ],
        "money": money_of(rows),
        "evidence": evidence_of(rows),
        "bounds": bounds_of(rows),
        "restated": [],
        "by_day": [
            {"day": day, "kind": kind, "actions": len(same)}
            for (day, kind), same in sorted(grouped(rows, lambda c: (c[3], c[1])).items())
        ],
        "posts": [
            {
                "post": post
                and {
                    "id": post,
                    "platform": POSTS[post],
                    "title": post,
                    "url": "",
                    "published_at": None,
                },
                "clicks": {"human": 2 * len(by_post[post]), "other": 0},
                "actions": len(by_post[post]),
                "by_kind": {
                    kind: len(same)
                    for kind, same in grouped(by_post[post], lambda cell: cell[1]).items()
                },
                "supporters": people_of(by_post[post], new),
                "money": money_of(by_post[post]),
                "evidence": evidence_of(by_post[post]),
                "bounds": bounds_of(by_post[post]),
                "generations": {
                    "direct": len(by_post[post]),
                    "first_share": 0,
                    "beyond": 0,
                    "factor": 1.0 if by_post[post] else None,
                },
            }
            for post in seen
        ],
        "platforms": [
            {
                "platform": platform,
                "clicks": {"human": 2 * len(same), "other": 0},
                "actions": len(same),
                "supporters": people_of(same, new),
                "money": money_of(same),
            }
            for platform, same in sorted(by_platform.items())
        ],
    }


class Reader:
    """Who knows all that is shown, which rows are folded, and where evidence can lead.

    She can do linear algebra, and knows that no number is below nought.
    """

    cells = CELLS

    def __init__(self):
        self.rows, self.empty = [], numpy.zeros(len(self.cells), dtype=bool)

    def learns(self, value, belongs):
        """Take that the cells for which `belongs` holds sum up to a value."""
        if value is not None:
            row = self.vector(belongs)
            self.rows.append(row)
            if value == 0:
                self.empty |= row > 0

    def vector(self, belongs):
        return numpy.array([float(belongs(cell)) for cell in self.cells])

    def can_tell(self, belongs):
        """Say whether a sum follows from what is shown."""
        sum_ = self.vector(belongs)[~self.empty]
        if not self.rows:
            return False
        known = numpy.array(self.rows)[:, ~self.empty].T
        found = numpy.linalg.lstsq(known, sum_, rcond=None)[0]
        return bool(numpy.allclose(known @ found, sum_, atol=1e-7))


def read(shown, before):
    """Return the reader of a report."""
    reader = Reader()
    reader.learns(shown["actions"], lambda cell: True)
    if shown.get("withheld") == "all":
        return reader
    kept = {row["kind"] for row in shown["by_kind"] if row["kind"] != FEW}
    kind_of = lambda cell: cell[1] if cell[1] in kept or not few_kinds else FEW  # noqa: E731
    few_kinds = {row["kind"] for row in before["by_kind"]} - kept
    for row in shown["by_kind"]:
        reader.learns(row["actions"], lambda c, k=row["kind"]: kind_of(c) == k)
    learn_days(reader, shown["by_day"], kind_of, lambda c: c[3])
    for each in shown["money"]:
        reader.learns(each["donations"], lambda c: c[1] == "donation")
        if each["gross_minor"] is not None:
            reader.learns(each["gross_minor"] / 500, lambda c: c[1] == "donation")
    told(reader, shown, lambda cell: True)
    alone = {row["post"] and row["post"]["id"] for row in shown["posts"] if "folded" not in row}
    gone = {row["post"] and row["post"]["id"] for row in before["posts"]} - alone
    for row in shown["posts"]:
        own = gone if "folded" in row else {row["post"] and row["post"]["id"]}
        here = lambda c, own=own: c[0][0] in own  # noqa: E731
        reader.learns(row["actions"], here)
        for kind, number in (row["by_kind"] or {}).items():
            reader.learns(number, lambda c, k=kind, here=here: here(c) and kind_of(c) == k)
        for each in row["money"] or []:
            reader.learns(each["donations"], lambda c, here=here: here(c) and c[1] == "donation")
        told(reader, row, here)
    alone = {row["platform"] for row in shown["platforms"] if "folded" not in row}
    gone = {row["platform"] for row in before["platforms"]} - alone
    for row in shown["platforms"]:
        own = gone if "folded" in row else {row["platform"]}
        here = lambda c, own=own: c[0][1] in own  # noqa: E731
        reader.learns(row["actions"], here)
        for each in row["money"] or []:
            reader.learns(each["donations"], lambda c, here=here: here(c) and c[1] == "donation")
    return reader


def learn_days(reader, by_day, kind_of, day_of):
    """Take what is told of days; what is told together is of the kinds of which nothing is."""
    alone = {
        (row["kind"], str(row["day"]))
        for row in by_day
        if row["actions"] is not None and row["kind"] != FEW
    }
    for row in by_day:
        day = str(row["day"])
        there = lambda c, day=day: str(day_of(c)) == day  # noqa: E731
        if row["kind"] != FEW:
            reader.learns(
                row["actions"], lambda c, r=row, t=there: t(c) and kind_of(c) == r["kind"]
            )
        else:
            together = lambda c, t=there, d=day: t(c) and (kind_of(c), d) not in alone  # noqa: E731
            reader.learns(row["actions"], together)


def told(reader, row, here):
    for each in row["evidence"]:
        reader.learns(each["actions"], lambda c, t=each["tier"]: here(c) and c[2] == t)
    lower, upper = row["bounds"]["lower"], row["bounds"]["upper"]
    reader.learns(lower, lambda c: here(c) and c[2] in ("click_id", "code"))
    reader.learns(upper, lambda c: here(c) and c[2] != "unattributed")


def secrets_of(rows, least):
    """Yield sums of cells that are about few: counted in people, or inside of rows in actions."""
    for of, by_people in (
        (lambda c: ("post", c[0][0]), True),
        (lambda c: ("platform", c[0][1]), True),
        (lambda c: ("place", c[0]), False),
        (lambda c: ("kind", c[1]), True),
        (lambda c: ("place donations", c[0], c[1]), False),
        (lambda c: ("tier", c[2]), False),
        (lambda c: ("post kind", c[0][0], c[1]), False),
        (lambda c: ("post tier", c[0][0], c[2]), False),
        (lambda c: ("day", c[3], c[1]), False),
        (lambda c: ("all of a day", c[3]), False),
    ):
        for name, same in grouped(rows, of).items():
            size = len({person for person, _ in same}) if by_people else len(same)
            if 0 < size < least:
                yield name, lambda cell, of=of, name=name: of(cell) == name


@st.composite
def crowds(draw):
    """Draw (person, cell) rows: big crowds with a few small ones among them, of some few cells."""
    some = {
        name: draw(st.lists(st.sampled_from(values), min_size=1, max_size=most))
        for name, values, most in (
            ("led", LED, 6),
            ("kind", KINDS, 3),
            ("day", DAYS, 3),
        )
    }
    rows = []
    for _ in range(draw(st.integers(0, 10))):
        (place, tier), kind, day = (draw(st.sampled_from(values)) for values in some.values())
        cell = (place, kind, tier, day)
        since = draw(st.integers(0, 60))
        number = draw(st.sampled_from((1, 2, 3, 6, 8, 12)))
        times = draw(st.sampled_from((1, 1, 1, 3)))
        rows += [(since + n, cell) for n in range(number)] * times
    return rows


everybody = crowds()


@given(everybody, st.integers(2, 5))
# One person without a post, once by a referrer and once by nothing.
@example(
    rows=[
        (0, ((None, "x"), "call", "referrer", DAYS[0])),
        (0, ((None, ""), "call", "unattributed", DAYS[0])),
        (0, (("a", "x"), "call", "click_id", DAYS[0])),
        (1, (("a", "x"), "call", "click_id", DAYS[0])),
    ],
    least=2,
)
def test_nothing_about_few_can_be_worked_out(rows, least):
    before = report_of(rows)
    kept = deepcopy(before)
    shown = withheld_report(before, least)
    assert before == kept
    reader = read(shown, before)
    for name, belongs in secrets_of(rows, least):
        assert not reader.can_tell(belongs), (name, shown)


@given(everybody, st.integers(2, 5))
def test_what_is_folded_is_about_enough_people_and_sums_stay(rows, least):
    before = report_of(rows)
    shown = withheld_report(before, least)
    if shown["withheld"] == "all":
        assert 0 < before["supporters"]["distinct"] < least
        return
    for table, name in (("posts", "post"), ("platforms", "platform"), ("by_kind", "kind")):
        assert sum(row["actions"] for row in shown[table]) == before["actions"]
        for row in shown[table]:
            people = row["supporters"]["distinct"]
            if "folded" not in row:
                assert people == 0 or people >= least
                continue
            assert people is None
            # The only platform there is goes alone where a post of it could be had by difference.
            assert row["folded"] > 1 or table == "platforms"
            left = [each for each in shown[table] if "folded" not in each]
            alone = [each[name] for each in left]
            gone = [each for each in before[table] if each[name] not in alone]
            assert len(gone) == row["folded"]
            assert sum(each["actions"] for each in gone) == row["actions"]
            place = {"post": lambda c: c[0][0], "platform": lambda c: c[0][1]}.get(
                name, lambda c: c[1]
            )
            ids = {
                each["post"] and each["post"]["id"] if name == "post" else each[name]
                for each in gone
            }
            assert len({person for person, cell in rows if place(cell) in ids}) >= least


def some(number, post="a", kind="call", tier="click_id", day=0, platform=None, since=0):
    place = (post, platform if platform is not None else POSTS[post])
    return [(since + n, (place, kind, tier, DAYS[day])) for n in range(number)]


def test_a_post_of_two_is_folded_with_the_next_smallest():
    rows = [*some(20), *some(18, "c", since=20), *some(2, "b", since=38)]
    shown = withheld_report(report_of(rows), 5)
    alone = [row["post"]["title"] for row in shown["posts"] if row["post"]]
    assert alone == ["a", "d"]  # nobody acted by d: a zero is shown
    (fold,) = (row for row in shown["posts"] if "folded" in row)
    assert (fold["actions"], fold["supporters"]["distinct"], fold["folded"]) == (20, None, 2)
    assert (shown["actions"], shown["supporters"]["distinct"]) == (40, 40)
    # x has 22 actions and a 20 of them: what is left would be b's.
    assert [row["actions"] for row in shown["platforms"]] == [40]
    assert shown["withheld"] == "some"


def test_of_few_people_nothing_is_left():
    shown = withheld_report(report_of(some(3)), 5)
    assert shown["withheld"] == "all"
    assert shown["actions"] is None
    assert shown["clicks"] == {"human": None, "other": None}
    assert not any(shown[name] for name in ("posts", "platforms", "by_kind", "by_day", "money"))
    assert all(each["actions"] is None for each in shown["evidence"])


def test_a_platform_with_a_small_remainder_takes_one_other_along_and_not_all():
    """Four came by x without a post. Where that is hidden, all else of x is hidden, too."""
    rows = [*some(100, "a"), *some(50, "c", since=100)]
    rows += [*some(4, None, platform="x", since=150), *some(60, None, platform="", since=154)]
    before = report_of(rows)
    before["platforms"] += [
        {
            **before["platforms"][0],
            "platform": name,
            "actions": 0,
            "supporters": people_of([], set()),
        }
        for name in ("bluesky", "tiktok")
    ]
    shown = withheld_report(before, 5)
    alone = {row["platform"]: row["actions"] for row in shown["platforms"] if "folded" not in row}
    assert alone == {"instagram": 50, "bluesky": 0, "tiktok": 0}
    (fold,) = (row for row in shown["platforms"] if "folded" in row)
    assert (fold["folded"], fold["actions"]) == (2, 164)


def test_nobody_is_shown_and_off_is_off():
    empty = report_of([])
    assert withheld_report(empty, 5) == {**empty, "withheld": ""}
    small = report_of(some(1))
    assert withheld_report(small, 0) == withheld_report(small, 1) == small


def test_many_actions_of_few_people_are_about_few():
    rows = [*some(3, kind="donation") * 10, *some(30, since=3)]
    shown = withheld_report(report_of(rows), 5)
    assert [row["kind"] for row in shown["by_kind"]] == [FEW]
    assert shown["money"][0]["gross_minor"] is None
    assert all(not row["money"] for row in shown["posts"])
    assert {row["kind"] for row in shown["by_day"]} == {FEW}


def test_new_people_are_not_had_from_all_and_those_who_return():
    rows = some(30)
    shown = withheld_report(report_of(rows, frozenset({1, 2})), 5)
    assert shown["supporters"] == {"distinct": 30, "new": None, "returning": None}
    assert shown["posts"][0]["supporters"] == {"distinct": 30, "new": None, "returning": None}


def test_one_gift_by_a_post_is_not_shown():
    rows = [
        *some(20),
        *some(20, "c", since=20),
        *some(6, "c", "donation"),
        *some(1, "a", "donation"),
    ]
    shown = withheld_report(report_of(rows), 5)
    assert shown["money"][0]["donations"] == 7
    by_title = {row["post"]["title"]: row for row in shown["posts"] if row["post"]}
    assert by_title["a"]["money"] is by_title["c"]["money"] is None
    assert by_title["a"]["by_kind"] is by_title["c"]["by_kind"] is None
    assert by_title["a"]["actions"] == 21


def test_gifts_of_two_posts_that_are_few_together_take_a_third_along():
    rows = [*some(20), *some(20, "b", since=20), *some(20, "c", since=40), *some(20, "d", since=60)]
    rows += [*some(1, "a", "donation"), *some(1, "b", "donation", since=20)]
    rows += [*some(6, "c", "donation", since=40), *some(9, "d", "donation", since=60)]
    shown = withheld_report(report_of(rows), 5)
    told = {row["post"]["title"]: row["by_kind"] for row in shown["posts"]}
    assert told == {"a": None, "b": None, "c": None, "d": {"call": 20, "donation": 9}}


def test_evidence_of_posts_is_quiet_where_a_tier_is():
    rows = [*some(20), *some(20, "c", since=20), *some(9, tier="code"), *some(2, tier="referrer")]
    shown = withheld_report(report_of(rows), 5)
    hidden = [each["tier"] for each in shown["evidence"] if each["actions"] is None]
    assert hidden == ["code", "referrer"]
    assert all(row["bounds"]["upper"] is None for row in shown["posts"])


def known_by_few_referrers():
    """Return rows of which four came by a referrer: without a post, as is what nothing tells of."""
    rows = [*some(120, "a"), *some(80, "c", since=120), *some(9, "c", tier="identity", since=200)]
    rows += some(4, None, platform="x", tier="referrer", since=209)
    return [*rows, *some(89, None, platform="", tier="unattributed", since=213)]


def test_actions_without_a_post_do_not_tell_a_tier():
    """No post is known for 93; were 89 unattributed, four would be told to have a referrer."""
    rows = known_by_few_referrers()
    before = report_of(rows)
    shown = withheld_report(before, 5)
    assert shown["posts"][-1]["actions"] == 93
    tiers = {each["tier"]: each["actions"] for each in shown["evidence"]}
    assert tiers["referrer"] is tiers["unattributed"] is None
    assert (tiers["click_id"], tiers["identity"]) == (200, 9)
    reader = read(shown, before)
    assert not reader.can_tell(lambda cell: cell[2] == "referrer")


def test_the_strongest_posts_of_a_mail_do_not_tell_a_tier():
    shown = withheld_figures(figures_of(known_by_few_referrers(), []), 5)
    assert [post["actions"] for post in shown["posts"]] == [120, 89]
    tiers = {each["tier"]: each["actions"] for each in shown["evidence"]}
    assert tiers["referrer"] is tiers["unattributed"] is None
    assert tiers["click_id"] == 200


def test_a_day_is_told_where_one_of_its_kinds_is_not():
    rows = [*some(34, kind="signature"), *some(11, kind="donation", since=34), *some(3, since=45)]
    rows += [*some(20, kind="signature", day=1), *some(40, kind="call", day=1)]
    rows += some(4, kind="signature", day=2) + some(6, kind="donation", day=2)
    shown = withheld_report(report_of(rows), 5)
    told = {(row["day"].day, row["kind"]): row["actions"] for row in shown["by_day"]}
    assert {day: told.get((day, FEW)) for day in (1, 2, 3)} == {1: 14, 2: 60, 3: 10}
    assert (told[1, "signature"], told[1, "call"], told[3, "signature"]) == (34, None, None)


def test_nobody_on_a_rung_is_told_beside_new_people_who_are_not():
    ladder = climbing_of([Standing(None, 1, None, 30, 0)], {})
    figures = figures_of(some(40), []) | {"ladder": ladder}
    figures["now"]["new"] = 31
    shown = withheld_figures(figures, 5)["ladder"]
    joined = {row["rung"]: row["joined"] for row in shown["rungs"]}
    assert joined.pop("signed") is None
    assert set(joined.values()) == {0}


def test_shared_actions_add_up():
    report = report_of([*some(20), *some(18, "c", since=20), *some(2, "b", since=38)])
    for row, number in zip(
        report["posts"], (20.333333333, 1.333333333, 18.333333334), strict=False
    ):
        row["actions"] = number
    shown = withheld_report({**report, "model": "linear"}, 5)
    assert shown["posts"][-1]["actions"] == 19.666666667


def test_money_of_a_platform_tells_nothing_of_gifts_without_a_post():
    rows = [*some(20), *some(20, "c", since=20), *some(8, "a", "donation")]
    rows += [*some(20, None, platform="x", since=40), *some(20, None, platform="", since=60)]
    rows += [*some(2, None, "donation", platform="x"), *some(7, None, "donation", platform="")]
    before = report_of(rows)
    shown = withheld_report(before, 5)
    # x without a post gave twice: 10 by x, less the 8 of its posts.
    assert [row["platform"] for row in shown["platforms"] if row["money"]] == []
    assert {row["post"] and row["post"]["title"]: row["money"] for row in shown["posts"]} == {
        row["post"] and row["post"]["title"]: row["money"] for row in before["posts"]
    }


# Mails ------------------------------------------------------------------------------------------


def figures_of(first, second):
    """Return what `weekly.figures` makes of two campaigns and of the days before of the first."""
    now = {}
    for slug, rows in (("one", first), ("two", second)):
        now[slug] = report_of(rows)
        now[slug]["campaign"] = {"slug": slug, "name": slug, "timezone": "UTC"}
    everything = report_of([*first, *second])
    together = {
        **weekly_summary._of(everything),
        "money": weekly_summary._money(each["money"] for each in now.values()),
    }
    nobody = weekly_summary._of(None)
    kinds = weekly_summary._kinds(now.values(), ())
    return {
        "now": together,
        "before": nobody,
        "campaigns": [
            {"slug": slug, "name": slug, "now": weekly_summary._of(each), "before": nobody}
            for slug, each in now.items()
        ],
        "kinds": kinds,
        "evidence": weekly_summary._evidence(now.values()),
        "by_day": weekly_summary._by_day(now.values()),
        **weekly_summary._posts(now.values()),
        "changed": {"rows": [], "why": []},
    }


BOTH = [(campaign, *cell) for campaign in ("one", "two") for cell in CELLS]


class MailReader(Reader):
    """Reads of two campaigns, and knows which posts there are."""

    cells = BOTH


def calls(post, platform, *people):
    return [(who, ((post, platform), "call", "click_id", DAYS[0])) for who in people]


@given(everybody, everybody, st.integers(2, 5))
# The sixth post is of one person, who acted twice.
@example(
    first=[*calls("b", "x", 0, 1), *calls("a", "x", *[0] * 8)],
    second=[
        *calls("d", "instagram", 0, 0),
        *calls("a", "x", 0, 1),
        *calls("b", "x", 0, 1),
        *calls("c", "instagram", 0, 1),
    ],
    least=2,
)
def test_nothing_about_few_can_be_worked_out_of_a_mail(first, second, least):
    figures = figures_of(first, second)
    kept = deepcopy(figures)
    shown = withheld_figures(figures, least)
    assert figures == kept
    assert withheld_figures(shown, least) == shown
    reader = MailReader()
    reader.learns(shown["now"]["actions"], lambda c: True)
    for each in shown["now"]["money"]:
        reader.learns(each["donations"], lambda c: c[2] == "donation")
        if each["net_minor"] is not None:
            reader.learns(each["net_minor"] / 500, lambda c: c[2] == "donation")
    for row in shown["campaigns"]:
        own = lambda c, row=row: c[0] == row["slug"]  # noqa: E731
        reader.learns(row["now"]["actions"], own)
        for each in row["now"]["money"]:
            if each["net_minor"] is not None:
                gave = lambda c, own=own: own(c) and c[2] == "donation"  # noqa: E731
                reader.learns(each["net_minor"] / 500, gave)
    for row in shown["kinds"]:
        reader.learns(row["now"], lambda c, row=row: c[2] == row["kind"])
    for row in shown["evidence"]:
        reader.learns(row["actions"], lambda c, row=row: c[3] == row["tier"])
    learn_days(reader, shown["by_day"], lambda c: c[2], lambda c: c[4])
    for row in shown["posts"]:
        own = lambda c, r=row: c[0] == r["campaign"] and c[1][0] == r["title"]  # noqa: E731
        reader.learns(row["actions"], own)
        for kind, number in row["by_kind"].items():
            reader.learns(number, lambda c, own=own, kind=kind: own(c) and c[2] == kind)
        for each in row["money"] or []:
            reader.learns(each["net_minor"] / 500, lambda c, own=own: own(c) and c[2] == "donation")
    rows = [(who, ("one", *cell)) for who, cell in first]
    rows += [(who, ("two", *cell)) for who, cell in second]
    there = {(cell[0], cell[1][0]) for _, cell in rows}
    reader.learns(0, lambda c: c[1][0] is not None and (c[0], c[1][0]) not in there)
    for of, by_people in (
        (lambda c: ("campaign", c[0]), True),
        (lambda c: ("post", c[0], c[1][0]), True),
        (lambda c: ("kind", c[2]), True),
        (lambda c: ("tier", c[3]), False),
        (lambda c: ("day", c[2], c[4]), False),
        (lambda c: ("all of a day", c[4]), False),
        (lambda c: ("post kind", c[0], c[1][0], c[2]), False),
        (lambda c: ("campaign donations", c[0], c[2] == "donation"), False),
    ):
        for name, same in grouped(rows, of).items():
            size = len({person for person, _ in same}) if by_people else len(same)
            # Who acted without a post is not counted in a mail; tiers are of actions.
            if 0 < size < least and name[0:3:2] not in (
                ("campaign donations", False),
                ("post", None),
            ):
                secret = lambda cell, of=of, name=name: of(cell) == name  # noqa: E731
                assert not reader.can_tell(secret), (name, shown)


def test_a_mail_says_nothing_of_what_few_people_did_often():
    rows = [*some(3, kind="donation") * 10, *some(30, since=3), *some(20, "c", since=40)]
    shown = withheld_figures(figures_of(rows, []), 5)
    assert {each["kind"]: each["now"] for each in shown["kinds"]} == {
        "call": None,
        "donation": None,
    }
    assert all("donation" not in post["by_kind"] and not post["money"] for post in shown["posts"])
    assert all(each["actions"] is None for each in shown["by_day"] if each["kind"] != FEW)
    assert shown["now"]["money"][0]["net_minor"] is None


STANDINGS = [
    (before, rung, post)
    for rung in range(5)
    for before in (None, *range(rung + 1))
    for post in ((None,) if before == rung else ("a", "b", None))
]


class LadderReader(Reader):
    """Reads who climbed; a cell is where people stood, stand, and through which post."""

    cells = STANDINGS


def way_of(cell):
    return "joined" if cell[0] is None else "stayed" if cell[0] == cell[1] else "climbed"


@given(
    st.dictionaries(st.sampled_from(STANDINGS), st.integers(1, 12), max_size=9),
    st.integers(2, 5),
    st.integers(-3, 3),
)
def test_nothing_about_few_can_be_worked_out_of_who_climbed(people, least, others):
    """`others` are by how many the report's new people differ from those new to the ladder."""
    posts = {name: Post(title=name, platform="x", url="") for name in "ab"}
    ladder = climbing_of([Standing(*cell, n, 0) for cell, n in people.items()], posts)
    joined = sum(n for cell, n in people.items() if way_of(cell) == "joined")
    new = max(joined + others, 0)
    figures = figures_of(some(40), []) | {"ladder": ladder}
    figures["now"]["new"] = new
    shown = withheld_figures(figures, least)["ladder"]
    reader = LadderReader()
    reader.learns(shown["people"], lambda _cell: True)
    for row in shown["rungs"]:
        at = lambda c, r=row: RUNGS[c[1]] == r["rung"]  # noqa: E731
        reader.learns(row["people"], at)
        for way in ("joined", "climbed"):
            reader.learns(row[way], lambda c, at=at, way=way: at(c) and way_of(c) == way)
    for row in shown["climbs"]:
        ends = row["from"], row["to"]
        reader.learns(
            row["people"],
            lambda c, ends=ends: way_of(c) == "climbed" and (RUNGS[c[0]], RUNGS[c[1]]) == ends,
        )
    for row in shown["posts"]:
        for way in ("joined", "climbed"):
            reader.learns(
                row[way], lambda c, r=row, way=way: c[2] == r["title"] and way_of(c) == way
            )
    cells = [(n, cell) for cell, n in people.items()]
    for of in (
        lambda c: ("rung", c[1]),
        lambda c: ("way", c[1], way_of(c)),
        lambda c: ("climb", c[0], c[1]) if way_of(c) == "climbed" else None,
        lambda c: ("post", c[2], way_of(c)) if way_of(c) != "stayed" else None,
    ):
        for name in {of(cell) for _, cell in cells} - {None}:
            if 0 < sum(n for n, cell in cells if of(cell) == name) < least:
                secret = lambda cell, of=of, name=name: of(cell) == name  # noqa: E731
                assert not reader.can_tell(secret), (name, shown)
    if 0 < abs(joined - new) < least:
        assert not reader.can_tell(lambda c: way_of(c) == "joined") or joined == 0
