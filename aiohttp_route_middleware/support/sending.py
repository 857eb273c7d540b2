"""Whether the response to a request is on its way already, so that no other can be sent in its place."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

__all__ = ("cut_off", "has_begun", "has_gone", "has_switched")


def has_begun(request: web.Request) -> bool:
    """Whether a response was prepared: its status is sent, or about to be.

    A `100 Continue` does not count.
    """
    return request.writer.output_size > 0 or _has_framing(request)


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
    if transport is not None:
        transport.abort()  # close() would wait until the client has read what was written


def _has_framing(request: web.Request) -> bool:
    writer = cast(Any, request.writer)
    return bool(writer.chunked) or writer.length is not None
