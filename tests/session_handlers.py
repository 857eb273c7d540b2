"""An application whose handlers do to the session what handlers do, each under its name."""

import json
from typing import Any

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.sessions.session import SESSION, Session

__all__ = ("append", "clear", "data", "log_in", "log_out", "put", "read", "serve", "show")


def show(session: Session) -> web.Response:
    return web.json_response(dict(session))


async def read(request: web.Request) -> web.Response:
    return show(request[SESSION])


async def ignore(request: web.Request) -> web.Response:
    return web.json_response({})


async def put(request: web.Request) -> web.Response:
    request[SESSION].update(json.loads(request.query["data"]))
    return show(request[SESSION])


async def append(request: web.Request) -> web.Response:
    request[SESSION]["cart"].append("more")
    return show(request[SESSION])


async def clear(request: web.Request) -> web.Response:
    request[SESSION].clear()
    return web.json_response({})


async def log_in(request: web.Request) -> web.Response:
    request[SESSION].rotate()
    request[SESSION]["user"] = "alice"
    return web.json_response({})


async def rotate(request: web.Request) -> web.Response:
    request[SESSION].rotate()
    return web.json_response({})


async def log_out(request: web.Request) -> web.Response:
    request[SESSION].invalidate()
    return web.json_response({})


async def begin_anew(request: web.Request) -> web.Response:
    request[SESSION].invalidate()
    request[SESSION]["fresh"] = True
    return web.json_response({"new": request[SESSION].is_new})


async def look(request: web.Request) -> web.Response:
    session = request[SESSION]
    return web.json_response({"id": session.id, "new": session.is_new, "created": session.created})


HANDLERS = (read, ignore, put, append, clear, log_in, rotate, log_out, begin_anew, look)


def serve(*links: Any, **more: Any) -> web.Application:
    """An application with all the handlers, each under its name."""
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, *links)
    for handler in (*HANDLERS, *more.values()):
        router.add_get(f"/{handler.__name__}", handler)
    return app


def data(**values: Any) -> str:
    return f"/put?data={json.dumps(values)}"
