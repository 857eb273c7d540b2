"""Work that is done to its end, whether the client still waits for it or not.

Rules kept here: only a client that has gone is outlived: whoever else cancels, such as a deadline or a server that
shuts down, is obeyed; the links around wait as long, so that what they have opened stays open; what is written to a
client that has gone is thrown away quietly, as long as somebody else wants it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast

from aiohttp import web

from .sending import has_gone

__all__ = ("run_anyway", "start_in_background", "write_anyway")

_T = TypeVar("_T")
_under_way: set[asyncio.Task[Any]] = set()  # the event loop itself does not hold them


def start_in_background(work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
    """Start what nobody may wait for."""
    task = asyncio.get_running_loop().create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    return task


async def run_anyway(request: web.Request, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run what a client that goes would otherwise cancel, where the server has `handler_cancellation`.

    Args:
        request: of that client.
        work: runs in a task of its own then.
    """
    if not _is_cancelled_with_client(request):
        return await work()
    task = start_in_background(work())
    has_outlived = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            if has_outlived or not has_gone(request):
                task.cancel()
            else:
                has_outlived = True  # a connection is lost once: the next one who cancels is somebody else
                _forget_cancellation()
    return task.result()


def write_anyway(request: web.Request, is_wanted: Callable[[], bool]) -> None:
    """Let a response be written to its end when the client has gone.

    Args:
        request: of that client.
        is_wanted: asked when nothing can be written any more, whether to go on all the same.
    """
    writer = cast(Any, request.writer)
    write, write_eof, send_headers = writer.write, writer.write_eof, writer.send_headers

    def send_headers_anyway() -> None:
        try:
            send_headers()
        except ConnectionError:
            if not is_wanted():
                raise

    writer.write = _make_quiet(write, is_wanted)
    writer.write_eof = _make_quiet(write_eof, is_wanted)
    writer.send_headers = send_headers_anyway


def _make_quiet(method: Callable[..., Awaitable[None]], is_wanted: Callable[[], bool]) -> Callable[..., Any]:
    async def go_on(*pieces: Any, **options: Any) -> None:
        try:
            await method(*pieces, **options)
        except ConnectionError:
            if not is_wanted():
                raise

    return go_on


def _is_cancelled_with_client(request: web.Request) -> bool:
    manager = getattr(request.protocol, "_manager", None)  # `web.Server`; the protocol has no other word for it
    return getattr(manager, "handler_cancellation", False) is True


def _forget_cancellation() -> None:
    uncancel = getattr(asyncio.current_task(), "uncancel", int)  # as of Python 3.11; before, nobody counts
    uncancel()
