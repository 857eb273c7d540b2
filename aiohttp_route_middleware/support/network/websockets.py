"""WebSockets: whether a request asks for one."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import HttpVersion11, hdrs, web

__all__ = ("is_websocket",)


def is_websocket(request: web.Request) -> bool:
    """Whether a request is the handshake of a WebSocket (RFC 6455, section 4.1).

    It is so by what the client has sent; the handler may answer it with something else, or refuse it for a key or a
    version that is not right.
    """
    headers = request.headers
    return (
        hdrs.UPGRADE in headers  # so that nothing else is asked of most requests
        and request.method == hdrs.METH_GET
        and request.version >= HttpVersion11  # of HTTP/1.0 it is ignored (RFC 9110, section 7.8)
        and _has_word(headers.getall(hdrs.UPGRADE), "websocket")
        and _has_word(headers.getall(hdrs.CONNECTION, ()), "upgrade")
    )


def _has_word(fields: Iterable[str], word: str) -> bool:
    """Whether a list, which may be spread over several fields (RFC 9110, section 5.3), has a word in any case."""
    return any(one.strip(" \t").lower() == word for one in ",".join(fields).split(","))
