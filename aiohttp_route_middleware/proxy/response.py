"""The answer of a target as a response: it is passed on as it comes, when aiohttp sends what an endpoint has returned.

So links around may still change its headers, whatever its size, and nobody holds more of it than a piece.

Rules kept here:
- Nothing is added that the target did not say, but for `Date` (RFC 9110, section 6.6.1).
- If the target breaks off, the connection to the client is cut off, so that nobody takes half of it for the whole
  (RFC 9112, section 8).
- A client that goes ends the answer of the target as well.
- If the response is never sent, since a link has put another in its place, the answer is abandoned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import aiohttp
from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from ..support.departure import Departure
from ..support.sending import cut_off
from .message.fields import drop_connection_fields
from .wire.attempt import Answer
from .wire.failures import ClientGoneError

__all__ = ("BodyCutOffError", "BodyTooLargeError", "End", "ProxyResponse", "ReceivedResponse")

End = Callable[[int, "BaseException | None"], None]
_DEFAULTS = (hdrs.CONTENT_TYPE, hdrs.SERVER)  # of aiohttp; they are the target's to say
_OF_THE_BODY = (hdrs.CONTENT_ENCODING, hdrs.ETAG, "Content-MD5", "Digest", "Content-Digest", "Repr-Digest")


class BodyCutOffError(ConnectionResetError):
    """A target has broken off its answer; the client was cut off. aiohttp closes the connection without a word."""


class BodyTooLargeError(Exception):
    """A body is larger than who wants to read it allows."""


class ReceivedResponse(web.StreamResponse):
    """A response as it was received: nothing is added to its head but `Date`, and no byte of it is lost."""

    _missing: Sequence[str] = ()

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Make the head; called by aiohttp."""
        if not self.prepared:
            self._missing = [name for name in _DEFAULTS if name not in self._headers]
        return await super().prepare(request)

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        for name in self._missing:  # links around have not had their word yet
            self._headers.popall(name, None)

    async def _write_headers(self) -> None:
        await super()._write_headers()
        head = [self._reason, *self._headers.values()]
        if not "".join(head).isascii():  # aiohttp leaves out bytes that are no UTF-8
            cast(Any, self._payload_writer)._headers_buf = _write_head(self)


class ProxyResponse(ReceivedResponse):
    """The answer of a target; its head is there, its body comes when it is sent.

    Args:
        answer: from the target.
        departure: tells when the client leaves.
        end: called once at the end: with the bytes of the body that were passed on, and what has gone wrong.
    """

    _send_headers_immediately = False  # they go with the first piece of the body

    def __init__(self, answer: Answer, departure: Departure, end: End) -> None:
        message = answer.message
        super().__init__(status=message.code, reason=message.reason, headers=message.headers)
        if hdrs.TRANSFER_ENCODING in self._headers:  # which alone says where the body ends (RFC 9112, section 6.3)
            self._headers.popall(hdrs.CONTENT_LENGTH, None)
        drop_connection_fields(self._headers)
        self._answer: Answer | None = answer
        self._departure = departure
        self._end: End | None = end
        self._read: list[bytes] = []  # before it is sent
        self._whole = b""
        self._count = 0

    async def read(self, limit: int = 2**20) -> bytes:
        """Read the body as a whole, as the target has encoded it; it is sent from memory then.

        Args:
            limit: bytes that it may have; default 1 MiB.

        Raises:
            BodyTooLargeError: it has more, and is still sent piece by piece.
            BodyCutOffError: the target has broken it off.
        """
        answer = self._answer
        if answer is None:
            return self._whole
        size = 0
        while size <= limit:
            piece = await _read_piece(answer)
            self._read.append(piece)
            size += len(piece)
            if not piece:
                self._whole = b"".join(self._read)
                self._finish()
                return self._whole
        raise BodyTooLargeError(f"the body has more than {limit} bytes")

    def replace_body(self, body: bytes) -> None:
        """Send this in place of the body of the target.

        Args:
            body: all of it; its length is set, and what was said of the other body is left out.
        """
        self._abandon(None)
        self._whole = body
        for name in _OF_THE_BODY:
            self._headers.popall(name, None)
        self.content_length = len(body)

    def abandon(self) -> None:
        """Let go of the answer: another response is sent."""
        self._abandon(ClientGoneError())

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the body, and end it; called by aiohttp."""
        if self._eof_sent:
            return
        if self._must_be_empty_body:
            last = b""
        elif self._answer is None:
            last = self._whole
        else:
            last = await self._pass_on(self._answer)
        self._finish()
        self._count += len(last)
        try:
            await super().write_eof(last)
        except ConnectionError as error:
            self._tell(error)
            raise
        self._tell(None)

    async def _pass_on(self, answer: Answer) -> bytes:
        """Send all pieces but the last, which ends the message as well."""
        content = answer.content
        try:
            if not content.total_bytes and not content.is_eof():
                cast(Any, self._payload_writer).send_headers()  # the first piece may take its time
            with self._departure.watched_while_sending():
                for piece in self._read:
                    await self._write(piece)
                while True:
                    piece = await _read_piece(answer)
                    if not piece or content.at_eof():
                        return piece
                    await self._write(piece)
        except BaseException as error:
            self._fail(error)
            raise

    async def _write(self, piece: bytes) -> None:
        await self.write(piece)
        self._count += len(piece)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, BodyCutOffError) and self._req is not None:
            cut_off(cast(web.Request, self._req))
        self._abandon(error)

    def _finish(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.finish()

    def _abandon(self, error: BaseException | None) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.abandon()
        if error is not None:
            self._tell(error)

    def _tell(self, error: BaseException | None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(self._count, error)

    def __del__(self) -> None:
        if self._answer is not None:  # nobody has sent it
            self._abandon(ClientGoneError())


async def _read_piece(answer: Answer) -> bytes:
    try:
        return await answer.content.readany()
    except ClientGoneError:
        raise
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        raise BodyCutOffError("the target has broken off its answer") from error


def _write_head(response: web.StreamResponse) -> bytes:
    version = cast(Any, response)._req.version
    line = f"HTTP/{version.major}.{version.minor} {response.status} {response.reason}"
    fields = [f"{name}: {value}" for name, value in response.headers.items()]
    return ("\r\n".join([line, *fields]) + "\r\n\r\n").encode("utf-8", "surrogateescape")
