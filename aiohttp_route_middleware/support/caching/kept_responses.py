"""A response that was kept, as it is now: how old it is, whether it may stand in, and what is sent of it (RFC 9111).

Rules kept here: its age is what it had when it was taken, and the time since then (section 4.2.3); what is stale
stands in only for as long as it allows that itself (RFC 5861); conditions are compared with what was kept, and only
if that was a success (section 4.3.2). What does not change with time is told once, for the last 256 whose fields have
4 KiB at most.
"""

from __future__ import annotations

import functools
from itertools import chain
from typing import NamedTuple

from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from ..content.cache_directives import Directives
from ..content.conditions import Decision, decide_by, drop_representation, has_conditions, refuse
from ..content.entity_tags import validators_of
from ..content.stored_responses import StoredResponse
from .freshness import Freshness, find_refusal, measure
from .miss import Shared
from .options import CacheOptions
from .variants import asked_by

__all__ = ("Kept", "make_answer", "pick_shared", "weigh")

_MOST_REMEMBERED = 4_096  # characters


class Kept(NamedTuple):
    """A response that was kept, and what is known of it now.

    Args:
        response: as it was kept.
        headers: its fields.
        freshness: for how long it may be used.
        age: its age now, in seconds.
    """

    response: StoredResponse
    headers: CIMultiDictProxy[str]
    freshness: Freshness
    age: int

    @property
    def remaining(self) -> int:
        """Seconds for which it is fresh; below 0 since it is not."""
        return self.freshness.lifetime - self.age

    @property
    def may_be_updated_behind(self) -> bool:
        """Whether it may be sent while it is made anew (RFC 5861, section 3)."""
        return -self.remaining < self.freshness.updating

    @property
    def may_hide_failures(self) -> bool:
        """Whether it may be sent if making it anew fails (RFC 5861, section 4)."""
        return -self.remaining < self.freshness.failing


def weigh(response: StoredResponse, options: CacheOptions) -> Kept:
    """Tell what is known now of a response that was kept."""
    is_small = sum(map(len, chain.from_iterable(response.headers))) <= _MOST_REMEMBERED
    describe = _describe_once if is_small else _describe
    headers, freshness = describe(response.headers, response.taken, options.ttl)
    resident = max(0, int(options.clock() - response.taken))  # RFC 9111, section 4.2.3
    return Kept(response, headers, freshness, freshness.age + resident)


def _describe(
    fields: tuple[tuple[str, str], ...], taken: float, ttl: int | None
) -> tuple[CIMultiDictProxy[str], Freshness]:
    headers = CIMultiDict(fields)
    return CIMultiDictProxy(headers), measure(headers, taken, ttl)


_describe_once = functools.lru_cache(maxsize=256)(_describe)


def pick_shared(request: web.Request, shared: Shared | None, asked: Directives, options: CacheOptions) -> Kept | None:
    """Return what was shared by the one who was waited for, if it answers this request too.

    Args:
        request: that has waited.
        shared: what was shared; `None` for nothing.
        asked: the directives of the request.
        options: what the application wants.
    """
    if shared is None:
        return None
    if asked_by(request).read(shared.names) != shared.asked.read(shared.names):
        return None
    kept = weigh(shared.response, options)
    # it was shared by a request of the same kind: whether that is allowed needs no second look
    return kept if find_refusal(asked, kept.freshness, kept.age) is None else None


def make_answer(request: web.Request, kept: Kept) -> web.Response:
    """Make the answer to a request of what was kept.

    Raises:
        aiohttp.web.HTTPPreconditionFailed: a condition of the request does not hold.
    """
    response = kept.response.to_response()
    response.headers[hdrs.AGE] = str(kept.age)
    if response.status != 200 or not has_conditions(request.headers):
        return response
    outcome = decide_by(request.method, request.headers, response.headers)
    if outcome is Decision.FAILED:
        raise refuse(request.headers, validators_of(response.headers))
    if outcome is Decision.NOT_MODIFIED:
        response.set_status(304)
        response.body = None
        drop_representation(response.headers)
    return response
