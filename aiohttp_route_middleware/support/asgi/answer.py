"""The response to a request, from ASGI messages.

Rules kept here: nothing is sent before the first piece of the body is there (ASGI HTTP, "Response Start"), so that
what fails before it is a 500; each piece is sent when it comes, and no faster than the client takes it; a body that
is not as long as its `Content-Length` is an error (RFC 9110, section 8.6); no body is sent where none may be
(RFC 9112, section 6.3), and a 205 says so: its length is 0 (RFC 9110, section 15.3.6).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import hdrs, web
from multidict import CIMultiDict

from ..sending import has_body
from .messages import Message, read_fields

__all__ = ("Answer",)


class Answer:
    """One response.

    Args:
        request: what it answers.
        over: is set when it is complete.
        kind: what its messages are called: `http.response`, or `websocket.http.response`.
    """

    def __init__(self, request: web.Request, over: asyncio.Event, kind: str = "http.response") -> None:
        self.response: web.StreamResponse | None = None  # once it is begun
        self.is_complete: bool = False
        self._request = request
        self._over = over
        self._kind = kind
        self._held: web.StreamResponse | None = None
        self._left: int | None = None  # of its Content-Length

    async def send(self, message: Message) -> None:
        """Take the next message.

        Raises:
            RuntimeError: it is not the turn of that message, or the body is not as long as was said.
            ValueError: HTTP allows no such status, header, or length.
            OSError: the client has left.
        """
        if self.is_complete:
            raise RuntimeError(f"{message['type']} was sent after the response was complete")
        if self._held is None:
            self._check_turn(message, "start")
            self._held = _make_response(message)
            return
        self._check_turn(message, "body")
        piece = bytes(message.get("body", b""))
        if self.response is None:
            self.response = await self._begin(self._held, piece, is_all=not message.get("more_body"))
        await self._write(self.response, piece)
        if not message.get("more_body"):
            await self._end(self.response)

    def _check_turn(self, message: Message, turn: str) -> None:
        if message["type"] != f"{self._kind}.{turn}":
            raise RuntimeError(f"{message['type']} was sent instead of {self._kind}.{turn}")

    async def _begin(self, response: web.StreamResponse, piece: bytes, *, is_all: bool) -> web.StreamResponse:
        if has_body(self._request, response):
            if is_all and hdrs.CONTENT_LENGTH not in response.headers:
                response.content_length = len(piece)
            self._left = response.content_length
        elif response.status == HTTPStatus.RESET_CONTENT:
            response.content_length = 0
        await response.prepare(self._request)
        return response

    async def _write(self, response: web.StreamResponse, piece: bytes) -> None:
        if not piece or not has_body(self._request, response):
            return
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise RuntimeError("the body is longer than its Content-Length")
        await response.write(piece)

    async def _end(self, response: web.StreamResponse) -> None:
        if self._left:
            raise RuntimeError("the body is shorter than its Content-Length")
        self.is_complete = True
        await response.write_eof()
        self._over.set()


def _make_response(message: Message) -> web.StreamResponse:
    status, headers = message["status"], read_fields(message.get("headers", ()))
    if type(status) is not int or not 200 <= status <= 999:
        raise ValueError(f"{status!r} is not the status of a response")
    _check_length(headers)
    response = web.StreamResponse(status=status, headers=headers)
    if "close" in headers.get(hdrs.CONNECTION, "").lower():
        response.force_close()
    return response


def _check_length(headers: CIMultiDict[str]) -> None:
    lengths = headers.getall(hdrs.CONTENT_LENGTH, [])
    if len({*lengths}) > 1 or not all(length.isascii() and length.isdigit() for length in lengths):
        raise ValueError(f"Content-Length is {', '.join(lengths)}")
    if len(lengths) > 1:
        headers[hdrs.CONTENT_LENGTH] = lengths[0]
