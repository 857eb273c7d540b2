"""What the tests of ASGI share: applications, and uvicorn as the server to compare with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from aiohttp import web
from aiohttp.test_utils import TestServer

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.adapters.asgi import asgi
from aiohttp_route_middleware.support.asgi.messages import AsgiApplication, Receive, Scope, Send

__all__ = ("PatientServer", "make_app", "read_all", "respond", "show_scope", "uvicorn_port")


class PatientServer(TestServer):
    """Lets handlers run on when their client has gone, as aiohttp does unless it is told otherwise."""

    async def _make_runner(self, **options: Any) -> web.BaseRunner:
        return await super()._make_runner(**{**options, "handler_cancellation": False})


def make_app(application: Any, path: str = "/{tail:.*}", *links: Any, **options: Any) -> web.Application:
    """Make an application with an ASGI application behind links."""
    app = web.Application()
    endpoint = asgi(application, **options)
    endpoint.run_with(app)
    UrlDispatcherEx.install(app).add_route("*", path, *links, endpoint)
    return app


async def read_all(receive: Receive) -> bytes:
    """Read a body to its end."""
    body = b""
    while True:
        message = await receive()
        assert message["type"] == "http.request"
        body += bytes(message["body"])
        if not message["more_body"]:
            return body


async def respond(send: Send, body: bytes = b"", status: int = 200, headers: Any = (), more: bool = False) -> None:
    """Send a response, or its beginning."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def show_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the scope, as JSON."""
    if scope["type"] == "lifespan":
        raise NotImplementedError
    shown = {name: value for name, value in scope.items() if name not in ("asgi", "state", "extensions")}
    written = json.dumps(shown, default=lambda raw: raw.decode("latin-1"))
    length = str(len(written.encode())).encode()
    await respond(send, written.encode(), headers=[(b"content-type", b"text/plain"), (b"content-length", length)])


@asynccontextmanager
async def uvicorn_port(application: AsgiApplication, **options: Any) -> AsyncIterator[int]:
    """Serve an application by uvicorn."""
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, log_config=None, ws="websockets-sansio", proxy_headers=False, **options
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()
