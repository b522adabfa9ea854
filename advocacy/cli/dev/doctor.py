"""What is wrong with the set-up, in words.

Each check has a name and returns what is wrong and what to do, or nothing. What is not set up, or
not looked at, is never said to be right: a check returns it as `Off` or `Unchecked`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from redis.exceptions import RedisError
from rq import Worker
from rq.cron import CronScheduler
from sqlalchemy.exc import SQLAlchemyError

from advocacy.analytics.tracking_loss import (
    BEFORE_DAYS,
    LATELY_DAYS,
    Carried,
    in_words,
    lost_sources,
)
from advocacy.core import dates
from advocacy.identity.key_check import WrongKey
from advocacy.ingestion import figures
from advocacy.ingestion.postponement import list_postponed
from advocacy.ingestion.wakeup import connect, counts_queue
from advocacy.providers import BY_SLUG
from advocacy.reporting.email import smtp
from advocacy.reporting.email.pdf import PDF_ADVICE, pdf_installed
from advocacy.storage import campaigns, citus, email_outbox, inbox, server, sources, totals
from advocacy.storage import organizations as organizations_storage
from advocacy.storage.outages import ADVICE
from advocacy.tracking import click_log
from config.settings import Settings, SettingsError

_LEAST_FREE_BYTES = 500 * 1024 * 1024
_OLDEST_SECONDS = 60


class Off(str):
    """The result of a check of something that is not set up, which is no mistake."""


class Unchecked(str):
    """The result of a check that found no mistake, but could not check everything."""


def state_of(words: str) -> str:
    """Return what a check found: ok, off or wrong."""
    if isinstance(words, Off):
        return "off"
    return "wrong" if words and not isinstance(words, Unchecked) else "ok"


def examine(application: Callable[[], Flask]) -> Iterator[tuple[str, str]]:
    """Yield (what was looked at, what is to be said of it or an empty string); see `state_of`."""
    try:
        app = application()
    except SettingsError as error:
        yield "settings", str(error)
        return
    settings: Settings = app.extensions["settings"]
    yield "settings", ""
    with app.app_context():
        trouble = _database()
        yield "database", trouble
        if not trouble:
            yield "tables", _tables(app)
            if citus.has_citus():
                yield "cluster", _cluster()
            yield "secret key", _key(app)
            yield "inbox", _inbox()
            yield "figures", _figures()
            yield "codes", _codes()
            yield "time zones", _zones()
            yield "mail", _mail(settings)
        yield "PDF", _pdf()
    redis = _redis(settings)
    yield "redis", redis
    if not redis:
        yield "worker", _worker(settings)
        yield "counter", _counter(settings)
        yield "clock", _clock(settings)
        yield "postponed work", _postponed(settings)
    yield "folder", _folder(settings.var_dir)
    yield "click log", _clicks(settings.var_dir)
    yield "public address", _public(settings)


def _database() -> str:
    try:
        version = server.version()
    except SQLAlchemyError as error:
        first = str(getattr(error, "orig", error)).strip().splitlines()[:1]
        return f"is not responding ({' '.join(first)}); start it, or correct DATABASE_URL"
    if version < 140000:
        return "is older than PostgreSQL 14; use a newer one"
    if not server.commits_are_durable():
        return "has synchronous_commit off: a 2xx would not mean that it is on disk; turn it on"
    if missing := server.missing_limits():
        return f"gives our role no limits: run {missing} and reconnect"
    return ""


def _tables(app: Flask) -> str:
    from alembic.script import ScriptDirectory

    from advocacy.cli.dev.up import MIGRATIONS

    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    try:
        at = server.revision()
    except SQLAlchemyError:
        return "there are none yet; run `advocacy migrate`"
    if at != head:
        return f"are at {at or 'nothing'}, not at {head}; run `advocacy migrate`"
    return ""


def _cluster() -> str:
    """Say what is wrong with a cluster that a single PostgreSQL cannot have."""
    try:
        left, lacking = citus.tables_left_behind(), citus.undistributed_tables()
        down, unset = citus.nodes_down(), citus.missing_settings()
    except SQLAlchemyError:
        return "cannot be looked at; see tables"
    wrong = []
    if down:
        wrong.append(f"does not reach {', '.join(down)}; start what is down")
    if lacking:
        wrong.append(f"has {', '.join(lacking)} on one machine only; run `advocacy distribute`")
    if left:
        wrong.append(
            f"has rows of {', '.join(left)} on the coordinator that are never erased; run"
            " `advocacy distribute`"
        )
    if unset:
        wrong.append(f"would use too long or too little; run {unset} and reconnect")
    return "; ".join(wrong)


def _key(app: Flask) -> str:
    try:
        app.extensions["key_check"].require()
    except WrongKey as wrong:
        return str(wrong)
    except SQLAlchemyError:
        return "cannot be compared; see tables"
    return ""


def _inbox() -> str:
    try:
        oldest = inbox.oldest_pending_seconds()
    except SQLAlchemyError:
        return "cannot be read; see tables"
    if oldest > _OLDEST_SECONDS:
        return f"a delivery has been pending for {oldest:.0f} s; is a worker running?"
    return ""


def _figures() -> str:
    """Name the organizations whose figures are not those of their actions."""
    try:
        wrong = [
            each.slug
            for each in organizations_storage.list_organizations()
            if not figures.are_right(each.id)
        ]
    except SQLAlchemyError:
        return "cannot be read; see tables"
    if wrong:
        return f"of {', '.join(wrong)} are not those of the actions; run `advocacy rebuild`"
    return ""


def _codes() -> str:
    """Name the sources that stopped returning codes."""
    try:
        organizations = organizations_storage.list_organizations()
        if not any(sources.list_sources(each.id) for each in organizations):
            return Off("no tool is connected; connect one with `advocacy source create`")
        lost = [
            f"{each.source}: {in_words(each, provider.CODE_PARAMETERS, provider.title)}"
            for organization in organizations
            for each in lost_sources(
                Carried(*row)
                for row in totals.carried_codes(organization.id, LATELY_DAYS, BEFORE_DAYS)
            )
            if (provider := BY_SLUG[each.provider])
        ]
    except SQLAlchemyError:
        return "cannot be read; see tables"
    return " ".join(lost)


def _zones() -> str:
    """Name the time zones in use that are not offered, as other programs write them."""
    try:
        found = {
            zone
            for organization in organizations_storage.list_organizations()
            for zone in campaigns.zones(organization.id).values()
        }
    except SQLAlchemyError:
        return "cannot be read; see tables"
    fixed = {each for each in dates.known() if each.startswith("Etc/")}
    return "; ".join(dates.mistake(each) for each in sorted(found - dates.accepted() - fixed))


def _mail(settings: Settings) -> str:
    """Say why reports and alerts do not reach those who wait for them."""
    try:
        every = [organization.id for organization in organizations_storage.list_organizations()]
        wanted = sum(len(email_outbox.list_subscriptions(org_id)) for org_id in every)
        stuck = sum(email_outbox.count_stuck(org_id, datetime.now(UTC)) for org_id in every)
    except SQLAlchemyError:
        return "cannot be read; see tables"
    if not settings.smtp_url:
        if wanted:
            return f"{wanted} subscriptions are waiting; set SMTP_URL and MAIL_FROM"
        return Off("none is sent; for reports and alerts set SMTP_URL and MAIL_FROM")
    try:
        smtp.check_login(settings.smtp_url, timeout=3.0)
    except smtp.MailRejected as rejected:
        advice = smtp.ADVICE.get(rejected.reason, "check its log")
        return f"the server rejects email ({rejected.reason}); {advice}"
    return f"{stuck} could not be sent; see `advocacy subscription sent`" if stuck else ""


def _pdf() -> str:
    """Say whether reports have a PDF and pictures."""
    if pdf_installed():
        return ""
    return Off(f"mails go without PDF and pictures; {PDF_ADVICE}")


def _redis(settings: Settings) -> str:
    try:
        about = connect(settings.redis_url, timeout=1.0).info()
    except (RedisError, OSError) as error:
        return f"is not responding ({type(error).__name__}); start it, or correct REDIS_URL"
    if about.get("maxmemory_policy", "noeviction") != "noeviction":
        return "may throw jobs away when full; set maxmemory-policy noeviction"
    return ""


def _worker(settings: Settings) -> str:
    found = _listening(settings, settings.queue)
    return "" if found else "none is running; start one with `python -m workers.run worker`"


def _counter(settings: Settings) -> str:
    found = _listening(settings, counts_queue(settings.queue))
    return "" if found else "none is running; start one with `python -m workers.run counter`"


def _listening(settings: Settings, queue: str) -> bool:
    every = Worker.all(connection=connect(settings.redis_url, timeout=1.0))
    return any(queue in each.queue_names() for each in every)


def _clock(settings: Settings) -> str:
    clocks = CronScheduler.all(connect(settings.redis_url, timeout=1.0))
    return "" if clocks else "none is running; start one with `python -m workers.run clock`"


def _postponed(settings: Settings) -> str:
    """Say what work waits for. Deliveries are still accepted meanwhile."""
    found = list_postponed(connect(settings.redis_url, timeout=1.0), settings.queue)
    if not found:
        return ""
    since = found[0].since.isoformat(timespec="seconds")
    why = "; ".join(ADVICE.get(name, name) for name in sorted({each.name for each in found}))
    return f"deliveries of {len(found)} organizations are pending since {since}: {why}"


def _folder(var_dir: Path) -> str:
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{var_dir} cannot be created ({error.strerror}); correct VAR_DIR"
    if not os.access(var_dir, os.W_OK):
        return f"{var_dir} cannot be written to; correct its permissions or VAR_DIR"
    if shutil.disk_usage(var_dir).free < _LEAST_FREE_BYTES:
        return (
            f"less than {_LEAST_FREE_BYTES // 1024**2} MiB are free at {var_dir}; free some space"
        )
    return ""


def _clicks(var_dir: Path) -> str:
    folder = var_dir / "clicks"
    oldest = time.time()
    for path in folder.glob("*.clicks"):
        # A segment may be shipped and gone between one line and the next.
        with contextlib.suppress(OSError):
            oldest = min(oldest, path.stat().st_mtime)
    waiting = click_log.waiting_bytes(folder)
    if waiting and time.time() - oldest > _OLDEST_SECONDS:
        return f"{waiting} bytes of clicks are not loaded yet; is a web process running?"
    return ""


def _public(settings: Settings) -> str:
    host = urlsplit(settings.public_url).hostname
    if host in {"127.0.0.1", "::1", "localhost"}:
        return Off(f"{settings.public_url} is this machine alone; for tools set PUBLIC_URL")
    if not settings.https:
        return f"{settings.public_url} is not https; tools would send secrets in the clear"
    return Unchecked("https; whether it is reached from outside was not tried")
