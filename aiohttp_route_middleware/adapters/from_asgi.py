"""Any ASGI middleware as a link: Starlette's, Lilya's, Moesif's, or one of the thousands that others have written.

It stands on one route, a group, a router or an application, as links of this package do, and is built once:

    router.add_get("/report", authenticate, from_asgi(GZipMiddleware, minimum_size=1000), get_report)

The response of what stands behind it goes through it as ASGI messages, piece by piece, whether a handler returns it,
raises it as an `HTTPException`, or prepares and writes it by itself; a file is read in pieces. What the middleware
changes reaches the client; what it answers by itself, too.

What it puts into the scope, the handler finds in `request[ASGI_SCOPE]`; so does an ASGI middleware or application
behind it:

    async def show_cart(request):
        return web.json_response(request[ASGI_SCOPE]["session"]["cart"])

    router.add_get("/", from_asgi(SessionMiddleware, secret_key=KEY), show_cart)

A changed method, path, query, header, scheme or client is that of the request behind it. The route is chosen by then:
`match_info` stays. Request keys are the same on both sides, so a key that is set behind it is there before it; so are
context variables, also where the middleware runs what is behind it in a task of its own, and what `context()` keeps.

What batteries set on the response, before it or behind it, is set once, when the ASGI middleware is through; it does
not see that. A response has begun when it comes back through the links before, which change its headers by
`on_response_prepare`, as batteries do. They see no `HTTPException` from behind it: it is a response by then. The
reason phrase of a status is not passed on: ASGI has none.

An exception of the handler comes out as it went in, unless the middleware answers it. A response that has failed half
way does not look whole, though the middleware may end it: the connection is cut.

**WebSockets:** many ASGI middlewares let everything pass that is not HTTP. So a request for a WebSocket is an ordinary
request here, and a handler that accepts one fails. With `websockets=True` the middleware is told that it is one: it
may refuse it, or change the scope, but sees no messages; and what stands behind it may then answer nothing but a
WebSocket or an error, so that nobody gets around the middleware by asking for a WebSocket where there is none.

**CORS:** on `add_get()`, Starlette's `CORSMiddleware` answers no preflight: `OPTIONS` is another route, and the answer
405. Use `add_route("*", ...)`, or `cors()`. **Tags:** `GZipMiddleware` before `etag()` sends the strong `ETag` of the
plain bytes with compressed ones (RFC 9110, section 8.8.1); use `compress()`. **Caches:** behind a `from_asgi()`,
`response_cache()` keeps nothing (`detail=replaced`); put it before.

It does **not** start anything: a middleware that needs the lifespan of an ASGI application, or `scope["app"]`, must
stand in that application.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from aiohttp import web

from ..errors import ConfigurationError
from ..loading import load_object
from ..naming import name_link
from ..option_checks import check_flags, check_function
from ..support.asgi.behind_middleware import call_behind, serve_through
from ..support.asgi.making import check_maker, make_middleware
from ..support.asgi.messages import AsgiApplication
from ..support.asgi.scope import ASGI_SCOPE, make_scope
from ..support.battery import MiddlewareBattery, middleware_battery
from ..typedefs import Handler

__all__ = ("ASGI_SCOPE", "from_asgi")

_BATTERY = "from_asgi()"


def from_asgi(
    middleware: Callable[..., AsgiApplication] | str, *misplaced: NoReturn, websockets: bool = False, **options: Any
) -> MiddlewareBattery:
    """Run an ASGI middleware around what stands behind.

    Args:
        middleware: its class, or what else makes it of an application and options; or where it is:
            `"package.module:Class"`.
        *misplaced: nothing; options are passed by name.
        websockets: whether requests for a WebSocket are told to be that; by default they are ordinary requests.
        **options: for the middleware, as its application would pass them.

    Raises:
        ConfigurationError: there is no such middleware, it was made already, or it refuses these options; the error
            names those that it takes. At a request: a WebSocket was accepted behind it, without `websockets=True`.

    Responds:
        what the middleware responds; 400 to a body that is malformed, and to a request for a WebSocket behind which
        there is none; 500 if the middleware raises before its response, or returns without one.

    Reads/Sets:
        reads `CLIENT_ADDRESS` and `FORWARDED_SCHEME`, if they are there; sets `ASGI_SCOPE`, the scope as the
        middleware has passed it on.

    Source:
        ASGI 3.0; HTTP & WebSocket 2.5.

    Example:
        from_asgi(GZipMiddleware, minimum_size=1000)
    """
    check_flags(_BATTERY, websockets=websockets)
    make = load_object(middleware, _refuse) if isinstance(middleware, str) else middleware
    check_function(_BATTERY, "middleware", make, takes="app and options")
    name = middleware if isinstance(middleware, str) else name_link(middleware)
    check_maker(_BATTERY, make, name, misplaced)
    around = make_middleware(_BATTERY, make, name, call_behind, options)
    check_function(_BATTERY, f"what {name} makes", around, takes="scope, receive, send")

    @middleware_battery(f"from_asgi({name})", provided=(ASGI_SCOPE,))
    async def from_asgi(request: web.Request, handler: Handler) -> web.StreamResponse:
        scope = make_scope(request, sockets=websockets)
        scope.setdefault("state", {})
        return await serve_through(around, request, handler, scope)

    return from_asgi


def _refuse(problem: str) -> ConfigurationError:
    return ConfigurationError(
        _BATTERY, problem, cure='pass the class of an ASGI middleware, or "package.module:Class"'
    )
