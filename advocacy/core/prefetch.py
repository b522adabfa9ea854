"""Work that is begun before it is needed: a thread does it while one waits for PostgreSQL.

What a stranger would get wrong: Python runs in one thread at a time. What is won is the time that
the other one waits, not a second core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Submit(Protocol):
    """Begins work; what it comes to is asked for later."""

    def __call__(self, work: Callable[[], Result], /) -> Future[Result]:
        """Begin the work and return its future."""
        ...


def run_inline(work: Callable[[], Result], /) -> Future[Result]:
    """Do the work where one is, before anything else."""
    done: Future[Result] = Future()
    done.set_result(work())
    return done


@contextmanager
def background_thread(
    within: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Submit]:
    """Yield what begins work in one thread, a piece after the other, each `within` a context."""

    def inside(work: Callable[[], Result]) -> Result:
        with within():
            return work()

    with ThreadPoolExecutor(1, "ahead") as thread:
        yield lambda work: thread.submit(inside, work)
