"""Whether a response has a body, and whether it is on its way already, so that no other can be sent in its place."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from typing import Any, cast

from aiohttp import HttpVersion11, hdrs, web

__all__ = ("break_off", "cut_off", "has_begun", "has_body", "has_gone", "has_switched")

_NO_WAIT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # for no time at all
_NO_BODY = frozenset((204, 205, 304))


def has_body(request: web.Request, response: web.StreamResponse) -> bool:
    """Whether this response has a body at all (RFC 9112, section 6.3; of a 205, RFC 9110, section 15.3.6)."""
    return request.method != hdrs.METH_HEAD and response.status >= 200 and response.status not in _NO_BODY


def has_begun(request: web.Request) -> bool:
    """Whether a response was prepared: its status is sent, or about to be.

    A `100 Continue` does not count, nor what could not be prepared: unless it was to be sent in chunks, as anything
    in its place would be then.
    """
    writer: Any = request.writer
    return writer.output_size > 0 or writer.chunked or writer._headers_buf is not None or writer._headers_written


def has_switched(request: web.Request) -> bool:
    """Whether the connection has become something else by a 101: what was sent is no message with a body.

    Of HTTP/1.1 a body has a length or comes in chunks (RFC 9112, section 6.3); to be asked of WebSocket handshakes.
    """
    return request.writer.output_size > 0 and not _has_framing(request)


def has_gone(request: web.Request) -> bool:
    """Whether the client has gone, so that nothing can be sent to it any more."""
    transport = request.transport
    return transport is None or transport.is_closing()


def cut_off(request: web.Request) -> None:
    """End the connection at once, so that nobody takes half a response for a whole one."""
    transport = request.transport
    if transport is None:
        return
    if request.version < HttpVersion11 and not _has_framing(request):
        _reset_at_end(transport)  # else the body would seem to end here (RFC 9112, section 6.3)
    transport.abort()  # close() would wait until the client has read what was written


def break_off(request: web.Request, error: Exception) -> None:
    """Cut off a response that had begun when something failed; what has failed is raised after that, for the log.

    A response that is whole still reaches the client, and an exception that is itself the response is left alone.

    Raises:
        RuntimeError: in place of an `HTTPException`, which aiohttp would send as a second response on the same
            connection, without a line in the log.
    """
    if isinstance(error, web.HTTPException) and error.prepared:
        return
    if not cast(Any, request.writer)._eof:
        cut_off(request)
    if isinstance(error, web.HTTPException):
        raise RuntimeError(f"{type(error).__name__} was raised too late: the response had begun") from error


def _reset_at_end(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_WAIT)


def _has_framing(request: web.Request) -> bool:
    writer = cast(Any, request.writer)
    return bool(writer.chunked) or writer.length is not None
