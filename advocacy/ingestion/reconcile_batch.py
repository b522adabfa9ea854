"""Make actions of the facts of a batch, with everything that is known about these actions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from advocacy.core.events import StatementType
from advocacy.identity.hashing import supporter_of
from advocacy.ingestion.batch import Batch, Parsed
from advocacy.ingestion.facts import facts_of
from advocacy.ingestion.reconcile import Fact, Reconciled, group_facts, reconcile
from advocacy.storage import action_aliases, actions, duplicates
from advocacy.storage.actions import Action


def reconcile_facts(master: bytes, batch: Batch, parsed: Parsed) -> None:
    """Add the actions that the facts of these deliveries are about."""
    facts = [fact for stated in parsed.facts.values() for fact in stated]
    names = {fact.action_id for fact in facts}.union(*(fact.same_as for fact in facts))
    aliases = action_aliases.find_aliases(batch.org_id, names)
    batch.stored = actions.find_actions(batch.org_id, names | set(aliases.values()))
    batch.duplicates = {
        (fact.action_id, fact.delivery_id)
        for fact in facts
        if fact.said is StatementType.DUPLICATE_OF
    }
    earlier = _earlier_deliveries(batch, duplicates.find_duplicates(batch.org_id, names))
    if earlier := earlier - parsed.facts.keys():
        facts += facts_of(master, batch.org_id, earlier)
    for action_id, group in _groups(facts, aliases):
        # An earlier delivery may report other actions too, about which this batch says nothing new.
        if not any(fact.delivery_id in parsed.facts for fact in group):
            continue
        fact = group[0]
        if (
            len(group) == 1
            and fact.said is StatementType.CREATED
            and action_id not in batch.stored
            and not fact.same_as
        ):
            batch.actions.append(first_told(fact, parsed.source_of[fact.delivery_id]))
        else:
            _add_action(batch, parsed, action_id, group, aliases)


def _earlier_deliveries(batch: Batch, told_duplicate: Collection[UUID]) -> set[UUID]:
    """Return the deliveries that reported these actions, or called one a duplicate."""
    return {delivery_id for row in batch.stored.values() for delivery_id in row.delivery_ids}.union(
        told_duplicate
    )


def _groups(
    facts: Sequence[Fact], aliases: Mapping[UUID, UUID]
) -> Iterable[tuple[UUID, list[Fact]]]:
    """Group facts by action; `group_facts` is needed only where actions have several names."""
    if aliases or any(fact.same_as for fact in facts):
        return group_facts(facts, aliases).items()
    groups: dict[UUID, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(fact.action_id, []).append(fact)
    return groups.items()


def _add_action(
    batch: Batch,
    parsed: Parsed,
    action_id: UUID,
    group: Sequence[Fact],
    aliases: Mapping[UUID, UUID],
) -> None:
    """Add an action; facts that only call it a duplicate of another one make none."""
    own = {fact.delivery_id for fact in group if fact.said is not StatementType.DUPLICATE_OF}
    if not own:
        return
    members = {name for fact in group for name in (fact.action_id, *fact.same_as)}
    members |= {aliases[name] for name in members if name in aliases}
    rows = [batch.stored[name] for name in sorted(members) if name in batch.stored]
    # Where several tools report one action, its source is the one that was received first, not the
    # one that a worker processed first.
    source_of = {
        min(own.intersection(row.delivery_ids), default=row.delivery_ids[0]): row.source_id
        for row in rows
    }
    source_of |= {each: parsed.source_of[each] for each in own if each in parsed.facts}
    action = action_of(
        reconcile(group, action_id),
        source_of[min(source_of)],
        sorted({fact.delivery_id for fact in group}),
    )
    batch.actions.append(action)
    batch.gone += [row for row in rows if row.id != action.id]
    if len(members) > 1:
        batch.aliases |= dict.fromkeys(members, action.id)


def first_told(fact: Fact, source_id: UUID) -> Action:
    """Return the action of a single statement that it happened, as `reconcile` describes it."""
    who = fact.who
    named = {} if "erased" in who else who
    return Action(
        id=fact.action_id,
        source_id=source_id,
        external_id=fact.external_id,
        kind=fact.kind,
        counted=not fact.test,
        occurred_at=fact.occurred_at,
        occurred_on=fact.occurred_at.date(),
        supporter_id=supporter_of(who),
        email_hash=named.get("email", ""),
        phone_hash=named.get("phone", ""),
        person_hash=named.get("person_id", ""),
        code=fact.code,
        click_id=fact.click_id if named is who else "",
        utm=dict(fact.utm),
        referrer=fact.referrer,
        gross_minor=fact.amount_minor or 0,
        currency=fact.currency,
        recurs_as=fact.recurs_as,
        renewal=fact.renewal,
        target=fact.target,
        test=fact.test,
        delivery_ids=[fact.delivery_id],
    )


def action_of(settled: Reconciled, source_id: UUID, delivery_ids: list[UUID]) -> Action:
    """Return the row of a reconciled action."""
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
