"""Apply a parsed batch: reconcile actions, resolve people, attribute, update totals.

Runs inside the caller's transaction.

Note: an action is attributed again whenever its evidence changes, even long after it was counted,
for example when a click turns out to be the supporter's or the first payment arrives after its
renewals. The result is the same in every order of arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from advocacy.attribution import WINDOWS, shares_of
from advocacy.attribution.credit import credit_action, first_payment, touches_of
from advocacy.attribution.touchpoints import TouchLookup
from advocacy.core.crypto import organization_key
from advocacy.core.dates import day_in
from advocacy.core.events import Tier, Touch
from advocacy.core.records import StoredClick, StoredTouch
from advocacy.identity.hashing import supporter_of, suppression_digest
from advocacy.identity.resolution import Joined, join_people
from advocacy.ingestion import figures
from advocacy.ingestion.evidence import look_up
from advocacy.ingestion.facts import facts_of
from advocacy.ingestion.reconcile import Fact, Reconciled, group_facts, reconcile, write_facts
from advocacy.ingestion.restatements import restated
from advocacy.ingestion.totals_deltas import deltas
from advocacy.storage import (
    action_aliases,
    actions,
    campaigns,
    distinct_counts,
    figures_versions,
    inbox,
    restatements,
    server,
    supporters,
    suppressions,
    totals,
)
from advocacy.storage import clicks as clicks_storage
from advocacy.storage import sources as sources_storage
from advocacy.storage.actions import Action

LONGEST_WINDOW_DAYS = max(window.days for window in WINDOWS.values())


@dataclass(slots=True)
class Parsed:
    """What the bodies of a batch say: facts by delivery, and what could not be parsed.

    `unread` counts the actions of a delivery with a contact that could not be read.
    """

    facts: dict[UUID, list[Fact]] = field(default_factory=dict)
    failed: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    source_of: dict[UUID, UUID] = field(default_factory=dict)
    unread: dict[UUID, int] = field(default_factory=dict)

    def part(self, delivery_ids: Iterable[UUID] | None = None) -> Parsed:
        """Return what these deliveries say, or all, as a copy: to apply it changes it."""
        ids = set(self.source_of if delivery_ids is None else delivery_ids)

        def of(some: Mapping[UUID, Any]) -> dict[UUID, Any]:
            return {each: value for each, value in some.items() if each in ids}

        return Parsed(of(self.facts), of(self.failed), of(self.source_of), of(self.unread))

    def halves(self) -> list[Parsed]:
        """Return two halves; nothing of a single delivery."""
        ids = list(self.source_of)
        middle = len(ids) // 2
        return [self.part(ids[:middle]), self.part(ids[middle:])] if middle else []


def apply_batch(
    master: bytes,
    org_id: UUID,
    parsed: Parsed,
    sources: Mapping[UUID, Any],
    *,
    rebuilding: bool = False,
) -> None:
    """Reconcile, resolve, attribute and count a parsed batch in the current transaction.

    The caller holds the organization's lock. Changes to completed days are recorded as
    restatements, and distinct people are counted. With `rebuilding` neither is done: the caller
    counts distinct people once, at the end.
    """
    server.prefer_index_scans()
    _remove_erased_people(master, org_id, parsed)
    facts = [fact for stated in parsed.facts.values() for fact in stated]
    names = {name for fact in facts for name in (fact.action_id, *fact.same_as)}
    known = action_aliases.find_aliases(org_id, names)
    before = actions.find_actions(org_id, names | set(known.values()))
    facts += _earlier_facts(master, org_id, before, parsed.facts)

    todo, gone, names_of = [], [], {}
    for action_id, group in group_facts(facts, known).items():
        # An earlier delivery may report other actions too, about which this batch says nothing new.
        if not any(fact.delivery_id in parsed.facts for fact in group):
            continue
        settled = reconcile(group, action_id)
        members = {name for fact in group for name in (fact.action_id, *fact.same_as)}
        members |= {known[name] for name in members if name in known}
        rows = [before[name] for name in sorted(members) if name in before]
        delivery_ids = sorted({fact.delivery_id for fact in group})
        # Where several tools report one action, its source is the one that was received first, not
        # the one that a worker processed first.
        source_of = {row.delivery_ids[0]: row.source_id for row in rows}
        source_of |= {each: parsed.source_of[each] for each in delivery_ids if each in parsed.facts}
        todo.append(_action(settled, source_of[min(source_of)], delivery_ids))
        gone += [row for row in rows if row.id != settled.id]
        if len(members) > 1:
            names_of[settled.id] = members

    people = join_people(org_id, todo, before, gone)
    action_aliases.put_aliases(
        org_id, {name: action.id for action in todo for name in names_of.get(action.id, ())}
    )
    _attribute_and_store(org_id, todo, before, sources, people, gone, rebuilding=rebuilding)


def _remove_erased_people(master: bytes, org_id: UUID, parsed: Parsed) -> None:
    """Remove erased people from deliveries that arrive after the erasure."""
    if not suppressions.has_erased(org_id):
        return
    key = organization_key(master, org_id, "suppress")
    marks = {
        value: suppression_digest(key, value)
        for facts in parsed.facts.values()
        for fact in facts
        for value in fact.who.values()
    }
    suppressed = suppressions.find_erased(org_id, marks.values()) if marks else set()
    if not suppressed:
        return
    erased = set()
    for delivery_id, stated in parsed.facts.items():
        facts = [*stated]
        for index, fact in enumerate(stated):
            left = {kind: one for kind, one in fact.who.items() if marks[one] not in suppressed}
            if len(left) == len(fact.who):
                continue
            erased.add(delivery_id)
            # Another person's address stays, even if they share a phone with the erased person.
            without_person = "email" not in left
            facts[index] = replace(
                fact,
                who={} if without_person else left,
                click_id="" if without_person else fact.click_id,
            )
        parsed.facts[delivery_id] = facts
    inbox.put_redacted(org_id, {each: write_facts(parsed.facts[each]) for each in sorted(erased)})


def _earlier_facts(
    master: bytes, org_id: UUID, before: Mapping[UUID, Action], stated: Mapping[UUID, object]
) -> list[Fact]:
    """Return what earlier deliveries reported about these actions, without those in this batch."""
    earlier = {
        delivery_id
        for action in before.values()
        for delivery_id in action.delivery_ids
        if delivery_id not in stated
    }
    return facts_of(master, org_id, earlier) if earlier else []


def _action(settled: Reconciled, source_id: UUID, delivery_ids: list[UUID]) -> Action:
    who = dict(settled.who)
    erased = "erased" in who
    return Action(
        id=settled.id,
        source_id=source_id,
        external_id=settled.external_id,
        kind=settled.kind,
        counted=settled.counted,
        occurred_at=settled.occurred_at,
        occurred_on=settled.occurred_at.date(),
        supporter_id=supporter_of(who),
        email_hash="" if erased else who.get("email", ""),
        phone_hash="" if erased else who.get("phone", ""),
        person_hash="" if erased else who.get("person_id", ""),
        code=settled.code,
        click_id="" if erased else settled.click_id,
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


def _attribute_and_store(
    org_id: UUID,
    todo: list[Action],
    before: dict[UUID, Action],
    sources: Mapping[UUID, Any],
    people: Joined,
    gone: Sequence[Action] = (),
    *,
    rebuilding: bool = False,
) -> None:
    """Attribute these actions and all whose evidence they change; store rows, people and totals.

    `people` is the result of resolving them; `gone` are rows that were merged into another row.
    """
    olds = [before[action.id] for action in todo if action.id in before]
    _note_first_acts(org_id, todo)
    # Read before owners are stored: a click loaded from now on may have none, and is waited for.
    clicks = _clicks_of(org_id, todo)
    for action in todo:
        action.click_found = action.click_id in clicks
    concerned = set(people.moved)
    if changed := clicks_storage.put_owners(org_id, people.owners):
        concerned |= set(actions.ids_near(org_id, changed, LONGEST_WINDOW_DAYS))
    if affected := _find_affected(org_id, [*todo, *olds, *gone], concerned):
        before |= affected
        # These actions got no click: one that waits for a click goes on waiting.
        clicks |= _clicks_of(org_id, affected.values())
        todo = todo + [
            replace(each, supporter_id=people.moved.get(each.id, each.supporter_id))
            for each in affected.values()
        ]

    zones = campaigns.zones(org_id)
    lookup = look_up(org_id, todo, clicks)
    for action in todo:
        _credit(action, lookup)
    _inherit(todo)
    for action in todo:
        _place(action, sources, zones)

    new = [action for action in todo if action.id not in before]
    actions.put_new(org_id, new)
    replaced = [action for action in todo if action.id in before and action != before[action.id]]
    actions.replace_actions(org_id, replaced)
    changed_rows = [*new, *replaced, *(before[action.id] for action in replaced), *gone]
    figures_versions.note_change(org_id, {action.campaign_id for action in changed_rows})
    if not rebuilding:
        now = datetime.now(UTC)
        restatements.put_restatements(org_id, restated(before, todo, zones, now))
    actions.drop_actions(org_id, [action.id for action in gone])
    _settle_supporters(org_id, todo, before, gone)
    was = [*(before[action.id] for action in todo if action.id in before), *gone]
    totals.add_totals(org_id, deltas(was, todo, zones), 0)
    totals.add_generations(org_id, was, todo, 0)
    if not rebuilding:
        distinct_counts.record_distinct_counts(org_id, was, todo, zones)
        figures.record_changes(org_id, was, todo, zones)


def _find_affected(
    org_id: UUID, batch: Sequence[Action], concerned: Collection[UUID]
) -> dict[UUID, Action]:
    """Return the affected actions, and all payments of their recurring gifts.

    Without the actions of this batch (`batch`).
    """
    own = {action.id for action in batch}
    others = set(concerned) - own
    affected = actions.find_actions(org_id, others) if others else {}
    some = [*batch, *affected.values()]
    if mandates := {(each.source_id, each.recurs_as) for each in some if each.recurs_as}:
        others = set(actions.ids_of_mandates(org_id, mandates)) - own - affected.keys()
        affected |= actions.find_actions(org_id, others) if others else {}
    return affected


def _clicks_of(org_id: UUID, some: Iterable[Action]) -> dict[str, StoredClick]:
    """Return the clicks that these actions carried back, as far as they have been loaded."""
    click_ids = {action.click_id for action in some} - {""}
    return clicks_storage.by_click_id(org_id, sorted(click_ids)) if click_ids else {}


def _credit(action: Action, lookup: TouchLookup) -> None:
    """Set the credit of an action, and its path where several touches share it."""
    credit, path = credit_action(action, touches_of(action, lookup, in_window=True))
    touch = credit.touch
    action.path = _stored_path(path, action.occurred_at) if len(path) > 1 else None
    action.tier = credit.tier
    action.post_id = touch.post_id if touch else None
    action.link_id = touch.link_id if touch else None
    action.platform = touch.platform if touch else ""
    action.campaign_id = touch.campaign_id if touch else None


def _stored_path(path: Sequence[Touch], occurred_at: datetime) -> list[StoredTouch]:
    """Return the touches of a path as they are stored, each with its share by model."""
    return [
        {
            "post_id": str(touch.post_id) if touch.post_id else None,
            "link_id": str(touch.link_id) if touch.link_id else None,
            "platform": touch.platform,
            "channel": touch.channel,
            "tier": touch.tier,
            "at": touch.at.isoformat(),
            "shares": {name: str(share) for name, share in shares.items() if share},
        }
        for touch, shares in zip(path, shares_of(path, occurred_at), strict=True)
    ]


def _inherit(todo: Sequence[Action]) -> None:
    """Give all payments of a recurring gift the credit of its first payment."""
    mandates: dict[tuple[UUID, str], list[Action]] = {}
    for action in todo:
        if action.recurs_as:
            mandates.setdefault((action.source_id, action.recurs_as), []).append(action)
    for payments in mandates.values():
        first = first_payment(payments, lambda each: each.tier != Tier.UNATTRIBUTED)
        for payment in payments:
            for name in ("tier", "post_id", "link_id", "platform", "campaign_id", "path"):
                setattr(payment, name, getattr(first, name))


def _place(action: Action, sources: Mapping[UUID, Any], zones: Mapping[UUID | None, str]) -> None:
    """Set the campaign (the source's where no post is credited) and the day of an action."""
    action.campaign_id = action.campaign_id or sources[action.source_id].campaign_id
    action.occurred_on = day_in(action.occurred_at, zones.get(action.campaign_id) or zones[None])


def _settle_supporters(
    org_id: UUID,
    todo: Sequence[Action],
    before: Mapping[UUID, Action],
    gone: Sequence[Action],
) -> None:
    """Find the first action of supporters again where an action changed or changed hands.

    Those who turn out to have no action are deleted.
    """
    unsettled: set[UUID] = {each.supporter_id for each in gone if each.supporter_id}
    changed = []
    for action in todo:
        old = before.get(action.id)
        if old and _who_when(old) != _who_when(action):
            unsettled |= {each for each in (old.supporter_id, action.supporter_id) if each}
            changed.append(action)
    _note_first_acts(org_id, changed)
    supporters.refresh_first_acted(org_id, unsettled)
    acted = {action.supporter_id for action in todo if action.counted}
    supporters.drop_idle_supporters(org_id, unsettled - acted)


def _note_first_acts(org_id: UUID, some: Iterable[Action]) -> None:
    """Record when supporters first acted."""
    firsts: dict[UUID, datetime] = {}
    for action in some:
        if action.supporter_id and action.counted:
            first = firsts.get(action.supporter_id, action.occurred_at)
            firsts[action.supporter_id] = min(first, action.occurred_at)
    supporters.put_supporters(org_id, firsts)


def _who_when(action: Action) -> tuple[object, ...]:
    return action.supporter_id, action.occurred_at, action.counted


def restate_actions(org_id: UUID, ids: Iterable[UUID]) -> None:
    """Attribute these actions again from the current evidence."""
    server.prefer_index_scans()
    before = actions.find_actions(org_id, ids)
    todo = [replace(each) for each in before.values()]
    sources = {source.id: source for source in sources_storage.list_sources(org_id)}
    people = join_people(org_id, todo, before)
    _attribute_and_store(org_id, todo, before, sources, people)
