"""Reconcile everything that tools said about one action into the action itself.

Pure. A `Fact` is a stored statement without contact details. `reconcile` makes one action of all
facts about it; the result is the same in every order of arrival.

Note: facts are never changed. A refund does not modify a donation: both facts are stored, and the
action is computed again from all of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from advocacy.core.events import EXPORTED_TOTAL, ActionKind, StatementType, shape
from advocacy.core.ids import stable_id
from advocacy.core.urls import host_of

_MINUTE = timedelta(minutes=1)


@shape(kw_only=True)
class Fact:
    """One stored statement about one action. Instants are aware UTC."""

    action_id: UUID
    delivery_id: UUID
    external_id: str
    kind: ActionKind
    said: StatementType
    statement_id: str
    stated_at: datetime
    occurred_at: datetime
    who: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    click_id: str = ""
    utm: Mapping[str, str] = field(default_factory=dict)
    referrer: str = ""
    amount_minor: int | None = None
    currency: str = ""
    cumulative: bool = False
    recurs_as: str = ""
    renewal: bool = False
    target: str = ""
    test: bool = False
    same_as: tuple[UUID, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object without empty fields; an amount of zero is not empty."""
        written: dict[str, Any] = {
            "action_id": str(self.action_id),
            "delivery_id": str(self.delivery_id),
            "external_id": self.external_id,
            "kind": self.kind,
            "said": self.said,
            "statement_id": self.statement_id,
            "stated_at": self.stated_at.isoformat(),
            "occurred_at": self.occurred_at.isoformat(),
        }
        for name in _SELDOM:
            if value := getattr(self, name):
                written[name] = value
        if self.amount_minor is not None:
            written["amount_minor"] = self.amount_minor
        if self.same_as:
            written["same_as"] = [str(each) for each in self.same_as]
        return written

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Fact:
        """Read what `to_json` wrote."""
        return cls(
            **{
                **written,
                "action_id": UUID(written["action_id"]),
                "delivery_id": UUID(written["delivery_id"]),
                "kind": ActionKind(written["kind"]),
                "said": StatementType(written["said"]),
                "stated_at": datetime.fromisoformat(written["stated_at"]),
                "occurred_at": datetime.fromisoformat(written["occurred_at"]),
                # Facts stored before this field existed were complete.
                "referrer": host_of(written.get("referrer", "")),
                "utm": _without_addresses(written.get("utm", {})),
                "same_as": tuple(UUID(each) for each in written.get("same_as", ())),
            }
        )


_SELDOM = (
    "who",
    "code",
    "click_id",
    "utm",
    "referrer",
    "currency",
    "cumulative",
    "recurs_as",
    "renewal",
    "target",
    "test",
)
"""Fields that are written only where they are set."""


def write_facts(facts: Iterable[Fact]) -> str:
    """Return facts as the JSON that is stored with a delivery."""
    return json.dumps([fact.to_json() for fact in facts])


# Few sources have many actions.
_written = lru_cache(maxsize=1024)(str)


def action_id(source_id: UUID, namespace: str, external_id: str) -> UUID:
    """Return our id for the action that a tool calls `external_id`.

    The same names always give the same id.
    """
    scope = namespace or _written(source_id)
    named = hashlib.sha256(f"{scope}\x1f{external_id}".encode()).digest()
    return stable_id(named)


def _without_addresses(utm: Mapping[str, str]) -> dict[str, str]:
    """Return UTM with `@` in place of values that contain an e-mail address.

    Newsletters write addresses there; such a value matches none of our links either way.
    """
    return {name: "@" if "@" in value else value for name, value in utm.items()}


def group_facts(
    facts: Iterable[Fact], known: Mapping[UUID, UUID] | None = None
) -> dict[UUID, list[Fact]]:
    """Group facts by action: facts that share a name are about one action.

    An action is named by its smallest id. `known` maps names to action ids from earlier merges. The
    result depends on the facts alone, not on their order.
    """
    statements = list(facts)
    above: dict[UUID, UUID] = {}

    def top(name: UUID) -> UUID:
        while (higher := above.setdefault(name, name)) != name:
            above[name] = name = above[higher]
        return name

    def join(one: UUID, other: UUID) -> None:
        low, high = sorted((top(one), top(other)))
        above[high] = low

    for name, action in (known or {}).items():
        join(name, action)
    for fact in statements:
        for name in fact.same_as:
            join(fact.action_id, name)
    groups: dict[UUID, list[Fact]] = {}
    for fact in statements:
        groups.setdefault(top(fact.action_id), []).append(fact)
    return groups


@shape()
class Return:
    """Money that went back, in minor units of the action's currency."""

    at: datetime
    amount_minor: int


@shape(kw_only=True)
class Reconciled:
    """One action as all facts about it describe it.

    `counted` is false where only a refund is known, for test actions, and for duplicates of another
    action.
    """

    id: UUID
    external_id: str
    kind: ActionKind
    counted: bool
    occurred_at: datetime
    who: Mapping[str, str]
    code: str
    click_id: str
    utm: Mapping[str, str]
    referrer: str
    gross_minor: int
    currency: str
    returns: tuple[Return, ...]
    recurs_as: str
    renewal: bool
    ended_at: datetime | None
    target: str
    test: bool

    @property
    def refunded_minor(self) -> int:
        """The sum of all refunds, in minor units."""
        return sum(each.amount_minor for each in self.returns)


def _order(fact: Fact) -> tuple[datetime, str, str]:
    """Order statements in time; further fields make the order total."""
    content = {name: value for name, value in fact.to_json().items() if name != "delivery_id"}
    return fact.stated_at, fact.statement_id, json.dumps(content, sort_keys=True)


