"""Slots: so many at a time, and so many who wait for one, for so long.

Rules kept here: who waits longest comes first, and nobody who comes later goes before; a slot that becomes free is
handed over at once, never to one whose client has gone; whoever is cancelled in the moment in which a slot was handed
over gives it on. All of it happens in one event loop.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

__all__ = ("SlotBoard", "Slots")

HasGone = Callable[[], bool]


class Slots:
    """Some slots and a queue.

    Args:
        limit: how many may have a slot.
        queue: how many may wait for one.

    Attributes:
        taken: how many have one.
    """

    def __init__(self, limit: int, queue: int) -> None:
        self.taken: int = 0
        self._limit = limit
        self._queue = queue
        self._waiting: OrderedDict[asyncio.Future[bool], HasGone] = OrderedDict()

    def take(self) -> bool:
        """Take a slot if one is free."""
        if self.taken >= self._limit:
            return False
        self.taken += 1
        return True

    async def wait(self, seconds: float, has_gone: HasGone) -> bool:
        """Wait for a slot, and tell whether there is one; there is none if the queue is full, or time is up.

        Args:
            seconds: for how long at most.
            has_gone: whether the client has; its place in the queue is given to others, and no slot is handed to it.
        """
        if not self._has_room():
            return False
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting[turn] = has_gone
        timer = loop.call_later(seconds, _tell, turn, False)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result():  # it came in the same moment
                self.free()
            raise
        finally:
            timer.cancel()
            self._waiting.pop(turn, None)

    def free(self) -> None:
        """Give a slot back; it goes to the first who waits."""
        while self._waiting:
            turn, has_gone = self._waiting.popitem(last=False)
            if not turn.done() and not has_gone():
                turn.set_result(True)
                return
            _tell(turn, False)
        self.taken -= 1

    def _has_room(self) -> bool:
        if len(self._waiting) >= self._queue:
            for turn, has_gone in [*self._waiting.items()]:
                if has_gone():
                    del self._waiting[turn]
                    _tell(turn, False)
        return len(self._waiting) < self._queue


class SlotBoard:
    """Slots for each of several names; a name is forgotten when nobody has or awaits a slot of it.

    So there are never more names than requests that run or wait.

    Args:
        limit: how many may have a slot of one name.
        queue: how many may wait for one.
    """

    def __init__(self, limit: int, queue: int) -> None:
        self._limit = limit
        self._queue = queue
        self._named: dict[str, Slots] = {}

    def __len__(self) -> int:
        return len(self._named)

    def find(self, name: str) -> Slots:
        """Return the slots of a name."""
        found = self._named.get(name)
        if found is None:
            found = self._named[name] = Slots(self._limit, self._queue)
        return found

    def forget(self, name: str) -> None:
        """Forget a name if nobody has a slot of it: then nobody waits either."""
        found = self._named.get(name)
        if found is not None and not found.taken:
            del self._named[name]


def _tell(turn: asyncio.Future[bool], has_slot: bool) -> None:
    if not turn.done():
        turn.set_result(has_slot)
