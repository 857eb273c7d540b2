"""Kept responses in a store, by their key and by what they vary with (RFC 9111, section 4.1).

Rules kept here: what a request is told apart by chooses among the responses to one URL; all of them are forgotten at
once, by forgetting the one entry that leads to them; what was chosen for a request is not answered by what was kept
when nothing was.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import secrets
from typing import Any, NamedTuple

from multidict import CIMultiDict

from ...stores import Store
from ..content.stored_responses import StoredResponse, dump_response, load_response
from .variants import Asked, vary_of

__all__ = ("Found", "ResponseShelf")

_MOST_NAMES = 16
_MOST_BYTES = 4_096  # of their list, which is remembered
_NOTHING: frozenset[str] = frozenset()
_VARIANTS = b"arm-variants-1\n"
_GENERATION = re.compile("[0-9a-f]{32}")


class Found(NamedTuple):
    """What is kept for a request.

    Args:
        response: of the variant that was asked for; `None` if there is none.
        has_others: whether there are other variants.
    """

    response: StoredResponse | None
    has_others: bool = False


class ResponseShelf:
    """Kept responses.

    Args:
        store: where they are kept.
        limit: bytes that a body may have.
    """

    def __init__(self, store: Store, *, limit: int) -> None:
        self._store = store
        self._limit = limit

    async def find(self, key: str, asked: Asked) -> Found:
        """Return what is kept under a key for such a request."""
        entry = await self._store.get(key)
        response = load_response(entry, limit=self._limit)
        if response is not None:
            return Found(None, has_others=True) if asked.chosen else Found(response)
        names, generation = _load_variants(entry)
        if not generation:
            return Found(None)
        kept = await self._store.get(_name_variant(key, generation, names, asked))
        return Found(load_response(kept, limit=self._limit), has_others=True)

    async def keep(
        self, key: str, asked: Asked, response: StoredResponse, *, ttl: float, added: frozenset[str] = _NOTHING
    ) -> None:
        """Keep the response to such a request.

        Args:
            key: of what was asked for.
            asked: what the request is told apart by.
            response: to it.
            ttl: seconds.
            added: names that it varies with beside those in its `Vary`.
        """
        value = dump_response(response)
        names = vary_of(CIMultiDict(response.headers)) | added
        if value is None or len(names) > _MOST_NAMES:
            return
        if not names and not asked.chosen:
            await self._store.set(key, value, ttl=ttl)
            return
        known, generation = _load_variants(await self._store.get(key))
        if not generation or not names <= known:  # other names make other keys: what was there is not found any more
            known = names | known if len(names | known) <= _MOST_NAMES else names
            generation = secrets.token_hex(16)
        await self._store.set(key, _dump_variants(known, generation), ttl=max(ttl, _SHORTEST_INDEX))
        await self._store.set(_name_variant(key, generation, known, asked), value, ttl=ttl)

    async def forget(self, key: str) -> None:
        """Forget all that is kept under a key."""
        await self._store.delete(key)


_SHORTEST_INDEX = 86_400  # seconds: what leads to variants lives on when one of them is gone


def _name_variant(key: str, generation: str, names: frozenset[str], asked: Asked) -> str:
    return f"{key}:{hashlib.sha256(ascii((generation, asked.read(names))).encode()).hexdigest()}"


def _dump_variants(names: frozenset[str], generation: str) -> bytes:
    return _VARIANTS + json.dumps((generation, sorted(names))).encode()


def _load_variants(stored: bytes | None) -> tuple[frozenset[str], str]:
    if stored is None or len(stored) > _MOST_BYTES or not stored.startswith(_VARIANTS):
        return frozenset(), ""
    return _read_variants(bytes(stored[len(_VARIANTS) :]))


@functools.lru_cache(maxsize=256)
def _read_variants(written: bytes) -> tuple[frozenset[str], str]:
    try:
        kept: Any = json.loads(written)
    except (ValueError, RecursionError):
        return frozenset(), ""
    match kept:
        case [str() as generation, [*names]] if _GENERATION.fullmatch(generation) and len(names) <= _MOST_NAMES:
            return frozenset(name for name in names if isinstance(name, str)), generation
        case _:
            return frozenset(), ""
