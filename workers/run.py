"""The processes of the Procfile that are not web: `python -m workers.run worker|counter|clock`.

Note: they outlive Redis. While it is away they wait and retry, so that a restart of Redis does not
require a restart of anything else.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import rq.cron
import structlog
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.cron import CronScheduler
from rq.job import Job
from rq.serializers import JSONSerializer

from advocacy.cli.start_check import reason_not_to_start
from advocacy.ingestion.wakeup import counts_queue
from advocacy.storage.db import db
from config.garbage import tune_garbage_collection
from workers import jobs
from workers.context import application, connection
from workers.schedule import SCHEDULE

log = structlog.get_logger()
_WAIT_SECONDS = 2.0


class JSONQueue(Queue):
    """A queue that uses JSON: write access to Redis must not be enough to run code here.

    Unpickling runs code. `OwnJob` limits what a job may call.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{**kwargs, "serializer": JSONSerializer})  # type: ignore[arg-type]


# RQ's cron creates its queues itself, with no option for the serializer (RQ 3.0).
rq.cron.Queue = JSONQueue


class UnknownJob(Exception):
    """The job names a function that is not one of our jobs."""


class OwnJob(Job):
    """A job that can only be one of `workers.jobs`, whatever is in Redis.

    RQ imports and calls whatever a job names, even `os.system`, also as a callback.
    """

    success_callback = failure_callback = stopped_callback = None

    @property
    def func(self) -> Callable[..., Any]:
        """Return the job's function. Raises `UnknownJob`."""
        module, _, name = str(self.func_name).rpartition(".")
        found: Callable[..., Any] | None = vars(jobs).get(name)
        # Only functions that the module defines itself.
        if module != jobs.__name__ or found is None or found.__module__ != module:
            raise UnknownJob
        return found

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        """Send none: none of our jobs asks for it."""


class DrainWorker(Worker):
    """RQ's forking worker: a job that kills its process leaves the worker alive."""

    job_class = OwnJob

    def main_work_horse(self, job: object, queue: object) -> None:
        """Run a job in the fork, which must not use its parent's database connections."""
        with application().app_context():
            db.engine.dispose(close=False)
            # If the database was away when this worker started, the key is checked before each job.
            application().extensions["key_check"].require()
        super().main_work_horse(job, queue)  # type: ignore[arg-type]

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log the type and place of an error only: RQ would log its message, which contains data.

        A database error includes its parameters: hashes, click ids, amounts.
        """
        log.error("job_failed", job=job.id, exc_info=exc_info[1])

    def handle_job_failure(self, *about: Any, **more: Any) -> None:
        """Record that a job failed, without its message in Redis either."""
        super().handle_job_failure(*about, **{**more, "exc_string": ""})


def work() -> None:
    """Drain until stopped. One queue, so that RQ takes jobs from it without a gap."""
    _work_on(application().extensions["settings"].queue)


def count() -> None:
    """Compute reports for pages until stopped; apart from the drain, which must not wait."""
    _work_on(counts_queue(application().extensions["settings"].queue))


def _work_on(name: str) -> None:
    DrainWorker(
        [JSONQueue(name, connection=connection())],
        connection=connection(),
        serializer=JSONSerializer,
        worker_ttl=60,
        maintenance_interval=30,
        log_job_description=False,
    ).work(logging_level="WARNING")


def tick() -> None:
    """Enqueue what the schedule says, when it says so."""
    name = application().extensions["settings"].queue
    scheduler = CronScheduler(connection(), logging_level=logging.WARNING)
    for entry in SCHEDULE:
        scheduler.register(queue_name=name, result_ttl=0, failure_ttl=60, **entry)
    scheduler.start()


def outlive_redis(process: Callable[[], None]) -> None:
    """Run a process; if Redis goes away, wait and start again."""
    while True:
        try:
            return process()
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__)
            time.sleep(_WAIT_SECONDS)


def _refuse_wrong_start() -> None:
    """Exit with one sentence if the settings are wrong or the key is not the database's."""
    if reason := reason_not_to_start(application):
        sys.exit(reason)


def main() -> None:
    """Run the process that the first argument names."""
    processes = {"worker": work, "counter": count, "clock": tick}
    if len(sys.argv) != 2 or sys.argv[1] not in processes:
        sys.exit("say which process: python -m workers.run worker | counter | clock")
    _refuse_wrong_start()
    tune_garbage_collection()
    outlive_redis(processes[sys.argv[1]])


if __name__ == "__main__":
    main()
