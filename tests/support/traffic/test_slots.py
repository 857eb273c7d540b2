"""Slots: nobody too many, nobody before his turn, and none of them lost."""

import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiohttp_route_middleware.support.traffic.slots import SlotBoard, Slots

LONG = 3600.0


def here() -> bool:
    return False


async def wait(slots: Slots, seconds: float = LONG) -> bool:
    return await slots.wait(seconds, here)


async def begin(*waiting: "asyncio.Task[bool]") -> None:
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)


async def test_only_so_many_have_a_slot() -> None:
    slots = Slots(2, 0)
    assert [slots.take(), slots.take(), slots.take()] == [True, True, False]
    slots.free()
    assert [slots.take(), slots.take()] == [True, False]


async def test_only_so_many_wait() -> None:
    slots = Slots(1, 1)
    slots.take()
    waiting = asyncio.create_task(wait(slots))
    await begin(waiting)
    assert await wait(slots) is False
    slots.free()
    assert await waiting is True
    assert slots.taken == 1


async def test_who_waits_longest_comes_first_and_nobody_goes_before() -> None:
    slots = Slots(1, 3)
    slots.take()
    order: list[str] = []

    async def run(name: str) -> None:
        assert await wait(slots)
        order.append(name)
        slots.free()

    tasks = []
    for name in "abc":
        tasks.append(asyncio.create_task(run(name)))
        await asyncio.sleep(0)
    slots.free()
    assert not slots.take()  # it is a's already
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c"]
    assert slots.taken == 0


async def test_who_has_waited_long_enough_gets_none_and_leaves_the_queue() -> None:
    slots = Slots(1, 1)
    slots.take()
    assert await wait(slots, 0.001) is False
    assert await wait(slots, 0.001) is False  # there was room in the queue
    slots.free()
    assert slots.taken == 0


async def test_who_is_cancelled_leaves_the_queue() -> None:
    slots = Slots(1, 1)
    slots.take()
    waiting = asyncio.create_task(wait(slots))
    await begin(waiting)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    slots.free()
    assert slots.taken == 0


async def test_who_is_cancelled_in_the_moment_in_which_a_slot_comes_gives_it_on() -> None:
    slots = Slots(1, 2)
    slots.take()
    first, second = asyncio.create_task(wait(slots)), asyncio.create_task(wait(slots))
    await begin(first, second)
    slots.free()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second is True
    slots.free()
    assert slots.taken == 0


async def test_who_is_cancelled_in_the_moment_in_which_time_is_up_has_no_slot_to_give_on() -> None:
    slots = Slots(1, 1)
    slots.take()
    gone = False
    waiting = asyncio.create_task(slots.wait(LONG, lambda: gone))
    await begin(waiting)
    gone = True
    slots.free()  # which tells it that there is none
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert slots.taken == 0


async def test_a_slot_is_not_handed_to_one_who_has_gone() -> None:
    slots = Slots(1, 2)
    slots.take()
    gone = False
    first = asyncio.create_task(slots.wait(LONG, lambda: gone))
    await begin(first)
    second = asyncio.create_task(wait(slots))
    await begin(second)
    gone = True
    slots.free()
    assert [await first, await second] == [False, True]


async def test_who_has_gone_gives_his_place_to_others() -> None:
    slots = Slots(1, 1)
    slots.take()
    gone = False
    first = asyncio.create_task(slots.wait(LONG, lambda: gone))
    await begin(first)
    gone = True
    second = asyncio.create_task(wait(slots))
    await begin(second)
    assert await first is False
    slots.free()
    assert await second is True


async def test_a_name_is_forgotten_when_nobody_has_a_slot_of_it() -> None:
    board = SlotBoard(1, 0)
    slots = board.find("a")
    slots.take()
    board.find("b").take()
    assert board.find("a") is slots
    board.forget("a")
    assert len(board) == 2
    slots.free()
    board.forget("a")
    board.forget("a")
    assert len(board) == 1


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), limit=st.integers(1, 4), queue=st.integers(0, 6))
def test_no_slot_is_lost_whoever_is_cancelled_when(seed: int, limit: int, queue: int) -> None:
    chance = random.Random(seed)
    slots = Slots(limit, queue)
    running = most = 0

    async def run() -> None:
        nonlocal running, most
        if not slots.take() and not await slots.wait(chance.choice([0.0001, LONG]), lambda: chance.random() < 0.1):
            return
        running += 1
        most = max(most, running)
        try:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        finally:
            running -= 1
            slots.free()

    async def storm() -> None:
        tasks: list[asyncio.Task[None]] = []
        for _ in range(60):
            tasks.append(asyncio.create_task(run()))
            if chance.random() < 0.5:
                chance.choice(tasks).cancel()
            if chance.random() < 0.5:
                await asyncio.sleep(0)
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(storm())
    assert (running, slots.taken) == (0, 0)
    assert most <= limit
