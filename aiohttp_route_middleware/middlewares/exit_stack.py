"""Resources that are closed when the request is done: one `contextlib.AsyncExitStack` for each.

    async def get_post(request):
        connection = await request[EXIT_STACK].enter_async_context(pool.acquire())
        request[EXIT_STACK].push_async_callback(tell_subscribers)
        ...

    router.add_get("/posts/{id}", exit_stack(), get_post)

Links before the handler can use it as well; what was entered last is closed first. What the handler raises reaches the
context managers, as in `async with`: a transaction is rolled back. A raised redirect is an answer like others and does
not reach them, nor any other `HTTPException` below 400. None of them can swallow what the handler raised.

**When?** By default as soon as the handler has returned, before its response is sent: an error in closing, such as a
commit that fails, is answered with 500. What aiohttp sends after that, a body that a generator makes from a database,
needs its resources longer: with `until="sent"` this link sends the response itself, and closes after the last byte.
Links around it then come too late to change the response, unless they have registered what they set, as those of
this package do. An error in closing comes too late as well: it is logged, and the client has its response. The same
holds for a stream that the handler writes itself, in either case. What is raised closes the stack before it is sent.

If the request is cancelled, by a client that has gone or a `timeout()`, the context managers see that, and an error in
closing is logged; they are closed in the task of the request. A stack that is closed is taken from the request, so
that nothing can be entered into it which would never be closed.

It does **not** bound how long closing takes, nor close anything if the process is killed. What lives as long as the
application belongs into `app.cleanup_ctx`.
"""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import Literal

from aiohttp import web

from ..keys import note_key
from ..option_checks import check_choice
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.request_keys import read_key
from ..support.sending import cut_off, has_begun, has_gone
from ..typedefs import Handler

__all__ = ("EXIT_STACK", "exit_stack")

_BATTERY = "exit_stack()"

EXIT_STACK: web.RequestKey[AsyncExitStack] = web.RequestKey("exit_stack", AsyncExitStack)
note_key(EXIT_STACK, "middlewares.exit_stack.EXIT_STACK", set_by=_BATTERY)

_logger = logging.getLogger(__name__)


def exit_stack(*, until: Literal["returned", "sent"] = "returned") -> MiddlewareBattery:
    """Close what a request has opened.

    Args:
        until: when: `"returned"`, the default, for as soon as the handler has returned; `"sent"` for after the last
            byte of its response.

    Raises:
        ConfigurationError: `until` is neither.

    Responds:
        500 if closing fails before the response is sent.

    Reads/Sets:
        sets `EXIT_STACK`, for what stands behind it; of several, the innermost.

    Source:
        contextlib, `AsyncExitStack`.

    Example:
        exit_stack(until="sent")
    """
    check_choice(_BATTERY, "until", until, ("returned", "sent"))
    sends = until == "sent"

    @middleware_battery("exit_stack(sent)" if sends else "exit_stack", provided=(EXIT_STACK,))
    async def exit_stack(request: web.Request, handler: Handler) -> web.StreamResponse:
        outer = read_key(request, EXIT_STACK)
        stack = request[EXIT_STACK] = AsyncExitStack()
        try:
            response = await handler(request)
            if sends:
                await _send(request, response)
        except BaseException as error:
            try:
                await _close(request, stack, outer, error)
            finally:
                if sends and has_begun(request):
                    cut_off(request)  # else what was begun could be ended by another response
            raise
        await _close(request, stack, outer, None)
        return response

    return exit_stack


async def _send(request: web.Request, response: web.StreamResponse) -> None:
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        if not has_gone(request):
            raise  # else aiohttp will notice again, and is not surprised


async def _close(
    request: web.Request, stack: AsyncExitStack, outer: AsyncExitStack | None, error: BaseException | None
) -> None:
    if outer is None:
        request.pop(EXIT_STACK, None)
    else:
        request[EXIT_STACK] = outer
    told = None if isinstance(error, web.HTTPException) and error.status < 400 else error
    try:
        await stack.__aexit__(type(told) if told else None, told, told.__traceback__ if told else None)
    except Exception:
        if isinstance(error, Exception) or (error is None and not has_begun(request)):
            raise  # else it is too late, or a cancellation must go on
        _logger.exception("closing failed, too late to answer %s %s", request.method, request.rel_url.raw_path)
