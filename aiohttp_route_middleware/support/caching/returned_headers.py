"""The headers of a response as a handler has returned it, without what links around write on it before it is sent.

What such a link writes may be about the one who asks: whoever keeps the response for others leaves it out. What inner
links have registered by `on_response()` is applied later than that, and is the response's own.
"""

from __future__ import annotations

from aiohttp import hdrs, web
from multidict import CIMultiDict

__all__ = ("ReturnedHeaders",)

# written by aiohttp when it prepares a response, or a file
_OF_THE_SERVER = frozenset(
    name.lower()
    for name in (
        hdrs.ACCEPT_RANGES,
        hdrs.CONNECTION,
        hdrs.CONTENT_ENCODING,
        hdrs.CONTENT_LENGTH,
        hdrs.CONTENT_RANGE,
        hdrs.CONTENT_TYPE,
        hdrs.DATE,
        hdrs.ETAG,
        hdrs.LAST_MODIFIED,
        hdrs.SERVER,
        hdrs.TRANSFER_ENCODING,
        hdrs.VARY,
    )
)


class ReturnedHeaders:
    """The headers of one response.

    Args:
        response: as it was returned.
    """

    def __init__(self, response: web.StreamResponse) -> None:
        self._returned = response.headers.copy()
        self._written: dict[str, list[str]] = {}  # by links around, by lower-case names

    def compare(self, request: web.Request, response: web.StreamResponse) -> None:
        """See what was written since; for `on_response()`, before anything else is applied."""
        for name in {*self._returned, *response.headers}:
            written = response.headers.getall(name, [])
            if written != self._returned.getall(name, []) and name.lower() not in _OF_THE_SERVER:
                self._written[name.lower()] = written

    def restore(self, headers: CIMultiDict[str]) -> CIMultiDict[str]:
        """Return headers without what links around have written."""
        own = headers.copy()
        for name, written in self._written.items():
            if own.getall(name, []) == written:  # else an inner link has had the last word
                own.popall(name, None)
                own.extend((name, value) for value in self._returned.getall(name, []))
        return own
