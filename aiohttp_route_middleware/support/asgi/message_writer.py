"""What aiohttp writes, as ASGI messages: whoever prepares a response in a handler writes into this, and knows nothing.

Rules kept here: what is one write is one message, the last one says so; compression is aiohttp's own, chunks are for
the server to make.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http import StreamWriter
from multidict import CIMultiDict

from ..responses import share_register
from .messages import Send, write_fields

__all__ = ("MessageWriter",)


class MessageWriter(StreamWriter):
    """The writer of a request behind an ASGI middleware.

    Args:
        request: in front of it; what batteries register for its response stays registered there.
        send: takes the messages.
    """

    output_size: int = 0
    status: int | None = None  # once a response is begun
    is_ended: bool = False
    is_muted: bool = False  # whether nothing is passed on any more

    def __init__(self, request: web.Request, send: Send) -> None:
        super().__init__(request.protocol, asyncio.get_running_loop())
        self.sends_headers_at_once: bool = False
        self._pass = send
        self._pieces: list[bytes] = []
        share_register(request, self)

    def enable_chunking(self) -> None:
        """Leave that to the server."""

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """Begin a response."""
        fields = headers.copy()
        fields.popall(hdrs.TRANSFER_ENCODING, None)
        if fields.get(hdrs.CONNECTION) == "keep-alive":  # what aiohttp says to HTTP/1.0, it says again
            del fields[hdrs.CONNECTION]
        self.status = int(status_line.split(" ", 2)[1])
        self._headers_written = True  # by which others see that a response has begun
        await self._pass({"type": "http.response.start", "status": self.status, "headers": write_fields(fields)})
        if self.sends_headers_at_once:
            await self._pass({"type": "http.response.body", "body": b"", "more_body": True})

    async def write(self, chunk: Any, *, drain: bool = True, LIMIT: int = 0) -> None:  # noqa: N803  # aiohttp's name
        """Pass on a piece."""
        await super().write(chunk, drain=False)
        if self._pieces:
            await self._pass({"type": "http.response.body", "body": self._take(), "more_body": True})

    async def write_eof(self, chunk: bytes = b"") -> None:
        """Pass on the last piece."""
        await super().write_eof(chunk)
        if not self.is_muted:
            await self._pass({"type": "http.response.body", "body": self._take(), "more_body": False})
        self.is_ended = True

    async def drain(self) -> None:
        """Do nothing: who has written has waited."""

    def _write(self, chunk: Any) -> None:
        self._writelines((chunk,))

    def _writelines(self, chunks: Iterable[Any]) -> None:
        pieces = [*map(bytes, chunks)]
        self._pieces += pieces
        self.output_size += sum(map(len, pieces))  # what `response.body_length` tells

    def _take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
