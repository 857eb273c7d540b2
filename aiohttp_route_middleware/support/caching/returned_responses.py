"""A response as a handler has returned it, and what links around have made of it since.

Rules kept here: what such a link writes may be about the one who asks. Headers that it has written are left out by
whoever keeps the response for others; a response with another body, status or reason is another response, and so is
one for which a link around has registered something after the handler had returned: that is applied before all else,
and nobody can tell any more what is whose. What inner links have registered by `on_response()` is applied later than
that comparison, and is the response's own.
"""

from __future__ import annotations

from aiohttp import hdrs, web
from multidict import CIMultiDict

from ..content.field_groups import FRAMING
from ..responses import copy_registered, on_response

__all__ = ("ReturnedResponse",)

# written by aiohttp when it prepares a response, or a file
_OF_THE_SERVER = frozenset(
    name.lower()
    for name in (
        *FRAMING,
        hdrs.ACCEPT_RANGES,
        hdrs.CONNECTION,
        hdrs.CONTENT_ENCODING,
        hdrs.CONTENT_RANGE,
        hdrs.CONTENT_TYPE,
        hdrs.DATE,
        hdrs.ETAG,
        hdrs.LAST_MODIFIED,
        hdrs.SERVER,
        hdrs.VARY,
    )
)


class ReturnedResponse:
    """A response that a handler has returned, not yet prepared.

    Args:
        request: that it answers.
        response: as it was returned.

    Attributes:
        is_replaced: whether links around have made another one of it, as far as that was seen.
    """

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self.is_replaced: bool = False
        self._headers = response.headers.copy()
        self._content = _read_content(response)
        self._written: dict[str, list[str]] = {}  # by links around, by lower-case names
        on_response(request, "response_cache(), as returned", self._compare)
        self._registered = copy_registered(request)

    def restore(self, headers: CIMultiDict[str]) -> CIMultiDict[str]:
        """Return headers without what links around have written."""
        own = headers.copy()
        for name, written in self._written.items():
            if own.getall(name, []) == written:  # else an inner link has had the last word
                own.popall(name, None)
                own.extend((name, value) for value in self._headers.getall(name, []))
        return own

    def _compare(self, request: web.Request, response: web.StreamResponse) -> None:
        """See what was written since, before inner links have their word."""
        late = any(self._registered.get(key) is not apply for key, apply in copy_registered(request).items())
        self.is_replaced = late or _read_content(response) != self._content
        for name in {*self._headers, *response.headers}:
            written = response.headers.getall(name, [])
            if written != self._headers.getall(name, []) and name.lower() not in _OF_THE_SERVER:
                self._written[name.lower()] = written


def _read_content(response: web.StreamResponse) -> tuple[int, str, object]:
    body = response.body if isinstance(response, web.Response) else None
    # which can be changed where it is
    return response.status, response.reason, bytes(body) if isinstance(body, bytearray) else body
