"""A WSGI application as an endpoint: Flask, Django, Bottle, or whatever speaks PEP 3333; each request in a thread.

    router.add_route("*", "/old/{tail:.*}", authenticate, wsgi("shop.old:app"))

What stands before the last variable of the route is its `SCRIPT_NAME`, as for `asgi()`. Bodies and responses pass
piece by piece. It stands on a2wsgi, over which it does this more:

- a client that leaves ends the request: what the application still yields is not asked for, and what it still reads
  raises, so that half a body is not taken for a whole one, and no thread is held for nobody;
- a response that cannot be sent, as by a wrong header, is an error, where a2wsgi would wait for ever;
- `wsgi.input_terminated` is set, so that bodies sent in chunks are read; `wsgi.errors` is the standard error;
- status and headers wait for the first piece that is not empty, so that what fails before it is a 500, and
  `start_response()` may be called again with `exc_info`; to call it twice without is an error;
- `sys.exit()` ends the request, and not the server;
- a header whose name has an underscore is left out: in the environment it is the same as one with a hyphen, so that
  a client could write over what a proxy has written.

WebSockets are refused with 403. It always answers: only the end of a chain takes it. It does **not** bound the body of
a request, and does **not** make an application safe in threads that is not.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from aiohttp import web

from ..declarations import named
from ..errors import MissingDependencyError
from ..marks import set_mark
from ..naming import name_link
from ..option_checks import check_count
from ..support.asgi.applications import read_application
from ..support.asgi.messages import AsgiApplication, Receive, Scope, Send
from ..support.asgi.scope import check_root_path, make_scope
from ..support.asgi.serving import serve_http
from ..support.network.websockets import is_websocket
from ..support.wsgi.visit import Pieces, Start, Visit, staying
from ..typedefs import Handler

try:
    from a2wsgi import WSGIMiddleware
except ImportError as _error:
    raise MissingDependencyError("a2wsgi", "wsgi") from _error

__all__ = ("wsgi",)

WsgiApplication: TypeAlias = Callable[[Any, Any], Iterable[bytes]]  # environ, start_response

_BATTERY = "wsgi()"
_VISIT = "aiohttp_route_middleware.visit"


def wsgi(app: WsgiApplication | str, *, root_path: str | None = None, threads: int = 10) -> Handler:
    """Answer requests by a WSGI application.

    Args:
        app: the application, or where it is: `"package.module:app"`.
        root_path: where it is mounted, its `SCRIPT_NAME`; by default as for `asgi()`.
        threads: how many requests it may work on at a time, 10 by default; others wait.

    Raises:
        ConfigurationError: an option is wrong, there is no such application, or it speaks ASGI.

    Responds:
        what the application responds; 403 to a WebSocket; 400 to a body that is malformed; 500 if the application
        raises before its response.

    Reads/Sets:
        reads `CLIENT_ADDRESS` and `FORWARDED_SCHEME`, if they are there.

    Source:
        PEP 3333; RFC 3875, section 4.1.

    Example:
        wsgi("shop.old:app", threads=20)
    """
    check_root_path(_BATTERY, root_path)
    check_count(_BATTERY, "threads", threads, unit="threads")
    application: WsgiApplication = read_application(app, "wsgi")
    serve = _serve_with(WSGIMiddleware(_stop_when_over(application), workers=threads))

    @named(f"wsgi({app if isinstance(app, str) else name_link(app)})")
    async def wsgi(request: web.Request) -> web.StreamResponse:
        if is_websocket(request):
            raise web.HTTPForbidden
        scope = make_scope(request, root_path=root_path)
        scope["headers"] = [field for field in scope["headers"] if b"_" not in field[0]]
        return await serve_http(serve, request, scope)

    set_mark(wsgi, "__link_kind__", "endpoint")
    return wsgi


def _stop_when_over(application: WsgiApplication) -> WsgiApplication:
    def run(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        visit, start = environ["asgi.scope"].pop(_VISIT), Start(start_response)
        environ |= {"wsgi.errors": sys.stderr, "wsgi.input_terminated": True}
        with staying():
            return Pieces(application(environ, start), visit, start)

    return run


def _serve_with(middleware: Any) -> AsgiApplication:
    threads: set[asyncio.Future[None]] = set()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        visit = scope[_VISIT] = Visit(receive, send)
        thread = asyncio.ensure_future(middleware(scope, visit.receive, visit.send))
        threads.add(thread)
        thread.add_done_callback(threads.discard)
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError as error:
            visit.error = error  # the thread goes on to its next piece, and somebody must take what it sends
            thread.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise
        if visit.error is not None:
            raise visit.error

    return serve
