"""Headers that reach every response: a battery registers what it sets for a request, one signal applies it.

What is set after `await handler(request)` is lost on a raised `HTTPException`, on an unhandled 500, on a response
that a handler has prepared by itself, and on a WebSocket handshake. aiohttp's `on_response_prepare` sees them all.

Rules kept here: what is registered under one name is applied once for each response, as the innermost battery of that
name has said; what fails is not applied again. Where a handler prepares its response itself, a 500 follows; where
aiohttp prepares it, outside of any handler, the connection is cut: what may fail is done before that, by the battery.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from ..errors import ConfigurationError
from ..typedefs import Handler
from .preflight import answer_preflight

__all__ = (
    "Apply",
    "apply_registered",
    "copy_registered",
    "merge_vary",
    "on_response",
    "register_responses",
    "restore_registered",
    "set_header",
)

Apply: TypeAlias = Callable[[web.Request, web.StreamResponse], Awaitable[None] | None]


class _Registered(dict[str, Apply]):
    """What is to be applied to the response of one request, by the names of the batteries."""

    response: web.StreamResponse | None = None  # that it was applied to


_REGISTERED = web.RequestKey("_REGISTERED", _Registered)
_by_writer: WeakKeyDictionary[AbstractStreamWriter, _Registered] = WeakKeyDictionary()  # which clones share


def on_response(request: web.Request, name: str, apply: Apply) -> None:
    """Have `apply` called with the response before its headers are sent; the innermost of a name replaces the others.

    Args:
        request: the request as the battery has got it.
        name: of the battery.
        apply: is called with the request and the response; it may be async.

    Raises:
        ConfigurationError: `setup()` was not called for the application.
    """
    try:
        registered = request[_REGISTERED]
    except KeyError:
        raise ConfigurationError(
            f"{name}()",
            "the application is not prepared for batteries that set headers",
            cure="call setup(app) of aiohttp_route_middleware.middlewares before it starts",
        ) from None
    registered[name] = apply


def set_header(headers: CIMultiDict[str], name: str, value: str, *, override: bool = False) -> None:
    """Set a header, unless the handler has set it itself."""
    if override or name not in headers:
        headers[name] = value


def merge_vary(headers: CIMultiDict[str], *names: str) -> None:
    """Add field names to `Vary`, once each, in whatever case they are there; `*` stays (RFC 9110, section 12.5.5)."""
    if hdrs.VARY not in headers:
        headers[hdrs.VARY] = ", ".join(names)
        return
    listed = [name.strip() for value in headers.getall(hdrs.VARY, ()) for name in value.split(",") if name.strip()]
    if "*" in listed:
        headers[hdrs.VARY] = "*"
        return
    first: dict[str, str] = {}
    for name in (*listed, *names):
        first.setdefault(name.lower(), name)
    headers[hdrs.VARY] = ", ".join(first.values())


def copy_registered(request: web.Request) -> dict[str, Apply]:
    """Return what has been registered so far, for `restore_registered()`."""
    return dict(_find_registered(request) or {})


def restore_registered(request: web.Request, before: dict[str, Apply]) -> None:
    """Forget what has been registered since `copy_registered()`."""
    registered = _find_registered(request)
    if registered is not None:
        registered.clear()
        registered.update(before)


def _find_registered(request: web.Request) -> _Registered | None:
    registered = request.get(_REGISTERED)
    # a request that was cloned before is another one, and has the same writer
    return registered if registered is not None else _by_writer.get(request.writer)


@web.middleware
async def register_responses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights, or begin to collect what is set on the response; the outermost middleware."""
    # The outermost of several applications that were prepared. To miss a key costs an exception, so that is not asked
    # of a request on which nothing was set, as mostly here.
    if len(request) == 0 or _REGISTERED not in request:
        answer = await answer_preflight(request) if request.method == hdrs.METH_OPTIONS else None
        if answer is not None:
            return answer
        request[_REGISTERED] = _by_writer[request.writer] = _Registered()
    return await handler(request)


async def apply_registered(request: web.Request, response: web.StreamResponse) -> None:
    """Apply what was registered; a signal of the application."""
    registered = _find_registered(request)
    if registered is None or registered.response is response:  # a sub-application was prepared by itself, too
        return
    registered.response = response
    for name, apply in [*registered.items()]:
        del registered[name]
        try:
            waiting = apply(request, response)
            if waiting is not None and inspect.isawaitable(waiting):  # isawaitable() takes longer than most of them
                await waiting
        except BaseException:
            # aiohttp may have told the writer already to send a stream in chunks, compressed; the error that follows
            # is neither, and nothing else takes that back
            writer = cast(Any, request.writer)
            writer.chunked, writer._compress = False, None
            raise
        registered[name] = apply
