"""A cache in front of handlers, for all who ask (RFC 9111).

Rules kept here: a request is answered from the cache only if nothing forbids it, else its handler runs; many who ask
for the same at once cause one run; a change that went well has its URL forgotten (section 4.4); a store that is down
causes runs, not errors, unless the application wants that.
"""

from __future__ import annotations

import logging
import time
from typing import NamedTuple

from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from ...errors import ConfigurationError, StoreError
from ...typedefs import Handler
from ..headers import copy_registered, on_response, restore_registered
from ..network.websockets import is_websocket
from .cache_directives import Directives, read_directives
from .cached_run import CACHE_STATUS, CacheOptions, Run, Shared, is_identified, is_shareable, note
from .conditions import Outcome, decide, drop_representation, has_conditions, validators_of
from .flights import Flight, Flights, Landing
from .freshness import Freshness, find_refusal, measure
from .response_shelf import ResponseShelf, name_resource, vary_of
from .stored_responses import StoredResponse

__all__ = ("CacheOptions", "SharedCache")

_logger = logging.getLogger(__name__)
_READS = (hdrs.METH_GET, hdrs.METH_HEAD)
_CHANGES_NOTHING = (hdrs.METH_OPTIONS, hdrs.METH_TRACE, hdrs.METH_CONNECT)
_FAILURES = frozenset((500, 502, 503, 504))  # RFC 5861, section 4
_IS_CACHED = web.RequestKey("_IS_CACHED", bool)
_KINDS = ("", "+identity", "+cookies", "+identity+cookies")


class _Kept(NamedTuple):
    """A response that was kept, and what is known of it now."""

    response: StoredResponse
    headers: CIMultiDict[str]
    freshness: Freshness
    age: int

    @property
    def remaining(self) -> int:
        return self.freshness.lifetime - self.age


class _Look(NamedTuple):
    """What a look into the cache has shown."""

    kept: _Kept | None
    refusal: str | None  # as Cache-Status has it; None if what is kept may be sent


