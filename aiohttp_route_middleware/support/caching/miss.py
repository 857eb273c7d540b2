"""One run of a handler, behind a cache that may keep its response (RFC 9111, section 3).

Rules kept here: a response is kept as it leaves the battery, with all that inner links have set and nothing that outer
ones add, but for the names that they add to `Vary`; what an outer link sends instead is not kept, nor what breaks off,
nor what was changed meanwhile.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any, NamedTuple, cast

from aiohttp import web
from multidict import CIMultiDict

from ...errors import StoreError
from ...typedefs import Handler
from ..content.captured_bodies import capture_body
from ..content.stored_responses import StoredResponse, lasting_headers
from ..vary import merge_vary
from .flights import Flight
from .freshness import measure
from .obstacles import Obstacles, is_for_one_alone
from .options import CacheOptions
from .returned_responses import ReturnedResponse
from .shelf import ResponseShelf
from .status import CacheStatus
from .variants import Asked, asked_by, list_added, vary_of

__all__ = ("Miss", "Shared")

_logger = logging.getLogger(__name__)


class Shared(NamedTuple):
    """A response that others have waited for, what it varies with, and what the request is told apart by."""

    response: StoredResponse
    names: frozenset[str]
    asked: Asked


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
        self._asked = asked_by(request)
        self._obstacles = Obstacles(request, limit=options.limit)
        self._expected: web.StreamResponse | None = None
        self._returned: ReturnedResponse | None = None
        self._is_over = False
        self._taken: StoredResponse | None = None  # without its body
        self._sent: web.StreamResponse | None = None
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
            self._returned = ReturnedResponse(self._request, response)

    def _take(self, request: web.Request, response: web.StreamResponse) -> str | None:
        """Keep what is sent, or tell why not."""
        if self._is_over or self._is_replaced(response):
            self._end()
            return "failed" if self._expected is None else "replaced"
        self.has_begun = True
        own = response.headers if self._returned is None else self._returned.restore(response.headers)
        now = self._options.clock()
        freshness = measure(own, now, self._options.ttl)
        obstacle = self._obstacles.find(request, response, own, freshness)
        if obstacle is not None:
            self._let_go(response.status, obstacle)
            return obstacle
        self._useful = freshness.useful
        self._sent = response
        self._taken = StoredResponse(
            status=response.status, reason=response.reason, headers=lasting_headers(own), body=b"", taken=now
        )
        capture_body(request, response, self._keep, limit=self._options.limit)
        return None

    def _is_replaced(self, response: web.StreamResponse) -> bool:
        if self._returned is not None and self._returned.is_replaced:
            return True
        return self._expected is not None and response is not self._expected

    def _let_go(self, status: int, obstacle: str) -> None:
        # Those who ask next wait for each other no more only if this is what the URL gives to anybody: else one
        # stranger would have every request run its handler for some time. If it lasts, each has waited once, and for
        # one run, in vain.
        if is_for_one_alone(status, obstacle):
            self._flight.fail()
        else:
            self._flight.give_up()

    async def _keep(self, body: bytes | None) -> None:
        if body is None or self._taken is None or self._sent is None:
            self._flight.give_up()
            return
        if self._is_over or self._flight.is_outdated():
            return
        response = dataclasses.replace(self._taken, body=body)
        own = vary_of(CIMultiDict(response.headers))
        added = list_added(self._asked, own, self._sent.headers)  # all links around have had their word by now
        if "*" in added:
            self._flight.give_up()
            return
        try:
            await self._shelf.keep(self._key, self._asked, response, ttl=self._useful, added=added)
            if self._flight.is_outdated():  # meanwhile
                await self._shelf.forget(self._key)
        except StoreError as error:
            _logger.error("response_cache(): the store is down, nothing is kept: %s", error)
        self._flight.share(Shared(response, own | added, self._asked))

    def _end(self) -> None:
        self._is_over = True
        self._flight.fail()
