"""Traced chains: who asked is told when each link starts, and how it ends.

Compiled in where `trace=` asks for it; otherwise nothing of this file runs.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from .likeness import pose_as
from .link import LinkSpec, MiddlewareSpec
from .typedefs import Outcome, Trace

__all__ = ("join_traces", "trace_endpoint", "trace_link")


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

        pose_as(handler, passed)
        end = trace(request, link)
        try:
            answer = await (call(request, **{spec.keyword: passed}) if spec.keyword else call(request, passed))
        except BaseException as error:
            end(Outcome("raised", error=error))
            raise
        end(Outcome("passed" if has_passed else "answered", answer))
        return answer

    return traced


def join_traces(traces: Sequence[Trace]) -> Trace:
    """Make one trace of several: who was told that a link starts is told how it ends, whatever the others raise."""
    if len(traces) == 1:
        return traces[0]

    def trace(request: web.Request, link: Any) -> Callable[[Outcome], None]:
        ends: list[Callable[[Outcome], None]] = []
        try:
            for start in traces:
                ends.append(start(request, link))
        except BaseException as error:
            _end_all(ends, Outcome("raised", error=error))
            raise
        return functools.partial(_end_all, ends)

    return trace


def _end_all(ends: Sequence[Callable[[Outcome], None]], outcome: Outcome) -> None:
    with ExitStack() as stack:  # calls the last first, and goes on when one raises
        for end in ends:
            stack.callback(end, outcome)
