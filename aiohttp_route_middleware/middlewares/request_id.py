"""An id for each request, which is in its response, in every log record, and in what other services are asked.

The id is what the client, or a proxy before the application, has sent in `X-Request-ID`; else the trace id of a
`traceparent`; else it is made anew. Put this first, and let the log show it:

    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(asctime)s %(request_id)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])

    setup(app)
    router = UrlDispatcherEx.install(app, request_id())

`current_request_id.get()` is the id wherever the request has led, in tasks that the handler starts, too;
`request[REQUEST_ID]` is the same. The access log of aiohttp has it from the response: `%{X-Request-ID}o`.

A request whose `Expect` is refused before any link runs, with 417, or with 413 by `body_limit()`, has no id.

**Trust boundary:** an id that was sent is whatever its sender likes, in 128 letters, digits and `_.=-` at most;
anything else is passed over, and appears nowhere. Two requests may bear the same one. It is **not** a secret, and
**not** a proof of who has sent the request; with `accept=False` only ids of your own are used.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from multidict import istr

from ..option_checks import check_flags, check_function, check_name
from ..support.battery import GuardBattery, guard_battery
from ..support.request_keys import read_key
from ..support.responses import on_response
from ..support.telemetry.request_ids import (
    REQUEST_ID,
    RequestIdFilter,
    current_request_id,
    make_id,
    read_id,
    read_trace_id,
)
from ..typedefs import Handler

__all__ = ("REQUEST_ID", "RequestIdFilter", "current_request_id", "request_id")

_BATTERY = "request_id()"


def request_id(
    *, header: str = "X-Request-ID", accept: bool = True, make: Callable[[], str] = make_id
) -> GuardBattery:
    """Give each request an id.

    Args:
        header: that it is read from and sent in; default `X-Request-ID`.
        accept: whether an id that was sent is used, in this header or in `traceparent`; default yes.
        make: makes an id, of printable ASCII; default 122 random bits, in hexadecimal.

    Raises:
        ConfigurationError: an option is wrong.

    Responds:
        Nothing of its own.

    Reads/Sets:
        reads the header and `traceparent`; sets the header, unless the handler has set it, `REQUEST_ID`, and
        `current_request_id`. Needs `setup(app)`.

    Source:
        Trace Context, section 3.2, for `traceparent`.

    Example:
        request_id(header="X-Correlation-ID")
    """
    check_flags(_BATTERY, accept=accept)
    check_function(_BATTERY, "make", make, takes="")
    name = istr(check_name(_BATTERY, "header", header, example="X-Request-ID"))

    @guard_battery(provided=(REQUEST_ID,))
    async def request_id(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        headers = request.headers
        sent = accept and (read_id(headers, name) or read_trace_id(headers))
        identifier = request[REQUEST_ID] = read_key(request, REQUEST_ID) or sent or make()

        def apply(_: web.Request, response: web.StreamResponse) -> None:
            response.headers.setdefault(name, identifier)

        # for the rest of the task, which aiohttp makes for each request: whatever is logged of it has the id
        current_request_id.set(identifier)
        on_response(request, "request_id", apply)
        return await handler(request) if handler else None

    return request_id
