"""What a store must do."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ("Store",)


@runtime_checkable
class Store(Protocol):
    """Keeps bytes under keys for some time.

    Every method raises `StoreError` if the store cannot be reached or does not answer in time; each battery says
    whether it then refuses or lets pass.
    """

    async def get(self, key: str) -> bytes | None:
        """Return what is kept under a key; `None` if nothing is, or its time is over."""

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Keep a value for `ttl` seconds, in place of what was there."""

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Keep a value unless there is one; tell whether it was kept. Of several at once, one wins."""
        ...

    async def replace(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Keep a value in place of one that is there; tell whether there was one. What was deleted stays deleted."""
        ...

    async def delete(self, key: str) -> bool:
        """Forget a key; tell whether there was a value."""
        ...

    async def close(self) -> None:
        """Let go of what the store has opened."""
