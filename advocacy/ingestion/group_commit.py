"""Requests that wait for one commit: the first that comes does the work for all who wait with it.

Whoever finds nobody at work leads: she takes all that waits, does it at once, and wakes the others
with their answers; what came meanwhile is the next group, led by its first. So a lone request waits
for nobody, a busy process commits once for many, and there is no thread to be started or to die.

To keep a group costs as much as ten requests more in it. So a group that follows another waits for
a moment until as many have come as were there together just now, some in it and some behind it:
whoever was answered is likely to ask again at once.

What a stranger would get wrong: a group fails together only where trying again alone is hopeless.
Otherwise each is tried by itself, so that a bad neighbour costs nobody an answer.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


_GATHER_SECONDS = 0.004


class Overloaded(Exception):
    """Too many wait, or they wait too long. What was asked may be asked again."""


class _Waiter(Generic[Item, Answer]):
    """Where one request waits."""

    __slots__ = ("answer", "asleep", "item", "leads")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answer: Answer | Exception | None = None
        self.leads = False
        # A lock that is held is the lightest thing to sleep on; who wakes releases it.
        self.asleep = threading.Lock()
        self.asleep.acquire()


class _Group(Generic[Item, Answer]):
    """What is the same for threads and for an event loop."""

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Answer | Exception]],
        *,
        at_once: int,
        waiting: int,
        seconds: float,
        hopeless: tuple[type[Exception], ...] = (),
    ) -> None:
        """Take at most `at_once` into a group and let at most `waiting` wait for `seconds` each.

        `work` returns an answer or an error for each item, in their order, or raises for all;
        what it raises as `hopeless` is not tried again one by one.
        """
        self._work, self._hopeless = work, hopeless
        self._at_once, self._most, self._seconds = at_once, waiting, seconds
        # When the group that is being worked on was taken; None while there is none.
        self._since: float | None = None
        # So many were there together just now, and until when they are likely to come again.
        self._together, self._until = 0, 0.0

    def _remember(self, answered: int, waiting: int) -> None:
        self._together = min(answered + waiting, self._at_once)
        self._until = time.monotonic() + _GATHER_SECONDS

    def _more_will_come(self, waiting: int) -> bool:
        return waiting < self._together and time.monotonic() < self._until

    def _refuse_if_overloaded(self, waiting: int) -> None:
        if waiting >= self._most:
            raise Overloaded("too many wait")
        # Where a group has been at work for so long, nobody behind it would be served in time.
        if self._since is not None and time.monotonic() - self._since > self._seconds:
            raise Overloaded("the work takes too long")

    def _answers(self, items: Sequence[Item]) -> Sequence[Answer | Exception]:
        try:
            return self._work(items)
        except Exception as error:
            if len(items) == 1 or isinstance(error, self._hopeless):
                return [error] * len(items)
        return [answer for item in items for answer in self._answers([item])]


class GroupCommit(_Group[Item, Answer]):
    """Does the work of many requests in one go. Safe to use from many threads."""

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Answer | Exception]], **limits: Any
    ) -> None:
        """See `_Group`."""
        super().__init__(work, **limits)
        self._lock = threading.Lock()
        self._waiting: list[_Waiter[Item, Answer]] = []
        self._gathered = threading.Event()

    def do(self, item: Item) -> Answer:
        """Do this item's work, with that of others. Raises what it raised, or `Overloaded`."""
        place = _Waiter[Item, Answer](item)
        with self._lock:
            self._refuse_if_overloaded(len(self._waiting))
            self._waiting.append(place)
            if len(self._waiting) >= self._together:
                self._gathered.set()
            if self._since is None:
                self._since, place.leads = time.monotonic(), True
        if not place.leads and not place.asleep.acquire(timeout=self._seconds):
            self._leave(place)
        if place.leads:
            self._lead(place)
        if isinstance(place.answer, Exception):
            raise place.answer
        assert place.answer is not None  # noqa: S101 -- who leads or was woken has an answer
        return place.answer

    def _leave(self, place: _Waiter[Item, Answer]) -> None:
        """Give up waiting, unless it is this one's turn or the answer came at the last moment."""
        with self._lock:
            if place.leads or place.answer is not None:
                return
            if place in self._waiting:
                self._waiting.remove(place)
        raise Overloaded("it took too long")

    def _lead(self, leader: _Waiter[Item, Answer]) -> None:
        with self._lock:
            gathers = self._more_will_come(len(self._waiting))
            self._gathered.clear()
        if gathers:
            self._gathered.wait(_GATHER_SECONDS)
        with self._lock:
            group = self._waiting[: self._at_once]
            del self._waiting[: self._at_once]
            self._since = time.monotonic()
        answers: Sequence[Answer | Exception] = ()
        try:
            answers = self._answers([place.item for place in group])
        finally:
            # Whatever happens, nobody is left asleep, and the next is told to lead.
            with self._lock:
                for at, place in enumerate(group):
                    place.answer = answers[at] if answers else Overloaded("the work was stopped")
                self._remember(len(group), len(self._waiting))
                following = self._waiting[:1]
                for place in following:
                    place.leads = True
                self._since = time.monotonic() if following else None
            for place in (*following, *group):
                if place is not leader:
                    place.asleep.release()


