"""Of many who ask for the same at once, one does the work, and the others wait for what becomes of it.

Rules kept here: who waits never fails because of the one who works: if that fails, or has nothing to share, each does
its own work, at once and not one after the other; if it is cut off, one of them takes its place; nobody waits for
longer than he was told to. What turned out not to be shared is not waited for again for some time, or until it is
shared nonetheless; only work that others could have waited for tells that.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from typing import Generic, TypeVar

__all__ = ("Flight", "Flights", "Landing")

_T = TypeVar("_T")
_MOST_ALONE = 10_000


class Landing(Enum):
    """How a flight has ended."""

    SHARED = auto()
    ALONE = auto()
    CUT_OFF = auto()


class Flight(Generic[_T]):
    """One piece of work, for which others may wait."""

    def __init__(self, flights: Flights[_T], key: str, *, is_open: bool) -> None:
        self.is_open: bool = is_open
        self.shared: _T | None = None
        self._is_outdated = False
        self._flights = flights
        self._key = key
        self._landed: asyncio.Future[Landing] = asyncio.get_running_loop().create_future()

    def share(self, value: _T) -> None:
        """Let all who wait have a value."""
        self.shared = value
        if self._land(Landing.SHARED):
            self._flights.forget_alone(self._key)

    def give_up(self) -> None:
        """Let all who wait do their own work, and, if this is open, those who come in the next seconds."""
        if self._land(Landing.ALONE) and self.is_open:
            self._flights.remember_alone(self._key)

    def fail(self) -> None:
        """Let all who wait do their own work."""
        self._land(Landing.ALONE)

    def cut_off(self) -> None:
        """Let one of those who wait take its place, unless it has ended."""
        self._land(Landing.CUT_OFF)

    def outdate(self) -> None:
        """What it finds is not to be kept any more."""
        self._is_outdated = True
        self.fail()

    def is_outdated(self) -> bool:
        """Whether what it finds is not to be kept; that may change whenever something is awaited."""
        return self._is_outdated

    async def wait(self, seconds: float) -> Landing | None:
        """Return how it has ended; `None` if it has not in so many seconds."""
        await asyncio.wait([self._landed], timeout=max(0.0, seconds))
        return self._landed.result() if self._landed.done() else None

    def _land(self, landing: Landing) -> bool:
        if self._landed.done():
            return False
        self._landed.set_result(landing)
        self._flights.remove(self._key, self)
        return True


class Flights(Generic[_T]):
    """The work that is being done, by key.

    Args:
        alone: seconds for which nobody waits for what turned out not to be shared.
        clock: tells seconds.
    """

    def __init__(self, *, alone: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._alone_for = alone
        self._clock = clock
        self._under_way: dict[str, list[Flight[_T]]] = {}
        self._alone: OrderedDict[str, float] = OrderedDict()

    def find(self, key: str) -> Flight[_T] | None:
        """Return the work that is being done under a key, and may be waited for."""
        return next((flight for flight in self._under_way.get(key, ()) if flight.is_open), None)

    def begin(self, key: str, *, is_open: bool) -> Flight[_T]:
        """Begin to work.

        Args:
            key: of the work.
            is_open: whether those who come from now on may wait for it.
        """
        flight = Flight[_T](self, key, is_open=is_open)
        self._under_way.setdefault(key, []).append(flight)
        return flight

    def is_alone(self, key: str) -> bool:
        """Whether it turned out lately that there is nothing to share."""
        ends = self._alone.get(key)
        return ends is not None and ends > self._clock()

    def remember_alone(self, key: str) -> None:
        """Have nobody wait under this key for some time."""
        self._alone[key] = self._clock() + self._alone_for
        self._alone.move_to_end(key)
        if len(self._alone) > _MOST_ALONE:
            self._alone.popitem(last=False)

    def forget_alone(self, key: str) -> None:
        """Have others wait under this key again."""
        self._alone.pop(key, None)

    def outdate(self, key: str) -> None:
        """Tell the work that is being done under a key that what it finds is not to be kept."""
        for flight in tuple(self._under_way.get(key, ())):
            flight.outdate()

    def remove(self, key: str, flight: Flight[_T]) -> None:
        """Forget a flight that has ended."""
        flights = self._under_way[key]
        flights.remove(flight)
        if not flights:
            del self._under_way[key]
