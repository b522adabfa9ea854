"""Delete bodies after their retention time, and erase a person while the counts stay.

Note: erasing does not delete actions. The person's actions get a random token in place of the
person, so that every count stays. Their hashes are removed from the facts and their bodies are
deleted; bodies without an action, or that cannot be parsed, are searched for the person. A digest
under a separate key keeps late deliveries and rebuilds from bringing them back. What was joined
through the person is separated again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from advocacy.core.crypto import DIGEST_BYTES, open_text, organization_key, unseal
from advocacy.core.errors import Unreadable
from advocacy.core.events import Person
from advocacy.core.records import Identifier
from advocacy.identity.graph import STRONG, supporter_named_by
from advocacy.identity.hashing import digests, suppression_digest
from advocacy.identity.resolution import edge_of
from advocacy.ingestion.batch import Parsed
from advocacy.ingestion.erasure_search import mentions, search_terms
from advocacy.ingestion.facts import (
    Statements,
    deliveries_naming,
    facts_by_delivery,
    read_statements,
)
from advocacy.ingestion.pipeline import apply_batch
from advocacy.ingestion.reconcile import Fact, write_facts
from advocacy.storage import action_aliases, actions, inbox, links, locks, names, suppressions
from advocacy.storage import clicks as clicks_storage
from advocacy.storage import sources as sources_storage
from advocacy.storage.actions import Action
from advocacy.storage.names import State
from advocacy.storage.session import transaction
from config.settings import Settings

_BODIES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: how many actions lost their person, and how many bodies were deleted.

    `waiting` pending deliveries name the person. Those that report an action lose them when they
    are processed; one that cannot be parsed has to be searched again.
    """

    actions: int
    bodies: int
    clicks: int
    waiting: int = 0


def drop_old_bodies(settings: Settings, org_id: UUID) -> int:
    """Delete bodies whose retention time is over; return how many.

    What they said is stored as facts, without anything that names a person. Quarantined bodies have
    a longer retention time, so that staff can inspect and replay them.
    """
    master, now = settings.secret_key.encode(), datetime.now(UTC)
    done = now - timedelta(days=settings.body_retention_days)
    quarantined = now - timedelta(days=settings.quarantine_retention_days)
    with transaction():
        inbox.adopt_older(org_id)
        dropped = inbox.drop_quarantined_bodies(org_id, done, quarantined)
    after = UUID(int=0)
    while True:
        with transaction():
            # Without the lock: this passes over all that is to stay.
            ids = inbox.expired_ids(org_id, after, done, _BODIES_AT_ONCE)
        if not ids:
            return dropped
        dropped += _replace_bodies(master, org_id, ids)
        after = ids[-1]


def _replace_bodies(master: bytes, org_id: UUID, delivery_ids: Sequence[UUID]) -> int:
    """Replace the bodies of done deliveries by their facts; return how many."""
    key = organization_key(master, org_id, "identity")
    with transaction():
        # An erasure must not find a body gone whose facts it did not see.
        locks.lock_organization(org_id)
        sources = {source.id: source for source in sources_storage.list_sources(org_id)}
        facts: dict[UUID, str] = {}
        failed: dict[UUID, tuple[str, str]] = {}
        for row in inbox.read_deliveries(org_id, delivery_ids):
            if row.body is None:
                continue
            read = read_statements(master, org_id, key, row, sources[row.source_id])
            if isinstance(read, Statements):
                facts[row.id] = write_facts(read.facts)
            elif row.facts is not None:
                facts[row.id] = json.dumps(row.facts)
            else:
                # As in a rebuild; staff have time to see to it.
                failed[row.id] = read
        inbox.put_facts_for_bodies(org_id, facts)
        inbox.put_failed(org_id, failed)
    return len(facts)


