"""A rehearsal through real processes: every tool brings the code back, and nothing is counted."""

from __future__ import annotations

import pytest

from advocacy.providers import PROVIDERS, mappings
from advocacy.rehearse import rehearse
from advocacy.store import campaigns, run, transaction
from advocacy.up import free_port
from tests.workers.processes import WEB, WORKER, until
from tests.workers.processes import process as running
from tests.workers.test_processes import answers

SECRETS = {
    "stripe": "whsec_rehearsal",
    "twilio": "0123456789abcdef0123456789abcdef",
    "controlshift": "rehearsal-secret",
    "nationbuilder": "rehearsal-token",
}


@pytest.fixture
def connected(world):
    """A source of every provider that the world does not have yet, and of every mapping."""
    for room in PROVIDERS:
        if room.slug not in world.keys and room.slug != "generic":
            world.add_source(room.slug, SECRETS.get(room.slug, ""))
    for name in mappings.names():
        mapping = mappings.get(name)
        with transaction():
            source, _ = campaigns.put_source(
                world.org_id, "generic", name, setup={"mapping": mapping}
            )
            if mapping.get("auth", {}).get("method") not in {None, "secret_path"}:
                from datetime import UTC, datetime, timedelta

                campaigns.put_secret(
                    world.master,
                    world.org_id,
                    source.id,
                    "a-secret",
                    datetime.now(UTC),
                    timedelta(0),
                )
    return world


def test_every_tool_brings_the_code_back_and_nothing_is_counted(connected, environment, tmp_path):
    from dataclasses import replace

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
        told = list(rehearse(settings, campaign))
    assert {each.source: each.trouble for each in told if each.trouble} == {}
    assert len(told) == len(PROVIDERS) - 1 + len(mappings.names())

    report = connected.report()
    assert report["actions"] == report["supporters"]["distinct"] == report["clicks"]["human"] == 0
    assert run("select count(*) from addresses where kind = 'rehearsal'")[0][0] == 0
    assert run("select count(*) from actions where counted")[0][0] == 0
    assert run("select count(*) from actions where test")[0][0] >= len(told)


def test_what_is_missing_is_said_in_words(world, environment, tmp_path):
    with transaction():
        campaign = campaigns.get_campaign(world.org_id, "stay")
        run("delete from source_secrets")
    troubles = {
        each.provider: each.trouble for each in rehearse(world.settings, campaign, "http://[::1]:1")
    }
    assert "cannot be reached" in troubles["action_network"]
    assert "no secret" in troubles["actblue"]
    assert "no secret" in troubles["standard"]
