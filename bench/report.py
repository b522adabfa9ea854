"""The activation report over a year, against SQL over the raw actions."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import Flask

from advocacy.analytics.activation import MODELS, activation, days_of
from advocacy.ingestion import sample_data
from advocacy.storage import campaigns, organizations, tokens
from advocacy.storage.session import execute, scalar, transaction
from bench.results import Row, below, percentile, unmeasured
from bench.workspace import Workspace, tidy
from config.settings import Settings

NAME = "activation report, all groupings, one year"
_MOST_SECONDS = 20.0
# With clicks, indexes and write-ahead log.
_BYTES_AN_ACTION = 2_000

_RAW = (
    """select occurred_on, post_id, kind, tier, platform, currency, count(*) as actions,
              sum(gross_minor) as gross_minor, sum(refunded_minor) as refunded_minor
       from actions
       where org_id = :o and campaign_id = :c and counted and occurred_on between :first and :last
       group by 1, 2, 3, 4, 5, 6""",
    """select a.post_id, a.platform, a.kind, count(distinct a.supporter_id) as supporters,
              count(distinct a.supporter_id) filter (where s.first_acted_at >= :first) as new
       from actions a
       join (select supporter_id, min(occurred_at) as first_acted_at from actions
             where org_id = :o and counted group by 1) s using (supporter_id)
       where a.org_id = :o and a.campaign_id = :c and a.counted
         and a.occurred_on between :first and :last
       group by grouping sets ((), (a.post_id), (a.platform), (a.kind))""",
    """select post_id, human, count(*) as clicks from touches
       where org_id = :o and campaign_id = :c and clicked_at::date between :first and :last
       group by 1, 2""",
)


def measure(workspace: Workspace) -> Iterator[Row]:
    """Yield the duration of a report at each size."""
    with workspace.of_filled() as variables:
        for size in workspace.sizes:
            said = workspace.piece("activation", size, **variables)
            if "ours" not in said:
                yield unmeasured(f"{NAME}: {size:,} actions", "ms", said["why"], "< 50 ms")
                continue
            yield _row(size, said)
            yield below(
                f"first page, all campaigns beside the 30 days before: {size:,} actions",
                "ms",
                percentile(said["page"], 0.95) * 1000,
                200,
                f"p95 of {len(said['page'])}; median {percentile(said['page'], 0.5) * 1000:.1f} ms",
            )


def _row(size: int, said: Mapping[str, Any]) -> Row:
    ours, raw = said["ours"], said["raw"]
    return below(
        f"{NAME}: {size:,} actions",
        "ms",
        percentile(ours, 0.95) * 1000,
        50,
        f"p95 of {len(ours)} over {len(MODELS)} models; median "
        f"{percentile(ours, 0.5) * 1000:.1f} ms; the campaign with most actions",
        compared_to=f"SQL over the raw actions: {percentile(raw, 0.5) * 1000:,.0f} ms",
        ratio=round(percentile(raw, 0.5) / percentile(ours, 0.95), 2),
        series="report, p95",
        size=size,
    )


def times(app: Flask, size: int) -> dict[str, Any]:
    """Return seconds of reports (`ours`), of SQL over `raw` actions, and of the first `page`.

    Or `why` it cannot be measured.
    """
    settings: Settings = app.extensions["settings"]
    slug = f"filled-{size}"
    with transaction():
        there = any(each.slug == slug for each in organizations.list_organizations())
    if not there:
        if (free := shutil.disk_usage(settings.var_dir).free) < size * _BYTES_AN_ACTION:
            return {
                "why": f"{size:,} actions need more than the {free / 2**30:.0f} GB that are free"
            }
        sample_data.fill(settings, slug, size)
        tidy(settings.database_url)
    with transaction():
        campaign = _largest(organizations.get_organization(slug).id)
        first, last = days_of(campaign, None, None)
    reports = [partial(activation, campaign, first, last, model) for model in MODELS]
    return {
        "ours": _times(reports),
        "page": _times([_first_page(app, campaign.org_id)]),
        "raw": _times([partial(_raw, campaign.org_id, campaign.id, first, last)], least=3),
    }


def _first_page(app: Flask, org_id: UUID) -> Callable[[], object]:
    """Sign in and return a function that requests the first page."""
    until = datetime.now(UTC) + timedelta(days=1)
    with transaction():
        _, token = tokens.put_token(org_id, "bench", "reports", until)
    client = app.test_client()
    client.post(
        "/sign-in",
        data={"token": token},
        headers={"Sec-Fetch-Site": "same-origin"},
        follow_redirects=True,
    )

    def ask() -> None:
        answer = client.get("/")
        if answer.status_code != 200:
            raise RuntimeError(f"the first page answered {answer.status}")

    return ask


def _largest(org_id: UUID) -> Any:
    with transaction():
        slug = scalar(
            str,
            """select c.slug from campaigns c
               join actions a on a.org_id = c.org_id and a.campaign_id = c.id
               where c.org_id = :o and a.counted group by c.slug
               order by count(*) desc limit 1""",
            o=org_id,
        )
        return campaigns.get_campaign(org_id, slug)


def _raw(org_id: UUID, campaign_id: UUID, first: date, last: date) -> None:
    execute("set local statement_timeout = 0")
    for statement in _RAW:
        execute(statement, o=org_id, c=campaign_id, first=first, last=last)


def _times(works: Sequence[Callable[[], object]], least: int = 30) -> list[float]:
    """Return the duration of each run, in turn: `least` runs, fewer if that would take too long."""
    taken: list[float] = []
    for warm in works:
        with transaction():
            execute("set local statement_timeout = 0")
            warm()
    began = time.monotonic()
    while len(taken) < least or len(taken) % len(works):
        at = time.monotonic()
        with transaction():
            execute("set local statement_timeout = 0")
            works[len(taken) % len(works)]()
        taken.append(time.monotonic() - at)
        if time.monotonic() - began > _MOST_SECONDS and len(taken) >= len(works):
            break
    return taken
