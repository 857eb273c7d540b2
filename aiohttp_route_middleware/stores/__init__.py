"""Stores: where batteries keep what outlives a request. Redis and Valkey: `aiohttp_route_middleware.stores.redis`."""

from .memory import MemoryStore
from .protocol import Store

__all__ = ("MemoryStore", "Store")
