"""What is sent as the body of an outgoing request: that of the client, or one that a hook has made.

Rules kept here: a body is sent if and only if there is one, with its length or in chunks, never both (RFC 9112,
section 6.3). What has arrived as a whole before it is asked for is kept, and can be sent again; of a longer one
nothing is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

from aiohttp import StreamReader, web

from ...errors import ConfigurationError
from ...naming import describe
from ..message.framing import Framing
from .failures import ClientGoneError
from .outgoing import OutgoingBody

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

    def read_pieces(self) -> AsyncIterator[bytes]:
        """Yield its content piece by piece, once."""
        ...


class NoBody:
    """There is none."""

    framing: str = ""
    is_consumed: bool = False

    def read_whole(self) -> bytes:
        """Return nothing, which is all."""
        return b""

    async def read_pieces(self) -> AsyncIterator[bytes]:
        """Yield nothing."""
        pieces: tuple[bytes, ...] = ()
        for piece in pieces:
            yield piece


_NO_BODY = NoBody()


class GivenBody:
    """Bytes that are known.

    Args:
        content: all of it.
    """

    is_consumed: bool = False

    def __init__(self, content: bytes) -> None:
        self.framing: str = f"Content-Length: {len(content)}\r\n"
        self._content = content

    def read_whole(self) -> bytes:
        """Return the content."""
        return self._content

    async def read_pieces(self) -> AsyncIterator[bytes]:
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
        self._pieces = pieces

    def read_whole(self) -> None:
        """Return nothing: it may take long."""

    async def read_pieces(self) -> AsyncIterator[bytes]:
        """Yield the pieces; empty ones, which would end the body, are left out."""
        self.is_consumed = True
        async for piece in self._pieces:
            if piece:
                yield piece


class IncomingBody:
    """The body of a client.

    Args:
        content: where it is read.
        framing: how the client frames it.
    """

    def __init__(self, content: StreamReader, framing: Framing) -> None:
        self.is_consumed: bool = False
        self.framing: str = _CHUNKED if framing.is_chunked else f"Content-Length: {framing.length}\r\n"
        self._content = content
        self._kept: bytes | None = None

    def read_whole(self) -> bytes | None:
        """Return all of it, if it has arrived already."""
        if self._kept is None and not self.is_consumed and self._content.is_eof():
            if self._content.exception() is not None:
                return None
            content = self._content.read_nowait(-1)
            self._kept = _write_chunks(content) if self.framing is _CHUNKED else content
        return self._kept

    async def read_pieces(self) -> AsyncIterator[bytes]:
        """Yield what comes from the client.

        Raises:
            ClientGoneError: it has broken off, or what it sends is malformed.
            web.HTTPException: a link around does not allow so much.
        """
        self.is_consumed = True
        try:
            while piece := await self._content.readany():
                yield piece
        except web.HTTPException:
            raise
        except Exception as error:
            raise ClientGoneError("the client has broken off its body") from error


def choose_body(given: OutgoingBody, content: StreamReader, framing: Framing) -> Body:
    """Return what is sent: what a hook has given, else what the client sends.

    Raises:
        ConfigurationError: what a hook has given is no body.
    """
    if given is None:
        return IncomingBody(content, framing) if framing.is_chunked or framing.length is not None else _NO_BODY
    if isinstance(given, (bytes, bytearray, memoryview)):
        return GivenBody(bytes(given))
    if hasattr(given, "__aiter__"):
        return StreamedBody(given)
    cure = "set bytes, or what yields bytes asynchronously"
    raise ConfigurationError("OutgoingRequest.body", f"a hook has set {describe(given)}", cure=cure)


def _write_chunks(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content) if content else b"0\r\n\r\n"
