"""Servers that count: Redis, Valkey or memcached, by their URLs.

Rules kept here: no error holds a URL, in which a password may be, nor what a library says of it; a URL that cannot be
read is refused before anything connects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from ...errors import ConfigurationError, MissingDependencyError

try:
    from limits.aio.storage import MemcachedStorage, RedisStorage, Storage
except ImportError as _error:
    raise MissingDependencyError("limits", "rate-limit") from _error

__all__ = ("STORAGE_CURE", "Opened", "read_url")

Opened: TypeAlias = "tuple[Storage, Callable[[], Awaitable[object]]]"  # and what closes it

STORAGE_CURE = (
    'pass a URL, as "redis://localhost:6379/0" or "memcached://localhost:11211", or a storage of limits.aio.storage'
)
# a Valkey server is asked by the client for Redis, whose protocol it speaks
_REDIS = {"redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis", "valkeys": "rediss"}
_MOST_CONNECTIONS = 50  # to one Redis server, where its URL does not say `max_connections`


def read_url(battery: str, url: str, timeout: float) -> tuple[type[Storage], Callable[[], Opened]]:
    """Return the class of the storages behind a URL, and what opens one.

    Args:
        battery: its name, as in errors.
        url: as above.
        timeout: seconds that one question may take.

    Raises:
        ConfigurationError: it is no such URL.
    """
    try:
        scheme, rest = urlsplit(url).scheme, url.partition(":")[2]
    except ValueError:
        scheme, rest = "", ""
    if scheme in _REDIS:
        return RedisStorage, _connect_redis(battery, f"{_REDIS[scheme]}:{rest}", timeout)
    if scheme == "memcached":
        return MemcachedStorage, _connect_memcached(battery, url, timeout)
    raise ConfigurationError(
        battery, "storage is not a URL that is known", cure=STORAGE_CURE
    )  # it may hold a password


def _connect_redis(battery: str, url: str, timeout: float) -> Callable[[], Opened]:
    try:
        from redis.asyncio import BlockingConnectionPool
    except ImportError as error:
        raise MissingDependencyError("redis", "redis") from error

    def connect() -> Opened:
        pool: Any = BlockingConnectionPool.from_url(
            url,
            max_connections=_MOST_CONNECTIONS,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
        )
        # the pool knows where, and the storage is not told
        return RedisStorage("async+redis://", implementation="redispy", connection_pool=pool), pool.disconnect

    _check_url(battery, connect)
    return connect


def _connect_memcached(battery: str, url: str, timeout: float) -> Callable[[], Opened]:
    try:
        import memcachio  # noqa: F401  # which `limits` imports when it needs it
    except ImportError as error:
        raise MissingDependencyError("memcachio", "memcached") from error

    def connect() -> Opened:
        storage = MemcachedStorage(
            f"async+{url}", connect_timeout=timeout, read_timeout=timeout, blocking_timeout=timeout
        )
        bridge: Any = storage.bridge

        async def close() -> None:
            (await bridge.get_storage()).connection_pool.close()
            await asyncio.sleep(0)  # a transport closes when the loop goes round

        if not bridge.hosts:
            raise ValueError("there is no host")
        return storage, close

    _check_url(battery, connect)
    return connect


def _check_url(battery: str, connect: Callable[[], Opened]) -> None:
    """Try whether a URL can be read; nothing is connected to by that."""
    try:
        connect()
        return
    except Exception:  # noqa: S110  # whatever a library finds wrong; its text may hold the URL, and the password in it
        pass
    raise ConfigurationError(battery, "storage is a URL that cannot be read", cure=STORAGE_CURE)
