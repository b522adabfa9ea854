"""Start work before it is needed, in a second thread while the first waits for PostgreSQL.

Note: Python runs one thread at a time. The gain is the time that the other thread waits, not a
second core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Submit(Protocol):
    """Submits work and returns its future."""

    def __call__(self, work: Callable[[], Result], /) -> Future[Result]:
        """Submit the work and return its future."""
        ...


def run_inline(work: Callable[[], Result], /) -> Future[Result]:
    """Do the work immediately in this thread."""
    done: Future[Result] = Future()
    done.set_result(work())
    return done


@contextmanager
def background_thread(
    within: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Submit]:
    """Yield a function that submits work to one thread; each piece runs `within` a context."""

    def inside(work: Callable[[], Result]) -> Result:
        with within():
            return work()

    with ThreadPoolExecutor(1, "ahead") as thread:
        yield lambda work: thread.submit(inside, work)
