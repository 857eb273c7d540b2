"""What is kept of a session, and where: in a store, under the hash of what the cookie holds."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

from ...stores.protocol import Store

__all__ = ("Record", "Records", "StoredRecords")

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits in base64url


class Record(NamedTuple):
    """What is kept of a session, found by what the cookie holds."""

    token: str
    text: str  # created.written.JSON


class Records(Protocol):
    """Where records are."""

    async def find(self, value: str) -> Record | None:
        """Return what is kept for the value of a cookie."""

    async def keep(self, record: Record, *, ttl: float, is_new: bool) -> str | None:
        """Keep a record; return the value of its cookie, or `None` if it was to replace one that is gone."""

    async def drop(self, token: str) -> bool:
        """Forget a record; tell whether it was there, as far as one can know."""
        ...


@dataclass(frozen=True, repr=False)
class StoredRecords:
    """Records in a store, under the hash of what the cookie holds.

    Args:
        store: that keeps them.
        name: of the sessions.
        cookie: its name.
    """

    store: Store
    name: str
    cookie: str

    @cached_property
    def _prefix(self) -> str:
        return f"session:{self.name}:{self.cookie}:"

    async def find(self, value: str) -> Record | None:
        """Return what is kept for the value of a cookie."""
        if not _TOKEN.fullmatch(value):
            return None
        found = await self.store.get(self._key(value))
        return None if found is None else Record(value, found.decode())

    async def keep(self, record: Record, *, ttl: float, is_new: bool) -> str | None:
        """Keep a record; return the value of its cookie, or `None` if it was to replace one that is gone."""
        key = self._key(record.token)
        if is_new:
            await self.store.set(key, record.text.encode(), ttl=ttl)
            return record.token
        # logged out meanwhile: nothing rises again
        return record.token if await self.store.replace(key, record.text.encode(), ttl=ttl) else None

    async def drop(self, token: str) -> bool:
        """Forget a record; tell whether it was there."""
        return await self.store.delete(self._key(token))

    def _key(self, token: str) -> str:
        return self._prefix + hashlib.sha256(token.encode()).hexdigest()
