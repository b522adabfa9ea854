"""The schedule, read by RQ's cron (`workers.run clock`)."""

from __future__ import annotations

from typing import Any, TypedDict

from workers import jobs


class Entry(TypedDict, total=False):
    """Arguments of `rq.cron.CronScheduler.register`."""

    func: Any
    interval: int
    cron: str
    job_timeout: int
    ttl: int


# A sweep that waits until the next one is due is of no use any more: `ttl` drops it.
SCHEDULE: tuple[Entry, ...] = (
    {"func": jobs.sweep, "interval": 5, "ttl": 10, "job_timeout": 600},
    {"func": jobs.watch, "interval": 30, "ttl": 30, "job_timeout": 300},
    {"func": jobs.send_webhooks, "interval": 10, "ttl": 10, "job_timeout": 600},
    {"func": jobs.mail_reports, "interval": 60, "ttl": 60, "job_timeout": 1800},
    {"func": jobs.retire, "cron": "17 3 * * *", "job_timeout": 3600},
)
