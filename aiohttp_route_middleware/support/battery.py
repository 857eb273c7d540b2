"""One shape for all batteries: the same object works on a route, a group, a router, and an application."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar, cast, overload

from aiohttp import web

from ..declarations import guard, middleware, named, provides, requires
from ..option_checks import check_function
from ..typedefs import Handler, Key

__all__ = (
    "GuardBattery",
    "MiddlewareBattery",
    "awaiting",
    "call",
    "guard_battery",
    "middleware_battery",
    "read_function",
)

_R = TypeVar("_R")


class GuardBattery(Protocol):
    """A guard in a chain, which is called with the request alone; a middleware in an application."""

    @overload
    def __call__(self, request: web.Request, /) -> Coroutine[Any, Any, web.StreamResponse | None]: ...

    @overload
    def __call__(self, request: web.Request, handler: Handler) -> Coroutine[Any, Any, web.StreamResponse]: ...


class MiddlewareBattery(Protocol):
    """A middleware, in a chain and in an application."""

    def __call__(self, request: web.Request, handler: Handler) -> Coroutine[Any, Any, web.StreamResponse]:
        """Run what stands before the handler, the handler, and what stands behind it."""
        ...


def guard_battery(
    name: str = "", *, provided: tuple[Key, ...] = (), required: tuple[Key, ...] = ()
) -> Callable[[Callable[..., Any]], GuardBattery]:
    """Make a battery of `async def name(request, handler=None)`.

    It refuses by raising an `HTTPException`; what it lets pass ends in `await handler(request) if handler else None`:
    a chain calls it without a handler, and pays no frame for it.

    Args:
        name: with what the factory was given, never a secret; by default the name of the function.
        provided: request keys that it sets whenever it lets a request pass.
        required: request keys that it reads.
    """

    def declare(function: Callable[..., Any]) -> GuardBattery:
        guard(web.middleware(_declare(function, name, provided, required)))
        return cast(GuardBattery, function)

    return declare


def middleware_battery(
    name: str = "", *, provided: tuple[Key, ...] = (), required: tuple[Key, ...] = ()
) -> Callable[[Callable[..., Any]], MiddlewareBattery]:
    """Make a battery of `async def name(request, handler)`; arguments as for `guard_battery()`."""

    def declare(function: Callable[..., Any]) -> MiddlewareBattery:
        middleware(web.middleware(_declare(function, name, provided, required)))
        return cast(MiddlewareBattery, function)

    return declare


async def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what a user has passed, async or plain."""
    answer = function(*arguments)
    if answer is None or answer is True or answer is False:  # as mostly: isawaitable() takes longer than all the rest
        return answer
    return await answer if inspect.isawaitable(answer) else answer


def awaiting(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Return what a user has passed, async or plain, as what can be awaited without looking at it each time."""
    return function if inspect.iscoroutinefunction(function) else functools.partial(call, function)


def read_function(
    battery: str, option: str, function: Any, *, takes: str = "request"
) -> Callable[..., Awaitable[Any]] | None:
    """Return what a user has passed, async or plain, as what can be awaited; `None` if nothing was passed.

    Args:
        battery: its name, as in errors.
        option: its name.
        function: what was passed.
        takes: the parameters it should have, for the error message.

    Raises:
        ConfigurationError: it is no function.
    """
    if function is None:
        return None
    check_function(battery, option, function, takes=takes)
    return awaiting(function)


def _declare(
    function: Callable[..., Any], name: str, provided: tuple[Key, ...], required: tuple[Key, ...]
) -> Callable[..., Any]:
    if provided:
        provides(*provided)(function)
    if required:
        requires(*required)(function)
    return named(name or function.__name__)(function)
