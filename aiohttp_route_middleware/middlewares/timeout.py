"""How long a request may take.

When time is up, whatever runs behind this link is cancelled, and the answer is 504. If the response has begun by then,
no other can be sent: the connection is cut, so that nobody takes half an answer for a whole one.

    router = UrlDispatcherEx.install(app, timeout(10))
    router.add_get("/report", timeout(60), make_report)

Here the report has ten seconds still: each of several ends what stands behind it, so the shortest counts. To give one
route more, leave the link out there (`without=`), or let the seconds depend on the request.

Time counts until the handler has returned. What aiohttp sends after that, such as a file or the body of a returned
response, is not limited; a stream that the handler writes itself is. A WebSocket is left alone once it is open; up to
its handshake time counts.

A `TimeoutError` of a handler's own, such as that of a database, stays what it is: links around see it, and what none
of them handles aiohttp answers with a 504 of its own, with and without this link. A cancellation from outside stays
one as well.

It does **not** stop code that does not wait: what computes, or blocks, is cancelled when it awaits again. Neither does
it stop threads, nor tasks that the handler has started, nor what it has shielded. It does not say to the client
whether what was asked for was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from aiohttp import web

from ..naming import name_link
from ..option_checks import check_seconds, refuse_option
from ..support.battery import MiddlewareBattery, awaiting, middleware_battery
from ..support.deadlines import Deadline, TimeIsUpError
from ..support.network.websockets import is_websocket
from ..support.sending import cut_off, has_begun, has_switched
from ..typedefs import Handler

__all__ = ("timeout",)

Seconds: TypeAlias = "float | None"
ChooseSeconds: TypeAlias = Callable[[web.Request], "Seconds | Awaitable[Seconds]"]

_BATTERY = "timeout()"
_SHORTEST = 0.001


def timeout(seconds: float | ChooseSeconds) -> MiddlewareBattery:
    """End what takes too long.

    Args:
        seconds: a number, 0.001 or more; or a function that is called with the request, async or plain, and returns
            one, or `None` for as long as it takes.

    Raises:
        ConfigurationError: it is no number of seconds; or, in a request, what the function returned is none.
        asyncio.TimeoutError: in a request, when the response had begun; the connection is cut then.

    Responds:
        504 when time is up.

    Reads/Sets:
        reads `Upgrade` and `Connection`.

    Source:
        RFC 9110, section 15.6.5; RFC 9112, section 8: a message that is cut short is incomplete.

    Example:
        timeout(10)
    """
    is_fixed = isinstance(seconds, (int, float))
    fixed = check_seconds(_BATTERY, "seconds", seconds, at_least=_SHORTEST) if is_fixed else None
    choose = None if is_fixed else _read_function(seconds)

    @middleware_battery(f"timeout({name_link(seconds) if fixed is None else f'{fixed:g}'})")
    async def timeout(request: web.Request, handler: Handler) -> web.StreamResponse:
        limit = fixed if choose is None else await choose(request)
        if limit is None:
            return await handler(request)
        applies = partial(_is_no_socket, request) if is_websocket(request) else None
        try:
            with Deadline(limit, applies):
                return await handler(request)
        except TimeIsUpError as error:
            raise _end(request) from error

    return timeout


def _read_function(seconds: Any) -> Callable[[web.Request], Awaitable[Seconds]]:
    if not callable(seconds):
        cure = "pass seconds as a number, as in timeout(10), or a function (request)"
        raise refuse_option(_BATTERY, "seconds", seconds, cure)
    ask = awaiting(seconds)

    async def choose(request: web.Request) -> Seconds:
        chosen = await ask(request)
        return None if chosen is None else check_seconds(_BATTERY, "seconds", chosen, at_least=_SHORTEST)

    return choose


def _is_no_socket(request: web.Request) -> bool:
    """Whether time counts for what came as a handshake: not every request for a WebSocket gets one."""
    return not has_switched(request)


def _end(request: web.Request) -> Exception:
    if has_begun(request):
        cut_off(request)
        return asyncio.TimeoutError("time was up when the response had begun; the connection was cut")
    return web.HTTPGatewayTimeout(text="The request took too long.")
