"""Kept responses in a store, by their key and by what they vary with (RFC 9111, section 4.1).

Rules kept here: the names in `Vary` and the values of those request fields choose among the responses to one URL; all
of them are forgotten at once, by forgetting the one entry that leads to them.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import secrets
from typing import Any, NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

from ...stores import Store
from ..content.stored_responses import StoredResponse, dump_response, load_response
from .freshness import list_vary

__all__ = ("Found", "ResponseShelf", "vary_of")

_MOST_NAMES = 16
_MOST_BYTES = 65_536  # of their list
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


def vary_of(headers: MultiMapping[str]) -> frozenset[str]:
    """Return the request fields that a response varies with, in lower case.

    What is encoded varies with `Accept-Encoding`, though it may not say so: others could not read it.
    """
    names = list_vary(headers)
    return names | {"accept-encoding"} if hdrs.CONTENT_ENCODING in headers else names


class ResponseShelf:
    """Kept responses.

    Args:
        store: where they are kept.
        limit: bytes that a body may have.
    """

    def __init__(self, store: Store, *, limit: int) -> None:
        self._store = store
        self._limit = limit

    async def find(self, key: str, asked: CIMultiDictProxy[str]) -> Found:
        """Return what is kept under a key for a request with these headers."""
        entry = await self._store.get(key)
        response = load_response(entry, limit=self._limit)
        if response is not None:
            return Found(response)
        names, generation = _load_variants(entry)
        if not generation:
            return Found(None)
        kept = await self._store.get(_name_variant(key, generation, names, asked))
        return Found(load_response(kept, limit=self._limit), has_others=True)

    async def keep(self, key: str, asked: CIMultiDictProxy[str], response: StoredResponse, *, ttl: float) -> None:
        """Keep the response to a request with these headers."""
        value = dump_response(response)
        names = vary_of(CIMultiDict(response.headers))
        if value is None or len(names) > _MOST_NAMES:
            return
        if not names:
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


def _name_variant(key: str, generation: str, names: frozenset[str], asked: CIMultiDictProxy[str]) -> str:
    values = [(name, [value.strip(" \t") for value in asked.getall(name, ())]) for name in sorted(names)]
    return f"{key}:{hashlib.sha256(ascii((generation, values)).encode()).hexdigest()}"


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
