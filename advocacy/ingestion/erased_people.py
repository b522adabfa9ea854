"""Remove erased people from deliveries that arrive after the erasure."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from advocacy.core.crypto import organization_key
from advocacy.identity.hashing import suppression_digest
from advocacy.ingestion.batch import Parsed
from advocacy.ingestion.reconcile import write_facts
from advocacy.storage import inbox, suppressions


def remove_erased_people(master: bytes, org_id: UUID, parsed: Parsed) -> None:
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
