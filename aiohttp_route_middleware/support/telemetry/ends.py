"""How a request has ended: what is told of it when it is over."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from aiohttp import web

from ..sending import has_body

__all__ = ("End", "Ending", "count_body", "is_closed_socket")

Ending: TypeAlias = Literal["sent", "aborted", "failed"]  # the outcome of a request; that of a link is an `Outcome`


class End(NamedTuple):
    """The end of one request.

    Args:
        response: that was begun; `None` if there was none.
        outcome: all of it was `sent`; it was `aborted`, by a client that has gone or a server that stops; or it was
            begun and has `failed`.
        error: what came out of the links behind, or of a body, and is no answer.
        head: bytes of status line and headers that were written.
        body: bytes of the body that were written, with the frames of chunks; `None` if nobody knows: of messages of a
            WebSocket, and of a file that the system has sent in part.
    """

    response: web.StreamResponse | None
    outcome: Ending
    error: BaseException | None
    head: int
    body: int | None


def is_closed_socket(response: web.StreamResponse | None) -> bool:
    """Whether it is a WebSocket that a close frame has ended; 1006 stands for none (RFC 6455, section 7.1.5)."""
    return isinstance(response, web.WebSocketResponse) and response.close_code not in (None, 1006)


def count_body(request: web.Request, response: web.StreamResponse | None, written: int, outcome: Ending) -> int | None:
    """Count the bytes of a body that is none of a WebSocket, as `End` has them.

    Args:
        request: whose response it is.
        response: that was begun.
        written: bytes that have passed the writer behind the head.
        outcome: how it has ended.
    """
    if written or not isinstance(response, web.FileResponse) or not has_body(request, response):
        return written
    return (response.content_length or 0) if outcome == "sent" else None  # `sendfile` passes by the writer
