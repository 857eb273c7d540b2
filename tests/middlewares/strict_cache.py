"""A shared cache by RFC 9111, of other people, in front of a real server: it keeps, revalidates, and updates.

It has `Accept-Encoding` in its key, as caches in front of what compresses have: the codings of a page share a weak
tag, and it must not ask about the one that it has for a client that wants the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import hishel
from yarl import URL

__all__ = ("StrictCache", "Through")


class Through(NamedTuple):
    """What a client of the cache gets."""

    status: int
    headers: Any
    body: bytes
    how: str  # kept, revalidated, or asked


class StrictCache:
    """Asks the server over HTTP for what it has not got; everything that it decides is decided by `hishel`.

    Args:
        client: of a test server; it must not unpack bodies.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._entries: dict[tuple[str, str | None], list[hishel.Entry]] = {}

    async def get(self, path: str, accept: str | None) -> Through:
        """Answer a GET of a client that accepts these codings."""
        fields = {} if accept is None else {"Accept-Encoding": accept}
        request = hishel.Request("GET", str(self._client.make_url(path)), hishel.Headers(fields))
        entries = self._entries.setdefault((path, accept), [])
        state: Any = hishel.IdleClient(options=hishel.CacheOptions(shared=True)).next(request, list(entries))
        how = "kept"
        while not isinstance(state, (hishel.FromCache, hishel.StoreAndUse, hishel.CouldNotBeStored)):
            if isinstance(state, hishel.NeedToBeUpdated):
                self._update(entries, state.updating_entries)
                how = "revalidated"
                state = state.next()
            elif isinstance(state, hishel.InvalidateEntries):
                entries[:] = [entry for entry in entries if entry.id not in state.entry_ids]
                state = state.next()
            else:
                how = "asked"
                state = state.next(await self._ask(state.request))
        response: Any = state.entry.response if isinstance(state, hishel.FromCache) else state.response
        if isinstance(state, hishel.StoreAndUse):
            entries.append(hishel.Entry(uuid.uuid4(), request, response))
        return Through(response.status_code, response.headers, response.stream.body, how)

    def _update(self, entries: list[hishel.Entry], updated: list[hishel.Entry]) -> None:
        fresh = {entry.id: entry for entry in updated}
        entries[:] = [fresh.get(entry.id, entry) for entry in entries]

    async def _ask(self, request: hishel.Request) -> hishel.Response:
        url, fields = URL(request.url), dict(request.headers.items())
        async with self._client.request(request.method, url.path, headers=fields) as answer:
            headers = hishel.Headers(dict(answer.headers.items()))
            return hishel.Response(answer.status, headers, _Body(await answer.read()))


class _Body:
    """A stream that can be read many times, in one piece."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter([self.body])

    def __next__(self) -> bytes:
        return self.body
