"""503 for all requests while a switch is on.

Operators turn it while the application runs, by what suits them: a file (`touch /run/shop/maintenance`), an
`asyncio.Event`, or a function that asks a database. `True` and `False` are for settings that are read at the start.

    app = web.Application(middlewares=[maintenance("/run/shop/maintenance", exempt=is_health)])

`exempt` lets through who must see the application all the same: health checks, so that nothing restarts it, and
operators, by an address or an identity that a link before this one has found.

In an application it answers for paths without a route as well; on a route, a group or a router only for routes. It
does **not** end what is running: requests that were let through go on, WebSockets too.

If the switch cannot be asked, or says something other than `True` or `False`, requests are answered with 500: nobody
is let through by mistake. The answers are not to be kept by caches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from aiohttp import hdrs, web

from ..support.battery import GuardBattery, guard_battery, read_function
from ..support.traffic.retry_after import check_retry_after, write_retry_after
from ..support.traffic.switches import Switch, name_switch, read_switch, settle_switch
from ..typedefs import Handler

__all__ = ("maintenance",)

Exempt: TypeAlias = Callable[[web.Request], "bool | Awaitable[bool]"]

_BATTERY = "maintenance()"


def maintenance(
    is_on: Switch, *, retry_after: int | datetime | None = 300, exempt: Exempt | None = None
) -> GuardBattery:
    """Refuse requests while a switch is on.

    Args:
        is_on: the path of a file, which is on while the file is there, looked for once a second at most; what has
            `is_set()`; a function that is called with the request, async or plain; or `True` or `False`.
        retry_after: seconds after which a client may ask again, or the moment, with a time zone, at which all is over:
            once that has passed nothing is said. Default 300; `None` to say nothing.
        exempt: called with the request, async or plain, while the switch is on; lets pass with `True`. By default
            nobody passes.

    Raises:
        ConfigurationError: an option is wrong; or, in a request, the switch says neither `True` nor `False`.

    Responds:
        503 with `Retry-After` and `Cache-Control: no-store`.

    Reads/Sets:
        nothing of the request.

    Source:
        RFC 9110, sections 10.2.3 and 15.6.4; RFC 9111, section 5.2.2.5.

    Example:
        maintenance("/run/shop/maintenance", retry_after=600, exempt=is_health)
    """
    ask = read_switch(_BATTERY, "is_on", is_on)
    until = None if retry_after is None else check_retry_after(_BATTERY, retry_after)
    is_exempt = read_function(_BATTERY, "exempt", exempt)

    async def refuse(request: web.Request, answer: object) -> None:
        if not await settle_switch(_BATTERY, "is_on", answer):
            return
        if is_exempt is not None and await is_exempt(request) is True:
            return
        headers = {hdrs.CACHE_CONTROL: "no-store", **write_retry_after(until)}
        raise web.HTTPServiceUnavailable(text="The server is down for maintenance.", headers=headers)

    @guard_battery(f"maintenance({name_switch(is_on)})")
    async def maintenance(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        answer = ask(request)
        if answer is not False:
            await refuse(request, answer)
        return await handler(request) if handler else None

    return maintenance
