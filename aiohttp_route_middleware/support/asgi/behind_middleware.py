"""The rest of a chain, as the ASGI application that an ASGI middleware is built around.

The middleware is built once; what stands behind it, for this request, is found in the scope.

Rules kept here: the handler gets a clone of the request that writes messages, and shares its keys with the original;
a body that the middleware leaves alone is the one of aiohttp, with nothing in between.
"""

from __future__ import annotations

from typing import Any, NoReturn

from aiohttp import web

from ...errors import ConfigurationError
from ...typedefs import Handler
from ..clones import clone_request
from .behind_socket import BehindSocket
from .crossing import Crossing
from .failure import check_answer
from .message_writer import MessageWriter
from .messages import AsgiApplication, Message, Receive, Scope, Send
from .passed_body import PassedBody
from .scope import ASGI_SCOPE
from .scope_changes import read_changes, remember
from .serving import serve_http
from .websocket import Socket, SocketOptions, settle_socket

__all__ = ("call_behind", "serve_through")

_BATTERY = "from_asgi()"
_BEHIND = "aiohttp_route_middleware.behind"


async def call_behind(scope: Scope, receive: Receive, send: Send) -> None:
    """Run what stands behind an ASGI middleware; which is built around this."""
    if _BEHIND not in scope:
        raise RuntimeError(f"{_BATTERY}: the ASGI middleware has passed on neither the scope it has got, nor a copy")
    await scope[_BEHIND](scope, receive, send)


async def serve_through(
    middleware: AsgiApplication, request: web.Request, handler: Handler, scope: Scope
) -> web.StreamResponse:
    """Answer a request by an ASGI middleware, and by the handler behind it."""
    if scope["type"] == "websocket":
        return await _serve_socket(middleware, request, handler, scope)

    crossing = Crossing()

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        behind = scope[_BEHIND] = _Behind(request, handler, scope, receive, crossing)
        await crossing.run(middleware, scope, behind.receive, crossing.failure.watch(send))

    return await serve_http(run, request, scope, is_fault=crossing.failure.is_fault)


class _Behind:
    """What stands behind, for one request."""

    def __init__(
        self, request: web.Request, handler: Handler, scope: Scope, receive: Receive, crossing: Crossing
    ) -> None:
        self._request = request
        self._handler = handler
        self._before = remember(scope)
        self._receive = receive
        self._crossing = crossing
        self._is_begun = False

    async def receive(self) -> Message:
        self._is_begun = True
        return await self._receive()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writer = MessageWriter(self._request, send)
        request = self._make_request(scope, receive, writer)
        try:
            with self._crossing.context.watch():
                await self._answer(request)
        except Exception as error:
            self._crossing.failure.note(error, self._request, writer)
            raise
        finally:
            self._keep_read(request)

    async def _answer(self, request: web.Request) -> None:
        try:
            response = await self._handler(request)
        except web.HTTPException as error:
            response = error
        check_answer(response)
        await response.prepare(request)
        await response.write_eof()

    def _make_request(self, scope: Scope, receive: Receive, writer: MessageWriter) -> web.Request:
        async def prepare(response: web.StreamResponse) -> None:
            _check_no_socket(response)
            writer.sends_headers_at_once = not isinstance(response, (web.Response, web.FileResponse))
            if isinstance(response, web.FileResponse):  # has it written piece by piece: `sendfile` would pass by
                response.enable_compression(web.ContentCoding.identity)

        request = clone_request(self._request, **read_changes(self._before, scope))
        vars(request).update(_payload_writer=writer, _prepare_hook=prepare, **self._choose_body(receive))
        request[ASGI_SCOPE] = scope
        return request

    def _choose_body(self, receive: Receive) -> dict[str, Any]:
        """Return what the clone has in place of the body of the original, and of what was read of that."""
        is_ours = receive == self.receive
        if (is_ours and not self._is_begun) or not self._request.body_exists:
            return {}
        read, posted = (vars(self._request).get(name) for name in ("_read_bytes", "_post"))
        body = PassedBody(_refuse_to_read if is_ours else receive)
        return {"_payload": body, "_read_bytes": None, "_post": posted if read is None else None}

    def _keep_read(self, request: web.Request) -> None:
        """Leave to the links before what the handler has read; aiohttp closes the files of a form there."""
        read = {name: value for name, value in vars(request).items() if name in ("_read_bytes", "_post")}
        if request.content is not self._request.content:
            read.pop("_read_bytes", None)
        vars(self._request).update(read)


async def _serve_socket(
    middleware: AsgiApplication, request: web.Request, handler: Handler, scope: Scope
) -> web.StreamResponse:
    socket, crossing = Socket(request, SocketOptions()), Crossing()
    behind = scope[_BEHIND] = BehindSocket(request, handler, scope, crossing)
    await crossing.run(middleware, scope, socket.receive, socket.send)
    if isinstance(behind.response, web.HTTPException):
        raise behind.response
    failed = crossing.failure.error
    if failed is not None and request.writer.output_size:  # accepted: the middleware cannot answer it any more
        raise failed
    return behind.response or await settle_socket(request, socket)


async def _refuse_to_read() -> NoReturn:
    raise RuntimeError(f"{_BATTERY}: the ASGI middleware has read the body, and has not passed it on")


def _check_no_socket(response: web.StreamResponse) -> None:
    if isinstance(response, web.WebSocketResponse):
        problem = "a WebSocket was to be accepted behind it"
        raise ConfigurationError(_BATTERY, problem, cure="write websockets=True for routes that accept them")
