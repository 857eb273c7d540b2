"""`Cache-Status`: what a cache tells of how it has dealt with a request (RFC 9211).

Rules kept here: a cache has one member in each response, also in one that takes the place of another and has its
fields; what caches nearer to the origin have told stays, and stands before it (section 2).
"""

from __future__ import annotations

from aiohttp import web
from multidict import CIMultiDict, istr

from ..responses import on_response

__all__ = ("CACHE_STATUS", "CacheStatus", "tell_of")

CACHE_STATUS = istr("Cache-Status")


class CacheStatus:
    """What one cache tells of one request.

    Args:
        name: of the cache.
    """

    __slots__ = ("_name", "_told")

    def __init__(self, name: str) -> None:
        self._name = name
        self._told: str | None = None

    def tell(self, headers: CIMultiDict[str], how: str = "", detail: str | None = None) -> None:
        """Add the member of this cache to the fields of a response, or replace it.

        Args:
            headers: of the response.
            how: its parameters, as `hit; ttl=30`.
            detail: why nothing was kept: a token (RFC 9211, section 2.8).
        """
        member = f"{self._name}; {how}" if how else self._name
        if detail:
            member = f"{member}; detail={detail}"
        if CACHE_STATUS not in headers:  # as mostly
            headers[CACHE_STATUS] = self._told = member
            return
        told = headers.popall(CACHE_STATUS, [])
        if self._told in told:  # by the fields of a response that this one stands for, as a 304 for a stream
            told.remove(self._told)
        for one in (*told, member):
            headers.add(CACHE_STATUS, one)
        self._told = member


def tell_of(request: web.Request, name: str, how: str = "", detail: str | None = None) -> None:
    """Have every response to a request tell the same, also one that an outer link sends instead: a 412, an error."""
    status = CacheStatus(name)

    def apply(_: web.Request, response: web.StreamResponse) -> None:
        status.tell(response.headers, how, detail)

    on_response(request, "response_cache", apply)
