"""Drain the inbox: claim deliveries, parse them, and apply them a batch at a time.

A batch is claimed (committed, with the attempt counted), each body is parsed by its provider
adapter, and one transaction applies everything (`pipeline.apply_batch`) and marks the deliveries as
done.

Note: a body that cannot be parsed fails alone and at once. A transaction that fails because of its
content is retried in smaller parts until the offending delivery is alone; only that one uses up an
attempt. Failures of the infrastructure (`storage.outages`) use up none: the error ends the drain,
and the caller waits before the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from advocacy.core.crypto import organization_key
from advocacy.core.prefetch import Submit, background_thread, run_inline
from advocacy.ingestion import figures
from advocacy.ingestion.batch import Parsed
from advocacy.ingestion.facts import Failure, read_statements
from advocacy.ingestion.lease_renewal import HeldLeases, renewing
from advocacy.ingestion.minimization import retained_fact
from advocacy.ingestion.pipeline import apply_batch, restate_actions
from advocacy.ingestion.reconcile import write_facts
from advocacy.storage import (
    actions,
    campaigns,
    cells,
    clicks,
    figures_versions,
    inbox,
    leases,
    locks,
    organizations,
    outages,
    server,
    totals,
)
from advocacy.storage import sources as sources_storage
from advocacy.storage.session import transaction
from advocacy.storage.sources import SourceRow
from config.settings import Settings

log = structlog.get_logger()

RESTATE_AT_ONCE = 1_000
# Long enough for several small batches, so that switching between organizations costs little.
_TURN_SECONDS = 0.5
_SMALL_BATCH = 250

# A worker that says nothing to PostgreSQL for so many leases while it applies is taken for stopped.
_LEASES_IDLE = 3

# Pauses between attempts to release a claim while the database is away, in seconds.
_RELEASE_PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(slots=True)
class Drained:
    """What a drain did."""

    done: int = 0
    quarantined: int = 0
    restated: int = 0
    stopped_early: bool = False


class _Busy(Exception):
    """Another process holds the organization for long, as a rebuild does."""


class Batch(NamedTuple):
    """Deliveries that are claimed and parsed, and not stored yet."""

    claim: UUID
    parsed: Parsed
    sources: Mapping[UUID, Any]
    reached: UUID


def drain(
    settings: Settings,
    org_id: UUID,
    seconds: float = 20.0,
    others_wait: Callable[[], bool] = lambda: False,
    begin: Submit = run_inline,
    held: HeldLeases | None = None,
) -> Drained:
    """Process the pending deliveries of an organization until none is left or the time is up.

    The limit is `seconds`, or half a second where other organizations wait; batches are small then,
    since a turn is at least one batch. `begin` starts parsing the next batch while one is stored.
    `held` gets the leases that are to be renewed meanwhile. Raises errors of the infrastructure,
    see `storage.outages`.
    """
    result, held = Drained(), held or HeldLeases()
    began = time.monotonic()
    reached: UUID | None = None
    rebuild_outdated(settings, org_id, begin)
    with transaction():
        inbox.adopt_older(org_id)

    def read() -> Batch | None:
        nonlocal reached
        size = min(settings.batch_size, _SMALL_BATCH) if others_wait() else settings.batch_size
        batch = read_batch(settings, org_id, size, after=reached, held=held)
        if batch is None and reached:
            # Deliveries received earlier may have been committed later.
            batch = read_batch(settings, org_id, size, held=held)
        reached = batch.reached if batch else None
        return batch

    reading = None
    try:
        while True:
            batch = (reading or begin(read)).result()
            spent = time.monotonic() - began
            over = spent >= seconds or (spent > _TURN_SECONDS and others_wait())
            reading = begin(read) if batch and not over else None
            worked = store_batch(settings, org_id, batch, result)
            again = read_again(settings, org_id, held=held)
            worked |= store_batch(settings, org_id, again, result)
            for stored in filter(None, (batch, again)):
                held.discard(stored.claim)
            # Only once the backlog is processed, and by the sweep: the search takes time for each
            # such action.
            worked = worked or restate_waiting(org_id, result)
            figures.fold_news(org_id, cells.MANY)
            if over or not worked:
                result.stopped_early = worked
                return result
    finally:
        if reading:
            _release_read_ahead(org_id, reading)


def drain_backlog(
    settings: Settings,
    org_id: UUID,
    within: Callable[[], AbstractContextManager[object]],
    others_wait: Callable[[], bool] = lambda: False,
    beat: Callable[[], None] = lambda: None,
) -> bool:
    """Drain an organization as a worker does; return whether deliveries are still pending.

    A second thread parses the next batch while PostgreSQL stores one; it runs `within` the
    application context. A single batch is not worth a second connection. Another thread renews the
    leases and calls `beat` while this takes long. What an older version made waits for a rebuild,
    which takes longer than a drain may.
    """
    with within(), renewing(org_id, settings.lease_seconds, within, beat) as held:
        with transaction():
            if organizations.is_outdated(org_id):
                return False
            many = inbox.has_more_pending(org_id, settings.batch_size)
        if not many:
            return drain(settings, org_id, others_wait=others_wait, held=held).stopped_early
        with background_thread(within) as begin:
            return drain(
                settings, org_id, others_wait=others_wait, begin=begin, held=held
            ).stopped_early


def read_batch(
    settings: Settings,
    org_id: UUID,
    size: int,
    *,
    after: UUID | None = None,
    held: HeldLeases | None = None,
) -> Batch | None:
    """Claim and parse a batch of deliveries that have not been tried yet."""
    claim = leases.new_lease_id()
    with transaction():
        rows = leases.claim_batch(org_id, claim, settings.lease_seconds, size, after)
    return _read(settings, org_id, claim, rows, held)


def read_again(settings: Settings, org_id: UUID, *, held: HeldLeases | None = None) -> Batch | None:
    """Claim and parse what an expired claim left, or one delivery that failed alone."""
    claim = leases.new_lease_id()
    with transaction():
        rows = leases.claim_again(org_id, claim, settings.lease_seconds, settings.max_attempts)
    return _read(settings, org_id, claim, rows, held)


def _read(
    settings: Settings,
    org_id: UUID,
    claim: UUID,
    rows: Sequence[leases.LeasedDelivery],
    held: HeldLeases | None,
) -> Batch | None:
    if not rows:
        return None
    if held:
        held.add(claim)
    try:
        with transaction():
            sources = {source.id: source for source in sources_storage.list_sources(org_id)}
        parsed = parse_batch(settings.secret_key.encode(), org_id, rows, sources)
    except Exception:
        _release(org_id, claim)
        raise
    return Batch(claim, parsed, sources, rows[-1].id)


def _release(org_id: UUID, claim: UUID) -> None:
    """Release a claim without counting the attempt; wait for the database where it is away.

    If it stays away the claim expires, which costs a batch no attempt the first time.
    """
    for pause in _RELEASE_PAUSES:
        try:
            with transaction():
                return leases.release_lease(org_id, claim)
        except Exception as error:
            if not outages.name_of(error):
                raise
        time.sleep(pause)
    return None


def _release_read_ahead(org_id: UUID, reading: Future[Batch | None]) -> None:
    """Release a batch that was read ahead and will not be stored."""
    with suppress(Exception):
        if batch := reading.result():
            _release(org_id, batch.claim)


def store_batch(settings: Settings, org_id: UUID, batch: Batch | None, result: Drained) -> bool:
    """Store a batch, if there is one, and return whether there was.

    What fails because of its content is halved, until the delivery that is to blame is alone: only
    that one has used an attempt. Raises errors of the infrastructure.
    """
    if batch is None:
        return False
    claim, parsed, sources, _ = batch
    parts = [parsed]
    try:
        while parts:
            part = parts.pop()
            try:
                _store(settings, org_id, claim, part.part(), sources, last=not parts)
            except Exception as error:
                if isinstance(error, leases.LeaseLost | _Busy) or outages.name_of(error):
                    raise
                log.exception("batch_failed", deliveries=len(part.source_of))
                if halves := part.halves():
                    parts += halves
                else:
                    _count_attempt(settings, org_id, claim, part, error, last=not parts)
            else:
                result.done += len(part.facts)
                result.quarantined += len(part.failed)
    except leases.LeaseLost:
        log.warning("claim_lost", deliveries=len(parsed.source_of))
    except _Busy:
        log.warning("organization_busy", deliveries=len(parsed.source_of))
        _release(org_id, claim)
    except Exception as error:
        name = outages.name_of(error)
        log.warning("batch_postponed", deliveries=len(parsed.source_of), reason=name)
        _release(org_id, claim)
        raise
    return True


def _count_attempt(
    settings: Settings, org_id: UUID, claim: UUID, alone: Parsed, error: Exception, *, last: bool
) -> None:
    """Count that a delivery failed alone; it is quarantined once it has too often."""
    with transaction():
        leases.hold_lease(org_id, claim)
        for delivery_id in alone.source_of:
            leases.count_attempt(
                org_id, delivery_id, settings.max_attempts, "failed", type(error).__name__
            )
        if last:
            leases.release_lease(org_id, claim)


def parse_batch(
    master: bytes,
    org_id: UUID,
    rows: Iterable[leases.LeasedDelivery],
    sources: Mapping[UUID, SourceRow],
) -> Parsed:
    """Decrypt and parse each body; where a body has expired, use its stored facts."""
    key = organization_key(master, org_id, "identity")
    parsed = Parsed()
    for row in rows:
        parsed.source_of[row.id] = row.source_id
        read = read_statements(master, org_id, key, row, sources[row.source_id])
        if isinstance(read, Failure):
            parsed.failed[row.id] = read
        else:
            # Facts that are stored may be from before a rule about what is.
            parsed.facts[row.id] = (
                read.facts
                if row.body
                else [retained_fact(fact, row.source_id, key) for fact in read.facts]
            )
            if read.unread:
                parsed.unread[row.id] = read.unread
    return parsed


def _store(
    settings: Settings,
    org_id: UUID,
    claim: UUID,
    parsed: Parsed,
    sources: Mapping[UUID, Any],
    *,
    last: bool,
) -> None:
    """Store a parsed batch in one transaction, from the facts to the totals.

    One worker at a time does so for an organization, while others parse. The commit is not waited
    for: if the machine crashes the deliveries are pending again. The claim ends with its `last`
    part.
    """
    with transaction():
        # Keeps the claim alive for as long as this worker waits.
        leases.hold_lease(org_id, claim)
        # If this process is stopped, others must not wait for it longer than for a killed one.
        server.limit_idle_transaction(_LEASES_IDLE * settings.lease_seconds)
        if free := locks.wait_for_organization(org_id):
            server.commit_without_waiting()
            apply_batch(settings.secret_key.encode(), org_id, parsed, sources)
            inbox.close(org_id, parsed.facts, parsed.failed)
            inbox.put_unread_contacts(org_id, parsed.unread)
            if last:
                leases.release_lease(org_id, claim)
    if not free:
        raise _Busy


def restate_waiting(org_id: UUID, result: Drained) -> bool:
    """Attribute actions again whose click has been loaded since; return whether there were any."""
    with transaction():
        # Where another process applies something, they are found again later.
        if not actions.ids_waiting_for_clicks(org_id, 1) or not locks.try_organization(org_id):
            return False
        server.commit_without_waiting()
        ids = actions.ids_waiting_for_clicks(org_id, RESTATE_AT_ONCE)
        restate_actions(org_id, ids)
    result.restated += len(ids)
    return bool(ids)


class _Done(NamedTuple):
    """Processed deliveries, read again for a rebuild: those without a body, and the last one."""

    deliveries: int
    parsed: Parsed
    stored: set[UUID]
    last: UUID | None


def rebuild(
    settings: Settings,
    org_id: UUID,
    each: Callable[[int], None] | None = None,
    begin: Submit = run_inline,
    *,
    if_outdated: bool = False,
) -> int:
    """Rebuild everything derived from the inbox and the clicks, in one transaction.

    Readers see the old figures until it commits; deliveries that arrive meanwhile are stored and
    stay pending. `each` is called with the number of processed deliveries; `begin` is as in
    `drain`. With `if_outdated` nothing is done where this version has made the figures already.
    Returns how many deliveries there were.
    """
    master = settings.secret_key.encode()
    done = 0
    with transaction():
        # `begin` may read in another transaction.
        inbox.adopt_older(org_id)
    with transaction():
        locks.lock_organization(org_id)
        if if_outdated and not organizations.is_outdated(org_id):
            return done
        sources = {source.id: source for source in sources_storage.list_sources(org_id)}
        actions.drop_derived(org_id)
        clicks.clear_owners(org_id)
        totals.correct_click_spans(org_id)

        def read(after: UUID | None) -> _Done:
            rows = inbox.read_done(org_id, after, settings.batch_size)
            last = rows[-1].id if rows else None
            parsed = parse_batch(master, org_id, rows, sources)
            return _Done(len(rows), parsed, {row.id for row in rows if row.body is None}, last)

        reading = begin(partial(read, None))
        while (found := reading.result()).last:
            reading = begin(partial(read, found.last))
            parsed = found.parsed
            apply_batch(master, org_id, parsed, sources, rebuilding=True)
            stored = found.stored & parsed.facts.keys()
            inbox.put_facts(org_id, {each: write_facts(parsed.facts[each]) for each in stored})
            inbox.put_unread_contacts(org_id, {**dict.fromkeys(parsed.facts, 0), **parsed.unread})
            inbox.put_failed(org_id, parsed.failed)
            done += found.deliveries
            if each:
                each(done)
        figures_versions.note_change(org_id, campaigns.zones(org_id))
        figures.refill(org_id)
        organizations.note_rebuilt(org_id)
    return done


def rebuild_outdated(settings: Settings, org_id: UUID, begin: Submit = run_inline) -> None:
    """Rebuild an organization once whose figures an older version made.

    Whatever a worker of that version wrote while this one ran already is made again.
    """
    with transaction():
        if not organizations.is_outdated(org_id):
            return
    log.info("rebuild_after_upgrade", organization=str(org_id))
    done = rebuild(settings, org_id, begin=begin, if_outdated=True)
    log.info("rebuilt_after_upgrade", organization=str(org_id), deliveries=done)
