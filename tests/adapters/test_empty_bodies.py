"""A response without a body says so, through each adapter: the next one on its connection follows its headers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.adapters.asgi import asgi
from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.adapters.wsgi import wsgi

from ..support.asgi.middlewares import Base, PassOn
from ..support.asgi.worlds import respond

BODY = b"hello"
LENGTHS = {"with a length": {"Content-Length": "5"}, "without a length": {}}


def answer_by_asgi(status: int, headers: dict[str, str], *, more: bool = False) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await respond(send, BODY, status, fields, more)
        if more:
            await send({"type": "http.response.body"})

    return asgi(application, lifespan="off")


def answer_in_pieces(status: int, headers: dict[str, str]) -> Any:
    return answer_by_asgi(status, headers, more=True)


def answer_by_wsgi(status: int, headers: dict[str, str]) -> Any:
    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(f"{status} None", [*headers.items()])
        return [BODY]

    return wsgi(application)


def make_handler(status: int, headers: dict[str, str]) -> Any:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, body=BODY, headers=headers)

    return handler


def make_stream(status: int, headers: dict[str, str]) -> Any:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        await response.write(BODY)
        return response

    return stream


DOORS: dict[str, Any] = {
    "asgi()": lambda *answer: [answer_by_asgi(*answer)],
    "asgi() in pieces": lambda *answer: [answer_in_pieces(*answer)],
    "wsgi()": lambda *answer: [answer_by_wsgi(*answer)],
    "from_asgi() before a response": lambda *answer: [from_asgi(PassOn), make_handler(*answer)],
    "from_asgi() before a stream": lambda *answer: [from_asgi(PassOn), make_stream(*answer)],
    "BaseHTTPMiddleware": lambda *answer: [from_asgi(Base), make_handler(*answer)],
    "from_asgi() before asgi()": lambda *answer: [from_asgi(PassOn), answer_by_asgi(*answer)],
}


async def ask_twice(links: list[Any], method: str) -> tuple[bytes, bytes]:
    """Send two requests on one connection; return the headers of the first response, and all that follows them."""

    async def second(request: web.Request) -> web.Response:
        return web.Response(text="second")

    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_route("*", "/first", *links[:-1], links[-1])
    router.add_get("/second", second)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(f"{method} /first HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        writer.write(b"GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    return head.lower(), rest


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(
    ("method", "status"), [("GET", 204), ("GET", 205), ("GET", 304), ("HEAD", 200), ("HEAD", 205), ("HEAD", 304)]
)
async def test_the_next_response_follows_at_once(method: str, status: int, length: str, door: str) -> None:
    """What an application sends all the same is dropped (RFC 9112, section 6.3)."""
    head, rest = await ask_twice(DOORS[door](status, LENGTHS[length]), method)
    assert head.startswith(b"http/1.1 %d " % status)
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"\r\n\r\nsecond")
    assert b"transfer-encoding" not in head


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_205_has_a_length_of_0(method: str, length: str, door: str) -> None:
    """RFC 9110, section 15.3.6: it has no content, and its end is where that length tells."""
    head, _ = await ask_twice(DOORS[door](205, LENGTHS[length]), method)
    assert [line for line in head.split(b"\r\n") if line.startswith(b"content-length")] == [b"content-length: 0"]


@pytest.mark.parametrize("door", ["asgi()", "wsgi()"])
@pytest.mark.parametrize("status", [100, 101, 103, 199])
async def test_what_is_no_final_response_is_a_500(status: int, door: str) -> None:
    """After a 1xx a client would wait for another response."""
    head, _ = await ask_twice(DOORS[door](status, {}), "GET")
    assert head.startswith(b"http/1.1 500 ")
