"""Whether a response has a body, and whether it is on its way."""

import asyncio
import socket
from typing import Any

import pytest
from aiohttp import HttpVersion10, web
from aiohttp.test_utils import make_mocked_request
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.support.sending import break_off, cut_off, has_begun, has_body, has_gone

from ..patient_server import serve_patiently


async def test_a_client_that_has_gone_is_noticed_and_cut_off_without_harm() -> None:
    started, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    seen: list[bool] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(has_gone(request))
        started.set()
        await gone.wait()
        seen.append(has_gone(request))
        cut_off(request)
        ended.set()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", handler)
    async with serve_patiently(app) as server:
        _, writer = await server.connect("GET / HTTP/1.1")
        await started.wait()
        await server.lose(writer)
        gone.set()
        await ended.wait()
    assert seen == [False, True]


async def test_a_response_has_begun_when_it_is_prepared() -> None:
    seen: list[bool] = []

    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="whole")
        seen.append(has_begun(request))
        await response.prepare(request)  # its head waits for the body
        seen.append(has_begun(request))
        return response

    app = web.Application()
    app.router.add_post("/", handler)
    async with serve_patiently(app) as server:
        reader, _ = await server.connect("POST / HTTP/1.1", "Expect: 100-continue", "Content-Length: 0")
        assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in await reader.readuntil(b"\r\n")
    assert seen == [False, True]


@pytest.mark.parametrize(
    ("response", "is_begun"),
    [
        pytest.param(lambda: web.Response(text="whole"), False, id="of a known length"),
        pytest.param(web.StreamResponse, True, id="in chunks, as anything in its place would be"),
    ],
)
async def test_what_could_not_be_prepared_has_not_begun(response: Any, is_begun: bool) -> None:
    seen: list[bool] = []

    async def refuse(_: web.Request, response: web.StreamResponse) -> None:
        if response.status == 200:
            raise RuntimeError("no")

    async def handler(request: web.Request) -> web.Response:
        with pytest.raises(RuntimeError):
            await response().prepare(request)
        seen.append(has_begun(request))
        raise web.HTTPConflict

    app = web.Application()
    app.on_response_prepare.append(refuse)
    app.router.add_get("/", handler)
    async with serve_patiently(app) as server:
        reader, _ = await server.connect("GET / HTTP/1.1")
        assert b" 409 " in await reader.readuntil(b"\r\n")
    assert seen == [is_begun]


async def test_a_body_that_ends_with_the_connection_does_not_seem_to_end() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        cut_off(request)
        return response

    app = web.Application()
    app.router.add_get("/", handler)
    async with serve_patiently(app) as server:
        reader, _ = await server.connect("GET / HTTP/1.0")
        with pytest.raises(ConnectionResetError):
            await reader.read()


class Transport:
    """What cut_off() needs of a transport."""

    def __init__(self, connection: object) -> None:
        self._connection = connection
        self.is_aborted = False

    def get_extra_info(self, _: str, default: object = None) -> object:
        return self._connection or default

    def abort(self) -> None:
        self.is_aborted = True


def make_closed_socket() -> socket.socket:
    closed = socket.socket()
    closed.close()
    return closed


@pytest.mark.parametrize("make_connection", [lambda: None, make_closed_socket], ids=["no socket", "closed"])
def test_what_cannot_be_reset_is_cut_off_all_the_same(make_connection: Any) -> None:
    transport: Any = Transport(make_connection())
    request = make_mocked_request("GET", "/", version=HttpVersion10, transport=transport)
    writer: Any = request.writer
    writer.chunked, writer.length = False, None
    cut_off(request)
    assert transport.is_aborted


async def test_an_exception_that_cannot_be_sent_any_more_is_raised_as_another() -> None:
    refusal = web.HTTPForbidden()
    raised: list[RuntimeError] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        await web.StreamResponse().prepare(request)
        break_off(request, KeyError("k"))
        with pytest.raises(RuntimeError, match="HTTPForbidden was raised too late") as late:
            break_off(request, refusal)
        raised.append(late.value)
        raise late.value

    app = web.Application()
    app.router.add_get("/", handler)
    async with serve_patiently(app) as server:
        reader, _ = await server.connect("GET / HTTP/1.1")
        assert (await reader.read()).partition(b"\r\n\r\n")[2] == b""
    assert [late.__cause__ for late in raised] == [refusal]


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 200, True),
        ("GET", 404, True),
        ("POST", 201, True),
        ("HEAD", 200, False),
        ("GET", 101, False),
        ("GET", 204, False),
        ("GET", 205, False),
        ("GET", 304, False),
    ],
)
async def test_some_responses_have_no_body(
    method: str, status: int, expected: bool, aiohttp_client: AiohttpClient
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(has_body(request, web.StreamResponse(status=status)), headers={"X-Body": "1"})

    app = web.Application()
    app.router.add_route("*", "/", handler)
    client = await aiohttp_client(app)
    if method == "HEAD":  # whose answer cannot be read
        request: Any = type("Request", (), {"method": "HEAD"})
        assert has_body(request, web.StreamResponse(status=status)) is expected
        return
    async with client.request(method, "/") as response:
        assert await response.json() is expected
