"""A store in Redis or Valkey, for many processes and machines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from ..errors import ConfigurationError, MissingDependencyError, StoreError
from ..option_checks import check_seconds, refuse_option

try:
    from redis import Redis as BlockingRedis
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.exceptions import RedisError
except ImportError as _error:
    raise MissingDependencyError("redis", "redis") from _error

__all__ = ("RedisStore",)

_T = TypeVar("_T")
_STORE = "RedisStore()"
_MOST_CONNECTIONS = 50  # where a URL does not say `max_connections`


class RedisStore:
    """Keeps values in Redis or Valkey.

    Args:
        client: of redis-py, with the time-outs that suit you; `RedisStore.from_url()` makes one.
        prefix: put before each key, so that several applications can share a server; default `"arm:"`.
        timeout: seconds that an operation may take; default 1.

    Raises:
        ConfigurationError: the client is not one of `redis.asyncio`, or decodes what it reads, though values are
            bytes; the prefix is not a text, or the timeout no time.

    Example:
        sessions(store=RedisStore.from_url("redis://localhost:6379/0"))
    """

    def __init__(self, client: Redis, *, prefix: str = "arm:", timeout: float = 1.0) -> None:
        _check_client(client)
        if not isinstance(prefix, str):
            raise refuse_option(_STORE, "prefix", prefix, "pass a text, which may be empty")
        self._client: Any = client
        self._prefix = prefix
        self._timeout = check_seconds(_STORE, "timeout", timeout, at_least=0.001)

    @classmethod
    def from_url(cls, url: str, *, prefix: str = "arm:", timeout: float = 1.0) -> RedisStore:
        """Make a store with a client of its own; `close()` closes it.

        Who finds all connections in use waits for one, within the timeout.

        Args:
            url: `redis://`, `rediss://` or `unix://`, as redis-py has it; `?max_connections=` may follow, by
                default 50.
            prefix: as above.
            timeout: as above.

        Raises:
            ConfigurationError: as above, or the URL cannot be read.
        """
        seconds = check_seconds(_STORE, "timeout", timeout, at_least=0.001)
        return cls(Redis.from_pool(_open_pool(url, seconds)), prefix=prefix, timeout=seconds)

    async def get(self, key: str) -> bytes | None:
        """Return what is kept under a key; `None` if nothing is, or its time is over."""
        value: bytes | None = await self._ask(self._client.get(self._prefix + key))
        return value

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Keep a value for `ttl` seconds, in place of what was there."""
        await self._ask(self._client.set(self._prefix + key, value, px=_milliseconds(ttl)))

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Keep a value unless there is one; tell whether it was kept."""
        return bool(await self._ask(self._client.set(self._prefix + key, value, px=_milliseconds(ttl), nx=True)))

    async def replace(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Keep a value in place of one that is there; tell whether there was one."""
        return bool(await self._ask(self._client.set(self._prefix + key, value, px=_milliseconds(ttl), xx=True)))

    async def delete(self, key: str) -> bool:
        """Forget a key; tell whether there was a value."""
        return bool(await self._ask(self._client.delete(self._prefix + key)))

    async def close(self) -> None:
        """Close the client, and its connections unless they are of a pool that was made apart from it."""
        await self._client.aclose()

    async def _ask(self, asking: Awaitable[_T]) -> _T:
        try:
            return await asyncio.wait_for(asking, self._timeout)
        except (RedisError, OSError, asyncio.TimeoutError) as error:
            raise StoreError(f"Redis: {type(error).__name__}") from error  # its text may hold an address


def _open_pool(url: str, seconds: float) -> Any:
    try:
        return BlockingConnectionPool.from_url(url, max_connections=_MOST_CONNECTIONS, timeout=seconds)
    except Exception:  # noqa: S110  # whatever the library finds wrong; its text may hold a part of the password
        pass
    raise ConfigurationError(_STORE, "the URL cannot be read", cure='write it as "redis://localhost:6379/0"')


def _check_client(client: Any) -> None:
    if isinstance(client, BlockingRedis):
        problem = "the client is one of redis, whose answers cannot be awaited"
        raise ConfigurationError(_STORE, problem, cure="make it with redis.asyncio.Redis(...)")
    if client.connection_pool.connection_kwargs.get("decode_responses"):
        raise ConfigurationError(
            _STORE, "the client decodes what it reads", cure="make it with decode_responses=False"
        )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
