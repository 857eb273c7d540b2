"""What passes over the body of a response on its way out: pieces are changed, counted, or kept.

A response is written by its handler (a stream), by aiohttp (what a handler returns), or from a file. All of that goes
through the writer of the request, whose two methods are taken over here; aiohttp has no other door for it.

Rules kept here: filters run in the order in which they were added, the innermost battery first; a piece is passed on
when it comes, so that a stream stays one; who changes the length of a body does not send its `Content-Length`
(RFC 9110, section 8.6), and a file then goes through memory piece by piece, not by `sendfile`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from aiohttp import HttpVersion11, hdrs, web

__all__ = ("BodyFilter", "add_filter", "clear_filters", "forget_length")

Write = Callable[..., Awaitable[None]]


class BodyFilter(Protocol):
    """Sees the pieces of one body."""

    async def write(self, piece: bytes) -> bytes:
        """Return what is sent for a piece; nothing, if it is held back."""
        ...

    async def end(self) -> bytes:
        """Return what is sent after the last piece; not called if the client has gone before."""
        ...


def add_filter(request: web.Request, response: web.StreamResponse, body_filter: BodyFilter) -> None:
    """Send the body of a response through a filter; for what `on_response()` calls, before the headers are sent.

    Args:
        request: whose response it is.
        response: one that has a body.
        body_filter: of this response alone.
    """
    filtered = _find_filtered(request)
    if filtered is None:
        writer = cast(Any, request.writer)
        filtered = _Filtered(writer.write, writer.write_eof)
        writer.write, writer.write_eof = filtered.write, filtered.write_eof
    filtered.filters.append(body_filter)
    # compresses nothing, and has a file be written piece by piece: `sendfile` would pass by
    response.enable_compression(web.ContentCoding.identity)


def forget_length(request: web.Request, response: web.StreamResponse) -> None:
    """Send a body of which nobody knows yet how long it is: in chunks, or to HTTP/1.0 until the connection ends."""
    writer = cast(Any, request.writer)
    writer.length = None
    response.headers.pop(hdrs.CONTENT_LENGTH, None)
    if request.version >= HttpVersion11:
        writer.enable_chunking()
        response.headers[hdrs.TRANSFER_ENCODING] = "chunked"
    else:
        response.force_close()
        response.headers.pop(hdrs.CONNECTION, None)


def clear_filters(request: web.Request) -> None:
    """Take off all filters: another response follows instead, which they do not know."""
    filtered = _find_filtered(request)
    if filtered is not None:
        filtered.filters.clear()


def _find_filtered(request: web.Request) -> _Filtered | None:
    found = getattr(request.writer.write, "__self__", None)
    return found if isinstance(found, _Filtered) else None


class _Filtered:
    """The two methods of a writer, behind filters."""

    def __init__(self, write: Write, write_eof: Write) -> None:
        self.filters: list[BodyFilter] = []
        self._write = write
        self._write_eof = write_eof

    async def write(self, piece: Any, **options: Any) -> None:
        passed = await self._pass(bytes(piece), self.filters)
        if passed:
            await self._write(passed, **options)

    async def write_eof(self, piece: bytes = b"") -> None:
        filters, self.filters = self.filters, []  # once: aiohttp may call it again
        last = await self._pass(bytes(piece), filters)
        for position, body_filter in enumerate(filters):
            last += await self._pass(await body_filter.end(), filters[position + 1 :])
        await self._write_eof(last)

    async def _pass(self, piece: bytes, filters: list[BodyFilter]) -> bytes:
        for body_filter in filters:
            if not piece:
                break
            piece = await body_filter.write(piece)
        return piece
