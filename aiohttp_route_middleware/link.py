"""What a link is, decided once, at registration.

In this order: the last one is the endpoint; an explicit mark decides (ours, or `@web.middleware`);
two required parameters make a middleware; one makes a guard; anything else is refused.
The callable itself is inspected, never what it `__wrapped__`: a decorator that takes one argument runs with one.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any, TypeVar

from aiohttp.abc import AbstractView

__all__ = (
    "GuardSpec",
    "LinkError",
    "LinkSpec",
    "MiddlewareSpec",
    "check_bare_endpoint",
    "check_endpoint",
    "describe",
    "guard",
    "is_async",
    "is_chained",
    "mark_chained",
    "middleware",
    "name_link",
    "read_link",
)

_MARK = "__link_kind__"
_F = TypeVar("_F", bound=Callable[..., Any])


def middleware(function: _F) -> _F:
    """Mark a callable as a middleware, whatever its signature looks like.

    Only wrappers that take `*args` need it. `@web.middleware` is understood as well, but leaves no trace on aiohttp 4.

    Args:
        function: an async callable that can be called with `(request, handler)`.

    Example:
        @middleware
        async def logged(*args): return await wrapped(*args)
    """
    setattr(function, _MARK, "middleware")
    return function


def guard(function: _F) -> _F:
    """Mark a callable as a guard, whatever its signature looks like.

    Args:
        function: a callable, async or plain, that can be called with `(request)`.

    Example:
        @guard
        async def checked(*args): return await wrapped(*args)
    """
    setattr(function, _MARK, "guard")
    return function


class LinkError(Exception):
    """What is wrong with one link; `chain()` adds where it stands."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


@dataclass(frozen=True)
class GuardSpec:
    """A guard: whether calling it gives a coroutine for sure."""

    is_async: bool


@dataclass(frozen=True)
class MiddlewareSpec:
    """A middleware: the name of the keyword for the rest of the chain, or `None` for the second position."""

    keyword: str | None


LinkSpec = GuardSpec | MiddlewareSpec


def read_link(link: Any) -> LinkSpec:
    """Tell what a link before the endpoint is, or raise `LinkError`."""
    _check_callable(link)
    if isinstance(link, type):
        raise _misplaced_class(link)
    if is_chained(link):
        raise LinkError("is a finished chain, which always answers", "put it last, or pass its links as a list")
    kind = _mark(link)
    parameters = _parameters(link, marked=bool(kind))
    if kind == "middleware" or (not kind and _looks_like_middleware(parameters)):
        return _read_middleware(link, parameters, marked=bool(kind))
    return _read_guard(link, parameters)


def check_endpoint(link: Any) -> None:
    """Raise `LinkError` unless `link` can end a chain of several links."""
    check_bare_endpoint(link)
    if isinstance(link, type):
        if not issubclass(link, AbstractView):
            raise LinkError("is a class, but not a web.View", "end the chain with an async handler or a web.View class")
        return
    if _generates(link):
        raise LinkError("is a generator function, so it never returns a response", "return the response, do not yield")
    if not is_async(link):
        raise LinkError("is not async", "write the endpoint as `async def`")
    parameters = _signature(link)
    if parameters is not None and not _takes_one(parameters):
        raise LinkError(
            f"takes {_count(parameters)}, but an endpoint is called with the request alone",
            "give the other parameters defaults, or bind them with functools.partial",
        )


def check_bare_endpoint(link: Any) -> None:
    """Raise `LinkError` if `link` cannot be a handler on any router."""
    _check_callable(link)
    if isinstance(link, type):
        return
    parameters = _signature(link)
    if _mark(link) == "middleware" or (parameters is not None and _looks_like_middleware(parameters)):
        raise LinkError("is a middleware, and nothing follows it", "put an endpoint after it: async def get_post(request)")


def is_async(link: Any) -> bool:
    """Tell whether calling `link` gives a coroutine: functions, methods, partials, objects with async `__call__`."""
    link = _unwrap_partial(link)
    return _is_coroutine_function(link) or _is_coroutine_function(getattr(type(link), "__call__", None))


def is_chained(handler: Any) -> bool:
    """Tell whether `handler` is a finished chain; a wrapper with the attributes of one is not."""
    return handler is not None and getattr(handler, "__chained__", None) is handler


def mark_chained(handler: Any) -> None:
    """Make `is_chained()` true for `handler`."""
    handler.__chained__ = handler


def describe(link: Any) -> str:
    """Name a link with the file and line where it is written."""
    code = _find_code(link)
    return f"{name_link(link)} ({code.co_filename}:{code.co_firstlineno})" if code is not None else name_link(link)


def name_link(link: Any) -> str:
    """Name a link as a reader of the code knows it: the function, the method, or the class of the object."""
    link = _unwrap_partial(link)
    code = getattr(getattr(link, "__func__", link), "__code__", None)
    # The code first: a bound middleware carries the name of the endpoint, and its own name only in its code.
    name = getattr(code, "co_qualname", None) or getattr(link, "__qualname__", None) or type(link).__qualname__
    return str(name).replace("<locals>.", "")


def _find_code(link: Any) -> CodeType | None:
    link = _unwrap_partial(link)
    if isinstance(link, type):
        return None
    for function in (link, getattr(link, "__func__", None), getattr(type(link), "__call__", None)):
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType):
            return code
    return None