_AsyncWaiter = tuple[Item, asyncio.Future[Answer], float]
"""Who waits in an event loop, and since when."""

_CONCURRENT_GROUPS = 2
"""So many groups of an event loop are at work at a time, the second where the first is stuck."""
_STUCK_SECONDS = 0.02


class AsyncGroupCommit(_Group[Item, Answer]):
    """The same for requests in one event loop.

    While one group is at work in a thread, the next gathers.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Answer | Exception]], **limits: Any
    ) -> None:
        """See `_Group`."""
        super().__init__(work, **limits)
        self._waiting: list[_AsyncWaiter[Item, Answer]] = []
        self._groups: dict[asyncio.Task[None], Sequence[_AsyncWaiter[Item, Answer]]] = {}
        self._began: list[float] = []
        self._gathered: asyncio.Future[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Answer:
        """Do this item's work, with that of others. Raises what it raised, or `Overloaded`."""
        self._refuse_if_overloaded(len(self._waiting))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future, time.monotonic()))
        self._begin()
        if len(self._waiting) >= self._together:
            self._stop_gathering()
        return await future

    def _begin(self) -> None:
        """Begin with a group, unless one is at work that will soon take who waits."""
        if self._groups and (len(self._groups) >= _CONCURRENT_GROUPS or not self._is_stuck()):
            return
        self._groups[asyncio.create_task(self._work_off())] = ()
        if self._watching is None:
            # One clock for all that wait: one for each would cost as much as to keep it.
            self._watching = asyncio.create_task(self._watch())

    def _is_stuck(self) -> bool:
        return bool(self._began) and time.monotonic() - max(self._began) > _STUCK_SECONDS

    async def _work_off(self) -> None:
        own = asyncio.current_task()
        assert own is not None  # noqa: S101
        try:
            # Where another one gathers, that will take who waits.
            while self._waiting and self._gathered is None:
                if self._more_will_come(len(self._waiting)):
                    await self._gather()
                taken = self._waiting[: self._at_once]
                del self._waiting[: self._at_once]
                # Whoever gave up waiting is not worked for.
                self._groups[own] = group = [each for each in taken if not each[1].done()]
                if group:
                    await self._work_on(group)
                    self._remember(len(group), len(self._waiting))
        finally:
            del self._groups[own]
            if not self._groups and self._watching:
                self._watching.cancel()
                self._watching = None

    async def _gather(self) -> None:
        """Wait for a moment, or until as many have come as were there together just now."""
        loop = asyncio.get_running_loop()
        self._gathered = loop.create_future()
        timer = loop.call_later(_GATHER_SECONDS, self._stop_gathering)
        try:
            await self._gathered
        finally:
            timer.cancel()
            self._gathered = None

    def _stop_gathering(self) -> None:
        if self._gathered and not self._gathered.done():
            self._gathered.set_result(None)

    async def _work_on(self, group: Sequence[_AsyncWaiter[Item, Answer]]) -> None:
        began = time.monotonic()
        self._began.append(began)
        self._since = self._all_busy_since()
        items = [item for item, _, _ in group]
        answers = await asyncio.get_running_loop().run_in_executor(None, self._answers, items)
        self._began.remove(began)
        self._since = self._all_busy_since()
        for (_, future, _), answer in zip(group, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _all_busy_since(self) -> float | None:
        """Return since when as many are at work as may be; while one more may, nobody is stuck."""
        return max(self._began) if len(self._began) >= _CONCURRENT_GROUPS else None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / 20)
            late = time.monotonic() - self._seconds
            for _, future, since in chain(*self._groups.values(), self._waiting):
                if since < late and not future.done():
                    future.set_exception(Overloaded("it took too long"))
            if self._waiting:
                self._begin()
