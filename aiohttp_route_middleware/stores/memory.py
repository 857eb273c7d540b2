"""A store in the memory of one process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from ..option_checks import check_count, check_function

__all__ = ("MemoryStore",)

_STORE = "MemoryStore()"


class MemoryStore:
    """Keeps values in this process, at most so many; when it is full, those used longest ago go first.

    Other processes do not see them, and a restart loses them.

    Several batteries may share one: `sessions()`, `idempotency()` and `response_cache()` keep what is theirs under
    names of their own, and never find what another of them has kept. They share its room, though: what one fills it
    with makes the others forget. Applications that share one share what it holds, as processes do with one Redis; give
    each its own store if they are strangers to each other.

    Args:
        max_entries: how many values it keeps; default 10,000.
        clock: tells seconds; default `time.monotonic`.

    Raises:
        ConfigurationError: `max_entries` is not a positive whole number, or the clock is no function.

    Example:
        sessions(store=MemoryStore())
    """

    def __init__(self, *, max_entries: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        check_function(_STORE, "clock", clock, takes="nothing, and tells seconds")
        self._max_entries = check_count(_STORE, "max_entries", max_entries, unit="values")
        self._clock = clock
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()  # the value and when its time is over
        self._soonest = math.inf  # no time is over before that

    async def get(self, key: str) -> bytes | None:
        """Return what is kept under a key; `None` if nothing is, or its time is over."""
        value, ends = self._entries.get(key, (None, 0.0))
        if value is None:
            return None
        if ends <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Keep a value for `ttl` seconds, in place of what was there."""
        ends = self._clock() + ttl
        self._entries[key] = (value, ends)
        self._entries.move_to_end(key)
        self._soonest = min(self._soonest, ends)
        if len(self._entries) > self._max_entries:
            self._make_room()

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Keep a value unless there is one; tell whether it was kept."""
        if await self.get(key) is not None:  # nothing is awaited in there, so no other task comes between
            return False
        await self.set(key, value, ttl=ttl)
        return True

    async def replace(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Keep a value in place of one that is there; tell whether there was one."""
        if await self.get(key) is None:
            return False
        await self.set(key, value, ttl=ttl)
        return True

    async def delete(self, key: str) -> bool:
        """Forget a key; tell whether there was a value."""
        _, ends = self._entries.pop(key, (b"", 0.0))
        return ends > self._clock()

    async def close(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def _make_room(self) -> None:
        now = self._clock()
        if self._soonest <= now:
            for key in [key for key, (_, ends) in self._entries.items() if ends <= now]:
                del self._entries[key]
            self._soonest = min((ends for _, ends in self._entries.values()), default=math.inf)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
