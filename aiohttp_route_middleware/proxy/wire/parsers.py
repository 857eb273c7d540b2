"""What stands in for a parser of aiohttp on a connection, where that does what a proxy must not do.

aiohttp gives all bytes of a connection to the parser of its protocol; these stand between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import StreamReader
from aiohttp.http_exceptions import BadHttpMessage

__all__ = ("IDLE", "HeadOnly", "Telling")

_END_OF_HEAD = b"\r\n\r\n"
_FINAL = 200  # and all statuses from there


class _Idle:
    """Reads a connection that nobody uses: whatever comes there ends it.

    It would be taken for the answer to the next request, which may be another client's. aiohttp keeps such a
    connection.
    """

    def feed_data(self, data: bytes) -> tuple[tuple[()], bool, bytes]:
        """Refuse all bytes; called by aiohttp, which closes the connection then."""
        if data:
            raise BadHttpMessage("the target has sent what nobody has asked for")
        return (), False, b""

    def feed_eof(self) -> None:
        """Note that the target has closed it; called by aiohttp."""


IDLE = _Idle()


class HeadOnly:
    """Reads the answer to a HEAD, and throws away a body behind it, which some servers send.

    aiohttp's own server is one of them, where a handler streams; and its parser in C throws away the head with what is
    behind it. The connection is closed then: nobody knows where that body ends (RFC 9112, section 6.3).

    Args:
        parser: of aiohttp.
        force_close: has the connection closed after this answer.
    """

    def __init__(self, parser: Any, force_close: Callable[[], None]) -> None:
        self._parser = parser
        self._force_close = force_close
        self._before = b""  # the end of what was parsed, in which the end of the head may have begun
        self._is_done = False

    def feed_data(self, data: bytes) -> tuple[list[Any], bool, bytes]:
        """Parse what has come, up to the end of the head; called by aiohttp."""
        messages: list[Any] = []
        while data and not self._is_done:
            found = (self._before + data).find(_END_OF_HEAD)
            end = len(data) if found < 0 else found + len(_END_OF_HEAD) - len(self._before)
            parsed, _, _ = self._parser.feed_data(data[:end])
            messages += parsed
            self._is_done = any(message.code >= _FINAL for message, _ in parsed)
            self._before, data = b"" if found >= 0 else (self._before + data)[-3:], data[end:]
        if data:
            self._force_close()
        return messages, False, b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


class Telling:
    """Reads a request, and tells the reader of its body as well that the rest is malformed.

    Args:
        parser: of aiohttp; that in C tells only its connection, and the reader would wait for ever.
        content: of the request that is read.
    """

    def __init__(self, parser: Any, content: StreamReader) -> None:
        self.parser: Any = parser
        self._content = content

    def feed_data(self, data: bytes) -> Any:
        """Parse what has come; called by aiohttp."""
        try:
            return self.parser.feed_data(data)
        except Exception as error:
            if not self._content.is_eof():  # else this is in another request
                self._content.set_exception(error)
                self._content.feed_eof()  # aiohttp would go on to read it, and log what it gets
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.parser, name)
