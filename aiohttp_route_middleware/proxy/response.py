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
import re
import weakref
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import aiohttp
from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from ..errors import ConfigurationError, RouteMiddlewareError
from ..support.deadlines import Deadline, TimeIsUpError
from ..support.departure import Departure
from ..support.sending import cut_off
from .message.fields import drop_connection_fields
from .wire.attempt import Answer
from .wire.failures import ClientGoneError
from .wire.leftovers import let_go

__all__ = (
    "AnswerReplacedError",
    "BodyCutOffError",
    "BodyTooLargeError",
    "End",
    "ProxyResponse",
    "ReceivedResponse",
    "check_fields",
    "let_go_of_replaced",
    "note_answer",
)

End = Callable[[int, "BaseException | None"], None]
_NOT_MODIFIED = 304
# of surrogates, those that stand for bytes that are no UTF-8 can be written
_UNWRITABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udc7f\udd00-\udfff]")
_SMALL = 64 * 1024  # bytes, which no client has to take before more is written
_LONG = 1.0  # seconds, after which a target may be tired of waiting for a client
_DEFAULTS = (hdrs.CONTENT_TYPE, hdrs.SERVER)  # of aiohttp; they are the target's to say
_OF_THE_BODY = (hdrs.CONTENT_ENCODING, hdrs.ETAG, "Content-MD5", "Digest", "Content-Digest", "Repr-Digest")


class AnswerReplacedError(ClientGoneError):
    """Nobody wants this answer: a hook has put another response in its place, or has failed."""


class BodyCutOffError(RouteMiddlewareError, ConnectionResetError):
    """A target has broken off its answer; the client was cut off. aiohttp closes the connection without a word."""

    is_of_target: bool = True
    """Whether it speaks against the health of the target."""


class BodyTooLargeError(RouteMiddlewareError):
    """A body is larger than who wants to read it allows."""


