"""Traced chains: who asked is told when each link starts, and how it ends.

Compiled in where `trace=` asks for it; otherwise nothing of this file runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .link import LinkSpec, MiddlewareSpec
from .typedefs import Outcome, Trace

__all__ = ("trace_endpoint", "trace_link")


def trace_link(link: Any, spec: LinkSpec, call: Callable[..., Any], trace: Trace) -> Callable[..., Any]:
    """Wrap a link so that `trace` is told of it.

    Args:
        link: what `trace` is told: the link as it was registered.
        spec: what it is.
        call: what is called; the link itself, or a watch around it.
        trace: who is told.
    """
    if isinstance(spec, MiddlewareSpec):
        return _trace_middleware(link, spec, call, trace)
    return _trace_call(link, call, trace, passes=True)


def trace_endpoint(endpoint: Any, trace: Trace) -> Callable[..., Any]:
    """Wrap an endpoint so that `trace` is told of it."""
    return _trace_call(endpoint, endpoint, trace, passes=False)


def _trace_call(link: Any, call: Callable[..., Any], trace: Trace, *, passes: bool) -> Callable[..., Any]:
    async def traced(request: web.Request) -> Any:
        end = trace(request, link)
        try:
            answer = call(request)
            if inspect.isawaitable(answer):
                answer = await answer
        except BaseException as error:
            end(Outcome("raised", error=error))
            raise
        end(Outcome("passed" if passes and answer is None else "answered", answer))
        return answer

    vars(traced)["__stands_for__"] = link  # so that errors name the link
    return traced


def _trace_middleware(link: Any, spec: MiddlewareSpec, call: Callable[..., Any], trace: Trace) -> Callable[..., Any]:
    async def traced(request: web.Request, handler: Handler) -> Any:
        has_passed = False

        async def passed(next_request: web.Request) -> web.StreamResponse:
            nonlocal has_passed
            has_passed = True
            return await handler(next_request)

        _pose_as(handler, passed)
        end = trace(request, link)
        try:
            answer = await (call(request, **{spec.keyword: passed}) if spec.keyword else call(request, passed))
        except BaseException as error:
            end(Outcome("raised", error=error))
            raise
        end(Outcome("passed" if has_passed else "answered", answer))
        return answer

    return traced


def _pose_as(handler: Any, function: Any) -> None:
    """Give a function the names and attributes of `handler`: what `functools.wraps` does, five times as fast."""
    function.__name__, function.__qualname__ = handler.__name__, handler.__qualname__
    function.__module__, function.__doc__ = handler.__module__, handler.__doc__
    function.__dict__ = handler.__dict__
