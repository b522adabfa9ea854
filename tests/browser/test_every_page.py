"""Every page at three widths in both themes: accessible, within its width, and kept as a picture.

The pictures are in `var/screenshots`, to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from flask import Flask

from advocacy.analytics import goal_input
from advocacy.core.ids import new_id
from advocacy.storage import (
    campaigns,
    email_outbox,
    members,
    organizations,
    posts,
    shared_reports,
)
from advocacy.storage import goals as store
from advocacy.storage.session import transaction
from tests.support.pages import NOT_A_PAGE
from tests.support.sql import run

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Each page by the rule of its route, with an address of it; None where a word is made first.
PAGES = {
    "/": "/",
    "/account": "/account",
    "/actions/<uuid:action_id>": None,
    "/campaigns/<slug>": "/campaigns/stay",
    "/campaigns/<slug>/actions": "/campaigns/stay/actions",
    "/campaigns/<slug>/people": "/campaigns/stay/people",
    "/campaigns/<slug>/paths": "/campaigns/stay/paths",
    "/campaigns/<slug>/posts": "/campaigns/stay/posts?compare=before&gifts=true",
    "/campaigns/<slug>/posts/<uuid:post_id>": None,
    "/campaigns/<slug>/rehearsal": "/campaigns/stay/rehearsal",
    "/campaigns/<slug>/timing": "/campaigns/stay/timing?platform=instagram",
    "/campaigns/<slug>/view-links": "/campaigns/stay/view-links",
    "/explore": "/explore?group_by=week",
    "/goals": "/goals",
    "/ladder": "/ladder",
    "/links": "/links",
    "/links/bulk": "/links/bulk",
    "/members": "/members",
    "/new-campaign": "/new-campaign",
    "/quarantine": "/quarantine",
    "/set-password/<token>": None,
    "/reports": "/reports",
    "/sign-in": "/sign-in",
    "/api/": "/api/",
    "/settings": "/settings",
    "/campaigns/<slug>/edit": "/campaigns/stay/edit",
    "/campaigns/<slug>/posts/<uuid:post_id>/edit": None,
    "/connections": "/connections",
    "/connections/new/<tool>": "/connections/new/own",
    "/connections/<uuid:source_id>": None,
    "/setup/campaign": "/setup/campaign",
    "/setup/link": "/setup/link",
    "/setup/tool": "/setup/tool",
    "/view/<token>": None,
}
SIGNED_OUT = {"/set-password/<token>", "/sign-in", "/view/<token>"}
# Only for members of several organizations; see tests/browser/test_members.py.
# The first page is in tests/browser/test_first_run.py.
ELSEWHERE = {"/sign-in/organization", "/setup"}
# Former addresses, which lead to where the page is now.
FORMER = {"/campaigns/<slug>/explore", "/campaigns/<slug>/ladder", "/sources"}


@pytest.fixture
def address(wired: Flask, site, rule: str) -> str:
    if found := PAGES[rule]:
        return found
    with wired.app_context(), transaction():
        org_id = organizations.get_organization(None).id
        match rule:
            case "/view/<token>":
                campaign = campaigns.get_campaign(org_id, "stay")
                word = shared_reports.put_shared_report(
                    org_id,
                    campaign.id,
                    name="For the trustees",
                    model="last_touch",
                    made_by="editor@example.org",
                    lasts=timedelta(days=7),
                )
                return f"/view/{word}"
            case "/connections/<uuid:source_id>":
                return f"/connections/{run('select id from sources limit 1')[0].id}"
            case "/campaigns/<slug>/posts/<uuid:post_id>/edit":
                post = posts.list_posts(org_id, campaigns.get_campaign(org_id, "stay").id)[0]
                return f"/campaigns/stay/posts/{post.id}/edit"
            case "/campaigns/<slug>/posts/<uuid:post_id>":
                campaign = campaigns.get_campaign(org_id, "stay")
                found = posts.list_posts(org_id, campaign.id)
                return f"/campaigns/stay/posts/{found[0].id}"
            case "/set-password/<token>":
                master = wired.extensions["settings"].secret_key.encode()
                made = members.put_member(master, org_id, "new@example.org", "reader")
                return f"/set-password/{members.put_one_time_token(org_id, made.id)}"
            case _:
                # The one of which there is most to say.
                found = run(
                    """select id from actions where org_id = :o
                       order by jsonb_array_length(coalesce(path, '[]')) desc, gross_minor desc
                       limit 1""",
                    o=org_id,
                )
                return f"/actions/{found[0].id}"


@pytest.fixture
def filled(wired: Flask, site) -> Iterator[None]:
    """What pages show besides a campaign: goals, mails, a delivery that could not be read."""
    now = datetime.now(UTC)
    first, last = (now - timedelta(days=15)).date(), (now + timedelta(days=20)).date()
    with wired.app_context():
        with transaction():
            org_id = organizations.get_organization(None).id
            stay = campaigns.get_campaign(org_id, "stay")
            made = [
                goal_input.put_goal(org_id, None, "supporters", "5000", first, last),
                goal_input.put_goal(
                    org_id, stay.id, "calls", "900", first, last, name="The vote",
                    districts=["TX-07"], each_district=200,
                ),
            ]  # fmt: skip
            mails = email_outbox.put_subscription(
                org_id,
                email_outbox.NewSubscription(
                    "weekly", "lead@example.org", None, 0, None, time(8), "en"
                ),
            )
            report_id = new_id()
            email_outbox.claim_report(org_id, report_id, mails, "2026-W47", now)
            email_outbox.put_outcome(org_id, report_id, 1, "failed", "refused_554")
            run(
                """insert into quarantine (org_id, id, reason, detail)
                   select :o, id, 'not_json', 'line 1' from inbox where org_id = :o limit 3""",
                o=org_id,
            )
        yield
        with transaction():
            for goal in made:
                store.remove_goal(org_id, goal.id)
            email_outbox.end_subscription(org_id, mails, now)
            run("delete from sent_reports where org_id = :o", o=org_id)
            run("delete from quarantine where org_id = :o", o=org_id)


def test_every_page_is_visited(wired: Flask):
    rules = {
        rule.rule
        for rule in wired.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not NOT_A_PAGE.match(rule.rule)
    }
    assert rules | {"/api/"} == {*PAGES, *ELSEWHERE, *FORMER}


@pytest.mark.parametrize("rule", PAGES)
def test_a_page_is_accessible_at_every_width_and_theme(watched, screenshots, rule, address, filled):
    page = watched.page
    if rule in SIGNED_OUT:
        watched.go(address)
    else:
        watched.sign_in_as_owner(address)
    page.wait_for_load_state("networkidle")
    name = re.sub(r"<[^>]*>|\W+", "-", rule).strip("-") or "overview"
    watched.look_everywhere(screenshots, name)
