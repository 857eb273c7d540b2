"""When a request is over: its last byte is sent, or its client has gone.

A link has returned long before that; aiohttp then sends what it has returned. What ends a response is `write_eof()`
of the writer of the request, which is taken over here.

Rules kept here: the end is told once, with the last response that was prepared; if that never comes, the end of the
task is one as well, by which not all was sent; a WebSocket ends when its handler has returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from aiohttp import web

from ...typedefs import Handler
from ..headers import on_response

__all__ = ("Finish", "watch")

Finish: TypeAlias = Callable[[web.StreamResponse | None, bool], None]


async def watch(request: web.Request, handler: Handler, name: str, finish: Finish) -> web.StreamResponse:
    """Run what follows a link, and tell when the request is over.

    Args:
        request: as the link has got it.
        handler: likewise.
        name: of the battery, for `on_response()`.
        finish: called with the response, or `None` if there was none, and whether all of it was sent.
    """
    ending = _Ending(request.writer, finish)
    on_response(request, f"{name} {id(ending):x}", ending.see)  # each of several sees the response
    response = await handler(request)
    if isinstance(response, web.WebSocketResponse):
        ending.tell(response.close_code not in (None, 1006))  # without a close frame (RFC 6455, section 7.1.5)
    return response


class _Ending:
    """The end of one request."""

    def __init__(self, writer: Any, finish: Finish) -> None:
        self._response: web.StreamResponse | None = None
        self._finish: Finish | None = finish
        self._write_eof = writer.write_eof
        writer.write_eof = self.write_eof
        # aiohttp has a task for each request, which ends when all is sent, or cannot be
        cast("asyncio.Task[Any]", asyncio.current_task()).add_done_callback(lambda _: self.tell(False))

    def see(self, _: web.Request, response: web.StreamResponse) -> None:
        self._response = response

    async def write_eof(self, piece: bytes = b"") -> None:
        try:
            await self._write_eof(piece)
        except BaseException:
            self.tell(False)
            raise
        self.tell(True)

    def tell(self, was_sent: bool) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            finish(self._response, was_sent)
