"""Every kind of response, behind a battery in every scope: what each battery that sets headers is tested with.

@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_has_the_header_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, battery()))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert response.headers.getall("X-Name") == ["value"]
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from aiohttp_route_middleware.middlewares import setup

from .. import scopes
from ..scopes import SCOPES, path_in

__all__ = ("CASES", "MATRIX", "SCOPES", "Case", "ask", "make_app")

FILE = Path(__file__)
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@dataclass(frozen=True)
class Case:
    """One kind of response, and how to get it."""

    name: str
    path: str
    status: int
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)


CASES = (
    Case("200", "/plain", 200),
    Case("HEAD", "/plain", 200, method="HEAD"),
    Case("204", "/empty", 204),
    Case("304", "/unchanged", 304),
    Case("404", "/nowhere", 404),
    Case("405", "/plain", 405, method="DELETE"),
    Case("raised", "/raised", 409),
    Case("500", "/broken", 500),
    Case("stream", "/stream", 200),
    Case("file", "/file", 200),
    Case("206", "/file", 206, headers={"Range": "bytes=0-3"}),
    Case("416", "/file", 416, headers={"Range": "bytes=99999999-"}),
    Case("101", "/socket", 101, headers=_UPGRADE),
)
# what no route answers, no router sees
MATRIX = [
    pytest.param(scope, case, id=f"{case.name} behind {scope}")
    for scope in SCOPES
    for case in CASES
    if case.name not in ("404", "405") or "application" in scope
]


async def _plain(request: web.Request) -> web.Response:
    return web.Response(text="plain")


async def _empty(request: web.Request) -> web.Response:
    return web.Response(status=204)


async def _unchanged(request: web.Request) -> web.Response:
    return web.Response(status=304)


async def _raised(request: web.Request) -> web.Response:
    raise web.HTTPConflict


async def _broken(request: web.Request) -> web.Response:
    raise RuntimeError("broken on purpose")


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"streamed")
    await response.write_eof()
    return response


async def _file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(FILE)


async def _socket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.close()
    return socket


HANDLERS = {
    "/plain": _plain,
    "/empty": _empty,
    "/unchanged": _unchanged,
    "/raised": _raised,
    "/broken": _broken,
    "/stream": _stream,
    "/file": _file,
    "/socket": _socket,
}


def make_app(scope: str, *links: Any) -> web.Application:
    """Make an application that answers in every way, with links in one scope: one of `SCOPES`, or none."""
    app = scopes.make_app(scope, links, {f"GET {path}": handler for path, handler in HANDLERS.items()})
    setup(app)
    return app


def ask(client: TestClient[Any, Any], scope: str, case: Case) -> AbstractAsyncContextManager[ClientResponse]:
    """Send the request of a case; redirects are not followed."""
    return client.request(case.method, path_in(scope, case.path), headers=case.headers, allow_redirects=False)
