"""Why a cache may not keep what a handler has answered to one request, as `Cache-Status` has it.

Rules kept here: what a link around has written may forbid to keep a response, and not allow it; nothing is kept of
what was answered to somebody who became known only further in, where the cache would let strangers pass.
"""

from __future__ import annotations

from aiohttp import hdrs, web
from multidict import CIMultiDict

from ..access.identity import IDENTITY
from ..personal import is_personal
from ..request_keys import read_key
from .freshness import Freshness, find_obstacle
from .sharing import identifies_inside, is_identified, is_shareable

__all__ = ("Obstacles", "is_for_one_alone")

_PERSONAL = "personal"
_KNOWN_INSIDE = "identity"
_NOT_FOR_OTHERS = "Authorization"
_NOT_FOR_OTHERS_WITH_COOKIES = "Cookie"
_OF_ONE_CLIENT = frozenset(
    (_PERSONAL, _KNOWN_INSIDE, _NOT_FOR_OTHERS, _NOT_FOR_OTHERS_WITH_COOKIES, str(hdrs.SET_COOKIE))
)


class Obstacles:
    """What may hinder a cache to keep the response to a request; made before the handler runs.

    Args:
        request: as the cache has got it.
        limit: bytes that a body may have.
    """

    def __init__(self, request: web.Request, *, limit: int) -> None:
        self._request = request
        self._identity = read_key(request, IDENTITY)
        self._limit = limit

    def find(
        self, request: web.Request, response: web.StreamResponse, own: CIMultiDict[str], freshness: Freshness
    ) -> str | None:
        """Tell why nothing may be kept; `None` if it may.

        Args:
            request: that the response is prepared for; a link may have cloned it.
            response: as it is sent.
            own: its fields, without what links around have written.
            freshness: of it.
        """
        asking = (request, self._request)
        if any(map(is_personal, asking)):
            return _PERSONAL
        if self._is_known_inside(asking):
            return _KNOWN_INSIDE
        for headers in (own, response.headers):
            obstacle = find_obstacle(response.status, headers, freshness)
            if obstacle is not None:
                return obstacle
        if not all(is_shareable(one, own, freshness) for one in asking):
            return _NOT_FOR_OTHERS if any(map(is_identified, asking)) else _NOT_FOR_OTHERS_WITH_COOKIES
        return "max_body" if (response.content_length or 0) > self._limit else None

    def _is_known_inside(self, asking: tuple[web.Request, ...]) -> bool:
        if any(read_key(one, IDENTITY) is not self._identity for one in asking):
            return True
        return self._identity is None and identifies_inside(self._request)


def is_for_one_alone(status: int, obstacle: str) -> bool:
    """Whether an obstacle says nothing of what others would get: an error, a 304, what is for one client."""
    return status >= 400 or status == 304 or obstacle in _OF_ONE_CLIENT
