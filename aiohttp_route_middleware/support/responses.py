"""What reaches every response: a battery registers what it does to it for a request, one signal applies it.

What is set after `await handler(request)` is lost on a raised `HTTPException`, on an unhandled 500, on a response
that a handler has prepared by itself, and on a WebSocket handshake. aiohttp's `on_response_prepare` sees them all.

Rules kept here: what is registered under one name is applied once for each response, as the innermost battery of that
name has said; what fails is not applied again; who only watches stands under itself, and is not forgotten. Where a
handler prepares its response itself, a 500 follows; where aiohttp prepares it, outside of any handler, the connection
is cut: what may fail is done before that, by the battery.

What is registered is kept on the writer of the request. All of its clones share that, those too that a middleware made
before anything was registered, and it is gone with the request.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

from aiohttp import web

from ..errors import ConfigurationError
from .body_filters import clear_filters

__all__ = (
    "Apply",
    "apply_registered",
    "copy_registered",
    "is_register_open",
    "on_response",
    "open_register",
    "restore_registered",
    "see_response",
    "share_register",
)

Apply: TypeAlias = Callable[[web.Request, web.StreamResponse], Awaitable[None] | None]
_Registered: TypeAlias = dict[str | Apply, Apply]


def on_response(request: web.Request, name: str, apply: Apply) -> None:
    """Have `apply` called with the response before its headers are sent; the innermost of a name replaces the others.

    Args:
        request: the request as the battery has got it.
        name: of the battery.
        apply: is called with the request and the response; it may be async.

    Raises:
        ConfigurationError: `setup()` was not called for the application.
    """
    _register(request, name, name, apply)


def see_response(request: web.Request, name: str, see: Apply) -> None:
    """Have `see` called likewise by one who only watches: none of a name replaces it, and it is never forgotten.

    Args:
        request: the request as the battery has got it.
        name: of the battery.
        see: as `apply`; it changes nothing.

    Raises:
        ConfigurationError: `setup()` was not called for the application.
    """
    _register(request, name, see, see)


def _register(request: web.Request, name: str, key: str | Apply, apply: Apply) -> None:
    registered = _find_register(request)
    if registered is None:
        raise ConfigurationError(
            name if "(" in name else f"{name}()",
            "the application is not prepared for batteries that set headers",
            cure="call setup(app) of aiohttp_route_middleware.middlewares before it starts",
        )
    registered.pop(key, None)  # the innermost stands where it is, not where the outermost was
    registered[key] = apply


def _find_register(request: web.Request) -> _Registered | None:
    registered: _Registered | None = getattr(request.writer, "__registered__", None)
    return registered


def copy_registered(request: web.Request) -> _Registered:
    """Return what has been registered so far, for `restore_registered()`."""
    return dict(_find_register(request) or {})


def restore_registered(request: web.Request, before: _Registered) -> None:
    """Forget what has been registered since `copy_registered()`, but for those who only watch."""
    registered = _find_register(request)
    if registered is not None:
        watching: _Registered = {key: see for key, see in registered.items() if not isinstance(key, str)}
        registered.clear()
        registered.update({**before, **watching})


def is_register_open(request: web.Request) -> bool:
    """Whether it is collected already what reaches the response, as an application around this one is prepared."""
    return hasattr(request.writer, "__registered__")


def open_register(request: web.Request) -> None:
    """Begin to collect what reaches the response."""
    cast(Any, request.writer).__registered__ = {}


def share_register(request: web.Request, writer: object) -> None:
    """Have what is registered on another writer, behind this one, reach the response as well."""
    registered = _find_register(request)
    if registered is not None:
        cast(Any, writer).__registered__ = registered


async def apply_registered(request: web.Request, response: web.StreamResponse) -> None:
    """Apply what was registered; a signal of the application."""
    writer, registered = cast(Any, request.writer), _find_register(request)
    if not registered or getattr(writer, "__applied_to__", None) is response:  # by an application around this one
        return
    writer.__applied_to__ = response
    for key, apply in reversed([*registered.items()]):  # from the innermost outwards, as a response goes
        try:
            waiting = apply(request, response)
            if waiting is not None and inspect.isawaitable(waiting):  # isawaitable() takes longer than most of them
                await waiting
        except BaseException:
            registered.pop(key, None)
            # aiohttp may have told the writer already to send a stream in chunks, compressed; the error that follows
            # is neither, and nothing else takes that back
            writer.chunked, writer._compress = False, None
            clear_filters(request)
            raise
