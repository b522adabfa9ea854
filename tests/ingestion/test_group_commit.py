"""Requests that wait for one commit: groups, their bounds, and bad neighbours."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from advocacy.ingestion.group_commit import AsyncGroupCommit, GroupCommit, Overloaded

LIMITS = {"at_once": 8, "waiting": 1000, "seconds": 5.0}


class Work:
    """Doubles numbers, slowly, and keeps what it was asked for at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.groups: list[list[int]] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(items))
        assert self.go.wait(10)
        time.sleep(self.seconds)
        if 13 in items:
            raise ValueError("13")
        if 99 in items:
            raise ConnectionError("away")
        return [LookupError("7") if item == 7 else item * 2 for item in items]


def ask(together: GroupCommit[int, int], numbers: Sequence[int]) -> list[int | str]:
    """Ask for all numbers at once, from a thread each."""

    def one(number: int) -> int | str:
        try:
            return together.do(number)
        except Exception as error:
            return type(error).__name__

    with ThreadPoolExecutor(len(numbers)) as pool:
        return list(pool.map(one, numbers))


def ask_in_loop(together: AsyncGroupCommit[int, int], numbers: Sequence[int]) -> list[int | str]:
    """Ask for all numbers at once, in one event loop."""

    async def one(number: int) -> int | str:
        try:
            return await together.do(number)
        except Exception as error:
            return type(error).__name__

    async def all_of_them() -> list[int | str]:
        return list(await asyncio.gather(*map(one, numbers)))

    return asyncio.run(all_of_them())


WAYS = pytest.mark.parametrize(
    ("kind", "ask"), [(GroupCommit, ask), (AsyncGroupCommit, ask_in_loop)], ids=["threads", "loop"]
)


@WAYS
def test_each_gets_its_own_answer_and_groups_are_bounded(kind, ask):
    work = Work(0.005)
    numbers = list(range(100, 300))
    assert ask(kind(work, **LIMITS), numbers) == [number * 2 for number in numbers]
    assert sorted(chain.from_iterable(work.groups)) == numbers
    assert max(map(len, work.groups)) <= 8
    assert len(work.groups) < 100


@WAYS
def test_a_lone_request_waits_for_nobody(kind, ask):
    together = kind(Work(), **LIMITS)
    began = time.monotonic()
    for number in (20, 21, 22):
        assert ask(together, [number]) == [number * 2]
    assert time.monotonic() - began < 0.5


ROUNDS, SENDERS = 20, 12


def test_threads_that_ask_again_at_once_come_into_one_group():
    work = Work(0.002)
    together = GroupCommit(work, **{**LIMITS, "at_once": 64})

    def sender(number: int) -> None:
        for _ in range(ROUNDS):
            assert together.do(number) == number * 2

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(sender, range(100, 100 + SENDERS)))
    assert sum(map(len, work.groups)) == ROUNDS * SENDERS
    assert len(work.groups) < ROUNDS * 1.5


def test_tasks_that_ask_again_at_once_come_into_one_group():
    work = Work(0.002)
    together = AsyncGroupCommit(work, **{**LIMITS, "at_once": 64})

    async def sender(number: int) -> None:
        # One after another, as requests come.
        await asyncio.sleep((number - 100) / 2000)
        for _ in range(ROUNDS):
            assert await together.do(number) == number * 2

    async def all_of_them() -> None:
        await asyncio.gather(*map(sender, range(100, 100 + SENDERS)))

    asyncio.run(all_of_them())
    assert sum(map(len, work.groups)) == ROUNDS * SENDERS
    assert len(work.groups) < ROUNDS * 1.5


@WAYS
def test_an_error_of_one_is_its_own(kind, ask):
    assert ask(kind(Work(0.01), **LIMITS), [6, 7, 8, 9]) == [12, "LookupError", 16, 18]


@WAYS
def test_where_the_group_fails_each_is_tried_alone(kind, ask):
    work = Work(0.01)
    assert ask(kind(work, **LIMITS), [10, 11, 12, 13, 14]) == [20, 22, 24, "ValueError", 28]
    assert [13] in work.groups


@WAYS
def test_where_trying_alone_is_hopeless_nobody_waits_for_it(kind, ask):
    work = Work(0.05)
    together = kind(work, **LIMITS, hopeless=(ConnectionError,))
    assert set(ask(together, [99] * 8)) == {"ConnectionError"}
    assert len(work.groups) <= 4


@WAYS
def test_too_many_are_told_so_at_once(kind, ask):
    together = kind(Work(0.3), **{**LIMITS, "at_once": 2, "waiting": 4})
    answers = ask(together, [50] * 30)
    assert answers.count("Overloaded") >= 20
    assert set(answers) == {"Overloaded", 100}
    assert ask(together, [51]) == [102]


def test_work_that_hangs_costs_everybody_a_bounded_wait():
    work = Work()
    work.go.clear()
    together = GroupCommit(work, **{**LIMITS, "seconds": 0.2})
    with ThreadPoolExecutor(3) as pool:
        leader = pool.submit(together.do, 1)
        time.sleep(0.05)
        began = time.monotonic()
        follower = pool.submit(together.do, 2)
        with pytest.raises(Overloaded):
            follower.result(2)
        assert 0.1 < time.monotonic() - began < 1.0
        # Who comes now is not even let in.
        began = time.monotonic()
        with pytest.raises(Overloaded):
            together.do(3)
        assert time.monotonic() - began < 0.1
        work.go.set()
        assert leader.result(2) == 2
    assert together.do(4) == 8
    # Who gave up before being taken was not worked for.
    assert work.groups == [[1], [4]]


def test_the_loop_goes_on_while_work_hangs():
    work = Work()
    work.go.clear()
    together = AsyncGroupCommit(work, **{**LIMITS, "seconds": 0.2})

    async def scene() -> None:
        hanging = []
        for number in (1, 2):
            hanging.append(asyncio.create_task(together.do(number)))
            await asyncio.sleep(0.05)
        began = time.monotonic()
        with pytest.raises(Overloaded):
            await together.do(3)
        for each in hanging:
            with pytest.raises(Overloaded):
                await each
        assert time.monotonic() - began < 1.0
        with pytest.raises(Overloaded):
            await together.do(4)
        work.go.set()
        await asyncio.sleep(0.1)
        assert await together.do(5) == 10

    asyncio.run(scene())
    assert work.groups == [[1], [2], [5]]


def test_one_group_that_hangs_holds_up_none_of_the_others():
    work = Work()
    together = AsyncGroupCommit(work, **{**LIMITS, "seconds": 5.0})

    async def scene() -> list[int]:
        work.go.clear()
        hanging = asyncio.create_task(together.do(1))
        await asyncio.sleep(0.05)
        work.go, held = threading.Event(), work.go
        work.go.set()
        served = [await together.do(number) for number in (2, 3, 4)]
        assert not hanging.done()
        held.set()
        return [*served, await hanging]

    assert asyncio.run(scene()) == [4, 6, 8, 2]


def test_nobody_is_left_asleep_by_a_leader_who_is_stopped():
    class Stopped(BaseException):
        pass

    at_work = threading.Event()

    def work(items: Sequence[int]) -> list[int | Exception]:
        if 1 in items:
            at_work.set()
            time.sleep(0.1)
            raise Stopped
        return [item * 2 for item in items]

    together: GroupCommit[int, int] = GroupCommit(work, **LIMITS)
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(together.do, 1)
        assert at_work.wait(5)
        follower = pool.submit(together.do, 2)
        assert isinstance(leader.exception(5), Stopped)
        assert follower.result(5) == 4