class ReceivedResponse(web.StreamResponse):
    """A response as it was received: nothing is added to its head but `Date`, and no byte of it is lost."""

    _missing: Sequence[str] = ()

    @abstractmethod
    def abandon(self) -> None:
        """Let go of the answer: another response is sent."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Make the head; called by aiohttp."""
        if not self.prepared:
            self._missing = [name for name in _DEFAULTS if name not in self._headers]
        return await super().prepare(request)

    async def _prepare_headers(self) -> None:
        length = self._headers.get(hdrs.CONTENT_LENGTH) if self.status == _NOT_MODIFIED else None
        await super()._prepare_headers()
        if length is not None:  # of what is not sent (RFC 9110, section 8.6), which aiohttp leaves out
            self._headers[hdrs.CONTENT_LENGTH] = length
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
        patience: seconds that a client may take nothing.
        end: called once at the end: with the bytes of the body that were passed on, and what has gone wrong.
    """

    _send_headers_immediately = False  # they go with the first piece of the body
    _answer: Answer | None = None
    _end: End | None = None

    def __init__(self, answer: Answer, departure: Departure, patience: float, end: End) -> None:
        message = answer.message
        super().__init__(status=message.code, reason=message.reason, headers=message.headers)
        if hdrs.TRANSFER_ENCODING in self._headers:  # which alone says where the body ends (RFC 9112, section 6.3)
            self._headers.popall(hdrs.CONTENT_LENGTH, None)
        drop_connection_fields(self._headers)
        self._answer = answer
        self._departure = departure
        self._patience = patience
        self._has_waited = False
        self._end = end
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
        size = sum(map(len, self._read))
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

        Raises:
            ConfigurationError: these are no bytes.
        """
        given: object = body
        if not isinstance(given, (bytes, bytearray, memoryview)):
            cure = "pass bytes: `.encode()` a text, `await` a coroutine"
            raise ConfigurationError("replace_body()", f"body is of type {type(given).__qualname__}", cure=cure)
        self._let_go()
        self._whole = bytes(body)
        for name in _OF_THE_BODY:
            self._headers.popall(name, None)
        self.content_length = len(self._whole)

    def abandon(self) -> None:
        """Let go of the answer: another response is sent."""
        self._let_go()
        self._tell(AnswerReplacedError())

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Make the head; called by aiohttp."""
        try:
            return await super().prepare(request)
        except BaseException:  # of a link around, or of a field that cannot be written
            self._cut_short(AnswerReplacedError())
            raise

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the body, and end it; called by aiohttp."""
        if self._eof_sent:
            return
        answer = self._answer
        if self._must_be_empty_body:
            last = b""
        elif answer is None:
            last = self._whole
        else:
            whole = None if self._read or answer.tap is not None else answer.take_whole()
            last = await self._pass_on(answer) if whole is None else whole
        self._finish()
        self._count += len(last)
        try:
            await self._bound(super().write_eof(last), last)
        except BaseException as error:
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
        except web.HTTPException as error:  # of a link around, for the body of the client: the response has begun
            self._fail(error)
            raise ClientGoneError("the body of the client was refused while its answer was sent") from error
        except BaseException as error:
            self._fail(error)
            raise

    async def _write(self, piece: bytes) -> None:
        await self._bound(self.write(piece), piece)
        self._count += len(piece)

    async def _bound(self, writing: Awaitable[None], piece: bytes) -> None:
        """Write a piece; a client that does not read is not waited for forever.

        Raises:
            ClientGoneError: it has not read anything for too long, and was cut off.
        """
        if len(piece) <= _SMALL and not cast(Any, self._req).protocol.writing_paused:
            await writing  # which waits for nobody
            return
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            with Deadline(self._patience):
                await writing
        except TimeIsUpError as error:
            cut_off(cast(web.Request, self._req))
            raise ClientGoneError("the client has not read its answer for too long") from error
        self._has_waited = self._has_waited or loop.time() - begun > _LONG

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, BodyCutOffError) and self._has_waited:
            error.is_of_target = False  # which was tired of waiting for the client
        cut_off(cast(web.Request, self._req))
        self._cut_short(error)

    def _finish(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.finish()

    def _cut_short(self, error: BaseException) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.abandon()
        self._tell(error)

    def _let_go(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            let_go(answer)

    def _tell(self, error: BaseException | None) -> None:
        end, self._end = self._end, None
        if end is not None:
            end(self._count, error)

    def __del__(self) -> None:
        if self._end is not None:  # nobody has sent it
            with suppress(RuntimeError):  # the loop has stopped, and all its connections with it
                self._cut_short(AnswerReplacedError())


def check_fields(response: web.StreamResponse) -> None:
    """Refuse what hooks have written that could not be sent; it may be a secret, and is not told.

    Raises:
        ConfigurationError: a name or a value is no text, or has a line break or another control character in it.
    """
    for name, value in response.headers.items():
        if not isinstance(value, str) or _UNWRITABLE.search(f"{name}{value}"):
            problem = f"the value of {str(name)!r} is no text, or there is a control character"
            raise ConfigurationError("Exchange.response.headers", problem, cure="leave it out, or encode it")


def note_answer(request: web.Request, answer: ProxyResponse) -> None:
    """Note what is to be sent, for `let_go_of_replaced()`."""
    cast(Any, request.writer).__answer__ = weakref.ref(answer)  # where clones of the request have it as well


async def let_go_of_replaced(request: web.Request, response: web.StreamResponse) -> None:
    """Abandon the answer of a target when another response is sent; a signal of the application.

    Without it that is left to the garbage collector, and an exception or a log may keep the answer for long.
    """
    noted = getattr(request.writer, "__answer__", None)
    answer = None if noted is None else noted()
    if answer is not None and answer is not response and not answer.prepared:
        answer.abandon()


async def _read_piece(answer: Answer) -> bytes:
    content = answer.content
    try:
        piece = await content.readany()
        broken = content.exception()  # by a reset, which aiohttp takes for the end of a body without length
        if broken is not None:
            raise broken
    except ClientGoneError:
        raise
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        raise BodyCutOffError("the target has broken off its answer") from error
    if answer.tap is not None:
        answer.tap(piece)
    return piece


def _write_head(response: web.StreamResponse) -> bytes:
    version = cast(Any, response)._req.version
    line = f"HTTP/{version.major}.{version.minor} {response.status} {response.reason}"
    fields = [f"{name}: {value}" for name, value in response.headers.items()]
    return ("\r\n".join([line, *fields]) + "\r\n\r\n").encode("utf-8", "surrogateescape")
