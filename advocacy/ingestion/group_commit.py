"""Group commit: concurrent requests share one database transaction.

The first request becomes the leader: it takes everything that waits, runs the batch, and hands each
request its answer. What arrives meanwhile is the next batch, led by its first request. So a lone
request never waits, a busy process commits once for many requests, and no background thread is
needed.

A commit costs as much as about ten more requests in it. So a batch that follows another waits a few
milliseconds until as many requests are there as were a moment ago: a client that just got its
answer is likely to send the next request at once.

Note: where a batch fails, its items are tried again one by one, unless the error makes that
pointless (`hopeless`). So one bad request does not fail the others.
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
    """Too many requests wait, or they wait too long. The request may be sent again."""


class _Waiter(Generic[Item, Answer]):
    """One waiting request."""

    __slots__ = ("answer", "asleep", "item", "leads")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answer: Answer | Exception | None = None
        self.leads = False
        # A held lock is the cheapest thing to sleep on; releasing it wakes the request.
        self.asleep = threading.Lock()
        self.asleep.acquire()


class _Group(Generic[Item, Answer]):
    """What threads and event loops have in common."""

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Answer | Exception]],
        *,
        at_once: int,
        waiting: int,
        seconds: float,
        hopeless: tuple[type[Exception], ...] = (),
    ) -> None:
        """Take at most `at_once` items into a batch; let at most `waiting` wait, `seconds` each.

        `work` returns an answer or an error for each item, in order, or raises for the whole batch.
        Errors of a type in `hopeless` are not retried item by item.
        """
        self._work, self._hopeless = work, hopeless
        self._at_once, self._most, self._seconds = at_once, waiting, seconds
        # Start of the running batch (monotonic seconds); None while there is none.
        self._since: float | None = None
        # How many requests were there in the last batch, and until when to expect as many again.
        self._together, self._until = 0, 0.0

    def _remember(self, answered: int, waiting: int) -> None:
        self._together = min(answered + waiting, self._at_once)
        self._until = time.monotonic() + _GATHER_SECONDS

    def _more_will_come(self, waiting: int) -> bool:
        return waiting < self._together and time.monotonic() < self._until

    def _refuse_if_overloaded(self, waiting: int) -> None:
        if waiting >= self._most:
            raise Overloaded("too many wait")
        # Behind a batch that has run for so long, no request would be answered in time.
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
    """Group commit for threads."""

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Answer | Exception]], **limits: Any
    ) -> None:
        """See `_Group`."""
        super().__init__(work, **limits)
        self._lock = threading.Lock()
        self._waiting: list[_Waiter[Item, Answer]] = []
        self._gathered = threading.Event()

    def do(self, item: Item) -> Answer:
        """Process the item together with others. Raises its error, or `Overloaded`."""
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
        """Give up waiting, unless the answer or the leader's role arrived at the last moment."""
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
            # Whatever happens, wake every request of the batch and appoint the next leader.
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
"""Item, future answer, and when it began to wait (monotonic seconds)."""

_CONCURRENT_GROUPS = 2
"""Batches of an event loop that run at the same time; the second starts if the first is stuck."""
_STUCK_SECONDS = 0.02


class AsyncGroupCommit(_Group[Item, Answer]):
    """Group commit for requests in one event loop.

    While one batch runs in a thread, the next gathers.
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
        """Process the item together with others. Raises its error, or `Overloaded`."""
        self._refuse_if_overloaded(len(self._waiting))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future, time.monotonic()))
        self._begin()
        if len(self._waiting) >= self._together:
            self._stop_gathering()
        return await future

    def _begin(self) -> None:
        """Start a batch, unless a running one will soon take what waits."""
        if self._groups and (len(self._groups) >= _CONCURRENT_GROUPS or not self._is_stuck()):
            return
        self._groups[asyncio.create_task(self._work_off())] = ()
        if self._watching is None:
            # One timer for all: one for each request would cost as much as storing it.
            self._watching = asyncio.create_task(self._watch())

    def _is_stuck(self) -> bool:
        return bool(self._began) and time.monotonic() - max(self._began) > _STUCK_SECONDS

    async def _work_off(self) -> None:
        own = asyncio.current_task()
        assert own is not None  # noqa: S101
        try:
            # Another batch that still gathers will take these.
            while self._waiting and self._gathered is None:
                if self._more_will_come(len(self._waiting)):
                    await self._gather()
                taken = self._waiting[: self._at_once]
                del self._waiting[: self._at_once]
                # Requests that were cancelled are left out.
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
        """Wait a moment, or until as many requests are there as in the last batch."""
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
        """Return since when all batches that may run are running; None while one more may start."""
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
