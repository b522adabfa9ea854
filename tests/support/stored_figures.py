"""What cells and news say together, with people by their ids: the same however they were made."""

from __future__ import annotations

from uuid import UUID

from advocacy.storage import cells, person_numbers


def stored_figures(org_id: UUID) -> list[str]:
    """Return all sums, and how often each person is in each set, as texts in order."""
    ids = {number: person for person, number in person_numbers.numbers_of(org_id).items()}
    found = []
    for (scope, day), cell in cells.stored_changes(org_id).items():
        for (key, model), amounts in cell.sums.items():
            found.append(f"{scope} {day} {key} {model}: {amounts}")
        for key, people in cell.people.items():
            for number, times in people.counts():
                found.append(f"{scope} {day} {key} {ids.get(number)}: {times}")
    return sorted(found)