def erase(settings: Settings, org_id: UUID, *, email: str, phone: str, region: str) -> Erased:
    """Erase one person of one organization, by e-mail address, phone number, or both.

    Facts about them are rewritten without them and applied again, as in a rebuild. Raises
    `ValueError` if neither can be read.
    """
    master = settings.secret_key.encode()
    key = organization_key(master, org_id, "identity")
    given = digests(Person(email=email, phone=phone), key, region, "")
    if not given:
        raise ValueError("give an e-mail address or a phone number that can be read as one")
    with transaction():
        locks.lock_organization(org_id)
        own_actions, hashes, others = _find(org_id, given)
        delivery_ids = {
            one for each in (*own_actions.values(), *others.values()) for one in each.delivery_ids
        }
        # Also facts that are not visible in the action, which another statement gave to another
        # person.
        delivery_ids |= deliveries_naming(master, org_id, hashes)
        suppress = organization_key(master, org_id, "suppress")
        suppressions.put_erased(org_id, [suppression_digest(suppress, each) for each in hashes])
        clicks = clicks_storage.by_click_id(
            org_id, sorted({each.click_id for each in own_actions.values()})
        )
        rewriting = _Rewriting(
            hashes=hashes,
            own_actions=own_actions,
            unidentified_action_ids={each.id for each in others.values() if not each.email_hash},
            codes=links.codes_of(
                org_id, {each.link_id for each in own_actions.values() if each.link_id}
            ),
        )
        rewritten = Parsed()
        rows = inbox.read_deliveries(org_id, delivery_ids)
        source_of = {row.id: row.source_id for row in rows}
        for delivery_id, facts in facts_by_delivery(master, org_id, rows).items():
            known = action_aliases.find_aliases(org_id, [fact.action_id for fact in facts])
            rewritten.facts[delivery_id] = [rewriting.of(fact, known) for fact in facts]
            rewritten.source_of[delivery_id] = source_of[delivery_id]
        inbox.put_redacted(
            org_id, {each: write_facts(facts) for each, facts in rewritten.facts.items()}
        )
        sources = {source.id: source for source in sources_storage.list_sources(org_id)}
        regions = frozenset(source.region for source in sources.values())
        apply_batch(master, org_id, rewritten, sources)
        whom = search_terms(frozenset(hashes), key, regions, Person(email, phone), region)
        found_in = {
            row.id: row for row, body in _kept_bodies(master, org_id) if mentions(body, whom)
        }
        worked_through = [row.id for row in found_in.values() if not row.waits]
        # Their facts name others alone, since all that name the person are rewritten.
        done = [row.id for row in found_in.values() if not row.waits and not row.quarantined]
        facts_of_done = facts_by_delivery(master, org_id, inbox.read_deliveries(org_id, done))
        inbox.put_facts_for_bodies(
            org_id, {each: write_facts(facts) for each, facts in facts_of_done.items()}
        )
        inbox.drop_bodies(org_id, worked_through)
    return Erased(
        len(own_actions),
        len(rewritten.facts) + len(worked_through),
        len(clicks),
        waiting=len(found_in) - len(worked_through),
    )


def _kept_bodies(master: bytes, org_id: UUID) -> Iterator[tuple[inbox.BodyRow, bytes]]:
    """Yield every stored body, decrypted, with its row.

    A delivery may name others than the person it is about.
    """
    after = UUID(int=0)
    while rows := inbox.stored_bodies(org_id, after, _BODIES_AT_ONCE):
        for row in rows:
            try:
                body = unseal(master, org_id, f"body:{row.id}", row.body)
                message_id = open_text(master, org_id, f"message:{row.id}", row.message_id)
            except Unreadable:
                # It cannot be decrypted, so it names no one.
                continue
            yield row, body
            if message_id:
                yield row, message_id.encode(errors="replace")
        after = rows[-1].id


def _find(
    org_id: UUID, given: dict[str, str]
) -> tuple[dict[UUID, Action], dict[str, UUID], dict[UUID, Action]]:
    """Return the person's actions, all that names them, and other actions that name the same.

    The others are of people who have an address of their own and share a phone with the person.
    """
    asked = [Identifier(kind, digest) for kind, digest in given.items()]
    rows = names.find_names(org_id, asked)
    named = {one: State(supporter_named_by(one)) for one in asked} | rows
    supporters = {state.supporter_id for state in named.values() if state.supporter_id}
    own_actions = actions.find_actions(org_id, actions.ids_of_supporters(org_id, supporters))
    seen = {
        one
        for action in own_actions.values()
        if (edge := edge_of(action))
        for one in edge.identifiers
        if one.kind in STRONG
    }
    named |= names.find_names(org_id, seen)
    hashes = {
        one.digest: state.supporter_id or supporter_named_by(one)
        for one, state in named.items()
        if one in asked or state.supporter_id in supporters
    }
    # Test actions join no one: each is of the person it names.
    alone = {supporter_named_by(one) for one in named if one.digest in hashes} - supporters
    others_too = actions.find_actions(org_id, actions.ids_of_supporters(org_id, alone))
    own_actions |= {action.id: action for action in others_too.values() if action.test}
    sharing = names.actions_naming(org_id, asked).keys() - own_actions.keys()
    return own_actions, hashes, actions.find_actions(org_id, sharing)


@dataclass(frozen=True, slots=True)
class _Rewriting:
    """Rewrites facts without the person: one random token for each supporter id.

    Where the person is named in another person's action, that fact names no one afterwards.
    """

    hashes: dict[str, UUID]
    own_actions: dict[UUID, Action]
    unidentified_action_ids: set[UUID]
    codes: dict[UUID, str]
    tokens: dict[UUID, str] = field(default_factory=dict)

    def of(self, fact: Fact, known: dict[UUID, UUID]) -> Fact:
        """Return the fact without the person; which link is credited stays."""
        left = {kind: one for kind, one in fact.who.items() if one not in self.hashes}
        if "email" in left:
            return replace(fact, who=left)
        people = [self.hashes[one] for one in fact.who.values() if one in self.hashes]
        action_id = known.get(fact.action_id, fact.action_id)
        action = self.own_actions.get(action_id)
        if people and not action and action_id not in self.unidentified_action_ids:
            return replace(fact, who={}, click_id="")
        supporter = people[0] if people else (action.supporter_id if action else None)
        if supporter is None:
            return fact
        token = self.tokens.setdefault(supporter, secrets.token_hex(DIGEST_BYTES))
        link_id = action.link_id if action else None
        return replace(
            fact,
            who={"erased": token},
            click_id="",
            code=fact.code or (self.codes.get(link_id, "") if link_id else ""),
        )
