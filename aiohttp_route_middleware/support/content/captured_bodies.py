"""Bodies, kept while they are sent.

Rules kept here: a body that is too large, broken off, or not of its announced length is none (RFC 9111, section 3.3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

from aiohttp import hdrs, web

from ..body_filters import add_filter
from ..sending import has_body

__all__ = ("CapturedBody", "capture_body")

CapturedBody: TypeAlias = Callable[["bytes | None"], Awaitable[None]]


def capture_body(request: web.Request, response: web.StreamResponse, done: CapturedBody, *, limit: int) -> None:
    """Have a body be kept while it is sent; for what `on_response()` calls, before the headers are sent.

    Args:
        request: whose response it is.
        response: of any kind: returned, written by its handler, or a file; it may have no body.
        done: called once with the whole body before its end is sent; with `None` as soon as it is known that there
            will be none: it is too large, compressed by aiohttp as a stream, or not of the length that was announced.
            Not called if the client or the handler breaks off before, or an error takes the place of the response.
        limit: bytes that are kept at most.
    """
    add_filter(request, response, _Capture(done, limit, _find_announced(request, response)))


_UNKNOWN = -1  # no length was announced
_NEVER = -2  # no length is right


def _find_announced(request: web.Request, response: web.StreamResponse) -> int:
    if cast(Any, request.writer)._compress is not None:  # behind this: what comes by is not what is sent
        return _NEVER
    if not has_body(request, response):  # the length is that of a body that is not sent
        return _UNKNOWN
    length = response.headers.get(hdrs.CONTENT_LENGTH)
    if length is None:
        return _UNKNOWN
    return int(length) if length.isascii() and length.isdecimal() else _NEVER


class _Capture:
    """Keeps the pieces of one body, up to a limit."""

    def __init__(self, done: CapturedBody, limit: int, announced: int) -> None:
        self._done = done
        self._limit = limit
        self._announced = announced
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_over = False

    async def write(self, piece: bytes) -> bytes:
        if not self._is_over:
            self._size += len(piece)
            self._pieces.append(piece)
            if self._size > self._limit or self._announced == _NEVER:
                await self._tell(None)
            elif self._size == self._announced:  # with this piece a client has all of it, and may ask again
                await self._tell(b"".join(self._pieces))
        return piece

    async def end(self) -> bytes:
        if not self._is_over:
            is_whole = self._announced in (_UNKNOWN, self._size)
            await self._tell(b"".join(self._pieces) if is_whole else None)
        return b""

    async def _tell(self, body: bytes | None) -> None:
        self._is_over = True
        self._pieces.clear()
        await self._done(body)
