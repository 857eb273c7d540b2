"""The body of a request as ASGI messages, piece by piece, and then the message that the client has left.

Rules kept here: no more is read than is asked for, so that who asks slowly holds back who sends; a body that breaks
off does not look like a whole one: `http.disconnect` comes in place of its end.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http import HttpProcessingError

from ..departure import Departure
from .messages import Message

__all__ = ("Body",)


class Body:
    """The body of one request.

    Args:
        request: whose body it is. What a link before has read with `read()`, `text()` or `json()` is there again.
        over: is set when the response is complete; and here, when the client leaves.
    """

    def __init__(self, request: web.Request, over: asyncio.Event) -> None:
        self.is_begun: bool = False
        self.is_broken: bool = False  # other than by a client that leaves
        self._request = request
        self._over = over
        self._is_read = False
        self._is_watched = False

    async def receive(self) -> Message:
        """Return the next message."""
        if not self._is_read and not self._over.is_set():
            try:
                return await self._read()
            except ConnectionError:
                self._over.set()
            except (web.RequestPayloadError, HttpProcessingError):  # as either parser of aiohttp says it
                self.is_broken = True
                self._over.set()
            self._is_read = True
        if not self._is_watched:
            self._is_watched = True
            Departure(self._request, self._over.set)
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _read(self) -> Message:
        content = self._request.content
        if not self.is_begun and content.at_eof():
            piece = await self._request.read()  # nothing, or what a link before has read
            if not piece and content.total_bytes:
                raise RuntimeError("a link before has read the body piece by piece; put it behind the ASGI one")
        else:
            piece = await content.readany()
        self.is_begun, self._is_read = True, content.at_eof()
        return {"type": "http.request", "body": piece, "more_body": not self._is_read}
