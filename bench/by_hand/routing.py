"""What is answered to errors and other addresses, and by whom."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from aiohttp_route_middleware.keys import note_key

_logger = logging.getLogger(__name__)


class PostNotFoundError(Exception):
    """What a handler raises, which knows nothing of HTTP."""


async def answer_not_found(request: web.Request, error: Exception) -> web.StreamResponse:
    """Answer that."""
    return _NOT_FOUND


_NOT_FOUND = web.Response(status=404)


@web.middleware
async def on_error(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer one kind of exceptions."""
    try:
        return await handler(request)
    except PostNotFoundError as error:
        if request.writer.output_size > 0:
            raise
        return await answer_not_found(request, error)


@web.middleware
async def problem_details(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let programs read errors."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        raised = error
    except Exception as error:
        if request.writer.output_size > 0:
            raise
        _logger.exception("%s %s failed", request.method, request.path)
        raised = web.HTTPInternalServerError()
        raised.__cause__ = error
    if raised.status >= 400 and raised.content_type == "text/plain":
        told: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(raised.status).phrase}
        told["status"] = raised.status
        if raised.text and raised.text != f"{raised.status}: {raised.reason}":
            told["detail"] = raised.text
        raised.body = json.dumps(told).encode()
        raised.headers[hdrs.CONTENT_TYPE] = "application/problem+json"
    raise raised


@web.middleware
async def trailing_slash(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Redirect a path with a slash at its end that has no route to the one without, if that has one."""
    if request.match_info.http_exception is not None:
        path, mark, query = request.raw_path.partition("?")
        other = path.rstrip("/")
        is_local = other.startswith("/") and not other.startswith(("//", "/\\", "/%2F", "/%2f", "/%5C", "/%5c"))
        if other != path and is_local and "/." not in other and await _has_route(request, other):
            redirect = web.HTTPPermanentRedirect("/")
            redirect.headers[hdrs.LOCATION] = f"{other}{mark}{query}"
            raise redirect
    return await handler(request)


async def _has_route(request: web.Request, path: str) -> bool:
    found = await request.app.router.resolve(request.clone(rel_url=path))
    return found.http_exception is None


@web.middleware
async def method_override(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find the route anew for the method that a header names; it stands last among the middlewares."""
    named = request.headers.get("X-HTTP-Method-Override", "").strip().upper()
    if request.method != hdrs.METH_POST or named in ("", hdrs.METH_POST):
        return await handler(request)
    if named not in (hdrs.METH_PUT, hdrs.METH_PATCH, hdrs.METH_DELETE):
        raise web.HTTPBadRequest
    other = request.clone(method=named)
    match = await request.app.router.resolve(other)
    match.add_app(request.app)
    match.freeze()
    cast(Any, other)._match_info = match
    return await match.handler(other)


# ---- ASGI

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
_SCOPE = note_key(web.RequestKey[Scope]("_SCOPE"), "bench.by_hand.routing._SCOPE", set_by="pass_through_asgi()")


class PassOn:
    """An ASGI middleware that does nothing."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        await self._app(scope, receive, send)


class _Answer:
    """What an ASGI middleware sends, as a response."""

    def __init__(self) -> None:
        self._status = 500
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status, self._fields = message["status"], message["headers"]
        else:
            self._pieces.append(message.get("body", b""))

    def make(self) -> web.Response:
        response = web.Response(status=self._status, body=b"".join(self._pieces))
        response.headers.clear()
        for name, value in self._fields:
            response.headers.add(name.decode(), value.decode())
        return response


def pass_through_asgi(make: Callable[[Asgi], Asgi]) -> Middleware:
    """Run an ASGI middleware around what stands behind; streams, files and changes of the scope are not measured."""

    async def call_behind(scope: Scope, receive: Receive, send: Send) -> None:
        request = scope["request"]
        request[_SCOPE] = scope
        try:
            response = await scope["handler"](request)
        except web.HTTPException as error:
            response = error
        fields = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        await send({"type": "http.response.body", "body": response.body or b""})

    around = make(call_behind)

    @web.middleware
    async def from_asgi(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = _Answer()
        scope = {**_make_scope(request), "request": request, "handler": handler}
        await around(scope, partial(_receive, request), answer.send)
        return answer.make()

    return from_asgi


async def _receive(request: web.Request) -> dict[str, Any]:
    return {"type": "http.request", "body": await request.read(), "more_body": False}


def _make_scope(request: web.Request) -> dict[str, Any]:
    url, peer = request.rel_url, request.get_extra_info("peername")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "{}.{}".format(*request.version),
        "method": request.method,
        "scheme": request.scheme,
        "path": url.path,
        "raw_path": url.raw_path.encode(),
        "query_string": url.raw_query_string.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": peer[:2] if peer else None,
        "server": request.get_extra_info("sockname"),
        "extensions": {},
        "state": {},
    }
