"""What a link is, decided once, at registration.

In this order: the last one is the endpoint, unless it is marked as what needs one; an explicit mark decides (ours, or
`@web.middleware`); two required parameters make a middleware; one makes a guard; anything else is refused.
The callable itself is inspected, never what it wraps: a decorator that takes one argument is called with one.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from dataclasses import dataclass
from typing import Any

from aiohttp.abc import AbstractView

from .errors import RouteMiddlewareError
from .marks import read_mark, unwrap_partial
from .parameters import Parameters, read_parameters
from .record import read_record
from .uncalled import find_call

__all__ = (
    "GuardSpec",
    "LinkError",
    "LinkSpec",
    "MiddlewareSpec",
    "check_bare_endpoint",
    "check_endpoint",
    "read_link",
)


@dataclass(frozen=True)
class GuardSpec:
    """A guard: whether a call of it gives a coroutine for sure."""

    is_async: bool


@dataclass(frozen=True)
class MiddlewareSpec:
    """A middleware: the keyword for the rest of the chain, or `None` if that is passed by position."""

    keyword: str | None = None


LinkSpec = GuardSpec | MiddlewareSpec


class LinkError(RouteMiddlewareError):
    """What is wrong with one link; `chain()` adds where it stands."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


def read_link(link: Any) -> LinkSpec:
    """Tell what a link before the endpoint is, or raise `LinkError`."""
    _check_callable(link)
    if isinstance(link, type):
        raise _refuse_class(link)
    if read_record(link) is not None:
        raise LinkError("is a finished chain, which always answers", "put it last, or pass its links as a list")
    mark = _read_kind(link)
    if mark == "endpoint":
        raise LinkError("is an endpoint, which always answers", "put it last")
    parameters = read_parameters(link)
    if parameters is None:
        raise LinkError("has no signature to read", "wrap it in `async def name(request)` or `(request, handler)`")
    _check_bound(parameters)
    if mark is None and parameters.any_position and not parameters.look_like_middleware:
        raise LinkError(
            "takes *args, so it could be a guard or a middleware",
            "mark it with @middleware or @guard of aiohttp_route_middleware, or name its parameters",
        )
    if mark == "middleware" or (mark is None and parameters.look_like_middleware):
        return _read_middleware(link, parameters, marked=mark is not None)
    return _read_guard(link, parameters, marked=mark is not None)


def check_bare_endpoint(link: Any) -> Parameters | None:
    """Raise `LinkError` if `link` cannot be a handler on any router; return its parameters, if they can be read."""
    _check_callable(link)
    parameters = None if isinstance(link, type) else read_parameters(link)
    if parameters is not None and len(parameters.required) > 1:
        _check_bound(parameters)
    mark = _read_kind(link)
    if mark == "guard":  # one without a mark looks like an endpoint
        raise LinkError("is a guard, and nothing follows it", "put an endpoint after it: async def name(request)")
    if mark == "middleware" or (parameters is not None and parameters.look_like_middleware):
        raise LinkError("is a middleware, and nothing follows it", "put an endpoint last: async def name(request)")
    return parameters


def check_endpoint(link: Any) -> None:
    """Raise `LinkError` unless `link` can end a chain of several links."""
    parameters = check_bare_endpoint(link)
    if isinstance(link, type):
        if not issubclass(link, AbstractView):
            raise LinkError(
                "is a class, but not a web.View", "end the chain with an async handler or a web.View class"
            )
        return
    if _generates(link):
        raise LinkError("is a generator function, so it never returns a response", "return the response, do not yield")
    if not _is_async(link):
        raise LinkError(
            "is an endpoint that is not async", "write it as `async def`; if it is a guard, put an endpoint after it"
        )
    if parameters is not None and not parameters.take_request_alone:
        raise LinkError(
            f"takes {parameters}, but an endpoint is called with the request alone",
            "give the others defaults, or bind them with functools.partial",
        )


def _check_callable(link: Any) -> None:
    if callable(link):
        call = find_call(link)
        if call is not None:
            raise LinkError(*call)
        return
    if inspect.isawaitable(link):
        raise LinkError("is an awaitable, not a function", "pass the function itself, without calling it")
    raise LinkError("is not callable", "pass a guard, a middleware, an endpoint, or a list of links")


def _check_bound(parameters: Parameters) -> None:
    if parameters.required[:1] in (("self",), ("cls",)):
        raise LinkError("is a method without its object", "pass the method of an instance: Name(...).method")


def _refuse_class(link: type) -> LinkError:
    if issubclass(link, AbstractView):
        return LinkError("is a View, which can only end a chain", "put it last")
    return LinkError("is a class, not a link", f"pass an instance: {link.__name__}(...)")


def _read_kind(link: Any) -> str | None:
    kind = read_mark(link, "__link_kind__")
    if kind in ("guard", "middleware", "endpoint"):
        return str(kind)
    return "middleware" if read_mark(link, "__middleware_version__") == 1 else None


def _read_middleware(link: Any, parameters: Parameters, *, marked: bool) -> MiddlewareSpec:
    if not marked and parameters.required[0] == "app":
        raise LinkError(
            "is an old-style middleware factory (app, handler)",
            "write the middleware itself: async def name(request, handler)",
        )
    if not _is_async(link):
        raise LinkError("is a middleware that is not async", "write it as `async def`; if it makes a link, call it")
    if len(parameters.required) + len(parameters.required_keywords) > 2:
        raise LinkError(
            f"takes {parameters}, but a middleware is called with (request, handler)",
            "give the others defaults, or bind them with functools.partial",
        )
    return MiddlewareSpec(_choose_keyword(parameters))


def _choose_keyword(parameters: Parameters) -> str | None:
    if parameters.required_keywords:
        return parameters.required_keywords[0]
    if parameters.take_handler_by_position:
        return None
    if parameters.any_keyword or "handler" in parameters.keywords:
        return "handler"  # the name under which aiohttp passes it
    raise LinkError("is marked as a middleware but takes no handler", "write it as async def name(request, handler)")


def _read_guard(link: Any, parameters: Parameters, *, marked: bool) -> GuardSpec:
    if _generates(link):
        raise LinkError("is a generator function", "return a response or None, do not yield")
    if not parameters.take_request_alone or not (marked or parameters.required):
        raise LinkError(
            f"takes {parameters}",
            "a guard takes (request), a middleware (request, handler); "
            "give further parameters defaults, or, if it makes a link, call it",
        )
    return GuardSpec(_is_async(link))


def _generates(link: Any) -> bool:
    return inspect.isasyncgenfunction(link) or inspect.isgeneratorfunction(link)


def _is_async(link: Any) -> bool:
    """Whether a call gives a coroutine: functions, methods, partials of them, objects with async `__call__`."""
    link = unwrap_partial(link)
    call: Any = type(link).__call__
    return _is_coroutine_function(link) or _is_coroutine_function(call)


def _is_coroutine_function(function: Any) -> bool:
    # The rule of aiohttp's AbstractRoute: before 3.14, asyncio knew coroutine functions that inspect did not.
    return inspect.iscoroutinefunction(function) or (
        sys.version_info < (3, 14) and asyncio.iscoroutinefunction(function)
    )
