"""What leaves the organization: no count of few is shown exactly in a view link or a mail."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from flask_babel import force_locale

from advocacy.analytics.activation import activation
from advocacy.analytics.figures import CampaignActivation, Clicks, Money, People, Renewals
from advocacy.analytics.weekly_figures import FigureChange, from_json
from advocacy.analytics.weekly_summary import summarize
from advocacy.core.periods import Period
from advocacy.disclosure import Rounding, shared_activation, shared_summary
from advocacy.reporting.email import outbox, pdf, render, weekly_content
from advocacy.reporting.email.surge_alerts import watch
from advocacy.storage import campaigns, organizations
from advocacy.storage.session import transaction
from tests.support.mail import next_monday, subscribe
from tests.support.sql import run

BASE = 5
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"}
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
NOT_COUNTS = {"share", "gross_minor", "refunded_minor", "net_minor", "rounded_to"}
SMALL = (1, 2, 3, 4, 6, 7, 8, 9)


@pytest.fixture
def shared(settings):
    return replace(settings, shared_rounding_base=BASE)


@pytest.fixture
def acted(world):
    """Thirteen people in small groups: two kinds, two posts and nobody's, two days, gifts."""
    for number in range(13):
        at = YESTERDAY - timedelta(days=number % 2)
        data = {"id": f"a{number}", "email": f"p{number}@example.org", "at": at}
        if number < 3:
            data |= {"code": world.links["x"]}
        elif number < 9:
            data |= {"click_id": world.click("instagram", at=at)}
        if number % 4 == 0:
            world.act("donation", amount="12.34", currency="USD", **data)
        else:
            world.act("call" if number % 3 else "signature", **data)
    world.drain()
    return world


def days_of_all() -> Period:
    return Period((YESTERDAY - timedelta(days=6)).date(), YESTERDAY.date())


def report_of(world):
    period = days_of_all()
    with transaction():
        campaign = campaigns.get_campaign(world.org_id, "stay")
        return activation(campaign, period.first, period.last)


def summary_of(world, whole: bool = False):
    with transaction():
        organization = organizations.get_organization("hope")
        campaign = None if whole else campaigns.get_campaign(world.org_id, "stay")
        return summarize(organization, campaign, days_of_all())


def rounding_of(world, base: int = BASE) -> Rounding:
    return Rounding.of(world.settings.secret_key, world.org_id, base)


def counts(part, name=""):
    """Yield (path, number) of every count in a report, however deep."""
    if is_dataclass(part):
        for each in fields(part):
            if each.name not in NOT_COUNTS:
                yield from counts(getattr(part, each.name), f"{name}/{each.name}")
        yield from counts(getattr(part, "bounds", None), f"{name}/bounds")
    elif isinstance(part, dict):
        for key, each in part.items():
            yield from counts(each, f"{name}/{key}")
    elif isinstance(part, tuple):
        for each in part:
            yield from counts(each, name)
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield name, part


def amounts(part):
    if is_dataclass(part):
        for each in fields(part):
            value = getattr(part, each.name)
            if each.name.endswith("_minor"):
                yield value
            else:
                yield from amounts(value)
    elif isinstance(part, tuple):
        for each in part:
            yield from amounts(each)


def test_every_count_of_a_shared_report_is_a_multiple_of_the_base(acted):
    report = report_of(acted)
    assert any(number in SMALL for _, number in counts(report))
    shown = shared_activation(report, rounding_of(acted))
    assert [each for each in counts(shown) if each[1] % BASE] == []
    for whole in (False, True):
        figures = summary_of(acted, whole)
        assert any(number in SMALL for _, number in counts(figures))
        shown = shared_summary(figures, rounding_of(acted))
        assert [each for each in counts(shown) if each[1] % BASE] == []


@dataclass(frozen=True, slots=True)
class WithLetters(CampaignActivation):
    """A report with figures that no rule names."""

    letters: int = 0
    drafts: tuple[Clicks, ...] = ()


