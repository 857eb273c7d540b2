"""ASGI middlewares as links: Starlette's, Lilya's, Moesif's and ours, around whatever a handler does."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientPayloadError, FormData, WSMsgType, WSServerHandshakeError, web
from asgi_correlation_id import CorrelationIdMiddleware, correlation_id
from pytest_aiohttp.plugin import AiohttpClient
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse

from aiohttp_route_middleware import UrlDispatcherEx, name_link, requires
from aiohttp_route_middleware.adapters.asgi import asgi
from aiohttp_route_middleware.adapters.from_asgi import ASGI_SCOPE, from_asgi
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.middlewares.x_frame_options import x_frame_options
from aiohttp_route_middleware.stores.memory import MemoryStore
from aiohttp_route_middleware.support.asgi.messages import Receive, Scope, Send

from ..middlewares.matrix import CASES, SCOPES, Case, ask, make_app
from ..support.asgi.middlewares import Base, PassOn
from ..support.asgi.worlds import PatientServer, read_all, respond, show_scope

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
NOTE = web.RequestKey("NOTE", str)


class Mark:
    """Adds a header to each response, and puts what it was given into the scope."""

    def __init__(self, app: Any, value: str = "1") -> None:
        self.app = app
        self.value = value

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def mark(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-mark", self.value.encode())]
            await send(message)

        await self.app({**scope, "mark": self.value}, receive, mark)


def change(**changes: Any) -> Any:
    """A middleware that changes the scope."""

    def make(app: Any) -> Any:
        async def change(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, **changes}, receive, send)

        return change

    return make


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Any:
    """Serve links and a handler at `/`, for all methods."""

    async def serve(*links: Any) -> Any:
        app = web.Application()
        setup(app)
        UrlDispatcherEx.install(app).add_route("*", "/{path:.*}", *links[:-1], links[-1])
        return await aiohttp_client(PatientServer(app))

    return serve


async def show(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.method} {request.rel_url}")


async def long(request: web.Request) -> web.Response:
    return web.Response(text="long " * 1000)


# ---- every kind of response, in every scope

PLACES = [
    pytest.param(scope, case, id=f"{case.name} behind {scope}")
    for scope in SCOPES
    for case in CASES
    if case.name not in ("404", "405", "500", "101") or (case.name in ("404", "405") and "application" in scope)
]


@pytest.mark.parametrize("middleware", [PassOn, Base])
@pytest.mark.parametrize(("scope", "case"), PLACES)
async def test_each_response_is_as_it_is_without_it(
    scope: str, case: Case, middleware: Any, aiohttp_client: AiohttpClient
) -> None:
    answers = []
    for links in ((), (from_asgi(middleware),)):
        client = await aiohttp_client(make_app(scope, *links))
        async with ask(client, scope, case) as response:
            fields = {name.lower(): value for name, value in response.headers.items()}
            for name in ("date", "x-base", "transfer-encoding"):
                fields.pop(name, None)
            if (
                fields.get("content-length") == "0"
            ):  # which is told where aiohttp sends chunks, of which there are none
                del fields["content-length"]
            answers.append((response.status, fields, await response.read()))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("scope", "case"), PLACES)
async def test_batteries_before_and_behind_set_their_headers_once(
    scope: str, case: Case, aiohttp_client: AiohttpClient
) -> None:
    links = (x_frame_options("DENY"), from_asgi(Mark), x_frame_options("SAMEORIGIN"))
    client = await aiohttp_client(make_app(scope, *links))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert response.headers.getall("X-Mark") == ["1"]
        assert response.headers.getall("X-Frame-Options") == ["SAMEORIGIN"]


async def test_an_error_behind_it_passes_through_it(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: web.Request) -> web.Response:
        raise KeyError("boom")

    for middleware in (PassOn, Base):
        assert (await (await serve(from_asgi(middleware), fail)).get("/")).status == 500
    assert "KeyError: 'boom'" in caplog.text


async def test_what_is_no_response_is_said_to_be_none(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    @web.middleware
    async def forget(request: web.Request, handler: Any) -> Any:
        return None

    link: Any = from_asgi(PassOn)

    async def around(request: web.Request) -> web.StreamResponse:
        async def nothing(request: web.Request) -> Any:
            return None

        response: web.StreamResponse = await link(request, nothing)
        return response

    assert (await (await serve(around)).get("/")).status == 500
    assert "from_asgi(): what stands behind it returned None" in caplog.text


# ---- what a handler writes by itself


@pytest.mark.parametrize("middleware", [PassOn, Base])
async def test_a_stream_goes_through_it_piece_by_piece(middleware: Any, serve: Any) -> None:
    go_on = asyncio.Event()
    if middleware is Base:  # which passes on no empty piece, and so no headers before the first
        go_on.set()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await go_on.wait()
        go_on.clear()
        await response.write(b"first")
        await go_on.wait()
        await response.write(memoryview(b"second"))
        await response.write_eof(b"third")
        assert response.body_length == len("firstsecondthird")
        return response

    response = await (await serve(from_asgi(middleware), stream)).get("/")
    assert response.status == 200, "the headers are there before the first piece"
    go_on.set()
    assert await response.content.readexactly(5) == b"first"
    go_on.set()
    assert await response.read() == b"secondthird"


async def test_a_stream_that_is_compressed_by_aiohttp_stays_readable(serve: Any) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_compression()
        await response.prepare(request)
        for _ in range(10):
            await response.write(b"x" * 10_000)
        await response.write_eof()
        return response

    response = await (await serve(from_asgi(Mark), stream)).get("/", headers={"Accept-Encoding": "deflate"})
    assert response.headers["Content-Encoding"] == "deflate"
    assert await response.read() == b"x" * 100_000


async def test_a_file_is_changed_as_any_body(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("line\n" * 100_000)

    async def send_file(request: web.Request) -> web.FileResponse:
        return web.FileResponse(tmp_path / "file.txt")

    response = await (await serve(from_asgi(GZipMiddleware), send_file)).get("/")
    assert response.headers["Content-Encoding"] == "gzip"
    assert await response.text() == "line\n" * 100_000


async def test_a_response_that_fails_in_the_middle_is_cut_off(serve: Any) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise KeyError("boom")

    response = await (await serve(from_asgi(PassOn), fail)).get("/")
    with pytest.raises(ClientPayloadError):
        await response.read()


async def test_a_client_that_does_not_read_holds_back_the_handler(serve: Any) -> None:
    written = 0

    async def pour(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(256):
            await response.write(b"x" * 256 * 1024)
            written += 1
        return response

    response = await (await serve(from_asgi(PassOn), pour)).get("/")
    await response.content.readexactly(1)
    for _ in range(100):
        await asyncio.sleep(0)
    assert written < 250
    assert len(await response.read()) == 256 * 256 * 1024 - 1


async def test_a_handler_that_closes_the_connection_closes_it(serve: Any) -> None:
    async def close(request: web.Request) -> web.Response:
        response = web.Response(text="bye")
        response.force_close()
        return response

    client = await serve(from_asgi(PassOn), close)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await reader.read()).endswith(b"bye")
    writer.close()
    await writer.wait_closed()


async def test_an_old_client_that_keeps_its_connection_is_told_so_once(serve: Any) -> None:
    client = await serve(from_asgi(PassOn), show)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.lower().count(b"connection: keep-alive") == 1
    writer.close()
    await writer.wait_closed()


# ---- bodies


class ReadAll:
    """Reads the whole body, and passes it on as `times` pieces in upper case."""

    def __init__(self, app: Any, times: int = 1) -> None:
        self.app = app
        self.times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await read_all(receive)).upper()
        left = self.times

        async def replay() -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                return await receive()
            return {"type": "http.request", "body": body, "more_body": left > 0}

        await self.app(scope, replay, send)


class Wrap(PassOn):
    """Passes on each message through a function of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def pass_on() -> Any:
            return await receive()

        await self.app(scope, pass_on, send)


