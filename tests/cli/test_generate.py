"""`advocacy generate` writes what the product itself would derive."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from advocacy.analytics.activation import activation
from advocacy.attribution import RULES
from advocacy.ingestion import drain, figures, sample_data
from advocacy.ingestion.pipeline import restate_actions
from advocacy.storage import actions, campaigns, inbox, organizations, totals
from advocacy.storage.session import transaction
from tests.support import raw_figures
from tests.support.sql import run
from tests.support.stored_figures import stored_figures

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
MADE_OF = {
    "actions": "id",
    "supporters": "id",
    "names": "name",
    "click_totals": "campaign_id, day, post_id, human, slot",
    "click_span_totals": "campaign_id, starts_on, post_id, human",
    "touches": "click_id",
}


@pytest.fixture
def made(app, settings) -> Any:
    """An organization of 1,200 actions, written directly."""
    sample_data.fill(settings, "generated", 1_200, until=UNTIL)
    return organizations.get_organization("generated").id


def rows(table: str) -> list[Any]:
    return [row._asdict() for row in run(f"select * from {table} order by {MADE_OF[table]}")]


def every_action(org_id: Any) -> list[actions.Action]:
    ids = [row.id for row in run("select id from actions where org_id = :o", o=org_id)]
    with transaction():
        return list(actions.find_actions(org_id, ids).values())


def test_the_sample_has_every_kind_of_action(made):
    every = every_action(made)
    assert len(every) == 1_200
    assert {each.tier for each in every} == {
        "click_id", "code", "utm", "referrer", "identity", "unattributed"
    }  # fmt: skip
    assert {each.kind for each in every} >= {"signature", "call", "letter", "donation"}
    assert {len(each.path) for each in every if each.path} == {2, 3}
    assert any(0 < each.refunded_minor < each.gross_minor for each in every)
    assert any(0 < each.refunded_minor == each.gross_minor for each in every)
    assert any(not each.counted for each in every)
    times = Counter(each.supporter_id for each in every)
    assert times.pop(None) > 10
    assert max(times.values()) >= 4
    assert run("select count(*) from touches")[0][0] == 2_400
    assert run("select count(*) from touches where not human")[0][0] > 50
    by_post = Counter(each.post_id for each in every if each.post_id)
    # A few posts bring most of it.
    assert sum(n for _, n in by_post.most_common(len(by_post) // 5)) > sum(by_post.values()) / 2


@pytest.mark.slow
def test_attributing_the_sample_again_changes_nothing(made):
    before = {table: rows(table) for table in MADE_OF}
    told = stored_figures(made)
    with transaction():
        restate_actions(made, [row["id"] for row in before["actions"]])
    for table, kept in before.items():
        assert rows(table) == kept, table
    assert stored_figures(made) == told
    assert not run("select * from restatements")


@pytest.mark.slow
def test_the_check_would_notice_a_wrong_attribution(made):
    """The test above can fail."""
    wrong = next(each for each in every_action(made) if each.path)
    with transaction():
        actions.put_actions(made, [replace(wrong, path=None)], {wrong.id})
    with transaction():
        restate_actions(made, [wrong.id])
    assert actions.find_action(made, wrong.id) == wrong


@pytest.mark.slow
def test_totals_match_the_actions(made):
    raw_figures.count_totals(made)
    for campaign in campaigns.list_campaigns(made):
        for model in RULES:
            asked = date(2025, 1, 1), date(2026, 12, 1), model
            found = totals.read_campaigns(made, [campaign.id], *asked)
            by = "campaign_id, platform, kind, currency"
            counted = raw_figures.totals(by, *asked, [campaign.id])
            assert found
            assert sorted(map(tuple, found)) == sorted(counted)


@pytest.mark.slow
def test_totals_split_several_refunds_as_sql_does(made):
    gift = next(
        each for each in every_action(made) if each.path and each.gross_minor and not each.returns
    )
    more = [
        {"at": "2026-10-02T12:00:00+00:00", "amount_minor": 7},
        {"at": "2026-10-02T13:00:00+00:00", "amount_minor": 101},
        {"at": "2026-10-05T12:00:00+00:00", "amount_minor": 50},
    ]
    changed = replace(gift, gross_minor=333, refunded_minor=158, returns=more)
    with transaction():
        actions.put_actions(made, [changed], {changed.id})
        figures.refill(made)
    test_totals_match_the_actions(made)


@pytest.mark.slow
def test_the_report_matches_the_actions(made):
    campaign = campaigns.list_campaigns(made)[0]
    found = activation(campaign)
    raw = run(
        """select count(*) as actions, count(distinct supporter_id) as people,
                  sum(gross_minor) as gross from actions
           where org_id = :o and campaign_id = :c and counted""",
        o=made,
        c=campaign.id,
    )[0]
    assert found.actions == raw.actions
    assert found.supporters.distinct == raw.people
    assert sum(each.gross_minor for each in found.money) == raw.gross
    clicks = run("select count(*) from touches where campaign_id = :c", c=campaign.id)[0][0]
    assert found.clicks.human + found.clicks.other == clicks


@pytest.mark.slow
def test_the_seed_determines_the_sample(app, settings):
    told = {}
    for slug, seed in (("one", 7), ("two", 7), ("three", 8)):
        sample_data.fill(settings, slug, 200, seed=seed, until=UNTIL)
        org_id = organizations.get_organization(slug).id
        told[slug] = sorted(
            (each.external_id, each.kind, each.occurred_at, each.tier, each.gross_minor)
            for each in every_action(org_id)
        )
    assert told["one"] == told["two"] != told["three"]


@pytest.mark.slow
def test_a_short_range_has_no_returning_people(app, settings):
    sample_data.fill(settings, "generated", 200, days=40, until=UNTIL)
    org_id = organizations.get_organization("generated").id
    before = every_action(org_id)
    with transaction():
        restate_actions(org_id, [each.id for each in before])
    assert every_action(org_id) == before


@pytest.mark.slow
def test_sample_deliveries_are_processed_and_can_be_rebuilt(app, settings):
    sample_data.deliver(settings, "trial", 400, until=UNTIL)
    org_id = organizations.get_organization("trial").id
    assert inbox.counts(org_id) == {"pending": 400, "done": 0, "quarantined": 0}
    assert run("select count(*) from touches")[0][0] > 600

    drain.drain(settings, org_id, seconds=60)
    assert inbox.counts(org_id) == {"pending": 0, "done": 400, "quarantined": 0}
    with transaction():
        every = every_action(org_id)
    assert {each.kind for each in every} >= {"signature", "call", "donation"}
    assert {"click_id", "code", "unattributed"} <= {each.tier for each in every}
    assert any(each.refunded_minor for each in every)
    assert any(each.path for each in every)

    before = {table: rows(table) for table in MADE_OF}
    present = stored_figures(org_id)
    with transaction():
        run("delete from cells where grain = 1")
        run("update cell_news set body = (select body from cell_news order by seq desc limit 1)")
    assert stored_figures(org_id) != present
    assert drain.rebuild(settings, org_id) == 400
    for table, kept in before.items():
        assert rows(table) == kept, table
    assert stored_figures(org_id) == present


@pytest.mark.slow
def test_the_command(operator):
    told = operator.does("generate", "--actions", 50, "--until", "2026-11-01")
    assert "50 actions, 100 clicks in" in told
    assert "50 pending deliveries" in operator.does(
        "generate", "--deliveries", 50, "--org", "trial", "--seed", 3
    )
    assert "5,000" not in told
    assert "actions" in operator.does("report", "stay", "--org", "generated")


def test_errors_of_the_command_are_one_line(operator):
    assert "either --actions or --deliveries" in operator.fails("generate")
    assert "either" in operator.fails("generate", "--actions", 1, "--deliveries", 1)
    operator.does("org", "create", "--slug", "hope", "--name", "Hope")
    refused = operator.fails("generate", "--actions", 10, "--org", "hope")
    assert "there is already an organization hope" in refused
    assert "--org" in refused
    assert operator.says("generate", "--actions", 10, "--days", 5).exit_code == 2