def test_a_figure_without_a_rule_is_rounded(acted):
    report = report_of(acted)
    values = {each.name: getattr(report, each.name) for each in fields(report)}
    extended = WithLetters(**values, letters=3, drafts=(Clicks(3, 4),))
    shown = shared_activation(extended, rounding_of(acted))
    assert shown.letters in {0, BASE}
    assert [each for each in counts(shown.drafts) if each[1] % BASE] == []
    assert shown.supporters == shared_activation(report, rounding_of(acted)).supporters


def test_amounts_of_fewer_givers_than_the_base_are_not_shown(acted):
    shown = shared_activation(report_of(acted), rounding_of(acted))
    assert [sum_.net_minor for sum_ in shown.money] == [None]
    assert set(amounts(shown)) <= {None, 0}
    assert set(amounts(shared_summary(summary_of(acted), rounding_of(acted)))) <= {None, 0}


def test_what_one_person_gave_many_times_is_not_shown(world):
    for number in range(9):
        data = {"id": f"g{number}", "email": "one@example.org", "at": YESTERDAY}
        world.act("donation", amount="10.00", currency="USD", code=world.links["x"], **data)
    for number in range(9):
        world.act("call", id=f"c{number}", email=f"{number}@example.org", at=YESTERDAY)
    world.drain()
    shown = shared_activation(report_of(world), rounding_of(world))
    assert set(amounts(shown)) <= {None, 0}
    assert set(amounts(shared_summary(summary_of(world, True), rounding_of(world)))) <= {None, 0}


def test_a_monthly_gift_is_no_more_givers_each_month(acted):
    report = report_of(acted)
    monthly = Money("USD", 9000, 0, 9000, 9, Renewals(8, 8000, 0))
    once = replace(monthly, renewals=Renewals())
    post = replace(report.posts[0], supporters=People(90, 0, 90))
    for money, net in ((monthly, None), (once, 9000)):
        changed = replace(report, posts=(replace(post, money=(money,)),))
        (row,) = shared_activation(changed, rounding_of(acted)).posts
        assert row.money[0].net_minor == net


def test_amounts_of_enough_givers_have_three_digits_and_hide_what_few_took_back(world):
    for number in range(8):
        data = {"id": f"g{number}", "amount": "123.45", "currency": "USD", "at": YESTERDAY}
        world.act("donation", email=f"{number}@example.org", **data)
        if not number:
            back = data | {"at": YESTERDAY + timedelta(seconds=9)}
            world.act("donation.refunded", email="0@example.org", **back)
    world.drain()
    (exact,) = report_of(world).money
    assert (exact.gross_minor, exact.refunded_minor) == (98760, 12345)
    (money,) = shared_activation(report_of(world), rounding_of(world)).money
    assert money.net_minor == 86400
    assert money.gross_minor is money.refunded_minor is None


def test_shares_follow_from_rounded_counts(acted):
    shown = shared_activation(report_of(acted), rounding_of(acted))
    for row in (shown, *shown.posts):
        whole = sum(each.actions for each in row.evidence)
        for each in row.evidence:
            assert each.share == (round(each.actions / whole, 4) if whole else 0.0)
        assert row.bounds.lower <= row.bounds.upper <= row.actions
    # What is a post's for certain, and what may be, are parts of the number beside them.
    for row in shown.posts:
        if row.post:
            assert row.bounds.upper == row.actions
    order = [row.actions for row in shown.posts if row.post]
    assert order == sorted(order, reverse=True)


