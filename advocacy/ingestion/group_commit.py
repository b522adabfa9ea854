"""Group commit: concurrent requests share one database transaction.

Requests wait in one queue. A writer thread takes everything that waits, runs the batch, and hands
each request its answer; what arrives meanwhile is the next batch. So a lone request never waits,
and a busy process commits once for many requests. Threads and event loops use the same queue.

A commit costs as much as about ten more requests in it. So a batch that follows another waits a few
milliseconds until as many requests are there as were a moment ago: a client that just got its
answer is likely to send the next request at once.

Note: a second writer takes over while the first is stuck, so one batch that hangs holds up nobody
else. Where a batch fails, its items are tried again one by one, unless the error makes that
pointless (`hopeless`). So one bad request does not fail the others.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_GATHER_SECONDS = 0.004
_WRITERS = 2
_STUCK_SECONDS = 0.02
_LOOK_SECONDS = 0.25


class Overloaded(Exception):
    """Too many requests wait, or they wait too long. The request may be sent again."""


class _Waiter(Generic[Item, Answer]):
    """One waiting request: a thread that sleeps on a lock, or a future of an event loop."""

    __slots__ = ("answer", "asleep", "future", "item", "loop")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answer: Answer | BaseException | None = None
        self.asleep: threading.Lock | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.future: asyncio.Future[None] | None = None

    def result(self) -> Answer:
        if isinstance(self.answer, BaseException):
            raise self.answer
        assert self.answer is not None  # noqa: S101 -- who was woken has an answer
        return self.answer


def _wake(places: Sequence[_Waiter[Any, Any]]) -> None:
    """Wake requests of an event loop, from within it."""
    for place in places:
        if place.future and not place.future.done():
            place.future.set_result(None)


class GroupCommit(Generic[Item, Answer]):
    """A queue of items that are written together."""

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
        self._lock = threading.Lock()
        self._waiting: deque[_Waiter[Item, Answer]] = deque()
        # Wakes an idle writer: something waits.
        self._arrived = threading.Condition(self._lock)
        # Wakes the writer that gathers: as many wait as in the last batch.
        self._gathered = threading.Condition(self._lock)
        self._gathering = False
        self._writers = 0
        # When each running batch began (monotonic seconds).
        self._began: list[float] = []
        # How many requests were there in the last batch, and until when to expect as many again.
        self._together, self._until = 0, 0.0

    def do(self, item: Item) -> Answer:
        """Process the item together with others. Raises its error, or `Overloaded`."""
        place = _Waiter[Item, Answer](item)
        # A held lock is the cheapest thing to sleep on; releasing it wakes the request.
        asleep = place.asleep = threading.Lock()
        asleep.acquire()
        self._submit(place)
        if not asleep.acquire(timeout=self._seconds):
            self._leave(place)
        return place.result()

    async def do_in_loop(self, item: Item) -> Answer:
        """Process the item as `do` does, without blocking the event loop."""
        place = _Waiter[Item, Answer](item)
        place.loop = asyncio.get_running_loop()
        place.future = place.loop.create_future()
        self._submit(place)
        timer = place.loop.call_later(self._seconds, _wake, [place])
        try:
            await place.future
        finally:
            timer.cancel()
            if place.answer is None:
                self._leave(place)
        return place.result()

    def _submit(self, place: _Waiter[Item, Answer]) -> None:
        with self._lock:
            self._refuse_if_overloaded()
            self._waiting.append(place)
            if self._gathering:
                if len(self._waiting) >= self._together:
                    self._gathered.notify()
            elif not self._began or self._is_stuck():
                self._arrived.notify()
            while self._writers < _WRITERS:
                # Not earlier: a server forks after it has loaded the application.
                self._writers += 1
                threading.Thread(target=self._write, name="group-commit", daemon=True).start()

    def _leave(self, place: _Waiter[Item, Answer]) -> None:
        """Give up waiting, unless the answer arrived at the last moment."""
        with self._lock:
            if place.answer is None:
                place.answer = Overloaded("it took too long")
                if place in self._waiting:
                    self._waiting.remove(place)

    def _refuse_if_overloaded(self) -> None:
        if len(self._waiting) >= self._most:
            raise Overloaded("too many wait")
        # Behind batches that have run for so long, no request would be answered in time.
        if len(self._began) >= _WRITERS and time.monotonic() - max(self._began) > self._seconds:
            raise Overloaded("the work takes too long")

    def _is_stuck(self) -> bool:
        return bool(self._began) and time.monotonic() - max(self._began) > _STUCK_SECONDS

    def _write(self) -> None:
        """Write batches until the process ends."""
        while True:
            with self._lock:
                while not self._may_begin():
                    # Look now and then whether a batch got stuck after the last request arrived.
                    self._arrived.wait(_LOOK_SECONDS)
                self._gather()
                batch = self._take()
                began = time.monotonic()
                self._began.append(began)
            self._run(batch)
            with self._lock:
                self._began.remove(began)
                self._together = min(len(batch) + len(self._waiting), self._at_once)
                self._until = time.monotonic() + _GATHER_SECONDS

    def _may_begin(self) -> bool:
        """Say whether something waits that no other writer will take in a moment."""
        return bool(self._waiting) and not self._gathering and (not self._began or self._is_stuck())

    def _gather(self) -> None:
        """Wait a moment, or until as many requests are there as in the last batch."""
        self._gathering = True
        while len(self._waiting) < self._together:
            left = self._until - time.monotonic()
            if left <= 0 or not self._gathered.wait(left):
                break
        self._gathering = False

    def _take(self) -> list[_Waiter[Item, Answer]]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._at_once))]

    def _run(self, batch: Sequence[_Waiter[Item, Answer]]) -> None:
        answers = self._answers([place.item for place in batch])
        in_loops: dict[asyncio.AbstractEventLoop, list[_Waiter[Item, Answer]]] = {}
        for place, answer in zip(batch, answers, strict=True):
            place.answer = answer
            if place.asleep:
                place.asleep.release()
            elif place.loop:
                in_loops.setdefault(place.loop, []).append(place)
        for loop, places in in_loops.items():
            # To wake the loop costs as much as a request: once for all.
            loop.call_soon_threadsafe(_wake, places)

    def _answers(self, items: Sequence[Item]) -> Sequence[Answer | BaseException]:
        try:
            return self._work(items)
        except BaseException as error:
            if (
                len(items) == 1
                or isinstance(error, self._hopeless)
                or not isinstance(error, Exception)
            ):
                return [error] * len(items)
        return [answer for item in items for answer in self._answers([item])]
