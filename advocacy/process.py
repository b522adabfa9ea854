"""② What waits in the inbox is parsed, settled, attributed and counted, a batch at a time.

The way of a batch: claim (committed, the attempt counted) → parse each body in its provider's room,
pure → one transaction: settle the actions, join people and clicks, attribute, replace the rows, add
the difference to the totals, close the deliveries. All of it or nothing of it.

What a stranger would get wrong: an action is attributed again whenever its evidence changes, also
long after it was counted: a click that is shipped late, a click that turns out to be somebody's.
The result is the same in every order of arrival.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from advocacy.attribution import RULES, WINDOWS, attribute
from advocacy.events import ActionKind, Unreadable, Verified
from advocacy.identity import digests, organization_key, supporter_of, suppression_mark
from advocacy.ledger import Fact, Settled, fact_of, settle
from advocacy.providers import BY_SLUG
from advocacy.rollup import day_in, deltas
from advocacy.sealing import unseal
from advocacy.store import (
    actions,
    campaigns,
    inbox,
    totals,
    touches,
    transaction,
    with_retries,
)
from advocacy.store.actions import Action
from advocacy.trail import Known, trail
from config.settings import Settings

log = structlog.get_logger()

LONGEST_WINDOW_DAYS = max(window.days for window in WINDOWS.values())
RESTATE_AT_ONCE = 1_000
RULE = RULES["last_touch"]


@dataclass(slots=True)
class Drained:
    """What a drain did."""

    done: int = 0
    quarantined: int = 0
    restated: int = 0
    stopped_early: bool = False


@dataclass(slots=True)
class Parsed:
    """What the bodies of a batch said: facts by delivery, and what could not be read."""

    facts: dict[UUID, list[Fact]] = field(default_factory=dict)
    failed: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    source_of: dict[UUID, UUID] = field(default_factory=dict)


def drain(settings: Settings, org_id: UUID, seconds: float = 20.0) -> Drained:
    """Work until nothing of this organization waits, or its time is up and others want theirs."""
    result = Drained()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        worked = _batch(settings, org_id, result, alone=False)
        worked |= _batch(settings, org_id, result, alone=True)
        worked |= restate_waiting(org_id, result)
        if not worked:
            return result
    result.stopped_early = True
    return result


def _batch(settings: Settings, org_id: UUID, result: Drained, *, alone: bool) -> bool:
    """Claim and work through one batch; with `alone`, one delivery that failed before."""
    lease = inbox.new_lease()
    seconds = settings.lease_seconds
    with transaction():
        if alone:
            rows = inbox.claim_retry(org_id, lease, seconds, settings.max_attempts)
        else:
            rows = inbox.claim_batch(org_id, lease, seconds, settings.batch_size)
    if not rows:
        return False
    master = settings.secret_key.encode()
    with transaction():
        sources = {source.id: source for source in campaigns.list_sources(org_id)}
    parsed = parse_batch(master, org_id, rows, sources)
    try:
        with_retries(lambda: _keep(master, org_id, lease, parsed, sources))
    except inbox.LostLease:
        log.warning("lease_lost", deliveries=len(rows))
        return True
    except SQLAlchemyError as error:
        # Try each alone next; whoever is to blame will be found out and quarantined.
        log.exception("batch_failed", deliveries=len(rows))
        with transaction():
            inbox.release(org_id, lease, "failed", type(error).__name__)
        return True
    result.done += len(parsed.facts)
    result.quarantined += len(parsed.failed)
    return True


def parse_batch(
    master: bytes, org_id: UUID, rows: Iterable[inbox.Claimed], sources: Mapping[UUID, Any]
) -> Parsed:
    """Open and parse each body; a body that is gone after its time speaks through its facts."""
    key = organization_key(master, org_id, "identity")
    parsed = Parsed()
    for row in rows:
        source = sources[row.source_id]
        parsed.source_of[row.id] = source.id
        try:
            if row.body is None:
                told = [Fact.from_json(fact) for fact in row.facts or []]
            else:
                told = _parse(master, org_id, key, row, source)
        except Unreadable as error:
            parsed.failed[row.id] = (error.reason, error.detail)
        except Exception as error:
            # A room that fails on a body is our mistake: keep the body, say so, go on.
            log.exception("room_failed", provider=source.provider)
            parsed.failed[row.id] = ("room_failed", type(error).__name__)
        else:
            parsed.facts[row.id] = told
    return parsed


def _parse(master: bytes, org_id: UUID, key: bytes, row: inbox.Claimed, source: Any) -> list[Fact]:
    body = unseal(master, org_id, f"body:{row.id}", row.body or b"")
    verified = Verified(body, row.received_at, row.message_id, row.content_type, source.setup)
    return [
        fact_of(
            event,
            source_id=source.id,
            delivery_id=row.id,
            who=digests(event.person, key, source.region, str(source.id)),
        )
        for event in BY_SLUG[source.provider].parse(verified)
    ]


def _keep(
    master: bytes, org_id: UUID, lease: UUID, parsed: Parsed, sources: Mapping[UUID, Any]
) -> None:
    """Keep a parsed batch: one transaction from the facts to the totals."""
    with transaction():
        actions.lock_organization(org_id, alone=False)
        settle_batch(master, org_id, parsed, sources)
        inbox.put_done(
            org_id,
            lease,
            {row_id: [fact.to_json() for fact in told] for row_id, told in parsed.facts.items()},
            parsed.failed,
        )


def settle_batch(master: bytes, org_id: UUID, parsed: Parsed, sources: Mapping[UUID, Any]) -> None:
    """Settle, join, attribute and count what a batch told, within the current transaction."""
    _forget_suppressed(master, org_id, parsed)
    told: dict[UUID, dict[UUID, list[Fact]]] = {}
    for delivery_id, facts in parsed.facts.items():
        for fact in facts:
            told.setdefault(fact.action_id, {}).setdefault(delivery_id, []).append(fact)
    before = actions.lock_actions(org_id, told)
    _add_earlier_facts(org_id, told, before)
    settled = []
    for action_id, by_delivery in told.items():
        # Of several tools that tell of the same action, the first one is its source.
        known = before.get(action_id)
        source_id = known.source_id if known else parsed.source_of[min(by_delivery)]
        facts = [fact for each in by_delivery.values() for fact in each]
        settled.append(_action(settle(facts), source_id, sorted(by_delivery)))
    _attribute_and_keep(org_id, settled, before, sources)


def _forget_suppressed(master: bytes, org_id: UUID, parsed: Parsed) -> None:
    """Take the person out of what a late delivery tells of somebody who was erased."""
    key = organization_key(master, org_id, "suppress")
    marks = {
        value: suppression_mark(key, value)
        for facts in parsed.facts.values()
        for fact in facts
        for value in fact.who.values()
    }
    suppressed = actions.find_suppressed(org_id, marks.values()) if marks else set()
    if not suppressed:
        return
    erased = []
    for delivery_id, facts in parsed.facts.items():
        for index, fact in enumerate(facts):
            if any(marks[value] in suppressed for value in fact.who.values()):
                facts[index] = replace(fact, who={}, click_id="")
                erased.append(delivery_id)
    inbox.drop_bodies(org_id, erased)


def _add_earlier_facts(
    org_id: UUID, told: dict[UUID, dict[UUID, list[Fact]]], before: Mapping[UUID, Action]
) -> None:
    """Add what earlier deliveries told of the same actions; what is told again replaces it."""
    earlier = {
        delivery_id
        for action_id, action in before.items()
        for delivery_id in action.delivery_ids
        if delivery_id not in told[action_id]
    }
    if not earlier:
        return
    for written in inbox.facts_of(org_id, earlier):
        fact = Fact.from_json(written)
        by_delivery = told.get(fact.action_id)
        if by_delivery is not None and fact.delivery_id in earlier:
            by_delivery.setdefault(fact.delivery_id, []).append(fact)


def _action(settled: Settled, source_id: UUID, delivery_ids: list[UUID]) -> Action:
    return Action(
        id=settled.id,
        source_id=source_id,
        external_id=settled.external_id,
        kind=settled.kind,
        counted=settled.counted,
        occurred_at=settled.occurred_at,
        occurred_on=settled.occurred_at.date(),
        supporter_id=supporter_of(dict(settled.who)),
        code=settled.code,
        click_id=settled.click_id,
        utm=dict(settled.utm),
        referrer=settled.referrer,
        gross_minor=settled.gross_minor,
        refunded_minor=settled.refunded_minor,
        currency=settled.currency,
        returns=[
            {"at": each.at.isoformat(), "amount_minor": each.amount_minor}
            for each in settled.returns
        ]
        or None,
        recurs_as=settled.recurs_as,
        renewal=settled.renewal,
        ended_at=settled.ended_at,
        target=settled.target,
        test=settled.test,
        delivery_ids=delivery_ids,
    )


def _attribute_and_keep(
    org_id: UUID, todo: list[Action], before: dict[UUID, Action], sources: Mapping[UUID, Any]
) -> None:
    """Attribute these actions and all whose evidence they change; keep rows, people and totals."""
    owners: dict[str, set[UUID]] = {}
    for action in todo:
        if action.click_id and action.supporter_id and not action.test:
            owners.setdefault(action.click_id, set()).add(action.supporter_id)
    if changed := touches.put_owners(org_id, owners):
        have = {action.id for action in todo}
        near = set(actions.ids_near(org_id, changed, LONGEST_WINDOW_DAYS)) - have
        affected = actions.lock_actions(org_id, near)
        before |= affected
        todo = todo + [replace(action) for action in affected.values()]

    zones = campaigns.zones(org_id)
    known = _look_up(org_id, todo)
    for action in todo:
        _credit(action, known, sources, zones)

    actions.put_new(org_id, [action for action in todo if action.id not in before])
    replaced = [action for action in todo if action.id in before and action != before[action.id]]
    actions.replace_actions(org_id, replaced)
    _note_supporters(org_id, todo, before)
    totals.add_totals(
        org_id,
        deltas([before[action.id] for action in todo if action.id in before], todo, zones),
        slot=os.getpid() % touches.SLOTS,
    )


def _look_up(org_id: UUID, todo: Sequence[Action]) -> Known:
    """Look up for a whole batch what its actions could be joined by: one read of each kind."""
    codes = {action.code for action in todo} - {""}
    utm = {action.utm.get("campaign", "") for action in todo} - {""}
    click_ids = {action.click_id for action in todo} - {""}
    people = {action.supporter_id for action in todo} - {None}
    return Known(
        links=campaigns.links_by_code(org_id, sorted(codes)) if codes else {},
        utm_links=campaigns.links_with_utm(org_id, sorted(utm)) if utm else [],
        clicks=touches.by_click_id(org_id, sorted(click_ids)) if click_ids else {},
        clicks_of=touches.by_supporter(org_id, [each for each in people if each]),
    )


def _credit(
    action: Action,
    known: Known,
    sources: Mapping[UUID, Any],
    zones: Mapping[UUID | None, str],
) -> None:
    """Give an action to the post that the rule says, and with it to a campaign and a day."""
    evidence = trail(
        action.occurred_at,
        known,
        code=action.code,
        click_id=action.click_id,
        utm=action.utm,
        referrer=action.referrer,
        supporter_id=action.supporter_id,
    )
    window = WINDOWS[ActionKind(action.kind)]
    (credit,) = attribute(action.occurred_at, evidence, RULE, window)
    touch = credit.touch
    action.tier = credit.tier
    action.post_id = touch.post_id if touch else None
    action.link_id = touch.link_id if touch else None
    action.platform = touch.platform if touch else ""
    action.campaign_id = (touch and touch.campaign_id) or sources[action.source_id].campaign_id
    action.occurred_on = day_in(action.occurred_at, zones.get(action.campaign_id) or zones[None])


def _note_supporters(org_id: UUID, todo: Sequence[Action], before: Mapping[UUID, Action]) -> None:
    firsts: dict[UUID, datetime] = {}
    unsettled: set[UUID] = set()
    for action in todo:
        old = before.get(action.id)
        if action.supporter_id and action.counted:
            first = firsts.get(action.supporter_id, action.occurred_at)
            firsts[action.supporter_id] = min(first, action.occurred_at)
        if old and _who_when(old) != _who_when(action):
            unsettled |= {each for each in (old.supporter_id, action.supporter_id) if each}
    actions.put_supporters(org_id, firsts)
    actions.settle_supporters(org_id, unsettled)


def _who_when(action: Action) -> tuple[object, ...]:
    return action.supporter_id, action.occurred_at, action.counted


def restate_waiting(org_id: UUID, result: Drained) -> bool:
    """Attribute again the actions that named a click which has been shipped since."""

    def restate() -> int:
        with transaction():
            ids = actions.ids_waiting_for_clicks(org_id, RESTATE_AT_ONCE)
            if ids:
                actions.lock_organization(org_id, alone=False)
                restate_actions(org_id, ids)
            return len(ids)

    restated = with_retries(restate)
    result.restated += restated
    return bool(restated)


def restate_actions(org_id: UUID, ids: Iterable[UUID]) -> None:
    """Attribute these actions again from the evidence that is there now."""
    before = actions.lock_actions(org_id, ids)
    sources = {source.id: source for source in campaigns.list_sources(org_id)}
    _attribute_and_keep(org_id, [replace(each) for each in before.values()], before, sources)


def rebuild(settings: Settings, org_id: UUID, each: Callable[[int], None] | None = None) -> int:
    """Make everything derived anew from the inbox and the clicks, in one transaction.

    Readers see the old numbers until the new ones are whole; deliveries that arrive meanwhile are
    kept and wait. `each` is told how many deliveries are done. Returns their number.
    """
    master = settings.secret_key.encode()
    done = 0
    with transaction():
        actions.lock_organization(org_id, alone=True)
        sources = {source.id: source for source in campaigns.list_sources(org_id)}
        actions.drop_derived(org_id)
        touches.forget_owners(org_id)
        after: tuple[datetime, UUID] | None = None
        while rows := inbox.read_done(org_id, after, settings.batch_size):
            parsed = parse_batch(master, org_id, rows, sources)
            settle_batch(master, org_id, parsed, sources)
            inbox.put_facts(
                org_id,
                {row: [fact.to_json() for fact in told] for row, told in parsed.facts.items()},
            )
            inbox.put_failed(org_id, parsed.failed)
            done += len(rows)
            after = rows[-1].received_at, rows[-1].id
            if each:
                each(done)
    return done
