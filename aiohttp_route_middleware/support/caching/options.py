"""What an application wants of a cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .names import FindKey

__all__ = ("CacheOptions",)


@dataclass(frozen=True, kw_only=True)
class CacheOptions:
    """What the application wants.

    Args:
        name: of the cache, in `Cache-Status`.
        ttl: seconds for which a response is fresh that tells nothing of that; `None` for none.
        vary: request fields that every response varies with.
        find_key: what is added to the key of a request.
        limit: bytes that a body may have.
        wait: seconds that a request waits for another.
        fail_open: whether handlers run while the store is down.
        clock: tells seconds since 1970.
    """

    name: str
    ttl: int | None
    vary: tuple[str, ...]
    find_key: FindKey | None
    limit: int
    wait: float
    fail_open: bool
    clock: Callable[[], float]