def test_a_page_and_a_mail_show_the_same_cell_alike(acted):
    rounding = rounding_of(acted)
    page = shared_activation(report_of(acted), rounding)
    for whole in (False, True):
        mail = shared_summary(summary_of(acted, whole), rounding)
        (campaign,) = mail.campaigns
        assert campaign.now.supporters == page.supporters.distinct
        assert campaign.now.new == page.supporters.new
        assert campaign.now.actions == page.actions
        assert campaign.now.clicks == page.clicks.human
        posts = {str(row.post.id): row for row in page.posts if row.post}
        for post in mail.posts:
            same = posts[post.id]
            assert post.actions == same.actions
            assert post.supporters == same.supporters.distinct
            assert post.by_kind == same.by_kind
    one = shared_summary(summary_of(acted), rounding)
    kinds = {each.kind: each.actions for each in page.by_kind if each.actions}
    assert {each.kind: each.now for each in one.kinds if each.now} == kinds
    assert [each.actions for each in one.evidence] == [each.actions for each in page.evidence]
    assert one.by_day == page.by_day


def numbers_of(text: str) -> list[float]:
    """Return the numbers that stand for themselves in a text: no part of a date, name or word."""
    return [float(each) for each in re.findall(r"(?<![\w.,:/“#-])\d+(?:\.\d+)?(?![\w.:/-])", text)]


def view_of(world, settings, monkeypatch):
    monkeypatch.setitem(world.app.extensions, "settings", settings)
    editor = world.member("editor", "editor@example.org")
    made = editor.post("/campaigns/stay/view-links", data={"range": "all"}).text
    path = re.search(r"http://127\.0\.0\.1:8000(/view/view_[\w-]{43})", made)[1]
    return lambda: world.app.test_client().get(path, headers=PHONE).text


def cells_of(page: str) -> list[str]:
    found = re.findall(r'<dd>(.*?)</dd>|<td class="(?:num|kinds)">(.*?)</td>', page, re.S)
    return [html.unescape(re.sub("<[^>]*>", " ", "".join(each))) for each in found]


def test_no_number_on_a_view_link_page_is_about_few(acted, shared, monkeypatch):
    look = view_of(acted, shared, monkeypatch)
    page = look()
    cells = [each for each in cells_of(page) if "%" not in each]
    found = [number for each in cells for number in numbers_of(each)]
    assert len(found) > 20
    assert [number for number in found if number % BASE] == []
    spec = re.search(r'id="by-day-spec">(.*?)</script>', page, re.S)[1]
    drawn = json.loads(spec)
    values = [value for each in drawn["series"] for value in each["values"]]
    assert any(values) and not [value for value in [*values, *drawn["before"]] if value % BASE]
    assert "12.34" not in page and "49.36" not in page
    note = "Counts in this report are rounded to a multiple of 5"
    assert html.unescape(page).count(note) == 1
    # The next day it is stored again, and the same where nothing changed.
    with transaction():
        run("update view_links set shown_on = shown_on - 1 where org_id = :o", o=acted.org_id)
    assert cells_of(look()) == cells_of(page)
    own = acted.member("reader", "reader@example.org").get("/campaigns/stay").text
    assert "<dt>Supporters</dt><dd>13</dd>" in own
    assert note not in html.unescape(own)


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "arrondis à un multiple de 5"), ("es", "múltiplo de 5")]
)
def test_the_note_is_in_the_readers_language(acted, shared, monkeypatch, language, words):
    look = view_of(acted, shared, monkeypatch)
    look()
    monkeypatch.setitem(PHONE, "Accept-Language", language)
    assert words in html.unescape(look())


def test_without_a_base_a_view_link_shows_exact_figures_and_no_note(acted, shared, monkeypatch):
    page = view_of(acted, replace(shared, shared_rounding_base=0), monkeypatch)()
    assert "<dt>Supporters</dt><dd>13</dd>" in page
    assert "$49" in page
    assert "rounded" not in page


