"""The right to carry out one request, held in a store: of many who ask at once, one gets it.

Rules kept here: it is renewed while it is held, so that it may be short, and a process that dies frees it; who has
not renewed it in time looks first whether it is still its own; what became of the request is put in its place, and
put again for a while if the store is down. Nothing of one lease is done twice at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import StoreError
from ...stores import Store
from ..outages import Outage
from ..without_client import start_in_background
from .records import write_running

__all__ = ("Lease", "LeaseTerms")

_MOST_TRIES = 30  # ten times as long as the lease
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LeaseTerms:
    """What all leases have in common.

    Args:
        store: where they are held.
        lock: seconds after which one ends that is not renewed.
        keep: seconds for which it is known what became of a request.
        clock: tells seconds.
        battery: to name in the log.
        outage: tells when the store is down.
    """

    store: Store
    lock: float
    keep: float
    clock: Callable[[], float]
    battery: str
    outage: Outage


class Lease:
    """The right to carry out one request.

    Args:
        terms: of all of them.
        name: the key of the store.
        fingerprint: of the request.

    Attributes:
        is_held: whether it was got, and neither put an end to nor lost.
        is_settled: whether it is known what became of the request.
    """

    def __init__(self, terms: LeaseTerms, name: str, fingerprint: bytes) -> None:
        self.is_held: bool = False
        self.is_settled: bool = False
        self._terms = terms
        self._name = name
        self._running = self._value = write_running(fingerprint)
        self._ttl = terms.lock
        self._ends = 0.0
        self._tries = _MOST_TRIES
        self._turn = asyncio.Lock()
        self._stop_waiting: Callable[[], object] = bool

    async def begin(self) -> bool:
        """Try to get it; tell whether it was got."""
        ends = self._terms.clock() + self._ttl
        if not await self._terms.store.add(self._name, self._running, ttl=self._ttl):
            return False
        self.is_held, self._ends = True, ends
        self._wait()
        return True

    async def settle(self, value: bytes) -> None:
        """Put what became of the request in its place; if this is cancelled, that is done when it is next renewed."""
        if self.is_held and not self.is_settled:
            self.is_settled = True
            self._value, self._ttl = value, self._terms.keep
            await self._update()

    async def release(self) -> None:
        """Let somebody else have it: the request was not carried out."""
        if not self.is_held or self.is_settled:
            return
        async with self._turn:
            self._end()
            try:
                if await self._is_mine():
                    await self._terms.store.delete(self._name)
            except StoreError as error:
                self._terms.outage.begin(error)  # the key is free when the lock ends

    async def renew(self) -> None:
        """Hold it for longer."""
        await self._update()
        if self.is_settled:
            self._tries -= 1
        if not self._tries:
            self._end()
        if self.is_held:
            self._wait()

    async def _update(self) -> None:
        async with self._turn:
            if not self.is_held:
                return
            try:
                is_mine = await self._put()
            except StoreError as error:
                self._terms.outage.begin(error)
                return
            self._terms.outage.end()
            if not is_mine:
                text = "%s: a lock was lost, another request with its key has run or is running"
                _logger.error(text, self._terms.battery)
            if self.is_settled or not is_mine:
                self._end()

    async def _put(self) -> bool:
        store = self._terms.store
        ends = self._terms.clock() + self._terms.lock
        if not await self._is_mine():
            return False
        is_there = await store.replace(self._name, self._value, ttl=self._ttl)
        if not is_there and not await store.add(self._name, self._value, ttl=self._ttl):  # the store had lost it
            return False
        self._ends = ends
        return True

    async def _is_mine(self) -> bool:
        if self._terms.clock() < self._ends:
            return True
        return await self._terms.store.get(self._name) in (None, self._running, self._value)

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._terms.lock / 3, lambda: start_in_background(self.renew()))
        self._stop_waiting = timer.cancel

    def _end(self) -> None:
        self.is_held = False
        self._stop_waiting()
