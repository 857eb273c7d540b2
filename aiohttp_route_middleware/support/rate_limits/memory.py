"""What has been counted, in the memory of one process: a storage for the library `limits`.

Its own `MemoryStorage` has no bound, and walks over all that it holds with each request: who comes by many addresses
makes every request slow. It belongs to one event loop, too.

Rules kept here:
- Nothing is awaited between looking and counting, so no other task comes between.
- It holds so many keys and no more; with each new one it looks at no more than two others.
- A clock that is set back makes nothing last longer: what was counted goes back with it.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from math import floor

from ...errors import MissingDependencyError
from ...option_checks import check_count, check_function

try:
    from limits.aio.storage import MovingWindowSupport, SlidingWindowCounterSupport, Storage
except ImportError as _error:
    raise MissingDependencyError("limits", "rate-limit") from _error

__all__ = ("MemoryCounters",)

_STORAGE = "MemoryCounters()"


class _Counter:
    """What was counted under one key."""

    __slots__ = ("count", "ends", "entries", "seen")

    def __init__(self, now: float, ends: float) -> None:
        self.count = 0
        self.ends = ends  # when it may be forgotten
        self.seen = now  # when it was looked at last
        self.entries: deque[tuple[float, int]] = deque()  # when how much was counted, in a moving window

    def look(self, now: float) -> None:
        """Go back with the clock, if it was set back."""
        back = self.seen - now
        if back > 0:
            self.ends -= back
            self.entries = deque((when - back, amount) for when, amount in self.entries)
        self.seen = now


class MemoryCounters(Storage, MovingWindowSupport, SlidingWindowCounterSupport):
    """Counts in this process, under at most so many keys; when it is full, those used longest ago are forgotten.

    Args:
        max_keys: under how many keys it counts; default 100,000.
        clock: tells seconds since 1970; default `time.time`.

    Raises:
        ConfigurationError: `max_keys` is not a positive whole number, or the clock is no function.
    """

    STORAGE_SCHEME: list[str] | None = None

    def __init__(self, *, max_keys: int = 100_000, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        check_function(_STORAGE, "clock", clock, takes="nothing, and tells seconds")
        self._max_keys = check_count(_STORAGE, "max_keys", max_keys, unit="keys")
        self._clock = clock
        self._kept: OrderedDict[str, _Counter] = OrderedDict()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """What may go wrong: nothing."""
        return ()

    def count(self, key: str, expiry: float, amount: int) -> tuple[int, float]:
        """Count, and return how much was counted until `expiry` seconds after the first, and when that is."""
        counter, now = self._find(key)
        if counter is None or counter.ends <= now:
            counter = self._begin(key, now, now + expiry)
        else:
            self._kept.move_to_end(key)
        counter.count += amount
        return counter.count, counter.ends

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, and return how much was counted until `expiry` seconds after the first."""
        return self.count(key, expiry, amount)[0]

    async def get(self, key: str) -> int:
        """Return how much was counted."""
        return self._read(key)

    async def get_expiry(self, key: str) -> float:
        """Tell when counting begins anew."""
        counter, now = self._find(key)
        return now if counter is None else max(now, counter.ends)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count in a moving window, unless it would be too much; tell whether it was counted."""
        counter, now = self._move(key, expiry)
        if (0 if counter is None else counter.count) + amount > limit:
            return False
        if counter is None:
            counter = self._begin(key, now, now + expiry)
        counter.entries.append((now, amount))
        counter.count += amount
        counter.ends = now + expiry
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Tell since when has been counted what is in a moving window, and how much."""
        counter, now = self._move(key, expiry)
        return (now, 0) if counter is None else (counter.entries[0][0], counter.count)

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count in a sliding window, unless it would be too much; tell whether it was counted."""
        previous, previous_left, current, _ = await self.get_sliding_window(key, expiry)
        if floor(previous * previous_left / expiry + current) + amount > limit:
            return False
        self.count(f"{key}/{int(self._clock() // expiry)}", 2 * expiry, amount)
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Tell what was counted in the last window and in this one, each with the seconds it still counts for."""
        window, into = divmod(self._clock(), expiry)
        previous = self._read(f"{key}/{int(window) - 1}")
        return previous, expiry - into, self._read(f"{key}/{int(window)}"), 2 * expiry - into

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget what was counted in a sliding window."""
        window = int(self._clock() // expiry)
        self._kept.pop(f"{key}/{window - 1}", None)
        self._kept.pop(f"{key}/{window}", None)

    async def check(self) -> bool:
        """Tell that it is there."""
        return True

    async def reset(self) -> int:
        """Forget everything; tell how many keys that were."""
        forgotten = len(self._kept)
        self._kept.clear()
        return forgotten

    async def clear(self, key: str) -> None:
        """Forget what was counted under a key."""
        self._kept.pop(key, None)

    def __len__(self) -> int:
        return len(self._kept)

    def _find(self, key: str) -> tuple[_Counter | None, float]:
        counter, now = self._kept.get(key), self._clock()
        if counter is not None:
            counter.look(now)
        return counter, now

    def _read(self, key: str) -> int:
        counter, now = self._find(key)
        return 0 if counter is None or counter.ends <= now else counter.count

    def _move(self, key: str, expiry: int) -> tuple[_Counter | None, float]:
        """Forget what has left a moving window; return what is still in it, if anything is."""
        counter, now = self._find(key)
        if counter is None:
            return None, now
        while counter.entries and counter.entries[0][0] <= now - expiry:
            counter.count -= counter.entries.popleft()[1]
        self._kept.move_to_end(key)
        return (counter if counter.entries else None), now

    def _begin(self, key: str, now: float, ends: float) -> _Counter:
        self._kept[key] = counter = _Counter(now, ends)
        self._kept.move_to_end(key)
        self._make_room()
        return counter

    def _make_room(self) -> None:
        now = self._clock()
        for _ in range(2):  # more than come in, so that what is over goes before there is no room
            oldest = next(iter(self._kept))
            if len(self._kept) <= self._max_keys and self._kept[oldest].ends > now:
                return
            del self._kept[oldest]
