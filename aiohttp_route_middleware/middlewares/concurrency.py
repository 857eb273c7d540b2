"""How many requests run at a time; the others wait for a while, and are refused then.

For what can do only so much at once: a database, a machine that renders, a server behind this one.

    reports = concurrency(4, queue=20, wait=5)
    router.add_get("/reports/{id}", reports, get_report)
    router.add_post("/reports", reports, make_report)

One link is one pool: these two routes share four slots, and so do all routes of a group or an application in which one
link stands. Make one for each route to limit each by itself. A request that meets the same link twice, as in an
application and on a route, takes one slot.

Those who wait do so in the order in which they came. With `key=` each caller has a pool of its own; put a second link
beside it, without a key, to limit all of them together. Pools of callers are forgotten when they are empty.

A slot is held until the handler has returned or raised, was cancelled, or its client has gone and aiohttp has noticed
(`handler_cancellation`). So a stream that the handler writes, or a WebSocket, holds it to its end; what aiohttp sends
after the handler, such as a file or the body of a returned response, does not. Who waits and goes away gets no slot,
with and without `handler_cancellation`.

It counts what runs in **one process**: four workers run four times as many. It does **not** limit how many requests a
client sends in a minute, nor how many connections it opens; a refusal costs a little, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from ..errors import ConfigurationError
from ..naming import name_link
from ..option_checks import check_count, check_seconds, refuse_returned
from ..support.battery import MiddlewareBattery, middleware_battery, read_function
from ..support.sending import has_gone
from ..support.traffic.retry_after import write_retry_after
from ..support.traffic.slots import SlotBoard, Slots
from ..typedefs import Handler

__all__ = ("concurrency",)

FindKey: TypeAlias = Callable[[web.Request], "str | Awaitable[str]"]

_BATTERY = "concurrency()"
_USUAL_WAIT = 10.0


def concurrency(
    limit: int, *, queue: int = 0, wait: float | None = None, key: FindKey | None = None, retry_after: int = 5
) -> MiddlewareBattery:
    """Let only so many requests run at a time.

    Args:
        limit: how many.
        queue: how many more may wait; default 0: nobody waits.
        wait: seconds that one waits at most; default 10, if there is a queue.
        key: called with the request, async or plain; returns a text, and each text has a pool of its own. Default:
            one pool for all.
        retry_after: seconds after which a client may ask again; default 5.

    Raises:
        ConfigurationError: an option is wrong, or `wait` is given without a queue; or, in a request, the key is no
            text.

    Responds:
        503 with `Retry-After` if the queue is full, or the wait is over.

    Reads/Sets:
        nothing that others read.

    Source:
        RFC 9110, sections 10.2.3 and 15.6.4.

    Example:
        concurrency(4, queue=20, wait=5)
    """
    check_count(_BATTERY, "limit", limit, unit="requests")
    check_count(_BATTERY, "queue", queue, unit="requests", at_least=0)
    check_count(_BATTERY, "retry_after", retry_after, unit="seconds", at_least=0)
    longest = _read_wait(wait, queue)
    ask = _read_key(key)
    common, board = Slots(limit, queue), SlotBoard(limit, queue)
    inside: set[AbstractStreamWriter] = set()  # of the requests that hold a slot; a clone has that of its request

    @middleware_battery(f"concurrency({limit})" if key is None else f"concurrency({limit}, key={name_link(key)})")
    async def concurrency(request: web.Request, handler: Handler) -> web.StreamResponse:
        writer = request.writer
        if writer in inside:  # this very link stands around here already
            return await handler(request)
        name = "" if ask is None else await ask(request)
        slots = common if ask is None else board.find(name)
        try:
            if not slots.take() and not await slots.wait(longest, partial(has_gone, request)):
                raise _refuse(retry_after)
            inside.add(writer)
            try:
                return await handler(request)
            finally:
                inside.discard(writer)
                slots.free()
        finally:
            if slots is not common:
                board.forget(name)

    return concurrency


def _read_wait(wait: float | None, queue: int) -> float:
    if wait is None:
        return _USUAL_WAIT
    if not queue:
        raise ConfigurationError(_BATTERY, f"wait={wait!r} without a queue", cure="say how many may wait: queue=100")
    return check_seconds(_BATTERY, "wait", wait, at_least=0.001)


def _read_key(key: FindKey | None) -> Callable[[web.Request], Awaitable[str]] | None:
    ask = read_function(_BATTERY, "key", key)
    if ask is None:
        return None

    async def find_name(request: web.Request) -> str:
        name = await ask(request)
        if isinstance(name, str):
            return name
        raise refuse_returned(_BATTERY, "key", name, "return a text")

    return find_name


def _refuse(retry_after: int) -> web.HTTPServiceUnavailable:
    text = "The server is busy with other requests."
    return web.HTTPServiceUnavailable(text=text, headers=write_retry_after(retry_after))