def _unwrap_partial(link: Any) -> Any:
    while isinstance(link, functools.partial):
        link = link.func
    return link


def _is_coroutine_function(function: Any) -> bool:
    # The rule of aiohttp's AbstractRoute: before 3.14, asyncio knew coroutine functions that inspect did not.
    return inspect.iscoroutinefunction(function) or (
        sys.version_info < (3, 14) and asyncio.iscoroutinefunction(function)
    )


def _generates(link: Any) -> bool:
    return inspect.isasyncgenfunction(link) or inspect.isgeneratorfunction(link)


def _check_callable(link: Any) -> None:
    if callable(link):
        return
    if inspect.isawaitable(link):
        raise LinkError("is an awaitable, not a function", "pass the function itself, without calling it")
    raise LinkError("is not callable", "pass a guard, a middleware, an endpoint, or a list of links")


def _misplaced_class(link: type) -> LinkError:
    if issubclass(link, AbstractView):
        return LinkError("is a View, which can only end a chain", "put it last")
    return LinkError("is a class, not a link", f"pass an instance: {link.__name__}(...)")


def _mark(link: Any) -> str | None:
    while isinstance(link, functools.partial) and not hasattr(link, _MARK):
        link = link.func
    mark = getattr(link, _MARK, None)
    if mark in ("guard", "middleware"):
        return str(mark)
    return "middleware" if getattr(link, "__middleware_version__", None) == 1 else None


# Python 3.14 evaluates annotations when asked; names that only type checkers import must not make that fail.
_SIGNATURE_OPTIONS: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    from annotationlib import Format

    _SIGNATURE_OPTIONS["annotation_format"] = Format.FORWARDREF

_Parameters = list[inspect.Parameter]
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _signature(link: Any) -> _Parameters | None:
    try:
        return list(inspect.signature(link, follow_wrapped=False, **_SIGNATURE_OPTIONS).parameters.values())
    except (ValueError, TypeError):  # some builtins and extension types have no signature
        return None


def _parameters(link: Any, *, marked: bool) -> _Parameters:
    parameters = _signature(link)
    if parameters is None:
        raise LinkError("has no signature to read", "wrap it in an `async def` that takes (request) or (request, handler)")
    if not marked and _has(parameters, inspect.Parameter.VAR_POSITIONAL) and len(_required(parameters)) < 2:
        raise LinkError(
            "takes *args, so it could be a guard or a middleware",
            "mark it with @middleware or @guard of aiohttp_route_middleware, or name its parameters",
        )
    return parameters


def _required(parameters: _Parameters) -> _Parameters:
    return [p for p in parameters if p.kind in _POSITIONAL and p.default is p.empty]


def _required_keywords(parameters: _Parameters) -> list[str]:
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]


def _has(parameters: _Parameters, kind: Any) -> bool:
    return any(p.kind is kind for p in parameters)


def _looks_like_middleware(parameters: _Parameters) -> bool:
    return (len(_required(parameters)), len(_required_keywords(parameters))) in ((2, 0), (1, 1))


def _takes_one(parameters: _Parameters) -> bool:
    positional = sum(p.kind in _POSITIONAL for p in parameters)
    takes_request = positional >= 1 or _has(parameters, inspect.Parameter.VAR_POSITIONAL)
    return takes_request and len(_required(parameters)) <= 1 and not _required_keywords(parameters)


def _count(parameters: _Parameters) -> str:
    names = [p.name for p in _required(parameters)] + _required_keywords(parameters)
    return f"{len(names)} required parameters ({', '.join(names)})" if names else "no parameter"


def _read_middleware(link: Any, parameters: _Parameters, *, marked: bool) -> MiddlewareSpec:
    required = _required(parameters)
    if not marked and required[0].name == "app":
        raise LinkError(
            "is an old-style middleware factory (app, handler)",
            "write the middleware itself: async def name(request, handler)",
        )
    if not is_async(link):
        raise LinkError("is a middleware that is not async", "write it as `async def`")
    if len(required) > 2 or (len(required) == 2 and _required_keywords(parameters)):
        raise LinkError(
            f"takes {_count(parameters)}, but a middleware is called with (request, handler)",
            "give the other parameters defaults, or bind them with functools.partial",
        )
    return MiddlewareSpec(_handler_keyword(parameters))


def _handler_keyword(parameters: _Parameters) -> str | None:
    """How the rest of the chain is passed: `None` for by position, else the name of the keyword."""
    keywords = _required_keywords(parameters)
    if len(keywords) == 1:
        return keywords[0]
    by_position = sum(p.kind in _POSITIONAL for p in parameters) >= 2 or _has(parameters, inspect.Parameter.VAR_POSITIONAL)
    if by_position:
        return None
    names = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    if "handler" in names or _has(parameters, inspect.Parameter.VAR_KEYWORD):
        return "handler"
    raise LinkError("is marked as a middleware but takes no handler", "write it as: async def name(request, handler)")


def _read_guard(link: Any, parameters: _Parameters) -> GuardSpec:
    if _generates(link):
        raise LinkError("is a generator function", "return a response or None, do not yield")
    if not _takes_one(parameters):
        raise LinkError(
            f"takes {_count(parameters)}",
            "a guard takes (request), a middleware (request, handler); give further parameters defaults",
        )
    return GuardSpec(is_async(link))
