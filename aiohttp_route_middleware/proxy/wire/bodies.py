"""What is sent as the body of an outgoing request: that of the client, or one that a hook has made.

Rules kept here: a body is sent if and only if there is one, with its length or in chunks, never both (RFC 9112,
section 6.3). What has arrived as a whole before it is asked for is kept, and can be sent again; of a longer one
nothing is kept.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

from aiohttp import StreamReader, web

from ...errors import ConfigurationError
from ...naming import describe
from ...support.traffic.limited_body import leave_to_endpoint
from ..message.framing import Framing
from .failures import ClientGoneError
from .outgoing import OutgoingBody, OutgoingRequestError
from .parsers import Telling

__all__ = ("Body", "GivenBody", "IncomingBody", "NoBody", "StreamedBody", "choose_body")

_CHUNKED = "Transfer-Encoding: chunked\r\n"


class Body(Protocol):
    """A body that can be sent."""

    @property
    def framing(self) -> str:
        """The field that tells of it, with its line end; nothing, if there is no body."""
        ...

    @property
    def is_consumed(self) -> bool:
        """Whether it cannot be sent once more."""
        ...

    def read_whole(self) -> bytes | None:
        """Return all of it as it is sent, chunks and all; `None` if it has not arrived yet."""
        ...

    def read_pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield its content piece by piece, once."""
        ...


class NoBody:
    """There is none."""

    framing: str = ""
    is_consumed: bool = False

    def read_whole(self) -> bytes:
        """Return nothing, which is all."""
        return b""

    async def read_pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield nothing, once."""
        yield b""


_NO_BODY = NoBody()


class GivenBody:
    """Bytes that are known.

    Args:
        content: all of it, as it is sent.
        framing: the field that tells of it; by default that of its length.
    """

    is_consumed: bool = False

    def __init__(self, content: bytes, framing: str | None = None) -> None:
        self.framing: str = f"Content-Length: {len(content)}\r\n" if framing is None else framing
        self._content = content

    def read_whole(self) -> bytes:
        """Return the content."""
        return self._content

    async def read_pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the content."""
        yield self._content


class StreamedBody:
    """What a hook yields; its length is not known.

    Args:
        pieces: yields bytes.
    """

    framing: str = _CHUNKED

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self.is_consumed: bool = False
        self._pieces: AsyncIterable[Any] = pieces  # of a hook, which may yield whatever it likes

    def read_whole(self) -> None:
        """Return nothing: it may take long."""

    async def read_pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the pieces; empty ones, which would end the body, are left out."""
        self.is_consumed = True
        try:
            async for piece in self._pieces:
                if not isinstance(piece, (bytes, bytearray, memoryview)):
                    problem = f"a hook has yielded {describe(piece)}"
                    raise ConfigurationError("OutgoingRequest.body", problem, cure="yield bytes")
                if piece:
                    yield bytes(piece)
        finally:
            if isinstance(self._pieces, AsyncGenerator):  # it may not have come to its end
                await self._pieces.aclose()


class IncomingBody:
    """The body of a client.

    Args:
        content: where it is read.
        framing: how the client frames it.
        read: all of it, if a link before has read it.
    """

    def __init__(self, content: StreamReader, framing: Framing, read: bytes | None = None) -> None:
        self.is_consumed: bool = False
        self.framing: str = _CHUNKED if framing.is_chunked else f"Content-Length: {framing.length}\r\n"
        self._content = content
        self._kept: bytes | None = None if read is None else self._frame(read)

    def read_whole(self) -> bytes | None:
        """Return all of it, if it has arrived already."""
        if self._kept is None and not self.is_consumed and self._content.is_eof():
            if self._content.exception() is not None:
                return None
            self._kept = self._frame(self._content.read_nowait(-1))
        return self._kept

    def _frame(self, content: bytes) -> bytes:
        return _write_chunks(content) if self.framing is _CHUNKED else content

    async def read_pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield what comes from the client.

        Raises:
            ClientGoneError: it has broken off, or what it sends is malformed.
            web.HTTPException: a link around does not allow so much.
        """
        self.is_consumed = True
        count = 0
        try:
            with _told_what_is_malformed(self._content):
                while piece := await self._content.readany():
                    count += len(piece)
                    yield piece
        except web.HTTPException:
            raise
        except Exception as error:
            raise ClientGoneError("the client has broken off its body") from error
        if count != self._content.total_bytes:  # body_limit() does so with what exceeds it, once an answer has begun
            raise ClientGoneError("a link has thrown away a part of the body")


def choose_body(given: OutgoingBody, incoming: web.Request, framing: Framing) -> Body:
    """Return what is sent: what a hook has given, else what the client sends.

    Raises:
        ConfigurationError: what a hook has given is no body; or a link has read the client's, and has not kept it.
    """
    if given is None:
        has_body = framing.is_chunked or framing.length is not None
        return _choose_incoming(cast(Any, incoming), framing) if has_body else _NO_BODY
    if isinstance(given, (bytes, bytearray, memoryview)):
        return GivenBody(bytes(given))
    if hasattr(given, "__aiter__"):
        return StreamedBody(given)
    cure = "set bytes, or what yields bytes asynchronously"
    raise OutgoingRequestError("body", f"a hook has set {describe(given)}", cure=cure)


def _choose_incoming(incoming: Any, framing: Framing) -> Body:
    content, read = incoming.content, incoming._read_bytes
    if framing.has_body and read is None and content._cursor:
        cure = "read it with request.read(), which keeps it, or have a hook set exchange.request.body"
        raise ConfigurationError("proxy()", "a link before it has read the body, or a part of it", cure=cure)
    body = IncomingBody(content, framing, read)
    if body.read_whole() is None:
        leave_to_endpoint(incoming)
    return body


@contextmanager
def _told_what_is_malformed(content: StreamReader) -> Iterator[None]:
    protocol = cast(Any, content)._protocol
    telling = Telling(protocol._parser, content)
    protocol._parser = telling
    try:
        yield
    finally:  # there is none any more when the client has gone
        protocol._parser = telling.parser if protocol._parser is telling else None


def _write_chunks(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content) if content else b"0\r\n\r\n"