class ReadAndKeep(PassOn):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await read_all(receive)
        await self.app(scope, receive, send)


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


@pytest.mark.parametrize("middleware", [PassOn, Base, CORSMiddleware, GZipMiddleware])
async def test_a_body_comes_through_it(middleware: Any, serve: Any) -> None:
    client = await serve(from_asgi(middleware), echo)
    for body in (b"", b"hello", b"x" * 500_000):
        assert await (await client.post("/", data=body)).read() == body


async def test_a_body_that_it_has_read_and_changed_is_the_changed_one(serve: Any) -> None:
    client = await serve(from_asgi(ReadAll, times=3), from_asgi(Base), echo)
    for body in (b"HELLO", b"X" * 200_000):
        assert await (await client.post("/", data=body.lower())).read() == body * 3


async def test_a_body_that_it_keeps_is_an_error_and_not_empty(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert (await (await serve(from_asgi(ReadAndKeep), echo)).post("/", data=b"x")).status == 500
    assert "has read the body, and has not passed it on" in caplog.text
    assert (await (await serve(from_asgi(ReadAndKeep), show)).post("/", data=b"x")).status == 200


@pytest.mark.parametrize("middleware", [PassOn, Base])
async def test_a_handler_reads_no_more_than_it_asks_for(middleware: Any, serve: Any) -> None:
    async def read_lines(request: web.Request) -> web.Response:
        first = await request.content.readline()
        second = await request.content.readuntil(b";")
        rest = await request.content.readexactly(3)
        assert not request.content.at_eof()
        last = b"".join([piece async for piece in request.content.iter_chunked(2)])
        assert request.content.at_eof()
        return web.Response(body=b"|".join([first, second, rest, last]))

    response = await (await serve(from_asgi(middleware), read_lines)).post("/", data=b"one\ntwo;abcdefg")
    assert await response.read() == b"one\n|two;|abc|defg"


@pytest.mark.parametrize("middleware", [PassOn, Base])
async def test_forms_with_files_come_through_it(middleware: Any, serve: Any) -> None:
    async def take(request: web.Request) -> web.Response:
        posted = await request.post()
        file: Any = posted["file"]
        return web.Response(text=f"{posted['name']!s} {file.filename} {file.file.read().decode()}")

    form = FormData({"name": "ada"})
    form.add_field("file", b"content", filename="a.txt")
    assert await (await (await serve(from_asgi(middleware), take)).post("/", data=form)).text() == "ada a.txt content"


@pytest.mark.parametrize("middleware", [PassOn, Base, ReadAll])
async def test_a_body_that_a_link_before_has_read_is_there_again(middleware: Any, serve: Any) -> None:
    async def peek(request: web.Request) -> None:
        assert await request.read()

    client = await serve(peek, from_asgi(middleware), echo)
    assert await (await client.post("/", data=b"HELLO")).read() == b"HELLO"


@pytest.mark.parametrize("middleware", [PassOn, Base])
async def test_a_form_that_a_link_before_has_read_is_there_again(middleware: Any, serve: Any) -> None:
    async def peek(request: web.Request) -> None:
        assert (await request.post())["name"] == "ada"

    async def take(request: web.Request) -> web.Response:
        return web.Response(text=str((await request.post())["name"]))

    form = FormData({"name": "ada"}, default_to_multipart=True)
    client = await serve(peek, from_asgi(middleware), take)
    assert await (await client.post("/", data=form)).text() == "ada"


async def test_what_a_handler_has_read_a_link_before_can_read_again(serve: Any) -> None:
    async def log(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        assert await request.read() == b"hello"
        return response

    assert (await (await serve(log, from_asgi(PassOn), echo)).post("/", data=b"hello")).status == 200


async def test_a_request_without_a_body_has_none(serve: Any) -> None:
    async def look(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.can_read_body} {request.body_exists} {await request.read()!r}")

    for middleware in (PassOn, Base):
        assert await (await (await serve(from_asgi(middleware), look)).get("/")).text() == "False False b''"


@pytest.mark.parametrize("middleware", [PassOn, Wrap, Base])
async def test_a_body_that_breaks_off_raises_in_the_handler(middleware: Any, serve: Any) -> None:
    came: asyncio.Queue[Any] = asyncio.Queue()

    async def read(request: web.Request) -> web.Response:
        came.put_nowait(await request.content.readany())
        try:
            await request.read()
        except ConnectionError as error:
            came.put_nowait(error)
        return web.Response()

    client = await serve(from_asgi(middleware), read)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    assert await came.get() == b"half"
    writer.close()
    assert isinstance(await came.get(), ConnectionError)


async def test_a_middleware_may_say_that_the_client_has_left(serve: Any) -> None:
    def leave(app: Any) -> Any:
        async def gone() -> Any:
            return {"type": "http.disconnect"}

        async def leave(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, gone, send)

        return leave

    async def read(request: web.Request) -> web.Response:
        with pytest.raises(ConnectionResetError, match="has left before the body was there"):
            await request.read()
        return web.Response(text="raised")

    assert await (await (await serve(from_asgi(leave), read)).post("/", data=b"x")).text() == "raised"


# ---- what it changes


CHANGES = [
    pytest.param({"method": "PUT"}, "PUT /a?b=1", id="method"),
    pytest.param({"path": "/é x"}, "POST /%C3%A9%20x?b=1", id="path"),
    pytest.param({"path": "/x", "raw_path": b"/%78"}, "POST /%78?b=1", id="raw path"),
    pytest.param({"query_string": b"c=%20"}, "POST /a?c=+", id="query"),
    pytest.param({"query_string": b""}, "POST /a", id="no query"),
]


@pytest.mark.parametrize(("changes", "shown"), CHANGES)
async def test_a_changed_scope_is_that_of_the_request(changes: Any, shown: str, serve: Any) -> None:
    client = await serve(from_asgi(change(**changes)), show)
    text = await (await client.post("/a?b=1")).text()
    assert text.replace("%20x", " x").replace("c=%20", "c=+") == shown.replace("%20x", " x")


async def test_changed_headers_scheme_and_client_are_those_of_the_request(serve: Any) -> None:
    async def look(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.headers.getall('X-A')} {request.scheme} {request.remote}")

    changed = change(headers=[(b"x-a", b"1"), (b"x-a", b"2")], scheme="https", client=("203.0.113.9", 0))
    text = await (await (await serve(from_asgi(changed), look)).get("/")).text()
    assert text == "['1', '2'] https 203.0.113.9"


async def test_a_client_that_it_has_taken_away_stays_that_of_the_connection(serve: Any) -> None:
    async def look(request: web.Request) -> web.Response:
        return web.Response(text=str(request.remote))

    assert await (await (await serve(from_asgi(change(client=None)), look)).get("/")).text() == "127.0.0.1"


async def test_what_it_puts_into_the_scope_handlers_and_further_ones_find(serve: Any) -> None:
    async def look(request: web.Request) -> web.Response:
        return web.Response(text=f"{request[ASGI_SCOPE]['mark']} {request[ASGI_SCOPE]['state']}")

    client = await serve(from_asgi(Mark, value="a"), from_asgi(PassOn), look)
    assert await (await client.get("/")).text() == "a {}"


async def test_an_application_behind_it_finds_its_scope_too(serve: Any) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, scope["mark"].encode())

    client = await serve(from_asgi(Mark, value="outer"), asgi(application, lifespan="off"))
    response = await client.get("/")
    assert (await response.text(), response.headers["X-Mark"]) == ("outer", "outer")


async def test_request_keys_are_the_same_on_both_sides(serve: Any) -> None:
    async def before(request: web.Request, handler: Any) -> web.StreamResponse:
        request[NOTE] = "before"
        response: web.StreamResponse = await handler(request)
        assert request[NOTE] == "behind"
        return response

    async def handler(request: web.Request) -> web.Response:
        text, request[NOTE] = request[NOTE], "behind"
        return web.Response(text=f"{text} {request.match_info['path']} {request.app is not None}")

    client = await serve(before, from_asgi(Base), handler)
    assert await (await client.get("/x")).text() == "before x True"


async def test_it_may_answer_by_itself(serve: Any) -> None:
    def answer(app: Any) -> Any:
        return PlainTextResponse("no", 418)

    async def never(request: web.Request) -> web.Response:
        raise AssertionError

    response = await (await serve(from_asgi(answer), never)).get("/")
    assert (response.status, await response.text()) == (418, "no")


async def test_a_scope_of_its_own_is_an_error(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    def forget(app: Any) -> Any:
        async def forget(scope: Scope, receive: Receive, send: Send) -> None:
            await app({"type": "http"}, receive, send)

        return forget

    assert (await (await serve(from_asgi(forget), show)).get("/")).status == 500
    assert "has passed on neither the scope it has got, nor a copy" in caplog.text


async def test_it_is_made_once_and_serves_all_routes(aiohttp_client: AiohttpClient) -> None:
    made: list[Any] = []

    def make(app: Any, **options: Any) -> Any:
        made.append(options)
        return PassOn(app)

    link = from_asgi(make, size=5)
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    for name in "ab":
        router.add_get(f"/{name}", link, requires(ASGI_SCOPE)(show) if name == "a" else show)
    client = await aiohttp_client(app)
    answers = await asyncio.gather(*(client.get(f"/{name}") for name in "abab"))
    assert [await answer.text() for answer in answers] == ["GET /a", "GET /b"] * 2
    assert made == [{"size": 5}]


# ---- WebSockets


async def talk(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"{message.data} {request[ASGI_SCOPE]['type']}")
    return socket


@pytest.mark.parametrize("middleware", [PassOn, Base, GZipMiddleware, Mark])
async def test_a_websocket_passes_where_it_is_meant_to(middleware: Any, serve: Any) -> None:
    client = await serve(x_frame_options(), from_asgi(middleware, websockets=True), talk)
    async with client.ws_connect("/") as socket:
        assert socket._response.headers["X-Frame-Options"] == "DENY"
        await socket.send_str("hi")
        assert await socket.receive_str() == "hi websocket"


async def test_a_websocket_behind_an_http_middleware_tells_the_cure(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await (await serve(from_asgi(PassOn), talk)).ws_connect("/")
    assert caught.value.status == 500
    assert "from_asgi(): a WebSocket was to be accepted behind it; write websockets=True" in caplog.text


class Refuse(PassOn):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await PlainTextResponse("no", 401)(scope, receive, send)
            return
        await self.app(scope, receive, send)


async def test_nobody_gets_around_a_middleware_by_asking_for_a_websocket(serve: Any) -> None:
    ran: list[str] = []

    async def secret(request: web.Request) -> web.Response:
        ran.append("secret")
        return web.Response(text="secret")

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"secret")
        return response

    async def see_other(request: web.Request) -> web.Response:
        raise web.HTTPFound("/secret")

    client = await serve(from_asgi(Refuse), secret)
    assert (await client.get("/", headers=UPGRADE)).status == 401
    assert ran == []
    for handler in (secret, stream, see_other):
        client = await serve(from_asgi(Refuse, websockets=True), handler)
        response = await client.get("/", headers=UPGRADE, allow_redirects=False)
        assert response.status == (302 if handler is see_other else 400)
        assert "secret" not in await response.text()


async def test_a_websocket_that_fails_when_it_is_open_gets_no_second_answer(serve: Any) -> None:
    """A middleware that refuses it then would have a 403 written into the open WebSocket."""

    class Swallow(PassOn):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await self.app(scope, receive, send)
            except KeyError:
                await send({"type": "websocket.close", "code": 1011})

    async def fail(request: web.Request) -> web.WebSocketResponse:
        await web.WebSocketResponse().prepare(request)
        raise KeyError("boom")

    client = await serve(from_asgi(Swallow, websockets=True), fail)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    lines = ["GET / HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in UPGRADE.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert b"403" not in await reader.read()
    writer.close()


@pytest.mark.parametrize("raw_path", [{}, {"raw_path": None}], ids=["old", "none"])
async def test_a_path_may_come_without_its_raw_form(raw_path: dict[str, Any], serve: Any) -> None:
    """Which is optional in ASGI."""
    link = from_asgi(change(path="/ä b", query_string=b"y=2", **raw_path))
    assert await (await (await serve(link, show)).get("/a?x=1")).text() == "GET /%C3%A4%20b?y=2"


async def test_an_error_in_place_of_a_websocket_comes_out(serve: Any) -> None:
    async def refuse(request: web.Request) -> web.Response:
        raise web.HTTPForbidden

    async def miss(request: web.Request) -> web.Response:
        return web.Response(status=404)

    for handler, status in ((refuse, 403), (miss, 404)):
        client = await serve(from_asgi(PassOn, websockets=True), handler)
        assert (await client.get("/", headers=UPGRADE)).status == status


async def test_it_may_refuse_a_websocket(serve: Any) -> None:
    client = await serve(from_asgi(TrustedHostMiddleware, allowed_hosts=["shop.example"], websockets=True), talk)
    assert (await client.get("/", headers=UPGRADE)).status == 400
    async with client.ws_connect("/", headers={"Host": "shop.example"}) as socket:
        await socket.close()
        assert (await socket.receive()).type is WSMsgType.CLOSED


# ---- Starlette's own


async def test_gzip_compresses_what_is_long(serve: Any) -> None:
    client = await serve(from_asgi(GZipMiddleware, minimum_size=1000), long)
    response = await client.get("/", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert int(response.headers["Content-Length"]) < 200
    assert await response.text() == "long " * 1000
    plain = await client.get("/", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    head = await client.head("/", headers={"Accept-Encoding": "gzip"})
    assert (head.status, await head.read()) == (200, b"")


async def test_gzip_compresses_a_stream_that_a_handler_writes(serve: Any) -> None:
    go_on = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await go_on.wait()
        await response.write_eof(b"second")
        return response

    client = await serve(from_asgi(GZipMiddleware), stream)
    async with client.get("/") as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert await response.content.readexactly(5) == b"first"
        go_on.set()
        assert await response.read() == b"second"


async def test_cors_answers_preflights_and_marks_the_rest(serve: Any) -> None:
    cors = from_asgi(CORSMiddleware, allow_origins=["https://shop.example"], allow_methods=["PUT"])
    client = await serve(cors, show)
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"}
    preflight = await client.options("/", headers=asked)
    assert (preflight.status, preflight.headers["Access-Control-Allow-Methods"]) == (200, "PUT")
    response = await client.put("/", headers={"Origin": "https://shop.example"})
    assert (await response.text(), response.headers["Access-Control-Allow-Origin"]) == (
        "PUT /",
        "https://shop.example",
    )


async def test_a_session_is_kept_from_request_to_request(serve: Any) -> None:
    async def count(request: web.Request) -> web.Response:
        session = request[ASGI_SCOPE]["session"]
        session["count"] = session.get("count", 0) + 1
        return web.Response(text=str(session["count"]))

    client = await serve(from_asgi(SessionMiddleware, secret_key="k" * 32), from_asgi(Base), count)
    assert [await (await client.get("/")).text() for _ in range(3)] == ["1", "2", "3"]


async def test_trusted_host_and_https_redirect_answer_by_themselves(serve: Any) -> None:
    client = await serve(from_asgi(TrustedHostMiddleware, allowed_hosts=["shop.example"]), show)
    assert (await client.get("/")).status == 400
    assert (await client.get("/", headers={"Host": "shop.example"})).status == 200
    client = await serve(from_asgi(HTTPSRedirectMiddleware), show)
    response = await client.get("/a?b=1", allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (307, f"https://127.0.0.1:{client.port}/a?b=1")


async def test_a_base_middleware_may_answer_itself_and_fail(serve: Any) -> None:
    class Moody(BaseHTTPMiddleware):
        async def dispatch(self, request: Any, call_next: Any) -> Any:
            if request.url.path == "/no":
                return PlainTextResponse("no", 403)
            if request.url.path == "/body":
                return PlainTextResponse(await request.body() + await _body(await call_next(request)))
            raise KeyError("moody")

    client = await serve(from_asgi(Moody), echo)
    assert (await client.get("/no")).status == 403
    assert (await client.get("/else")).status == 500
    assert await (await client.post("/body", data=b"hi")).text() == "hihi"


async def _body(response: Any) -> bytes:
    return b"".join([piece async for piece in response.body_iterator])


# ---- others


async def test_a_correlation_id_is_in_the_context_of_the_handler(serve: Any) -> None:
    async def show_id(request: web.Request) -> web.Response:
        return web.Response(text=f"{correlation_id.get()} {request.headers['X-Request-ID']}")

    response = await (await serve(from_asgi(CorrelationIdMiddleware), show_id)).get("/")
    one = response.headers["X-Request-ID"]
    assert await response.text() == f"{one} {one}"


def test_moesif_sees_request_and_response() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.adapters.moesif_process"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    seen = json.loads(done.stdout)
    (event,) = seen["told"]
    assert seen["answer"] == [201, {"id": 1, "title": "First"}]
    assert (event["request"]["verb"], event["request"]["body"]) == ("POST", {"title": "First"})
    assert event["request"]["uri"].endswith("/posts?draft=1")
    assert (event["response"]["status"], event["response"]["body"]) == (201, seen["answer"][1])


async def test_the_middlewares_of_lilya_are_links_too(serve: Any) -> None:
    pytest.importorskip("lilya", reason="it needs an older multidict than the rest")
    client = await serve(
        from_asgi("lilya.middleware.trustedhost:TrustedHostMiddleware", allowed_hosts=["shop.example"]), show
    )
    assert (await client.get("/")).status == 400
    links = [
        from_asgi("lilya.middleware.cors:CORSMiddleware", allow_origins=["https://shop.example"]),
        from_asgi("lilya.middleware.security:SecurityMiddleware", content_policy={"default-src": "'self'"}),
        from_asgi("lilya.middleware.compression:GZipMiddleware", minimum_size=100),
    ]
    response = await (await serve(*links, long)).get("/", headers={"Origin": "https://shop.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Content-Security-Policy" in response.headers
    assert response.headers["Content-Encoding"] == "gzip"
    assert await response.text() == "long " * 1000


# ---- options


def test_a_middleware_may_be_named() -> None:
    name = "starlette.middleware.gzip:GZipMiddleware"
    assert name_link(from_asgi(name, minimum_size=5)) == f"from_asgi({name})"
    assert name_link(from_asgi(GZipMiddleware)) == "from_asgi(GZipMiddleware)"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"middleware": "nowhere:A"}, "importing nowhere failed", id="no module"),
        pytest.param({"middleware": 5}, "middleware is", id="no class"),
        pytest.param({"middleware": lambda app: None}, "what", id="makes nothing"),
        pytest.param({"middleware": PassOn, "websockets": "yes"}, "websockets='yes'", id="websockets"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_asgi(**options)
    assert str(caught.value).startswith("from_asgi(): ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("middleware", "problem"),
    [
        pytest.param(
            GZipMiddleware(show_scope),
            "GZipMiddleware is an instance, made already; pass the class: from_asgi(GZipMiddleware, ...)",
            id="an instance",
        ),
        pytest.param(
            show_scope, "show_scope is an ASGI application; end the chain with asgi(...)", id="an application"
        ),
        pytest.param(
            Starlette(),
            "Starlette is an ASGI application; end the chain with asgi(...)",
            id="an application of another",
        ),
        pytest.param(
            lambda environ, start_response: None, "is a WSGI application; end the chain with wsgi(...)", id="WSGI"
        ),
    ],
)
def test_what_makes_no_middleware_is_told_what_it_is(middleware: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_asgi(middleware)
    assert problem in str(caught.value)


def test_options_are_passed_by_name() -> None:
    make: Any = from_asgi
    with pytest.raises(ConfigurationError) as caught:
        make(CORSMiddleware, {"allow_origins": "secret"})
    assert str(caught.value) == (
        "from_asgi(): options are passed by name; write from_asgi(CORSMiddleware, option=value), or **options"
    )


# ---- what does not go together, as the docstring says


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("*", 200)])
async def test_a_preflight_needs_a_route_of_its_own(method: str, status: int, aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_route(method, "/", from_asgi(CORSMiddleware, allow_origins=["*"]), long)
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    assert (await (await aiohttp_client(app)).options("/", headers=headers)).status == status


async def test_gzip_before_etag_leaves_the_tag_of_what_was_not_compressed(serve: Any) -> None:
    links = (from_asgi(GZipMiddleware), etag(), long)
    client = await serve(*links)
    packed = await client.get("/", headers={"Accept-Encoding": "gzip"})
    plain = await client.get("/", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] == plain.headers["ETag"]
    assert not packed.headers["ETag"].startswith("W/")


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "behind"])
async def test_a_cache_keeps_responses_before_it_and_none_behind_it(is_before: bool, serve: Any) -> None:
    links = [response_cache(store=MemoryStore(), ttl=60), from_asgi(PassOn)]
    client = await serve(*(links if is_before else reversed(links)), long)
    told = [(await client.get("/")).headers["Cache-Status"] for _ in range(2)]
    assert ("hit" in told[1]) is is_before
    assert all("detail=replaced" in one for one in told) is not is_before


async def test_a_path_with_two_slashes_names_no_other_host(aiohttp_client: AiohttpClient) -> None:
    def add_query(app: Any) -> Any:
        async def add_query(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "query_string": b"y=2"}, receive, send)

        return add_query

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.host} {request.path}")

    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/{tail:.*}", from_asgi(add_query), show)
    client = await aiohttp_client(app)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET //evil.example/q?x=1 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"shop.example //evil.example/q")
    writer.close()
