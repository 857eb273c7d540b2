"""A cache in front of handlers, for all who ask (RFC 9111).

Rules kept here: a request is answered from the cache only if nothing forbids it, else its handler runs; many who ask
for the same at once cause one run; a change that went well has its URL forgotten (section 4.4); a store that is down
causes runs, not errors, unless the application wants that.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Iterable
from typing import NamedTuple

from aiohttp import hdrs, web

from ...errors import StoreError
from ...syntax import READ_METHODS
from ...typedefs import Handler
from ..content.cache_directives import Directives, read_directives
from ..content.conditions import has_conditions
from ..network.websockets import is_websocket
from ..request_keys import read_key
from ..responses import copy_registered, on_response, restore_registered
from .flights import Flights, Landing
from .freshness import find_refusal
from .kept_responses import Kept, make_answer, pick_shared, weigh
from .miss import Miss, Shared
from .names import list_changed, name_request
from .options import CacheOptions
from .sharing import is_identified, is_shareable
from .shelf import ResponseShelf
from .status import CacheStatus, tell_of
from .variants import asked_by

__all__ = ("CacheOptions", "SharedCache")

_logger = logging.getLogger(__name__)
_CHANGES_NOTHING = (hdrs.METH_OPTIONS, hdrs.METH_TRACE, hdrs.METH_CONNECT)
# what `Connection` may name: fields and options that no handler passes on, whether they are named or not
_OF_CONNECTIONS = frozenset(("close", "keep-alive", "upgrade", "te", "http2-settings", ""))
_FAILURES = frozenset((500, 502, 503, 504))  # RFC 5861, section 4
_IS_CACHED = web.RequestKey("_IS_CACHED", bool)
_KINDS = ("", "+identity", "+cookies", "+identity+cookies")


class _Look(NamedTuple):
    """What a look into the cache has shown."""

    kept: Kept | None
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
        if read_key(request, _IS_CACHED) or request.method in _CHANGES_NOTHING:  # by a cache around this one
            return await handler(request)
        request[_IS_CACHED] = True
        if request.method not in READ_METHODS:
            status = CacheStatus(self.options.name)
            on_response(request, "response_cache", functools.partial(self._forget_changed, status))
            return await handler(request)
        asked = read_directives(request.headers.getall(hdrs.CACHE_CONTROL, ()))
        detour = _find_detour(request, asked)
        if detour is not None:
            tell_of(request, self.options.name, "fwd=bypass", detour)
            return await handler(request)
        return await self._answer_read(request, handler, asked)

    async def forget(self, key: str) -> None:
        """Forget what is kept under a key, and do not keep what is being made.

        Raises:
            StoreError: the store cannot be reached.
        """
        for kind in _KINDS:
            self._flights.outdate(key + kind)
        await self.shelf.forget(key)

    async def _answer_read(self, request: web.Request, handler: Handler, asked: Directives) -> web.StreamResponse:
        key = await name_request(request, self.options.find_key)
        ends = time.monotonic() + self.options.wait
        while True:
            look = await self._look(request, key, asked)
            if look.kept is not None and look.refusal is None:
                return self._send(request, look.kept, f"hit; ttl={look.kept.remaining}")
            if "only-if-cached" in asked:  # RFC 9111, section 5.2.1.7
                tell_of(request, self.options.name)
                raise web.HTTPGatewayTimeout
            if request.method == hdrs.METH_HEAD:
                tell_of(request, self.options.name, f"fwd={look.refusal}", hdrs.METH_HEAD)
                return await handler(request)
            kind = key + _kind_of(request)
            flight = None if look.refusal == "request" or self._flights.is_alone(kind) else self._flights.find(kind)
            if flight is None:
                return await self._run(request, handler, key, look)
            if look.kept is not None and look.kept.may_be_updated_behind:
                return self._send(request, look.kept, f"hit; ttl={look.kept.remaining}")
            landing = await flight.wait(ends - time.monotonic())
            if landing is Landing.CUT_OFF:
                continue
            shared = pick_shared(request, flight.shared, asked, self.options)
            if shared is not None:
                return self._send(request, shared, f"fwd={look.refusal}; collapsed")
            return await self._run(request, handler, key, look, is_open=False)

    async def _look(self, request: web.Request, key: str, asked: Directives) -> _Look:
        try:
            found = await self.shelf.find(key, asked_by(request))
        except StoreError as error:
            _logger.error("response_cache(): the store is down, %s: %s", _consequence(self.options), error)
            if self.options.fail_open:
                return _Look(None, "uri-miss")
            raise web.HTTPServiceUnavailable from error
        if found.response is None:
            return _Look(None, "vary-miss" if found.has_others else "uri-miss")
        kept = weigh(found.response, self.options)
        if not is_shareable(request, kept.headers, kept.freshness):
            return _Look(None, "request")
        return _Look(kept, find_refusal(asked, kept.freshness, kept.age))

    async def _run(
        self, request: web.Request, handler: Handler, key: str, look: _Look, *, is_open: bool = True
    ) -> web.StreamResponse:
        # what has conditions may find nothing to share, and says nothing of those who have none
        is_open = is_open and not has_conditions(request.headers)
        flight = self._flights.begin(key + _kind_of(request), is_open=is_open)
        run = Miss(self.options, self.shelf, request, key, flight, str(look.refusal))
        registered = copy_registered(request)
        on_response(request, "response_cache", run.apply)
        stale = look.kept
        if stale is None or look.refusal != "stale" or not stale.may_hide_failures:
            return await run.answer(handler)
        response, status = await _try(run, handler)
        if response is not None:
            return response
        flight.fail()
        restore_registered(request, registered)
        return self._send(request, stale, f"fwd=stale; fwd-status={status}")

    def _send(self, request: web.Request, kept: Kept, how: str) -> web.Response:
        tell_of(request, self.options.name, how)
        return make_answer(request, kept)

    async def _forget_changed(self, status: CacheStatus, request: web.Request, response: web.StreamResponse) -> None:
        status.tell(response.headers, "fwd=method")
        if not 200 <= response.status < 400:  # RFC 9111, section 4.4: not on an error
            return
        try:
            for url in list_changed(request, response.headers):
                await self.forget(await name_request(request, self.options.find_key, url))
        except StoreError as error:
            _logger.error("response_cache(): the store is down, what has changed is not forgotten: %s", error)


async def _try(run: Miss, handler: Handler) -> tuple[web.StreamResponse | None, int]:
    """Return the response, or `None` if it is a failure in whose place another can be sent; and its status."""
    try:
        response = await run.answer(handler)
    except web.HTTPException as error:
        if error.status not in _FAILURES or run.has_begun:
            raise
        return None, error.status
    except Exception:
        if run.has_begun:
            raise
        _logger.exception("response_cache(): a handler failed, and an old response is sent instead")
        return None, 500
    is_failure = response.status in _FAILURES and not response.prepared
    return None if is_failure else response, response.status


def _find_detour(request: web.Request, asked: Directives) -> str | None:
    """Tell why a request neither gets what is kept nor has anything kept; `None` if it may."""
    if "no-store" in asked:
        return "no-store"
    if hdrs.RANGE in request.headers:
        return str(hdrs.RANGE)
    # RFC 9110, section 9.3.1: a body that a GET has means nothing to a cache, whatever it means to a handler
    if request.body_exists:
        return "body"
    if is_websocket(request):
        return "websocket"
    return str(hdrs.CONNECTION) if _drops_fields(request.headers.getall(hdrs.CONNECTION, ())) else None


def _drops_fields(lines: Iterable[str]) -> bool:
    """Whether `Connection` has a proxy behind the cache drop fields, by which the cache tells requests apart."""
    return any(name.strip(" \t").lower() not in _OF_CONNECTIONS for line in lines for name in line.split(","))


def _kind_of(request: web.Request) -> str:
    """Who is identified, or has cookies, waits only for his like: what others get is often not for him."""
    return _KINDS[is_identified(request) + 2 * (hdrs.COOKIE in request.headers)]


def _consequence(options: CacheOptions) -> str:
    return "handlers run" if options.fail_open else "requests are refused"