def said(mail) -> str:
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_in_one_send_a_member_gets_exact_figures_and_others_rounded(
    acted,
    smtp,
    mailbox,
):
    acted.member("reader", "member@example.org")
    for address in ("Member@Example.org", "leader@example.net"):
        subscribe(acted, address)
    assert (
        outbox.send_due(replace(smtp, shared_rounding_base=BASE), acted.org_id, next_monday()) == 2
    )
    mails = dict(zip(mailbox.to, mailbox.mails, strict=True))
    exact, rounded = said(mails["Member@Example.org"]), said(mails["leader@example.net"])
    note = "Counts in this report are rounded to a multiple of 5"
    assert note not in exact and rounded.count(note) == 1
    told = re.compile(r"^(?:- )?(Supporters|New|Actions|Human clicks): (\d+)", re.M)
    truth = {name: int(number) for name, number in told.findall(exact)}
    shown = {name: int(number) for name, number in told.findall(rounded)}
    assert truth["Supporters"] > 0 and truth.keys() == shown.keys()
    assert all(number % BASE == 0 for number in shown.values())
    assert any(number % BASE for number in truth.values())
    assert all(abs(truth[name] - shown[name]) < BASE for name in truth)
    assert "USD" in exact and not re.search(r"[1-9][\d.]* USD", rounded)
    lines = [line for line in rounded.splitlines() if line.startswith("- ")]
    found = [
        number
        for line in lines
        for number in re.findall(r"(?:Actions|Supporters|Clicks|New|Before|new) (\d+)", line)
    ]
    assert found and not [number for number in found if int(number) % BASE]
    # What is stored is exact, so that a later mail compares it with what is exact.
    stored = run("select figures from sent_reports where org_id = :o", o=acted.org_id)
    assert all(row.figures["now"]["supporters"] == truth["Supporters"] for row in stored)
    # The PDF is set from the rounded figures, charts and all; equal figures give equal bytes.
    figures = shared_summary(from_json(stored[0].figures), rounding_of(acted))
    with force_locale("en"):
        sheet = weekly_content.weekly_sheet(figures, smtp.public_url)
        task = render.to_set(sheet, figures, "en")
    assert note in json.dumps(task.sheet, ensure_ascii=False)
    values = [each for chart in task.charts.values() for each in chart["data"]["values"]]
    assert values and not [each for each in values if each["actions"] % BASE]
    enclosed = {
        address: next(mail.iter_attachments()).get_content() for address, mail in mails.items()
    }
    assert len(set(enclosed.values())) == 2
    made_at = {from_json(row.figures).made_at for row in stored}
    assert enclosed["leader@example.net"] in {
        pdf.typeset(replace(task, made_at=each)) for each in made_at
    }


def test_a_surge_is_rounded_for_others_alone(world, smtp, mailbox):
    world.member("reader", "member@example.org")
    for address in ("member@example.org", "leader@example.net"):
        subscribe(world, address, what="alert", weekday=None)
    acted_at = datetime.now(UTC)
    for _ in range(33):
        world.click("x", at=acted_at - timedelta(minutes=1))
    settings = replace(smtp, shared_rounding_base=BASE)
    watch(world.settings, world.org_id, acted_at)
    assert outbox.send_due(settings, world.org_id, acted_at) == 2
    mails = dict(zip(mailbox.to, mailbox.mails, strict=True))
    assert "33 clicks by people in 10 minutes" in said(mails["member@example.org"])
    rounded = said(mails["leader@example.net"])
    assert re.search(r"\b(30|35) clicks by people in 10 minutes", rounded)
    assert "33 " not in rounded and "rounded to a multiple of 5" in rounded


def test_a_change_by_few_is_not_told_to_others(acted, smtp):
    figures = summary_of(acted)
    row = FigureChange("Stay", "supporters", "", 101, 102)
    money = FigureChange("Stay", "net_minor", "USD", 50000, 47500)
    changed = replace(figures.changed, compared=True, rows=(row, money))
    shown = shared_summary(replace(figures, changed=changed), rounding_of(acted)).changed
    assert all(each.figure == "supporters" for each in shown.rows)
    assert all(abs(each.now - each.then) == BASE for each in shown.rows)
