"""Metrics for Prometheus: of the installation for operators, of one organization for its admins.

Every process returns the same values: counters are summed in Redis, the rest is read from the
database. Values that cannot be read are omitted.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from flask import Blueprint, Response, current_app, g
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from advocacy.ingestion.counters import Counted, read_counters
from advocacy.ingestion.postponement import list_postponed
from advocacy.ingestion.wakeup import connect, count_workers, counts_queue
from advocacy.storage import inbox, organizations, sources
from advocacy.storage.models import Organization
from advocacy.tracking import click_log
from advocacy.web.auth import bearer_token, needs_token
from config.settings import Settings

blueprint = Blueprint("metrics", __name__)

_SOURCE_LABELS = ("organization", "source", "provider")
_REDIS_SECONDS = 1.0


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the installation's figures for METRICS_TOKEN, else those of one organization."""
    settings = _settings()
    # Compared as bytes, since a header may contain non-ASCII characters.
    given, expected = bearer_token().encode(), settings.metrics_token.encode()
    if expected and hmac.compare_digest(given, expected):
        every = organizations.list_organizations()
        return _respond([*_of_organizations(every, unknown_sources=True), *_of_installation()])
    return _of_one_organization()


@needs_token("admin")
def _of_one_organization() -> Response:
    own = organizations.find_organization(g.org_id)
    return _respond(_of_organizations([own] if own else [], unknown_sources=False))


class _Figures(Collector):
    """A fixed set of metrics as a collector of `prometheus_client`."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self._found


def _respond(found: Iterable[Metric]) -> Response:
    return Response(generate_latest(_Figures(found)), content_type=CONTENT_TYPE_LATEST)


def _of_organizations(found: Sequence[Organization], *, unknown_sources: bool) -> Iterator[Metric]:
    """Yield the metrics of these organizations, and optionally of requests to unknown sources."""
    yield from _of_backlog(found)
    settings = _settings()
    current_app.extensions["counters"].flush()
    with suppress(RedisError, OSError):
        redis = connect(settings.redis_url, _REDIS_SECONDS)
        counted = read_counters(redis, settings.queue)
        postponed = list_postponed(redis, settings.queue)
        yield from _of_sources(found, counted, unknown_sources=unknown_sources)
        slugs = {str(each.id): each.slug for each in found}
        drained = GaugeMetricFamily(
            "advocacy_last_drain_seconds",
            "Seconds since a worker last finished with the organization's deliveries",
            labels=["organization"],
        )
        for org_id, at in counted.last_drain.items():
            if org_id in slugs:
                drained.add_metric([slugs[org_id]], _age(at))
        yield drained
        waits = GaugeMetricFamily(
            "advocacy_postponed_seconds",
            "For how long the organization's deliveries have waited for the infrastructure",
            labels=["organization", "reason"],
        )
        for each in postponed:
            if str(each.org_id) in slugs:
                waits.add_metric([slugs[str(each.org_id)], each.name], _age(each.since.timestamp()))
        yield waits


def _of_backlog(found: Sequence[Organization]) -> Iterator[Metric]:
    pending = GaugeMetricFamily(
        "advocacy_pending_deliveries", "Deliveries not yet processed", labels=["organization"]
    )
    oldest = GaugeMetricFamily(
        "advocacy_oldest_pending_seconds",
        "Age of the oldest pending delivery, 0 without one",
        labels=["organization"],
    )
    quarantined = GaugeMetricFamily(
        "advocacy_quarantined_deliveries",
        "Deliveries in quarantine",
        labels=["organization", "reason"],
    )
    for each in found:
        backlog = inbox.read_backlog(each.id)
        pending.add_metric([each.slug], backlog.pending)
        oldest.add_metric([each.slug], backlog.oldest_seconds)
        for reason, deliveries in sorted(backlog.quarantined.items()):
            quarantined.add_metric([each.slug, reason], deliveries)
    yield from (pending, oldest, quarantined)


def _of_sources(
    found: Sequence[Organization], counted: Counted, *, unknown_sources: bool
) -> Iterator[Metric]:
    labels = {"": ["", "", ""]} if unknown_sources else {}
    for each in found:
        for source in sources.list_sources(each.id):
            labels[str(source.id)] = [each.slug, source.name, source.provider]
    deliveries = CounterMetricFamily(
        "advocacy_deliveries",
        "Requests at the webhook endpoint; without a source where its key is unknown",
        labels=[*_SOURCE_LABELS, "outcome"],
    )
    for (outcome, source_id), number in sorted(counted.deliveries.items()):
        if source_id in labels:
            deliveries.add_metric([*labels[source_id], outcome], number)
    last = GaugeMetricFamily(
        "advocacy_source_last_delivery_seconds",
        "Seconds since a delivery of the source was last accepted",
        labels=_SOURCE_LABELS,
    )
    for source_id, at in sorted(counted.last_delivery.items()):
        if source_id in labels:
            last.add_metric(labels[source_id], _age(at))
    yield from (deliveries, last)


def _of_installation() -> Iterator[Metric]:
    settings = _settings()
    yield GaugeMetricFamily(
        "advocacy_click_log_bytes",
        "Clicks on this machine's disk that are not in the database yet",
        value=click_log.waiting_bytes(settings.var_dir / "clicks"),
    )
    with suppress(RedisError, OSError):
        redis = connect(settings.redis_url, _REDIS_SECONDS)
        yield CounterMetricFamily(
            "advocacy_clicks_lost",
            "Clicks that could not be written to disk",
            value=read_counters(redis, settings.queue).clicks_lost,
        )
        workers = GaugeMetricFamily(
            "advocacy_workers", "Processes that work on a queue", labels=["queue"]
        )
        for label, queue in (("drain", settings.queue), ("counts", counts_queue(settings.queue))):
            workers.add_metric([label], count_workers(redis, queue))
        yield workers


def _age(at: float) -> float:
    return max(0.0, time.time() - at)


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
