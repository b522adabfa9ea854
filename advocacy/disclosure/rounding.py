"""Random rounding of counts to a base, fixed for each cell by a keyed digest.

A count v = q * base + r is shown as (q + 1) * base with probability r / base, else as q * base. So
zero stays zero, no number moves by the base or more, and the mean error over many cells is zero.
Which of the two depends on a keyed digest of the cell's name only, so that a cell is the same in
every view and on every day, until its count passes the threshold of the cell.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from uuid import UUID

from advocacy.core.crypto import organization_key


@dataclass(frozen=True, slots=True)
class Rounding:
    """The rounding of an organization's counts for others."""

    key: bytes
    base: int

    @classmethod
    def of(cls, secret_key: str, org_id: UUID, base: int) -> Rounding:
        """Return the rounding of an organization, with a key of its own for this purpose."""
        return cls(organization_key(secret_key.encode(), org_id, "rounding"), base)

    @property
    def exact(self) -> bool:
        """Return whether nothing is rounded."""
        return self.base < 2

    def count(self, value: float, *cell: object) -> float:
        """Round a count, which may be fractional, by the threshold of its cell."""
        if self.exact:
            return value
        name = json.dumps([str(part) for part in cell]).encode()
        threshold = int.from_bytes(hmac.digest(self.key, name, "sha256")[:8]) / 2**64
        multiple, rest = divmod(value, self.base)
        goes_up = bool(threshold < rest / self.base)
        return (int(multiple) + goes_up) * self.base