class SharedCache:
    """A cache, and the work that is being done for it.

    Args:
        shelf: where responses are kept.
        options: what the application wants.
    """

    def __init__(self, shelf: ResponseShelf, options: CacheOptions) -> None:
        self.options = options
        self.shelf = shelf
        self._flights: Flights[Shared] = Flights()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request: from the cache, or by its handler."""
        if _IS_CACHED in request or request.method in _CHANGES_NOTHING:  # by a cache around this one
            return await handler(request)
        request[_IS_CACHED] = True
        if request.method not in _READS:
            on_response(request, "response_cache", self._forget_changed)
            return await handler(request)
        asked = read_directives(request.headers.getall(hdrs.CACHE_CONTROL, ()))
        # RFC 9110, section 9.3.1: a body that a GET has means nothing to a cache, whatever it means to a handler
        if "no-store" in asked or hdrs.RANGE in request.headers or request.body_exists or is_websocket(request):
            return await self._pass_by(request, handler, "bypass")
        return await self._answer_read(request, handler, asked)

    async def forget(self, key: str) -> None:
        """Forget what is kept under a key, and do not keep what is being made.

        Raises:
            StoreError: the store cannot be reached.
        """
        for kind in _KINDS:
            self._flights.outdate(key + kind)
        await self.shelf.forget(key)

    async def name(self, request: web.Request, url: URL | None = None) -> str:
        """Return the key of what a request is about, or of another URL for the same client."""
        part = ""
        if self.options.part is not None:
            found = await self.options.part(request)
            if not isinstance(found, str):
                problem = f"key() returned {type(found).__qualname__}"
                raise ConfigurationError("response_cache()", problem, cure="return a text, which may be empty")
            part = found
        if url is None:
            return name_resource(request.scheme, request.host, request.raw_path, part)
        return name_resource(url.scheme, url.host_port_subcomponent or "", url.raw_path_qs, part)

    async def _answer_read(self, request: web.Request, handler: Handler, asked: Directives) -> web.StreamResponse:
        key = await self.name(request)
        ends = time.monotonic() + self.options.wait
        while True:
            look = await self._look(request, key, asked)
            if look.kept is not None and look.refusal is None:
                return self._send(request, look.kept, f"hit; ttl={look.kept.remaining}")
            if "only-if-cached" in asked:  # RFC 9111, section 5.2.1.7
                raise web.HTTPGatewayTimeout(headers={CACHE_STATUS: self.options.name})
            if request.method == hdrs.METH_HEAD:
                return await self._pass_by(request, handler, str(look.refusal))
            kind = key + _kind_of(request)
            flight = None if look.refusal == "request" or self._flights.is_alone(kind) else self._flights.find(kind)
            if flight is None:
                return await self._run(request, handler, key, look)
            if look.kept is not None and -look.kept.remaining < look.kept.freshness.updating:  # RFC 5861, section 3
                return self._send(request, look.kept, f"hit; ttl={look.kept.remaining}")
            landing = await flight.wait(ends - time.monotonic())
            if landing is Landing.CUT_OFF:
                continue
            shared = self._find_shared(request, flight, asked)
            if shared is not None:
                return self._send(request, shared, f"fwd={look.refusal}; collapsed")
            return await self._run(request, handler, key, look, is_open=False)

    async def _look(self, request: web.Request, key: str, asked: Directives) -> _Look:
        try:
            found = await self.shelf.find(key, request.headers)
        except StoreError as error:
            _logger.error("response_cache(): the store is down, %s: %s", _consequence(self.options), error)
            if self.options.fail_open:
                return _Look(None, "uri-miss")
            raise web.HTTPServiceUnavailable from error
        if found.response is None:
            return _Look(None, "vary-miss" if found.has_others else "uri-miss")
        kept = self._measure(found.response)
        if not is_shareable(request, kept.headers, kept.freshness):
            return _Look(None, "request")
        return _Look(kept, find_refusal(asked, kept.freshness, kept.age))

    def _measure(self, response: StoredResponse) -> _Kept:
        headers = CIMultiDict(response.headers)
        freshness = measure(headers, response.taken, self.options.ttl)
        resident = max(0, int(self.options.clock() - response.taken))  # RFC 9111, section 4.2.3
        return _Kept(response, headers, freshness, freshness.age + resident)

    def _find_shared(self, request: web.Request, flight: Flight[Shared], asked: Directives) -> _Kept | None:
        if flight.shared is None:
            return None
        response, answered = flight.shared
        kept = self._measure(response)
        for name in vary_of(kept.headers):
            if request.headers.getall(name, []) != answered.getall(name, []):
                return None
        # it was shared by a request of the same kind: whether that is allowed needs no second look
        return kept if find_refusal(asked, kept.freshness, kept.age) is None else None

    async def _pass_by(self, request: web.Request, handler: Handler, reason: str) -> web.StreamResponse:
        def apply(_: web.Request, response: web.StreamResponse) -> None:
            note(self.options, response, f"fwd={reason}")

        on_response(request, "response_cache", apply)
        return await handler(request)

    async def _run(
        self, request: web.Request, handler: Handler, key: str, look: _Look, *, is_open: bool = True
    ) -> web.StreamResponse:
        # what has conditions may find nothing to share, and says nothing of those who have none
        is_open = is_open and not has_conditions(request.headers)
        flight = self._flights.begin(key + _kind_of(request), is_open=is_open)
        run = Run(self.options, self.shelf, request, key, flight, str(look.refusal))
        registered = copy_registered(request)
        on_response(request, "response_cache", run.apply)
        stale = look.kept
        if stale is None or -stale.remaining >= stale.freshness.failing or look.refusal != "stale":
            return await run.answer(handler)
        try:
            response = await run.answer(handler)
        except web.HTTPException as error:
            if error.status not in _FAILURES or run.has_begun:
                raise
            status: int = error.status
        except Exception:
            if run.has_begun:
                raise
            _logger.exception("response_cache(): a handler failed, and an old response is sent instead")
            status = 500
        else:
            if response.status not in _FAILURES or response.prepared:
                return response
            status = response.status
        flight.fail()
        restore_registered(request, registered)
        return self._send(request, stale, f"fwd=stale; fwd-status={status}")

    def _send(self, request: web.Request, kept: _Kept, how: str) -> web.Response:
        response = kept.response.to_response()
        response.headers[hdrs.AGE] = str(kept.age)
        note(self.options, response, how)
        if response.status != 200 or not has_conditions(request.headers):
            return response
        outcome = decide(request.method, request.headers, validators_of(response.headers))
        if outcome is Outcome.FAILED:
            raise web.HTTPPreconditionFailed
        if outcome is Outcome.NOT_MODIFIED:
            response.set_status(304)
            response.body = None
            drop_representation(response.headers)
        return response

    async def _forget_changed(self, request: web.Request, response: web.StreamResponse) -> None:
        note(self.options, response, "fwd=method")
        if not 200 <= response.status < 400:  # RFC 9111, section 4.4: not on an error
            return
        urls: list[URL | None] = [None]
        for name in (hdrs.LOCATION, hdrs.CONTENT_LOCATION):
            urls += _find_url(request, response.headers.get(name))
        try:
            for url in urls:
                await self.forget(await self.name(request, url))
        except StoreError as error:
            _logger.error("response_cache(): the store is down, what has changed is not forgotten: %s", error)


def _kind_of(request: web.Request) -> str:
    """Who is identified, or has cookies, waits only for his like: what others get is often not for him."""
    return _KINDS[is_identified(request) + 2 * (hdrs.COOKIE in request.headers)]


def _find_url(request: web.Request, location: str | None) -> list[URL]:
    """Only of this origin: nobody may have others forget what is not his (RFC 9111, section 4.4)."""
    if location is None:
        return []
    try:
        url = request.url.join(URL(location))
        return [url] if url.origin() == request.url.origin() else []
    except ValueError:
        return []


def _consequence(options: CacheOptions) -> str:
    return "handlers run" if options.fail_open else "requests are refused"
