"""Integration test with real processes: every tool returns the code, and nothing is counted."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests

from advocacy.cli.dev.up import free_port
from advocacy.ingestion.integration_test import run_integration_test
from advocacy.providers import PROVIDERS, mappings
from advocacy.storage import campaigns, sources
from advocacy.storage.session import transaction
from advocacy.web.pages import integration_test
from tests.support.processes import WEB, WORKER, answers, until
from tests.support.processes import process as running
from tests.support.sql import run

SECRETS = {
    "stripe": "whsec_rehearsal",
    "twilio": "0123456789abcdef0123456789abcdef",
    "controlshift": "rehearsal-secret",
    "nationbuilder": "rehearsal-token",
}


@pytest.fixture
def connected(world):
    """A source of every provider that the world does not have yet, and of every mapping."""
    for provider in PROVIDERS:
        if provider.slug not in world.keys and provider.slug != "generic":
            world.add_source(provider.slug, SECRETS.get(provider.slug, ""))
    for name in mappings.names():
        mapping = mappings.get(name)
        with transaction():
            source, _ = sources.put_source(
                world.org_id, "generic", name, setup={"mapping": mapping}
            )
            if mapping.get("auth", {}).get("method") not in {None, "secret_path"}:
                sources.put_secret(
                    world.master,
                    world.org_id,
                    source.id,
                    "a-secret",
                    datetime.now(UTC),
                    timedelta(0),
                )
    return world


def test_every_tool_returns_the_code_and_nothing_is_counted(connected, environment, tmp_path):
    port = free_port()
    public = f"http://127.0.0.1:{port}"
    variables = {
        **environment,
        "PORT": str(port),
        "PUBLIC_URL": public,
        "VAR_DIR": str(tmp_path),
    }
    settings = replace(connected.settings, public_url=public)
    with running(variables, *WEB), running(variables, *WORKER):
        until(lambda: answers(port))
        with transaction():
            campaign = campaigns.get_campaign(connected.org_id, "stay")
        told = list(run_integration_test(settings, campaign))
    assert {each.source: each.trouble for each in told if each.trouble} == {}
    assert len(told) == len(PROVIDERS) - 1 + len(mappings.names())

    report = connected.report()
    assert report.actions == report.supporters.distinct == report.clicks.human == 0
    assert run("select count(*) from addresses where kind = 'rehearsal'")[0][0] == 0
    assert run("select count(*) from actions where counted")[0][0] == 0
    assert run("select count(*) from actions where test")[0][0] >= len(told)


def test_missing_setup_is_explained(world, environment, tmp_path):
    with transaction():
        campaign = campaigns.get_campaign(world.org_id, "stay")
        run("delete from source_secrets")
    troubles = {
        each.provider: each.trouble
        for each in run_integration_test(world.settings, campaign, "http://[::1]:1")
    }
    assert "cannot be reached" in troubles["action_network"]
    assert "no secret" in troubles["actblue"]
    assert "no secret" in troubles["standard"]


@pytest.fixture
def of_two_campaigns(connected):
    """Sources of another campaign, and one that is switched off, besides those of this one."""
    with transaction():
        other = campaigns.put_campaign(connected.org_id, "other", "Other", "UTC")
        sources.put_source(connected.org_id, "nationbuilder", "elsewhere", campaign_id=other.id)
        sources.put_source(connected.org_id, "nationbuilder", "retired")
        sources.disable_source(connected.org_id, "retired", datetime.now(UTC))
    return connected


@pytest.mark.slow
def test_the_page_answers_in_time_with_all_tools_of_the_campaign_and_no_others(
    of_two_campaigns, environment, tmp_path
):
    world, port = of_two_campaigns, free_port()
    address = f"http://127.0.0.1:{port}"
    variables = {
        **environment,
        "PORT": str(port),
        "PUBLIC_URL": address,
        "VAR_DIR": str(tmp_path),
    }
    cookie = world.member("editor").get_cookie("session").value
    headers = {"Cookie": f"session={cookie}", "Origin": address}
    with running(variables, *WEB):
        until(lambda: answers(port))
        with running(variables, *WORKER):
            began = time.monotonic()
            page = requests.post(f"{address}/campaigns/stay/rehearsal", headers=headers, timeout=60)
            took = time.monotonic() - began
    assert page.status_code == 200, page.text
    number = len(PROVIDERS) - 1 + len(mappings.names())
    assert number >= 8
    assert page.text.count("returned (evidence") == number
    assert "not returned:" not in page.text
    assert "elsewhere" not in page.text and "retired" not in page.text
    assert took < integration_test.PAGE_WAIT_SECONDS


@pytest.mark.slow
def test_without_a_worker_all_tools_are_waited_for_together(connected, environment, tmp_path):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    variables = {
        **environment,
        "PORT": str(port),
        "PUBLIC_URL": address,
        "VAR_DIR": str(tmp_path),
    }
    settings = replace(connected.settings, public_url=address)
    with running(variables, *WEB):
        until(lambda: answers(port))
        with transaction():
            campaign = campaigns.get_campaign(connected.org_id, "stay")
        began = time.monotonic()
        told = list(run_integration_test(settings, campaign, wait_seconds=1.0))
        took = time.monotonic() - began
    assert len(told) >= 8
    assert all("no worker processed the delivery" in each.trouble for each in told)
    assert took < 1.0 + 0.5 * len(told)


@pytest.mark.slow
def test_an_unreachable_url_is_tried_once(connected):
    """Each would be waited for otherwise, for as long as a connection may take."""
    with (
        transaction(),
        socket.create_server(("127.0.0.1", 0), backlog=0) as silent,
    ):
        campaign = campaigns.get_campaign(connected.org_id, "stay")
        port = silent.getsockname()[1]
        began = time.monotonic()
        told = list(run_integration_test(connected.settings, campaign, f"http://127.0.0.1:{port}"))
        took = time.monotonic() - began
    assert sum("cannot be reached" in each.trouble for each in told) >= 8
    assert took < 10
