"""Whose a response is: everybody's, or of those who are, or claim to be, somebody (RFC 9111, section 3.5)."""

from __future__ import annotations

from aiohttp import hdrs, web
from multidict import MultiMapping

from ..access.identity import IDENTITY
from ..request_keys import read_key
from ..surroundings import find_marks
from .freshness import Freshness, may_share

__all__ = ("identifies_inside", "is_identified", "is_shareable")


def is_shareable(request: web.Request, headers: MultiMapping[str], freshness: Freshness) -> bool:
    """Whether a response may be kept for others than this client, or sent to it although others have caused it."""
    has_cookies = hdrs.COOKIE in request.headers
    return may_share(headers, freshness, is_identified=is_identified(request), has_cookies=has_cookies)


def is_identified(request: web.Request) -> bool:
    """Whether it is known, or claimed, who is asking."""
    return hdrs.AUTHORIZATION in request.headers or read_key(request, IDENTITY) is not None


def identifies_inside(request: web.Request) -> bool:
    """Whether a link further in than the one that asks this finds out who is asking; to be asked of a stranger.

    Whoever declares to set `IDENTITY` does so before he lets a request pass: if he stood around, it would be known. A
    link between may have cloned the request, so that nothing of that is seen in this one.
    """
    return any(IDENTITY in keys for keys in find_marks(request, "__provides__"))
