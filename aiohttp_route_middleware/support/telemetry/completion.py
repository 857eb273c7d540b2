"""When a request is over, and how: all of its answer was sent, its client has gone, or the server has failed.

A link has returned long before that; aiohttp then sends what it has returned. What ends a response is `write_eof()`
of the writer of the request, which is taken over here.

Rules kept here: the end is told once. If the last byte never comes, the task of the connection ends, and that is the
end; it is the task of no link, which may run in another one than aiohttp's. What counts is the response that was begun
first: a second one after it, such as an `HTTPException` in the middle of a stream, makes none of them whole. A
WebSocket ends with its connection. What aiohttp swallows, it does not tell: a `ConnectionError` of a body that it
sends, be it of another server, is taken for a client that has gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

from aiohttp import web

from ...typedefs import Handler
from ..responses import see_response
from ..sending import has_gone
from .ends import End, Ending, count_body, is_closed_socket
from .telling import tell_safely

__all__ = ("Finish", "watch")

Finish: TypeAlias = Callable[[End], None]


async def watch(request: web.Request, handler: Handler, name: str, finish: Finish) -> web.StreamResponse:
    """Run what follows a link, and tell when the request is over.

    Args:
        request: as the link has got it.
        handler: likewise.
        name: of the battery, for reports.
        finish: called with the end; what it raises is reported, and changes nothing.
    """
    watched = _Watched(request, name, finish)
    see_response(request, name, watched.see)
    watched.begin()
    try:
        return await handler(request)
    except Exception as error:
        watched.note(error)
        raise


class _Watched:
    """One request, until its end."""

    _response: web.StreamResponse | None = None
    _error: BaseException | None = None
    _has_raised = False
    _is_broken = False
    _is_socket = False
    _head = 0

    def __init__(self, request: web.Request, name: str, finish: Finish) -> None:
        self._request = request
        self._writer: Any = request.writer
        self._name = name
        self._finish: Finish | None = finish

    def begin(self) -> None:
        writer, task = self._writer, cast("asyncio.Task[Any]", asyncio.current_task())
        self._write_headers, self._write_eof = writer.write_headers, writer.write_eof
        writer.write_headers, writer.write_eof = self.write_headers, self.write_eof
        self._connection = self._request.task
        self._connection.add_done_callback(self._end_with_connection)
        task.add_done_callback(self._look_at)

    def see(self, _: web.Request, response: web.StreamResponse) -> None:
        if self._response is None or not self._writer.output_size:
            self._response, self._is_socket = response, isinstance(response, web.WebSocketResponse)
        elif not self._is_socket:
            self._is_broken = True

    def note(self, error: Exception) -> None:
        """Note what came out of the links behind."""
        self._has_raised = True
        has_begun = self._writer.output_size > 0  # as aiohttp asks: else a 500 follows
        if isinstance(error, web.HTTPException) and not has_begun:
            return
        if not self._is_departure(error):
            self._error, self._is_broken = error, has_begun

    async def write_headers(self, *arguments: Any) -> None:
        await self._write_headers(*arguments)
        if not self._writer.output_size:  # aiohttp keeps the head until it writes the body
            self._head = len(self._writer._headers_buf or b"")

    async def write_eof(self, piece: bytes = b"") -> None:
        try:
            await self._write_eof(piece)
        except BaseException as error:
            self._fail(error)
            self._tell_message(None)
            raise
        self._tell_message(None if has_gone(self._request) else "sent")

    def _look_at(self, task: asyncio.Task[Any]) -> None:
        """Look at what came out of aiohttp itself, or of links before."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._has_raised:
            self._fail((error.__context__ or error) if isinstance(error, ConnectionError) else error)

    def _fail(self, error: BaseException) -> None:
        if self._error is None and not isinstance(error, (ConnectionError, asyncio.CancelledError)):
            self._error, self._is_broken = error, True

    def _is_departure(self, error: Exception) -> bool:
        """Whether it is but the client that has gone; of a file the system tells that before the connection does."""
        is_file = isinstance(self._response, web.FileResponse)
        return isinstance(error, ConnectionError) and (is_file or has_gone(self._request))

    def _end_with_connection(self, _: asyncio.Task[Any]) -> None:
        self._tell("sent" if is_closed_socket(self._response) else None)

    def _tell_message(self, sent: Literal["sent"] | None) -> None:
        if not self._is_socket:  # whose handler may have returned something else
            self._tell(sent)

    def _tell(self, sent: Literal["sent"] | None) -> None:
        finish, self._finish = self._finish, None
        if finish is None:
            return
        self._connection.remove_done_callback(self._end_with_connection)  # which goes on, for other requests
        outcome: Ending = "failed" if self._is_broken else sent or "aborted"
        written = self._writer.output_size
        head = min(self._head, written)
        body = None if self._is_socket else count_body(self._request, self._response, written - head, outcome)
        tell_safely(self._name, finish, End(self._response, outcome, self._error, head, body))
