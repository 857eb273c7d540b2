"""How long the parts of an answer took, shown by the developer tools of browsers, and told to your metrics.

    setup(app)
    router = UrlDispatcherEx.install(app, server_timing(enabled=True), trace=trace_timings)

    async def list_posts(request):
        with request[TIMINGS].measure("db", "all posts"):
            posts = await database.list_posts()
        ...

answers with

    Server-Timing: db;dur=3.127;desc="all posts", list_posts;dur=3.3;desc="list_posts", total;dur=3.424

`trace=trace_timings` adds the time of each link; without it there are only the total and what handlers measure.
`trace=` takes one function. For `trace_spans` of `tracing()` as well, give each to a place of its own, such as a group
with all the routes, which is told beside its router:

    router = UrlDispatcherEx.install(app, tracing(), server_timing(), trace=trace_spans)
    routes = router.group(trace=trace_timings)

It is **off** unless Python runs in development mode (`python -X dev`), or you say `enabled=True`: times tell strangers
what is slow, what is cached, and whether a name is known. `tell` is called in any case, with the name and the
milliseconds of each part, for a StatsD client or a histogram; it must not block, and what it raises is only logged.

It does **not** show what ends after the headers are sent: for a stream that a handler writes, the rest of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from aiohttp import web
from multidict import istr

from ..option_checks import check_flags, check_function, check_name
from ..support.battery import GuardBattery, guard_battery
from ..support.responses import on_response
from ..support.telemetry.timings import TIMINGS, Timings, trace_timings
from ..typedefs import Handler

__all__ = ("TIMINGS", "Timings", "server_timing", "trace_timings")

_BATTERY = "server_timing()"
_SERVER_TIMING = istr("Server-Timing")


def server_timing(
    *, enabled: bool | None = None, tell: Callable[[str, float], None] | None = None, total: str = "total"
) -> GuardBattery:
    """Measure the parts of each request.

    Args:
        enabled: whether the response shows them; default only in Python's development mode.
        tell: called with the name and the milliseconds of each part, as it ends; default nothing.
        total: the name of the time from here until the headers are sent; default `"total"`.

    Raises:
        ConfigurationError: an option is wrong.

    Responds:
        Nothing of its own.

    Reads/Sets:
        sets `TIMINGS`; if enabled, adds `Server-Timing`. Needs `setup(app)`.

    Source:
        W3C Server Timing, section 3.1.1.

    Example:
        server_timing(tell=lambda name, milliseconds: statsd.timing(f"shop.{name}", milliseconds))
    """
    if enabled is not None:
        check_flags(_BATTERY, enabled=enabled)
    if tell is not None:
        check_function(_BATTERY, "tell", tell, takes="name, milliseconds")
    total = check_name(_BATTERY, "total", total, example="total")
    is_shown = sys.flags.dev_mode if enabled is None else enabled

    @guard_battery(provided=(TIMINGS,))
    async def server_timing(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        begun = time.perf_counter()
        timings = request[TIMINGS] = Timings(tell)

        def apply(_: web.Request, response: web.StreamResponse) -> None:
            timings.add(total, (time.perf_counter() - begun) * 1000)
            if is_shown:
                response.headers.add(_SERVER_TIMING, timings.write())

        on_response(request, "server_timing", apply)
        return await handler(request) if handler else None

    return server_timing
