"""Where is counted: in memory, in Redis, Valkey or memcached, or in a storage of the library `limits`.

Rules kept here:
- Connections belong to one event loop: each loop has its own, made when it first counts, closed when it ends.
- What a server cannot count is refused before it is counted wrongly.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from ...errors import ConfigurationError, MissingDependencyError
from ...naming import describe
from .limits import LARGEST
from .memory import MemoryCounters
from .servers import STORAGE_CURE, Opened, read_url

try:
    from limits.aio.storage import (
        MemcachedStorage,
        MovingWindowSupport,
        SlidingWindowCounterSupport,
        Storage,
    )
except ImportError as _error:
    raise MissingDependencyError("limits", "rate-limit") from _error

__all__ = ("StorageOption", "Storages", "open_storages")

StorageOption: TypeAlias = str | Storage | None

_SUPPORT: dict[str, type] = {"fixed": Storage, "moving": MovingWindowSupport, "sliding": SlidingWindowCounterSupport}
# memcached takes any more seconds for a moment in 1970, which is over (protocol.txt, "Expiration times")
_LONGEST_OF_MEMCACHED = 60 * 60 * 24 * 30


class Storages(ABC):
    """Where a battery counts.

    Args:
        kind: the class of the storages.

    Attributes:
        is_remote: whether it takes time to be answered.
        must_finish: whether its client loses a connection with whoever is cancelled; it has time-outs of its own.
        counters: the memory of this process, if that is where it is counted; what is made of it may do otherwise.
    """

    counters: MemoryCounters | None = None

    def __init__(self, kind: type[Storage]) -> None:
        self.kind = kind
        self.is_remote: bool = not issubclass(kind, MemoryCounters)
        self.must_finish: bool = issubclass(kind, MemcachedStorage)

    def find_longest(self, window: str) -> int:
        """Return for how many seconds it can count."""
        if not issubclass(self.kind, MemcachedStorage):
            return LARGEST
        return _LONGEST_OF_MEMCACHED // 2 if window == "sliding" else _LONGEST_OF_MEMCACHED

    @abstractmethod
    async def find(self) -> Storage:
        """Return the storage for the running event loop."""


class OneStorage(Storages):
    """The same storage in each event loop.

    Args:
        storage: it.
    """

    def __init__(self, storage: Storage) -> None:
        super().__init__(type(storage))
        self._storage = storage
        if type(storage) is MemoryCounters:
            self.counters: MemoryCounters | None = storage

    async def find(self) -> Storage:
        """Return the storage."""
        return self._storage


class LoopStorages(Storages):
    """A storage for each event loop.

    Args:
        kind: their class.
        open_one: makes the one of the running event loop.
    """

    def __init__(self, kind: type[Storage], open_one: Callable[[], Opened]) -> None:
        super().__init__(kind)
        self._open_one = open_one
        self._kept: dict[asyncio.AbstractEventLoop, tuple[Storage, AsyncGenerator[None, None]]] = {}

    async def find(self) -> Storage:
        """Return the storage of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._kept:
            await self._open(loop)
        return self._kept[loop][0]

    async def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        for ended in [one for one in self._kept if one.is_closed()]:  # whoever has run it has not ended it properly
            del self._kept[ended]
        storage, close = self._open_one()
        watch = self._watch(loop, close)
        self._kept[loop] = storage, watch
        await anext(watch)  # it yields before it awaits anything, so no other task comes between

    async def _watch(
        self, loop: asyncio.AbstractEventLoop, close: Callable[[], Awaitable[object]]
    ) -> AsyncGenerator[None, None]:
        """Close the storage when the loop ends: `run_app()`, `asyncio.run()` and gunicorn end its generators first."""
        try:
            yield
        finally:
            self._kept.pop(loop, None)
            await close()
            await asyncio.sleep(0)  # a transport closes its socket when the loop goes round once more


def open_storages(battery: str, storage: StorageOption, window: str, timeout: float) -> Storages:
    """Find out where is counted.

    Args:
        battery: its name, as in errors.
        storage: a URL, a storage of `limits.aio.storage`, or `None` for the memory of this process.
        window: `"fixed"`, `"moving"` or `"sliding"`.
        timeout: seconds that one question to a server may take.

    Raises:
        ConfigurationError: it is neither, or it knows no such window.
    """
    if isinstance(storage, str):
        storages: Storages = LoopStorages(*read_url(battery, storage, timeout))
    elif storage is None or isinstance(storage, Storage):
        storages = OneStorage(MemoryCounters() if storage is None else storage)
    else:
        raise ConfigurationError(battery, f"storage is {describe(storage)}", cure=STORAGE_CURE)
    if not issubclass(storages.kind, _SUPPORT[window]):
        problem = f"{storages.kind.__name__} knows no {window} window"
        raise ConfigurationError(battery, problem, cure="write window='fixed' or 'sliding', or count in Redis")
    return storages
