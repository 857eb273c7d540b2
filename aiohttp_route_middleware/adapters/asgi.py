"""An ASGI application as an endpoint: FastAPI, Starlette, Lilya, Django, or whatever speaks ASGI 3.

For what is written for another framework and shall stand behind links of this one, or moves here route by route:

    api = asgi(fastapi_app)
    api.run_with(app)
    router.add_route("*", "/api/{tail:.*}", authenticate, api)

What stands before the last variable of the route is where the application is mounted: its `root_path` is `/api`, and
the request for `/api/users` is answered by its route `/users`. Bodies, responses and WebSockets pass piece by piece,
as they come. `run_with()` ties the lifespan of the ASGI application to that of the aiohttp application: what fails
at its start keeps the server from starting, and its WebSockets are closed when the server stops. It always answers:
only the end of a chain takes it.

`/api` itself is no path of that route. To have both, let the variable begin with the slash, or with nothing:

    router.add_route("*", "/api{tail:(?:/.*)?}", authenticate, api)

For `/api` the application then gets a path that is just its `root_path`; most redirect that to `/api/`.

What a link before has put into the scope by `from_asgi()` is in the scope here. An ASGI application knows nothing of
request keys: hand on what it needs in a header or, behind `from_asgi()`, in the scope.

**Trust boundary:** `client` and `scheme` are those of `client_address()` if that stands before, else those of the
connection; `X-Forwarded-For` and the like are passed on as the client has sent them.

It does **not** bound the body of a request: `client_max_size` is for handlers of aiohttp. It does **not** promise what
aiohttp cannot do: trailers, early hints, files by path; `extensions` names what there is. A body that aiohttp has
decompressed is passed on so, without `Content-Encoding` and `Content-Length`. `Transfer-Encoding` of the application
is left out, header values that are not UTF-8 are sent as UTF-8, and a response has begun when it comes back through
the links before: they change its headers by `on_response_prepare`, as batteries do.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from aiohttp import web

from ..declarations import named
from ..errors import ConfigurationError
from ..marks import set_mark
from ..naming import name_link
from ..option_checks import check_choice, check_count, check_seconds
from ..support.asgi.applications import read_application
from ..support.asgi.lifespan import MODES, Lifespan
from ..support.asgi.messages import AsgiApplication
from ..support.asgi.scope import ASGI_SCOPE, check_root_path, make_scope
from ..support.asgi.serving import serve_http
from ..support.asgi.websocket import SocketOptions, serve_socket

__all__ = ("ASGI_SCOPE", "AsgiEndpoint", "asgi")

_BATTERY = "asgi()"


class AsgiEndpoint(Protocol):
    """An endpoint, and what ties it to an application."""

    async def __call__(self, request: web.Request, /) -> web.StreamResponse:
        """Answer a request."""
        ...

    def run_with(self, app: web.Application) -> None:
        """Start the ASGI application when `app` starts, and end it when `app` ends; before `app` is started."""
        ...


def asgi(
    app: AsgiApplication | str,
    *,
    lifespan: str = "auto",
    root_path: str | None = None,
    heartbeat: float | None = None,
    max_message: int = 4 * 1024**2,
) -> AsgiEndpoint:
    """Answer requests and WebSockets by an ASGI application.

    Args:
        app: the application, or where it is: `"package.module:app"`.
        lifespan: `"auto"`, the default: the application is started with `run_with()`, if it takes part in that;
            `"on"`: it must take part; `"off"`: it needs no start. What fails after its start is logged at once; with
            `"auto"`, so is what fails at its start by an exception alone.
        root_path: where it is mounted, decoded; by default what stands before the last variable of the route, if that
            variable reaches to the end of the path, else nothing.
        heartbeat: seconds between two pings on a WebSocket; by default none are sent.
        max_message: the longest message of a WebSocket, in bytes; default 4 MiB.

    Raises:
        ConfigurationError: an option is wrong, there is no such application, or it speaks WSGI. Of `run_with()`: it
            was called twice with one application. At a request: the application was not started.

    Responds:
        what the application responds; a WebSocket that it closes with a code that may not be sent is closed with 1011,
        with 1000 for 1005, and cut off for 1006 and 1015; 403 to a WebSocket that it does not accept, 400 to a
        handshake that is none and to a body that is malformed; 500 if it raises before its response, or returns
        without one.

    Reads/Sets:
        reads `CLIENT_ADDRESS`, `FORWARDED_SCHEME` and `ASGI_SCOPE`, if they are there.

    Source:
        ASGI 3.0; HTTP & WebSocket 2.5; Lifespan 2.0.

    Example:
        asgi("shop.api:app", lifespan="on")
    """
    check_choice(_BATTERY, "lifespan", lifespan, MODES)
    check_root_path(_BATTERY, root_path)
    if heartbeat is not None:
        check_seconds(_BATTERY, "heartbeat", heartbeat)
    check_count(_BATTERY, "max_message", max_message, unit="bytes")
    application: AsgiApplication = read_application(app, "asgi")
    sockets = SocketOptions(heartbeat=heartbeat, max_message=max_message)
    living = Lifespan(application, lifespan, _name(app))

    @named(f"asgi({_name(app)})")
    async def asgi(request: web.Request) -> web.StreamResponse:
        if not living.is_running:
            raise _refuse_to_be_early(_name(app))
        scope = make_scope(request, root_path=root_path, state=living.state)
        if scope["type"] == "websocket":
            return await serve_socket(application, request, scope, sockets)
        return await serve_http(application, request, scope)

    def run_with(app: web.Application) -> None:
        if living.run in app.cleanup_ctx:
            raise ConfigurationError(_BATTERY, "run_with() was called twice with one application", cure="call it once")
        app.cleanup_ctx.append(living.run)
        app.on_shutdown.append(sockets.close_all)

    endpoint = cast(Any, asgi)
    endpoint.run_with = run_with
    set_mark(endpoint, "__link_kind__", "endpoint")
    return cast(AsgiEndpoint, endpoint)


def _name(app: AsgiApplication | str) -> str:
    return app if isinstance(app, str) else name_link(app)


def _refuse_to_be_early(name: str) -> ConfigurationError:
    return ConfigurationError(
        _BATTERY,
        f"{name} was not started",
        cure="call run_with(app) of the endpoint before the application starts; "
        'write lifespan="off" if it needs no start',
    )
