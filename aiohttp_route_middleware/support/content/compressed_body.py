"""The body of a response, compressed: whole if it is there, else piece by piece as it comes.

Rules kept here: a piece leaves when it has come; what takes long is done in a thread, so that no other request waits;
pieces leave in the order in which they came, although one that is small could overtake one in a thread; a body that is
compressed whole keeps a `Content-Length`, which is then that of the compressed one (RFC 9110, section 8.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import hdrs, web

from ..body_filters import add_filter, forget_length
from .compressors import Coding

__all__ = ("CompressingFilter", "compress_body")


class CompressingFilter:
    """Compresses what passes.

    Args:
        coding: which one.
    """

    def __init__(self, coding: Coding) -> None:
        self._compressor = coding.make()
        self._at_once = coding.at_once
        self._in_order = asyncio.Lock()

    async def write(self, piece: bytes) -> bytes:
        """Return what is sent for a piece."""
        async with self._in_order:
            return await _run(self._compressor.compress, piece, self._at_once)

    async def end(self) -> bytes:
        """Return what is sent after the last piece."""
        async with self._in_order:
            return self._compressor.end(b"")


async def compress_body(request: web.Request, response: web.StreamResponse, coding: Coding) -> None:
    """Compress a body on its way out; for what `on_response()` calls.

    Args:
        request: whose response it is.
        response: one that has a body.
        coding: which one.
    """
    # a filter before this one must see the body as it was; who has put one there has set `compression`
    if isinstance(response, web.Response) and isinstance(response.body, bytes) and not response.compression:
        response.body = body = await _run(coding.make().end, response.body, coding.at_once)
        if not response.chunked:
            request.writer.length = len(body)
            response.headers[hdrs.CONTENT_LENGTH] = str(len(body))
        return
    add_filter(request, response, CompressingFilter(coding))
    forget_length(request, response)


async def _run(compress: Callable[[bytes], bytes], piece: bytes, at_once: int) -> bytes:
    if len(piece) <= at_once:
        return compress(piece)
    return await asyncio.get_running_loop().run_in_executor(None, compress, piece)
