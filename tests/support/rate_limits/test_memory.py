"""What is counted in memory: exactly, for as long as its window lasts, and under so many keys."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse
from limits.aio.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.rate_limits.memory import MemoryCounters

WINDOWS = [FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter]
each_window = pytest.mark.parametrize("window", WINDOWS)
THREE = parse("3/minute")


class Clock:
    def __init__(self) -> None:
        self.now = 6_000_000.0  # where a minute begins

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters(clock: Clock) -> MemoryCounters:
    return MemoryCounters(clock=clock)


@each_window
async def test_of_ten_at_once_three_pass(window: type[RateLimiter], counters: MemoryCounters) -> None:
    rates = window(counters)
    assert sum(await asyncio.gather(*(rates.hit(THREE, "a") for _ in range(10)))) == 3
    assert await rates.hit(THREE, "b")


@each_window
@pytest.mark.parametrize("back", [1.0, 59.0, 3600.0, 1e6])
async def test_a_clock_that_is_set_back_locks_nobody_out(
    back: float, window: type[RateLimiter], counters: MemoryCounters, clock: Clock
) -> None:
    rates = window(counters)
    assert [await rates.hit(THREE, "a") for _ in range(4)] == [True, True, True, False]
    clock.now -= back
    if window is not SlidingWindowCounterRateLimiter:  # whose windows begin with the minute: it may be another one
        assert not await rates.hit(THREE, "a")
        resets_at, _ = await rates.get_window_stats(THREE, "a")
        assert clock.now < resets_at <= clock.now + 60
    clock.now += 180
    assert await rates.test(THREE, "a", cost=3)


@each_window
async def test_when_the_windows_are_over_all_is_there_again(
    window: type[RateLimiter], counters: MemoryCounters, clock: Clock
) -> None:
    rates = window(counters)
    for _ in range(3):
        assert [await rates.hit(THREE, "a") for _ in range(4)] == [True, True, True, False]
        assert not await rates.test(THREE, "a")
        clock.now += 120
        assert await rates.test(THREE, "a", cost=3)


@each_window
async def test_what_is_cleared_is_forgotten(window: type[RateLimiter], counters: MemoryCounters) -> None:
    rates = window(counters)
    await rates.hit(THREE, "a", cost=3)
    await rates.clear(THREE, "a")
    assert await rates.hit(THREE, "a", cost=3)
    assert await counters.reset() == 1
    assert await rates.hit(THREE, "a", cost=3)
    assert await counters.check()


async def test_a_fixed_window_begins_with_the_first_and_ends_on_time(counters: MemoryCounters, clock: Clock) -> None:
    rates = FixedWindowRateLimiter(counters)
    clock.now += 30
    assert await rates.get_window_stats(THREE, "a") == (clock.now, 3)
    ends = clock.now + 60
    await rates.hit(THREE, "a")
    clock.now += 59
    assert await rates.hit(THREE, "a", cost=2)
    assert await rates.get_window_stats(THREE, "a") == (ends, 0)
    clock.now += 1
    assert await rates.get_window_stats(THREE, "a") == (ends, 3)
    assert await rates.hit(THREE, "a", cost=3)


async def test_a_moving_window_lets_pass_as_each_leaves_it(counters: MemoryCounters, clock: Clock) -> None:
    rates = MovingWindowRateLimiter(counters)
    assert await rates.get_window_stats(THREE, "a") == (clock.now + 60, 3)
    for _ in range(3):
        assert await rates.hit(THREE, "a")
        clock.now += 10
    assert await rates.get_window_stats(THREE, "a") == (6_000_060, 0)
    clock.now = 6_000_059
    assert not await rates.hit(THREE, "a")
    clock.now = 6_000_060
    assert await rates.hit(THREE, "a")
    assert not await rates.hit(THREE, "a")
    assert await rates.get_window_stats(THREE, "a") == (6_000_070, 0)


async def test_a_sliding_window_weighs_the_last_one(counters: MemoryCounters, clock: Clock) -> None:
    rates = SlidingWindowCounterRateLimiter(counters)
    four = parse("4/minute")
    assert await rates.hit(four, "a", cost=4)
    clock.now += 60
    assert not await rates.hit(four, "a")  # 4 of 4 still count
    clock.now += 15
    assert await rates.hit(four, "a")  # 3 do
    assert not await rates.hit(four, "a")
    clock.now += 30
    assert await rates.hit(four, "a", cost=2)  # 1 does, and 1 of this window
    assert not await rates.hit(four, "a")


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 4)), max_size=60))
def test_in_no_minute_does_a_moving_window_let_more_pass(steps: list[tuple[int, int]]) -> None:
    async def check() -> None:
        clock = Clock()
        rates = MovingWindowRateLimiter(MemoryCounters(clock=clock))
        passed: list[tuple[float, int]] = []
        for seconds, cost in steps:
            clock.now += seconds
            room = 3 - sum(amount for at, amount in passed if at > clock.now - 60)
            assert await rates.hit(THREE, "a", cost=cost) is (cost <= room)
            if cost <= room:
                passed.append((clock.now, cost))

    asyncio.run(check())


async def test_when_it_is_full_the_one_used_longest_ago_is_forgotten(clock: Clock) -> None:
    counters = MemoryCounters(max_keys=2, clock=clock)
    for key in ("a", "b", "a", "c"):
        await counters.incr(key, 60)
    assert [await counters.get(key) for key in "abc"] == [2, 0, 1]
    assert len(counters) == 2


async def test_what_is_over_goes_before_it_is_full(clock: Clock) -> None:
    counters = MemoryCounters(clock=clock)
    for key in range(10):
        await counters.incr(str(key), 60)
    clock.now += 60
    for key in range(100, 110):
        await counters.incr(str(key), 60)
    assert len(counters) == 10


@each_window
async def test_a_flood_of_keys_never_makes_it_larger(window: type[RateLimiter]) -> None:
    counters = MemoryCounters(max_keys=50)
    rates = window(counters)
    for key in range(500):
        assert await rates.hit(THREE, str(key))
    assert len(counters) == 50


async def test_a_counter_begins_anew_when_its_time_is_over(counters: MemoryCounters, clock: Clock) -> None:
    await counters.incr("a", 60, amount=5)
    clock.now += 60
    assert await counters.get("a") == 0
    assert await counters.incr("a", 60) == 1
    assert await counters.get_expiry("a") == clock.now + 60


@pytest.mark.parametrize("options", [{"max_keys": 0}, {"max_keys": "many"}, {"clock": 5}, {"clock": None}], ids=str)
def test_what_is_wrong_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^MemoryCounters\(\): "):
        MemoryCounters(**options)


def test_it_has_nothing_that_may_go_wrong() -> None:
    assert MemoryCounters().base_exceptions == ()
