"""Group commit: group size, limits, and failing requests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from advocacy.ingestion.group_commit import GroupCommit, Overloaded

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


def ask_in_loop(together: GroupCommit[int, int], numbers: Sequence[int]) -> list[int | str]:
    """Ask for all numbers at once, in one event loop."""

    async def one(number: int) -> int | str:
        try:
            return await together.do_in_loop(number)
        except Exception as error:
            return type(error).__name__

    async def all_of_them() -> list[int | str]:
        return list(await asyncio.gather(*map(one, numbers)))

    return asyncio.run(all_of_them())


WAYS = pytest.mark.parametrize("ask", [ask, ask_in_loop], ids=["threads", "loop"])


@WAYS
def test_each_request_gets_its_own_result_and_groups_are_bounded(ask):
    work = Work(0.005)
    numbers = list(range(100, 300))
    assert ask(GroupCommit(work, **LIMITS), numbers) == [number * 2 for number in numbers]
    assert sorted(chain.from_iterable(work.groups)) == numbers
    assert max(map(len, work.groups)) <= 8
    assert len(work.groups) < 100


@WAYS
def test_a_single_request_does_not_wait(ask):
    together = GroupCommit(Work(), **LIMITS)
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
    together = GroupCommit(work, **{**LIMITS, "at_once": 64})

    async def sender(number: int) -> None:
        # One after another, as requests come.
        await asyncio.sleep((number - 100) / 2000)
        for _ in range(ROUNDS):
            assert await together.do_in_loop(number) == number * 2

    async def all_of_them() -> None:
        await asyncio.gather(*map(sender, range(100, 100 + SENDERS)))

    asyncio.run(all_of_them())
    assert sum(map(len, work.groups)) == ROUNDS * SENDERS
    assert len(work.groups) < ROUNDS * 1.5


@WAYS
def test_an_error_of_one_is_its_own(ask):
    assert ask(GroupCommit(Work(0.01), **LIMITS), [6, 7, 8, 9]) == [12, "LookupError", 16, 18]


@WAYS
def test_if_the_group_fails_each_request_is_tried_singly(ask):
    work = Work(0.01)
    assert ask(GroupCommit(work, **LIMITS), [10, 11, 12, 13, 14]) == [20, 22, 24, "ValueError", 28]
    assert [13] in work.groups


@WAYS
def test_during_an_outage_requests_are_not_tried_singly(ask):
    work = Work(0.05)
    together = GroupCommit(work, **LIMITS, hopeless=(ConnectionError,))
    assert set(ask(together, [99] * 8)) == {"ConnectionError"}
    assert len(work.groups) <= 4


@WAYS
def test_requests_beyond_the_limit_fail_at_once(ask):
    together = GroupCommit(Work(0.3), **{**LIMITS, "at_once": 2, "waiting": 4})
    answers = ask(together, [50] * 30)
    assert answers.count("Overloaded") >= 20
    assert set(answers) == {"Overloaded", 100}
    assert ask(together, [51]) == [102]


def test_a_hanging_commit_costs_a_bounded_wait():
    work = Work()
    work.go.clear()
    together = GroupCommit(work, **{**LIMITS, "seconds": 0.2})
    with ThreadPoolExecutor(3) as pool:
        hanging = []
        for number in (1, 2):
            hanging.append(pool.submit(together.do, number))
            time.sleep(0.05)
        began = time.monotonic()
        follower = pool.submit(together.do, 3)
        with pytest.raises(Overloaded):
            follower.result(2)
        assert 0.1 < time.monotonic() - began < 1.0
        for each in hanging:
            with pytest.raises(Overloaded):
                each.result(2)
        # Who comes now is not even let in.
        began = time.monotonic()
        with pytest.raises(Overloaded):
            together.do(4)
        assert time.monotonic() - began < 0.1
        work.go.set()
        time.sleep(0.1)
    assert together.do(5) == 10
    # Who gave up before being taken was not worked for.
    assert work.groups == [[1], [2], [5]]


def test_the_loop_goes_on_while_work_hangs():
    work = Work()
    work.go.clear()
    together = GroupCommit(work, **{**LIMITS, "seconds": 0.2})

    async def scene() -> None:
        hanging = []
        for number in (1, 2):
            hanging.append(asyncio.create_task(together.do_in_loop(number)))
            await asyncio.sleep(0.05)
        began = time.monotonic()
        with pytest.raises(Overloaded):
            await together.do_in_loop(3)
        for each in hanging:
            with pytest.raises(Overloaded):
                await each
        assert time.monotonic() - began < 1.0
        with pytest.raises(Overloaded):
            await together.do_in_loop(4)
        work.go.set()
        await asyncio.sleep(0.1)
        assert await together.do_in_loop(5) == 10

    asyncio.run(scene())
    assert work.groups == [[1], [2], [5]]


@WAYS
def test_one_group_that_hangs_holds_up_none_of_the_others(ask):
    work = Work()
    together = GroupCommit(work, **LIMITS)
    work.go.clear()
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(ask, together, [1])
        time.sleep(0.05)
        held, work.go = work.go, threading.Event()
        work.go.set()
        assert [ask(together, [number]) for number in (2, 3, 4)] == [[4], [6], [8]]
        assert not hanging.done()
        held.set()
        assert hanging.result(5) == [2]


@WAYS
def test_what_arrives_just_before_a_group_hangs_is_taken_over(ask):
    work = Work()
    together = GroupCommit(work, **LIMITS)
    assert ask(together, [1]) == [2]
    work.go.clear()
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(together.do, 2)
        while len(work.groups) < 2:
            time.sleep(0.0005)
        held, work.go = work.go, threading.Event()
        work.go.set()
        # Nothing else arrives that could notice.
        assert pool.submit(ask, together, [3]).result(2) == [6]
        held.set()
        assert hanging.result(5) == 4


def test_a_request_that_was_cancelled_is_not_worked_for():
    work = Work(0.05)
    together = GroupCommit(work, **{**LIMITS, "at_once": 1})

    async def scene() -> None:
        first = asyncio.create_task(together.do_in_loop(1))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(together.do_in_loop(2))
        await asyncio.sleep(0)
        second.cancel()
        assert await first == 2
        assert await together.do_in_loop(3) == 6

    asyncio.run(scene())
    assert work.groups == [[1], [3]]


@WAYS
def test_nobody_is_left_asleep_by_work_that_is_stopped(ask):
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
        first = pool.submit(together.do, 1)
        assert at_work.wait(5)
        follower = pool.submit(ask, together, [2])
        assert isinstance(first.exception(5), Stopped)
        assert follower.result(5) == [4]
