"""Counts a request against limits, by the strategies of the library `limits`, in the storage of the event loop.

Rules kept here:
- A request that one of several limits refuses is counted against none: all are asked before any is counted. Between
  the two another request may come; then those counted first stay counted. Never do more pass than a limit allows.
- One request that costs more than is left in a fixed window leaves what is left to others, by the same.
- Whoever has gone too far is blocked from then on; asking again does not make it longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from ...errors import MissingDependencyError, StoreError
from .fields import Reading
from .limits import Limit
from .memory import MemoryCounters
from .storages import Storages

try:
    from limits.aio.storage import RedisStorage, Storage
    from limits.aio.strategies import (
        FixedWindowRateLimiter,
        MovingWindowRateLimiter,
        RateLimiter,
        SlidingWindowCounterRateLimiter,
    )
except ImportError as _error:
    raise MissingDependencyError("limits", "rate-limit") from _error

__all__ = ("WINDOWS", "Meter", "Verdict")

WINDOWS: dict[str, Callable[[Any], RateLimiter]] = {
    "fixed": FixedWindowRateLimiter,
    "moving": MovingWindowRateLimiter,
    "sliding": SlidingWindowCounterRateLimiter,
}


class Verdict(NamedTuple):
    """What became of a request.

    Args:
        readings: how much is left of each limit.
        resumes_at: when to come again, in seconds since 1970; `None` for one that may pass.
    """

    readings: Sequence[Reading]
    resumes_at: float | None


class Meter:
    """Counts requests.

    Args:
        storages: where.
        window: one of `WINDOWS`.
        prefix: before all that is kept there.
        block_time: seconds for which nothing passes after too much; `None` for none.
        timeout: seconds that all of it may take for one request.
    """

    def __init__(
        self, storages: Storages, *, window: str, prefix: str, block_time: int | None, timeout: float
    ) -> None:
        self._storages = storages
        self._make_strategy = WINDOWS[window]
        self._is_fixed = window == "fixed"
        self._counters = storages.counters if window == "fixed" and block_time is None else None
        self._prefix = prefix
        self._block_time = block_time
        self._timeout = timeout
        # Redis tells seconds rounded to the nearest: there may be half a second more
        self._slack = 0.5 if issubclass(storages.kind, RedisStorage) else 0.0
        self._rates: RateLimiter | None = None
        self._unfinished: set[asyncio.Task[Verdict]] = set()

    async def count(self, limits: Sequence[Limit], key: str, cost: int) -> Verdict:
        """Count a request against all limits, or find out which of them it exceeds.

        Raises:
            StoreError: the storage has not answered, or not in time.
        """
        try:
            if self._counters is not None and cost == 1 and len(limits) == 1:
                return self._count_at_once(self._counters, limits[0], key)
            if not self._storages.is_remote:
                return await self._count(limits, key, cost)
            counting = self._count(limits, key, cost)
            return await asyncio.wait_for(
                self._finish(counting) if self._storages.must_finish else counting, self._timeout
            )
        except Exception as error:  # whatever a client of a server may raise; its text may hold an address
            raise StoreError(f"{self._storages.kind.__name__}: {type(error).__name__}") from error

    @staticmethod
    def _count_at_once(counters: MemoryCounters, limit: Limit, key: str) -> Verdict:
        """As `_count()` does it where nobody has to wait, and one limit has nothing to ask of others."""
        count, resets_at = counters.count(limit.name_key(key), limit.seconds, 1)
        reading = Reading(max(0, limit.amount - count), resets_at)
        return Verdict((reading,), None if count <= limit.amount else resets_at)

    async def _finish(self, counting: Coroutine[Any, Any, Verdict]) -> Verdict:
        """Wait for it, and let it come to its end though nobody waits any more."""
        task = asyncio.ensure_future(counting)
        self._unfinished.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Verdict]) -> None:
        self._unfinished.discard(task)
        with contextlib.suppress(asyncio.CancelledError):
            task.exception()  # which somebody has been told, or nobody waits for

    async def _count(self, limits: Sequence[Limit], key: str, cost: int) -> Verdict:
        storage = await self._storages.find()
        if self._block_time is not None:
            blocked_until = await self._read_block(storage, key)
            if blocked_until is not None:
                return Verdict([Reading(0, blocked_until)] * len(limits), blocked_until)
        rates = self._rates
        if rates is None or rates.storage is not storage:  # of the loop that counted last
            self._rates = rates = self._make_strategy(storage)
        readings, exceeded = await self._take(rates, limits, key, cost)
        if not exceeded:
            return Verdict(readings, None)
        resumes_at = max(readings[place].resets_at for place in exceeded)
        if self._block_time is not None:
            resumes_at = max(resumes_at, await self._block(storage, key, self._block_time))
        return Verdict(readings, resumes_at)

    async def _take(
        self, rates: RateLimiter, limits: Sequence[Limit], key: str, cost: int
    ) -> tuple[list[Reading], list[int]]:
        """Count; return what is left, and the places of the limits that are exceeded, if any are."""
        exceeded: list[int] = []
        if len(limits) > 1 or (self._is_fixed and cost > 1):
            exceeded = [
                place
                for place, limit in enumerate(limits)
                if cost and not await rates.test(limit.item, key, cost=cost)
            ]
        readings = []
        for place, limit in enumerate(limits):
            if exceeded or not cost:
                reading, passes = await self._read(rates, limit, key), True
            else:
                reading, passes = await self._hit(rates, limit, key, cost)
            readings.append(reading)
            if not passes:
                exceeded = [place]
        return readings, exceeded

    async def _hit(self, rates: RateLimiter, limit: Limit, key: str, cost: int) -> tuple[Reading, bool]:
        if not self._is_fixed:
            passes = await rates.hit(limit.item, key, cost=cost)
            return await self._read(rates, limit, key), passes
        # as the strategy of the library does it, but that it does not tell how much was counted
        storage, name = rates.storage, limit.name_key(key)
        count = await storage.incr(name, limit.seconds, amount=cost)
        return self._read_fixed(limit, count, await storage.get_expiry(name)), count <= limit.amount

    async def _read(self, rates: RateLimiter, limit: Limit, key: str) -> Reading:
        resets_at, remaining = await rates.get_window_stats(limit.item, key)
        if self._is_fixed:
            return self._read_fixed(limit, limit.amount - remaining, resets_at)
        return Reading(min(max(0, remaining), limit.amount), resets_at)

    def _read_fixed(self, limit: Limit, count: int, resets_at: float) -> Reading:
        latest = time.time() + limit.seconds
        return Reading(max(0, limit.amount - count), min(resets_at + self._slack, latest))

    async def _read_block(self, storage: Storage, key: str) -> float | None:
        name = self._name_block(key)
        return await storage.get_expiry(name) + self._slack if await storage.get(name) else None

    async def _block(self, storage: Storage, key: str, seconds: int) -> float:
        await storage.incr(self._name_block(key), seconds)
        return time.time() + seconds

    def _name_block(self, key: str) -> str:
        return f"{self._prefix}blocked/{key}"
