"""A response as a handler has returned it, whatever links around make of it before it is sent.

Rules kept here: what was returned stays known: status, headers, and the body if it is there as bytes. A response that
links around have changed in place, or sent another for, as an ASGI middleware does, is another response. What inner
links have registered by `on_response()` is applied later than all that, and is the response's own.
"""

from __future__ import annotations

from typing import Any

from aiohttp import hdrs, web
from multidict import CIMultiDict

__all__ = ("Returned",)

# which aiohttp may write when it prepares a response, or a file; it writes the others, as `Date`, each time
_OF_CONTENT = frozenset(
    name.lower()
    for name in (
        hdrs.ACCEPT_RANGES,
        hdrs.CONTENT_ENCODING,
        hdrs.CONTENT_RANGE,
        hdrs.CONTENT_TYPE,
        hdrs.ETAG,
        hdrs.LAST_MODIFIED,
        hdrs.VARY,
    )
)
_OF_A_FILE = frozenset((200, 206, 304, 412, 416))  # of which aiohttp chooses one when it prepares a file


class Returned:
    """One response.

    Args:
        response: as it was returned, or raised.

    Attributes:
        status: as it was.
        reason: as it was.
        headers: as they were.
        body: of it; `None` if it is not there as bytes, or is on its way already.
        is_sent: whether it is this response that is sent, and nobody has changed more than its headers; known once
            `compare()` was called.
    """

    def __init__(self, response: web.StreamResponse) -> None:
        self.status: int = response.status
        self.reason: str = response.reason
        self.headers: CIMultiDict[str] = response.headers.copy()
        self.body: bytes | None = _find_body(response)
        self.is_sent: bool = False
        self._response = response
        self._looked_like = _look_at(response)
        self._seen = self.headers

    def compare(self, request: web.Request, response: web.StreamResponse) -> None:
        """See what was made of it; for `on_response()`, before anything else is applied."""
        self.is_sent = response is self._response and _look_at(response) == self._looked_like
        self._seen = response.headers.copy()

    def choose_headers(self, headers: CIMultiDict[str]) -> CIMultiDict[str]:
        """Return the headers of what is sent, without what links around have written.

        Args:
            headers: when inner links have written theirs.
        """
        own = self.headers.copy()
        for name in dict.fromkeys((*headers, *self._seen)):
            written = headers.getall(name, [])
            is_own = written != self._seen.getall(name, []) or (self.is_sent and name.lower() in _OF_CONTENT)
            if is_own and written != own.getall(name, []):
                own.popall(name, None)
                own.extend((name, value) for value in written)
        return own


def _look_at(response: web.StreamResponse) -> tuple[Any, ...]:
    """What links around may change in place, besides headers."""
    if isinstance(response, web.Response):
        return response.status, response.reason, response.body, response.compression
    return (200 if isinstance(response, web.FileResponse) and response.status in _OF_A_FILE else response.status,)


def _find_body(response: web.StreamResponse) -> bytes | None:
    if not isinstance(response, web.Response) or response.prepared:
        return None
    body = response.body or b""
    return bytes(body) if isinstance(body, (bytes, bytearray)) else None
