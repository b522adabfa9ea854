"""Sets of people by number, counted so that what was added can be taken away again.

Pure. People have small numbers, and a set of numbers is a Roaring bitmap. How often somebody was
added is counted, since two of their actions may put them into the same set: they leave it when both
are gone. Almost everybody is in a set once, so only other counts are kept besides the bitmap.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from pyroaring import BitMap

_RAW = 1 << 31
_FEW = 64


class Counted:
    """How often each person was added: once those of `once`, otherwise as in `others`.

    Counts may be negative, where something was taken away of what is added elsewhere; none is zero.
    """

    __slots__ = ("once", "others")

    def __init__(self, once: BitMap | None = None, others: dict[int, int] | None = None) -> None:
        self.once = BitMap() if once is None else once
        self.others = {} if others is None else others

    def __bool__(self) -> bool:
        return bool(self.once) or bool(self.others)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Counted) and self.once == other.once and self.others == other.others
        )

    __hash__ = None  # type: ignore[assignment]

    def add(self, person: int, times: int) -> None:
        """Add a person so many times more; fewer where it is negative."""
        if person in self.once:
            times += 1
            self.once.discard(person)
        elif self.others:
            times += self.others.pop(person, 0)
        if times == 1:
            self.once.add(person)
        elif times:
            self.others[person] = times

    def merge(self, more: Counted) -> None:
        """Add everybody as often as they are in another one."""
        if not self:
            self.once, self.others = more.once.copy(), dict(more.others)
            return
        twice = self.once & more.once
        otherwise = [person for person in self.others if person in more.once]
        self.once |= more.once
        self.once -= BitMap(otherwise)
        for person in (*twice, *otherwise):
            self.add(person, 1)
        for person, times in more.others.items():
            self.add(person, times)

    @property
    def members(self) -> BitMap:
        """Who is in the set: added more often than taken away."""
        if not self.others:
            return self.once
        return self.once | BitMap([person for person, times in self.others.items() if times > 0])

    def counts(self) -> Iterator[tuple[int, int]]:
        """Yield each person with their count."""
        for person in self.once:
            yield person, 1
        yield from self.others.items()


def pack_set(people: BitMap) -> tuple[int, bytes]:
    """Return a set as bytes, and its length, marked where the bytes are plain numbers."""
    packed = people.serialize()
    if len(people) <= _FEW and 4 * len(people) < len(packed):
        packed = array("I", people).tobytes()
        return len(packed) | _RAW, packed
    return len(packed), packed


def unpack_set(length: int, data: bytes | memoryview, begin: int) -> tuple[BitMap, int]:
    """Return the set that stands at `begin`, and where the next one does."""
    if length & _RAW:
        end = begin + (length ^ _RAW)
        numbers = array("I")
        numbers.frombytes(data[begin:end])
        return BitMap(numbers), end
    end = begin + length
    return BitMap.deserialize(bytes(data[begin:end])), end


def skip_set(length: int, begin: int) -> int:
    """Return where the set behind the one at `begin` stands."""
    return begin + (length & ~_RAW)
