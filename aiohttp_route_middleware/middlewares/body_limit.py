"""How large the body of a request may be.

A body that says that it is too large (`Content-Length`) is refused before a byte of it is read. One that does not say
(`Transfer-Encoding: chunked`), or that is compressed, is counted as it arrives, unpacked, and refused as soon as it is
over: whatever the handler reads it with, `request.read()`, `post()`, `multipart()` or `request.content`, raises the
413. If the handler does not read all of it, its response waits until the rest has arrived, ten seconds at most, and
is replaced by the 413 if that was too much; what the handler has done by then is done. If the response has begun, the
connection is cut.

    router = UrlDispatcherEx.install(app, body_limit(100_000))
    router.add_post("/posts", create_post)
    router.add_post("/photos", body_limit(20_000_000), add_photo)

The innermost limit counts, whether it is higher or lower than those around it. It is found where it stands in a chain
or among the middlewares of an application, by itself or by `define()`; inside `unless()` and `any_of()` it can only
lower what stands around these.

**aiohttp's own limit**, `client_max_size` of `web.Application` (1 MiB), counts for what reads a body at once:
`read()`, `text()`, `json()`, `post()`, and for each part of `multipart()`. Where this limit is higher, the links and
the handler behind it get a clone of the request that takes so much; where it is lower, this one is met first.

**`Expect: 100-continue`:** aiohttp invites the body before any link runs. With `setup(app)` the length is
checked before that, on routes of any router and of sub-applications; only for a path or a method that has no route the
body is invited, and refused then. Nothing of the application has run when it is refused: neither authentication, nor
links that set headers.

It does **not** limit how long a body takes, which `timeout()` does; nor the messages of a WebSocket, which have
`max_msg_size`; nor the number of fields of a form, which has `client_max_fields`. After a refusal aiohttp still reads,
and throws away, what the client sends within ten seconds (`lingering_time`), so that it can read the answer.
"""

from __future__ import annotations

from functools import partial

from aiohttp import hdrs, web

from ..option_checks import check_count
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.clones import clone_request, close_clone
from ..support.sending import cut_off, has_begun
from ..support.traffic.body_limits import BodyLimit, check_length, choose_limit, declare_limit
from ..support.traffic.limited_body import (
    find_refusal,
    is_left_to_endpoint,
    is_limited,
    limit_body,
    read_rest,
    release_body,
)
from ..typedefs import Handler

__all__ = ("body_limit",)

_BATTERY = "body_limit()"


def body_limit(size: int) -> MiddlewareBattery:
    """Refuse bodies that are too large.

    Args:
        size: in bytes, of what a handler reads: without transfer coding, unpacked; 0 for no bodies at all.

    Raises:
        ConfigurationError: it is no number of bytes.

    Responds:
        413 with `Connection: close`.

    Reads/Sets:
        reads `Content-Length`, `Content-Encoding` and `Expect`. With a limit above `client_max_size`, what links set
        on the clone of the request is set on the request as well.

    Source:
        RFC 9110, sections 8.6, 10.1.1 and 15.5.14; RFC 9112, section 9.6.

    Example:
        body_limit(1024 * 1024)
    """
    own = BodyLimit(check_count(_BATTERY, "size", size, unit="bytes", at_least=0))

    @middleware_battery(f"body_limit({size})")
    async def body_limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.body_exists:
            return await handler(request)
        length = None if hdrs.CONTENT_ENCODING in request.headers else request.content_length
        if length is not None and length <= own.size and length <= (request.client_max_size or length):
            return await handler(request)  # where a link inside takes less, it refuses by itself
        limit = await choose_limit(request, own)
        check_length(request, limit)
        run = handler
        if 0 < request.client_max_size < (limit if length is None else length):
            run = partial(_run_with_room, handler, limit)
        return await run(request) if length is not None else await _run_counting(request, run, limit)

    declare_limit(body_limit, own)
    return body_limit


async def _run_with_room(handler: Handler, limit: int, request: web.Request) -> web.StreamResponse:
    """Run a handler with a request that takes more than the application does."""
    clone = clone_request(request, client_max_size=limit)
    try:
        return await handler(clone)
    finally:
        close_clone(clone, request)


async def _run_counting(request: web.Request, run: Handler, limit: int) -> web.StreamResponse:
    """Run a handler with a body of which nobody knows yet how large it is."""
    content = request.content
    if is_limited(content):  # by a link around this one, which sees to all the rest
        limit_body(content, limit)
        return await run(request)
    try:
        limit_body(content, limit)
        response = await run(request)
        if not has_begun(request) and not is_left_to_endpoint(request):
            await read_rest(content)
        return response
    except Exception as error:
        refusal = find_refusal(content)
        if refusal is not None and has_begun(request):
            cut_off(request)
        elif refusal is not None and refusal is not error:
            raise refusal from None  # whatever the handler has made of it
        raise
    finally:
        release_body(content)
