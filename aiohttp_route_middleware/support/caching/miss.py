"""One run of a handler, behind a cache that may keep its response (RFC 9111, section 3).

Rules kept here: a response is kept as it leaves the battery, with all that inner links have set and nothing that outer
ones add; what an outer link sends instead is not kept, nor what breaks off, nor what was changed meanwhile.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any, NamedTuple, cast

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy

from ...errors import StoreError
from ...typedefs import Handler
from ..content.stored_responses import StoredResponse, capture_body, lasting_headers
from ..headers import merge_vary
from ..personal import is_personal
from ..responses import on_response
from .flights import Flight
from .freshness import Freshness, find_obstacle, measure
from .options import CacheOptions
from .returned_headers import ReturnedHeaders
from .sharing import is_identified, is_shareable
from .shelf import ResponseShelf
from .status import CacheStatus

__all__ = ("Miss", "Shared")

_PERSONAL = "personal"
_NOT_FOR_OTHERS = "Authorization"
_NOT_FOR_OTHERS_WITH_COOKIES = "Cookie"
_OF_ONE_CLIENT = frozenset((_PERSONAL, _NOT_FOR_OTHERS, _NOT_FOR_OTHERS_WITH_COOKIES, hdrs.SET_COOKIE))
_logger = logging.getLogger(__name__)


class Shared(NamedTuple):
    """A response that others have waited for, and the request that it answers."""

    response: StoredResponse
    asked: CIMultiDictProxy[str]


class Miss:
    """One run of a handler, whose response may be kept.

    Args:
        options: what the application wants.
        shelf: where responses are kept.
        request: that the handler answers.
        key: under which its response is kept.
        flight: whose end others may wait for.
        reason: why it runs, as `Cache-Status` has it.

    Attributes:
        has_begun: whether its response is being sent.
    """

    def __init__(
        self,
        options: CacheOptions,
        shelf: ResponseShelf,
        request: web.Request,
        key: str,
        flight: Flight[Shared],
        reason: str,
    ) -> None:
        self.has_begun: bool = False
        self._options = options
        self._shelf = shelf
        self._request = request
        self._key = key
        self._flight = flight
        self._reason = reason
        self._status = CacheStatus(options.name)
        self._expected: web.StreamResponse | None = None
        self._returned: ReturnedHeaders | None = None
        self._is_over = False
        self._taken: StoredResponse | None = None  # without its body
        self._useful = 0  # seconds
        # a client that goes, or an outer link that fails: nobody waits for what never comes
        cast("asyncio.Task[Any]", asyncio.current_task()).add_done_callback(lambda _: flight.cut_off())

    async def answer(self, handler: Handler) -> web.StreamResponse:
        """Miss the handler."""
        try:
            response = await handler(self._request)
        except web.HTTPException as error:
            if self.has_begun:
                self._end()
            self._expect(error)
            raise
        except (asyncio.CancelledError, ConnectionError):
            self._is_over = True
            self._flight.cut_off()
            raise
        except BaseException:
            self._end()
            raise
        self._expect(response)
        return response

    def apply(self, request: web.Request, response: web.StreamResponse) -> None:
        """Keep what is sent, if it may be kept; for `on_response()`."""
        if self._options.vary:
            merge_vary(response.headers, *self._options.vary)
        detail = self._take(request, response)  # first: what is told of this request is not kept
        self._status.tell(response.headers, f"fwd={self._reason}", detail)

    def _expect(self, response: web.StreamResponse) -> None:
        self._expected = response
        if not response.prepared:
            self._returned = ReturnedHeaders(response)
            on_response(self._request, "response_cache(), as returned", self._returned.compare)

    def _take(self, request: web.Request, response: web.StreamResponse) -> str | None:
        """Keep what is sent, or tell why not."""
        if self._is_over or (self._expected is not None and response is not self._expected):
            self._end()
            return "failed" if self._expected is None else "replaced"
        self.has_begun = True
        now = self._options.clock()
        freshness = measure(response.headers, now, self._options.ttl)
        obstacle = self._find_obstacle(request, response, freshness)
        if obstacle is not None:
            self._let_go(response.status, obstacle)
            return obstacle
        self._useful = freshness.useful
        own = response.headers if self._returned is None else self._returned.restore(response.headers)
        headers = lasting_headers(own)
        self._taken = StoredResponse(
            status=response.status, reason=response.reason, headers=headers, body=b"", taken=now
        )
        capture_body(request, response, self._keep, limit=self._options.limit)
        return None

    def _find_obstacle(self, request: web.Request, response: web.StreamResponse, freshness: Freshness) -> str | None:
        asking = (request, self._request)  # a link may have cloned it
        if any(map(is_personal, asking)):
            return _PERSONAL
        obstacle = find_obstacle(response.status, response.headers, freshness)
        if obstacle is not None:
            return obstacle
        if not all(is_shareable(one, response.headers, freshness) for one in asking):
            return _NOT_FOR_OTHERS if any(map(is_identified, asking)) else _NOT_FOR_OTHERS_WITH_COOKIES
        return "max_body" if (response.content_length or 0) > self._options.limit else None

    def _let_go(self, status: int, obstacle: str) -> None:
        # Those who ask next wait for each other no more only if this is what the URL gives to anybody. An error (404,
        # 406, 503), a 304, or what is for one client is what this request has met: else one stranger would have every
        # request run its handler for some time. If it lasts, each has waited once, and for one run, in vain.
        if status >= 400 or status == 304 or obstacle in _OF_ONE_CLIENT:
            self._flight.fail()
        else:
            self._flight.give_up()

    async def _keep(self, body: bytes | None) -> None:
        if body is None or self._taken is None:
            self._flight.give_up()
            return
        if self._is_over or self._flight.is_outdated():
            return
        response = dataclasses.replace(self._taken, body=body)
        try:
            await self._shelf.keep(self._key, self._request.headers, response, ttl=self._useful)
            if self._flight.is_outdated():  # meanwhile
                await self._shelf.forget(self._key)
        except StoreError as error:
            _logger.error("response_cache(): the store is down, nothing is kept: %s", error)
        self._flight.share(Shared(response, self._request.headers))

    def _end(self) -> None:
        self._is_over = True
        self._flight.fail()
