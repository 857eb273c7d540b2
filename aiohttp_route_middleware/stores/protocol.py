"""What a store must do."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..errors import ConfigurationError

__all__ = ("Store", "check_store")


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


def check_store(battery: str, store: object) -> Store:
    """Return what keeps values for a battery.

    Raises:
        ConfigurationError: it is no store; the message names the methods that it lacks.
    """
    if isinstance(store, type):
        name = store.__qualname__
        raise ConfigurationError(battery, f"store is the class {name}", cure=f"make a store: {name}(...)")
    if isinstance(store, Store):
        return store
    methods = (name for name in vars(Store) if not name.startswith("_"))
    missing = ", ".join(name for name in methods if getattr(store, name, None) is None)
    raise ConfigurationError(
        battery,
        f"store is {type(store).__qualname__}, without {missing}",
        cure="pass MemoryStore(), RedisStore(...), or an object with all methods of `Store`",
    )
