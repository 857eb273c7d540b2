"""What the meter does where two requests come at the same moment, and where nobody waits any more."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from limits.aio.storage import MemoryStorage

from aiohttp_route_middleware.errors import StoreError
from aiohttp_route_middleware.support.rate_limits import meter
from aiohttp_route_middleware.support.rate_limits.limits import read_limits
from aiohttp_route_middleware.support.rate_limits.memory import MemoryCounters
from aiohttp_route_middleware.support.rate_limits.meter import Meter
from aiohttp_route_middleware.support.rate_limits.storages import open_storages

from ...clock import Clock
from ...memcached_server import MemcachedServer, memcached_process, memcached_server

__all__ = ("memcached_process", "memcached_server")


def make_meter(storage: Any, *, window: str = "fixed", timeout: float = 60, block_time: int | None = None) -> Meter:
    storages = open_storages("rate_limit()", storage, window, timeout)
    return Meter(storages, window=window, prefix="arm:", block_time=block_time, timeout=timeout)


async def test_two_that_come_between_asking_and_counting_pass_no_more_than_the_limit_allows() -> None:
    class Interrupted(MemoryCounters):
        """Lets others run between two questions, as a server far away does."""

        async def get(self, key: str) -> int:
            found = await super().get(key)
            await asyncio.sleep(0)
            return found

    meter = make_meter(Interrupted())
    limits = read_limits("", "3/minute;100/hour")
    verdicts = await asyncio.gather(*(meter.count(limits, "key", 1) for _ in range(10)))
    assert sum(verdict.resumes_at is None for verdict in verdicts) == 3
    assert verdicts[-1].readings[0].remaining == 0


async def test_what_is_counted_at_once_is_counted_as_by_questions_that_are_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Asked(MemoryCounters):
        """Is not spoken to directly, for what is made of a storage may answer otherwise."""

    clock = Clock()
    monkeypatch.setattr(meter, "time", SimpleNamespace(time=clock))
    limits = read_limits("", "3/minute")
    meters = [make_meter(kind(clock=clock)) for kind in (MemoryCounters, Asked)]
    for seconds in (0, 20, 20, 19, 1, 0, 0, -30, 60):
        clock.now += seconds
        one, other = [await meter.count(limits, "key", 1) for meter in meters]
        assert one.resumes_at == other.resumes_at
        assert [*one.readings] == [*other.readings]


@pytest.mark.parametrize("cancel", [True, False], ids=["cancelled", "too late"])
async def test_who_no_longer_waits_for_memcached_takes_no_connection_away(
    cancel: bool, memcached_server: MemcachedServer
) -> None:
    """Its client has two connections, and loses one with whoever is cancelled while it connects."""
    limits = read_limits("", "100/minute")
    meter = make_meter(memcached_server.url)
    for _ in range(5):
        counting = asyncio.ensure_future(meter.count(limits, "key", 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if cancel:
            counting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await counting
        else:
            await counting
    verdict = await meter.count(limits, "key", 1)
    assert verdict.resumes_at is None
    await asyncio.gather(*meter._unfinished)
    assert (await meter.count(limits, "key", 1)).readings[0].remaining == 93


async def test_what_comes_too_late_is_an_error_that_says_who_and_not_where() -> None:
    class Slow(MemoryStorage):
        async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
            await asyncio.Event().wait()
            return 0

    meter = make_meter(Slow(), timeout=0.01)
    with pytest.raises(StoreError, match=r"^Slow: TimeoutError$"):
        await meter.count(read_limits("", "1/minute"), "key", 1)
