"""The metrics: of the installation for its operator, of one organization for its admins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from advocacy.ingestion import postponement
from advocacy.ingestion.counters import Counters, note_drain, read_counters
from advocacy.storage.session import transaction
from tests.support.sql import run
from tests.support.world import World

METRICS_TOKEN = "operator-" + "t" * 32
OTHER_SECRET = "whsec_" + "A" * 40


@pytest.fixture
def redis(environment):
    connection = Redis.from_url(environment["REDIS_URL"])
    connection.flushall()
    yield connection
    connection.flushall()


@pytest.fixture
def two(app, redis, monkeypatch):
    """Two organizations, each with deliveries, of an installation with an operator's token."""
    changed = replace(app.extensions["settings"], metrics_token=METRICS_TOKEN)
    monkeypatch.setitem(app.extensions, "settings", changed)
    monkeypatch.setitem(app.extensions, "counters", Counters(changed.redis_url, changed.queue))
    return World(app, "hope"), World(app, "other")


def scrape(app, token: str) -> dict[tuple[str, ...], float]:
    """Return each sample's value by its name and the values of its labels, sorted by label."""
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_an_admin_token_shows_its_own_organization_only(app, two):
    hope, other = two
    hope.standard("{}", message_id="m1")
    other.standard("{}")
    other.standard("{}", secret=OTHER_SECRET)
    hope.post("standard", b"{}")
    app.test_client().post("/webhooks/src_unknown", data=b"{}")
    found = scrape(app, hope.token("admin"))
    labels = ("hope", "new", "standard", "standard")
    assert found["advocacy_deliveries_total", *labels] == 1
    assert found["advocacy_pending_deliveries", "hope"] == 1
    refused = {name[2]: value for name, value in found.items() if name[0].endswith("_total")}
    assert sum(refused.values()) == 2 and "unknown_source" not in refused
    assert {name[1] for name in found if len(name) > 1} == {"hope"}
    installation = {"advocacy_click_log_bytes", "advocacy_clicks_lost_total", "advocacy_workers"}
    assert not installation & {name[0] for name in found}


def test_the_operators_token_shows_the_installation(app, two):
    hope, other = two
    hope.standard("{}")
    for _ in range(3):
        other.standard("{}", secret=OTHER_SECRET)
    app.test_client().post("/webhooks/src_unknown", data=b"{}")
    found = scrape(app, METRICS_TOKEN)
    assert found["advocacy_deliveries_total", "hope", "new", "standard", "standard"] == 1
    (refused,) = [
        value for name, value in found.items() if name[:2] == ("advocacy_deliveries_total", "other")
    ]
    assert refused == 3
    assert found["advocacy_deliveries_total", "", "unknown_source", "", ""] == 1
    assert found["advocacy_pending_deliveries", "other"] == 0
    assert found[("advocacy_clicks_lost_total",)] == 0
    assert found["advocacy_workers", "drain"] == found["advocacy_workers", "counts"] == 0


def test_pending_quarantined_and_last_deliveries_are_measured(app, two, redis):
    hope, _ = two
    hope.standard("no json", message_id="m1")
    hope.drain()
    hope.standard("{}", message_id="m2")
    with transaction():
        run(
            "update waiting set since = now() - interval '90 s' where org_id = :o",
            o=hope.org_id,
        )
    found = scrape(app, hope.token("admin"))
    assert 90 <= found["advocacy_oldest_pending_seconds", "hope"] < 100
    quarantined = [v for name, v in found.items() if name[0] == "advocacy_quarantined_deliveries"]
    assert quarantined == [1]
    last = found["advocacy_source_last_delivery_seconds", "hope", "standard", "standard"]
    assert 0 <= last < 30
    assert not any(name[0] == "advocacy_last_drain_seconds" for name in found)
    note_drain(redis, hope.settings.queue, hope.org_id)
    postponement.postpone(redis, hope.settings.queue, hope.org_id, "disk_full")
    found = scrape(app, hope.token("admin"))
    assert 0 <= found["advocacy_last_drain_seconds", "hope"] < 30
    assert 0 <= found["advocacy_postponed_seconds", "hope", "disk_full"] < 30


@pytest.mark.parametrize("token", ["", "x", METRICS_TOKEN[:-1], "é" + METRICS_TOKEN])
def test_another_token_is_refused(app, two, token):
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/metrics", headers=headers).status_code == 401
    assert app.test_client().get("/metrics").status_code == 401


def test_without_an_operators_token_no_empty_one_is_accepted(app, client):
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Basic x"}).status_code == 401


def test_a_process_keeps_counting_while_redis_is_away(redis, settings):
    counters = Counters("redis://127.0.0.1:1/0", settings.queue)
    counters.count_delivery("new", "a")
    counters.count_lost_clicks(3)
    assert not counters.flush()
    counters.count_delivery("new", "a")
    assert not counters.flush()
    counters._redis_url = settings.redis_url
    assert counters.flush()
    assert counters.flush(), "and nothing is added twice"
    found = read_counters(redis, settings.queue)
    assert (found.deliveries, found.clicks_lost) == ({("new", "a"): 2}, 3)
    assert list(found.last_delivery) == ["a"]


def test_without_redis_the_rest_is_still_shown(app, two, monkeypatch):
    hope, _ = two
    hope.standard("{}")
    down = replace(app.extensions["settings"], redis_url="redis://127.0.0.1:1/0")
    monkeypatch.setitem(app.extensions, "settings", down)
    found = scrape(app, METRICS_TOKEN)
    assert found["advocacy_pending_deliveries", "hope"] == 1
    assert not any(name[0] in {"advocacy_workers", "advocacy_deliveries_total"} for name in found)


def test_an_organization_without_deliveries_has_zeros(app, two):
    hope, _ = two
    found = scrape(app, hope.token("admin"))
    assert found["advocacy_pending_deliveries", "hope"] == 0
    assert found["advocacy_oldest_pending_seconds", "hope"] == 0