def reconcile(facts: Iterable[Fact], known_as: UUID | None = None) -> Reconciled:
    """Return the action that all these facts describe, in whatever order they came.

    `known_as` is the id of an action with several names, see `group_facts`. Of statements with one
    id the newest counts; each field comes from the newest statement that sets it. Raises
    `ValueError` without facts.
    """
    ordered = list(facts)
    if not ordered:
        raise ValueError("an action needs a fact")
    if len(ordered) > 1:
        newest = {fact.statement_id: fact for fact in sorted(ordered, key=_order)}
        ordered = sorted(newest.values(), key=_order)
    made = [fact for fact in ordered if fact.said is StatementType.CREATED]
    # Statements that the action happened come first; refunds only fill in what those leave open.
    tellers = made[::-1] + [
        fact for fact in reversed(ordered) if fact.said is not StatementType.CREATED
    ]

    def word(name: str) -> Any:
        return next((value for fact in tellers if (value := getattr(fact, name))), None)

    first = tellers[0]
    carrier = next((fact for fact in tellers if fact.code or fact.click_id), first)
    gross = next((fact.amount_minor for fact in made[::-1] if fact.amount_minor is not None), 0)
    ended = [fact.occurred_at for fact in ordered if fact.said is StatementType.RECURRING_ENDED]
    test = any(fact.test for fact in ordered)
    elsewhere = any(fact.said is StatementType.DUPLICATE_OF for fact in ordered)
    stands = bool(made) and not _taken_back(ordered)
    return Reconciled(
        id=known_as or first.action_id,
        external_id=first.external_id,
        kind=first.kind,
        counted=stands and not test and not elsewhere,
        occurred_at=first.occurred_at,
        who=_union(tellers),
        code=carrier.code,
        click_id=carrier.click_id,
        utm=word("utm") or {},
        referrer=word("referrer") or "",
        gross_minor=gross,
        currency=word("currency") or "",
        returns=tuple(_returns(ordered, made, gross)),
        recurs_as=word("recurs_as") or "",
        renewal=any(fact.renewal for fact in ordered),
        ended_at=min(ended, default=None),
        target=word("target") or "",
        test=test,
    )


def _taken_back(ordered: Sequence[Fact]) -> bool:
    """Return whether an action that is not a gift was finally withdrawn."""
    last = [
        fact for fact in ordered if fact.said in (StatementType.CREATED, StatementType.REFUNDED)
    ][-1]
    return last.kind is not ActionKind.DONATION and last.said is StatementType.REFUNDED


def _union(tellers: Sequence[Fact]) -> dict[str, str]:
    who: dict[str, str] = {}
    for fact in tellers:
        for kind, value in fact.who.items():
            who.setdefault(kind, value)
    return who


def _returns(ordered: Sequence[Fact], made: Sequence[Fact], gross: int) -> Iterable[Return]:
    """Yield what went back, in order of time, never more than was given.

    A return of everything that is older than the newest statement that the gift was made is
    obsolete: the tool sent the gift again, with its amount. The total in an export includes the
    single events of its kind (refunds or disputes). A cumulative amount covers its kind, or all
    kinds where it names none, less what was reversed since; a cumulative reversal takes back
    everything of its kind until then.
    """
    returns = sorted(
        (fact for fact in ordered if fact.said is StatementType.REFUNDED),
        key=lambda fact: (fact.occurred_at, fact.cumulative, _order(fact)),
    )
    stands = [fact for fact in ordered if fact.said is StatementType.REFUND_REVERSED]
    by_sort: dict[str, int] = {}
    by_export: dict[str, int] = {}
    all_told = False
    gone = 0
    for fact in returns:
        sort = _sort(fact)
        before = by_sort.get(sort, 0)
        if any(_takes_back(each, fact) for each in stands):
            continue
        if fact.amount_minor is None:
            if made and made[-1].stated_at > fact.stated_at:
                continue
            by_sort[sort] = gross
        elif fact.statement_id.endswith(EXPORTED_TOTAL):
            undone = sum(
                each.amount_minor or 0
                for each in stands
                if _sort(each) == sort and not each.cumulative
            )
            by_export[sort] = max(by_export.get(sort, 0), fact.amount_minor - undone)
        elif fact.cumulative:
            undone = sum(
                each.amount_minor or 0
                for each in stands
                if sort in ("", _sort(each))
                and each.occurred_at <= fact.occurred_at
                and each.stated_at >= fact.stated_at
            )
            by_sort[sort] = max(before, fact.amount_minor - undone)
            all_told |= not sort
        else:
            by_sort[sort] = before + fact.amount_minor
        # An export and events report the same money: take whichever knows of more.
        sorted_out = sum(
            max(by_sort.get(name, 0), by_export.get(name, 0))
            for name in by_sort.keys() | by_export.keys()
            if name
        )
        unsorted = by_sort.get("", 0)
        # A cumulative amount without a kind, as in an export, includes all kinds.
        total = max(unsorted, sorted_out) if all_told else unsorted + sorted_out
        total = min(total, gross)
        if total > gone:
            yield Return(fact.occurred_at, total - gone)
            gone = total


def _takes_back(stands: Fact, returned: Fact) -> bool:
    """Return whether a cumulative reversal, as in an export, takes back this return.

    It covers returns until its instant, which an export may give to the minute only.
    """
    return (
        stands.cumulative
        and _sort(stands) == _sort(returned)
        and returned.occurred_at < stands.occurred_at + _MINUTE
    )


def _sort(fact: Fact) -> str:
    return fact.statement_id.partition(":")[0] if ":" in fact.statement_id else ""
