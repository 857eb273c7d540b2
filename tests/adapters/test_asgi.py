"""ASGI applications behind links: what comes in and goes out is what uvicorn makes of it, and streams both ways."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientPayloadError, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from fastapi import BackgroundTasks, FastAPI, Request, WebSocket
from pytest_aiohttp.plugin import AiohttpClient
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute

from aiohttp_route_middleware import RegistrationError, chain, name_link
from aiohttp_route_middleware.adapters.asgi import asgi
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.secure_headers import secure_headers
from aiohttp_route_middleware.support.asgi.messages import Receive, Scope, Send

from ..middlewares.wire import send as send_lines
from ..support.asgi.worlds import PatientServer, make_app, read_all, respond, show_scope, uvicorn_port

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Any:
    """Serve an ASGI application that takes no part in lifespans."""

    async def serve(application: Any, *links: Any, **options: Any) -> Any:
        app = make_app(application, "/{tail:.*}", *links, lifespan="off", **options)
        return await aiohttp_client(PatientServer(app))

    return serve


# ---- requests and responses, as uvicorn has them


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_all(receive)
    await respond(send, b"%s %d %s" % (scope["method"].encode(), len(body), body[:20]))


def answering(*messages: Any) -> Any:
    """An application that sends just these messages."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(dict(message))

    return application


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}


def piece(body: bytes = b"", more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


LENGTH = (b"content-length", b"5")
ANSWERS = {
    "a body": (start(LENGTH, (b"content-type", b"text/plain")), piece(b"hello")),
    "pieces of a known length": (start(LENGTH), piece(b"he", True), piece(b"llo")),
    "no body": (start((b"content-length", b"0")), piece()),
    "several cookies": (start(LENGTH, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")), piece(b"hello")),
    "bytes that are UTF-8": (start(LENGTH, (b"x-text", "é".encode())), piece(b"hello")),
    "204": (start(status=204), piece()),
    "304": (start((b"etag", b'"1"'), status=304), piece()),
    "404": (start(LENGTH, status=404), piece(b"hello")),
    "close": (start(LENGTH, (b"connection", b"close")), piece(b"hello")),
}
REQUESTS = {
    "GET": ("GET / HTTP/1.1", "Host: a"),
    "HEAD": ("HEAD / HTTP/1.1", "Host: a"),
    "HTTP/1.0": ("GET / HTTP/1.0",),
}


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("name", ANSWERS)
async def test_a_response_is_the_one_that_uvicorn_sends(name: str, request_name: str, serve: Any) -> None:
    application = answering(*ANSWERS[name])
    ours = await send_lines(await serve(application), *REQUESTS[request_name])
    async with uvicorn_port(application, lifespan="off") as port:
        place: Any = SimpleNamespace(host="127.0.0.1", port=port)
        theirs = await send_lines(place, *REQUESTS[request_name])
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    assert list_fields(ours) == list_fields(theirs)


def list_fields(answer: Any) -> list[tuple[str, str]]:
    """What the application has said, without what a server adds."""
    added = {"date", "server", "connection"}
    if ("content-type", "application/octet-stream") in answer.headers.items():
        added.add("content-type")
    fields = [(name.lower(), value) for name, value in answer.headers.items()]
    return [
        field for field in fields if field[0] not in added and field != ("content-type", "application/octet-stream")
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
async def test_bodies_of_all_methods_come_whole(method: str, serve: Any) -> None:
    client = await serve(echo)
    response = await client.request(method, "/", data=b"x" * 300_000)
    assert await response.text() == f"{method} 300000 {'x' * 20}"


async def test_a_request_without_a_body_is_one_empty_piece(serve: Any) -> None:
    client = await serve(echo)
    assert await (await client.get("/")).text() == "GET 0 "


async def test_a_body_is_answered_before_it_has_ended(serve: Any) -> None:
    """Piece by piece, both ways: each is answered before the next is sent."""

    async def shout(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        while (message := await receive())["more_body"]:
            await send(piece(message["body"].upper(), True))
        await send(piece(message["body"].upper()))

    answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def pieces() -> AsyncIterator[bytes]:
        for one in (b"one", b"two"):
            yield one
            assert await answers.get() == one.upper()

    client = await serve(shout)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    await reader.readuntil(b"ONE\r\n")
    writer.write(b"3\r\ntwo\r\n")
    await reader.readuntil(b"TWO\r\n")
    writer.write(b"0\r\n\r\n")
    assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_nobody_reads_is_not_taken_into_memory(serve: Any) -> None:
    go_on = asyncio.Event()
    sizes: list[int] = []

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        await go_on.wait()
        while (message := await receive())["more_body"]:
            sizes.append(len(message["body"]))
        await respond(send, b"done")

    client = await serve(wait)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    size = 64 * 1024**2
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)

    async def upload() -> None:
        for _ in range(64):
            writer.write(b"x" * 1024**2)
            await writer.drain()

    uploading = asyncio.ensure_future(upload())
    for _ in range(300):
        await asyncio.sleep(0)
    assert not uploading.done(), "the client is held back"
    go_on.set()
    await uploading
    assert b"done" in await reader.read()
    assert max(sizes) <= 4 * 1024**2
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_reads_slowly_holds_back_the_application(serve: Any) -> None:
    sent = 0

    async def pour(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send(start())
        for _ in range(256):
            await send(piece(b"x" * 256 * 1024, True))
            sent += 1
        await send(piece())

    client = await serve(pour)
    response = await client.get("/")
    await response.content.readexactly(1)
    for _ in range(100):
        await asyncio.sleep(0)
    assert sent < 250
    assert len(await response.read()) == 256 * 256 * 1024 - 1


async def test_the_first_piece_is_there_before_the_second_is_made(serve: Any) -> None:
    go_on = asyncio.Event()

    async def drip(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start((b"content-type", b"text/event-stream")))
        await send(piece(b"first", True))
        await go_on.wait()
        await send(piece(b"second"))

    response = await (await serve(drip)).get("/")
    assert await response.content.readexactly(5) == b"first"
    go_on.set()
    assert await response.read() == b"second"


async def test_a_body_of_one_piece_tells_its_length(serve: Any) -> None:
    response = await (await serve(answering(start(), piece(b"hello")))).get("/")
    assert (response.headers["Content-Length"], await response.text()) == ("5", "hello")


async def test_a_body_of_several_pieces_goes_in_chunks(serve: Any) -> None:
    client = await serve(answering(start(), piece(b"he", True), piece(b"", True), piece(b"llo")))
    response = await client.get("/")
    assert (response.headers["Transfer-Encoding"], await response.text()) == ("chunked", "hello")
    old = await send_lines(client, "GET / HTTP/1.0")
    assert (old.body, old.headers["Transfer-Encoding"]) == (b"hello", None)


async def test_head_does_not_say_that_there_would_be_no_body(serve: Any) -> None:
    response = await (await serve(answering(start(), piece()))).head("/")
    assert "Content-Length" not in response.headers


async def test_a_status_without_a_phrase_is_sent(serve: Any) -> None:
    assert (await (await serve(answering(start(status=299), piece()))).get("/")).status == 299


async def test_transfer_encoding_and_a_doubled_length_are_put_right(serve: Any) -> None:
    client = await serve(answering(start((b"transfer-encoding", b"chunked"), LENGTH, LENGTH), piece(b"hello")))
    response = await client.get("/")
    assert response.headers.getall("Content-Length") == ["5"]
    assert await response.text() == "hello"


async def test_a_connection_that_is_to_be_closed_is_closed(serve: Any) -> None:
    client = await serve(answering(start((b"connection", b"close")), piece(b"hello")))
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await reader.read()).endswith(b"hello")
    writer.close()
    await writer.wait_closed()


async def test_who_expects_to_be_told_to_go_on_is_told(serve: Any) -> None:
    client = await serve(echo)
    response = await client.post("/", data=b"hello", expect100=True)
    assert await response.text() == "POST 5 hello"


async def test_a_compressed_body_comes_decompressed_and_says_so(serve: Any) -> None:
    async def measure(scope: Scope, receive: Receive, send: Send) -> None:
        names = b",".join(name for name, _ in scope["headers"] if name.startswith(b"content-"))
        await respond(send, names + b" %d" % len(await read_all(receive)))

    packed = gzip.compress(b"x" * 5000)
    response = await (await serve(measure)).post("/", data=packed, headers={"Content-Encoding": "gzip"})
    assert await response.text() == "content-type 5000"


# ---- what links before have done


async def test_a_body_that_a_link_has_read_is_there_again(serve: Any) -> None:
    async def peek(request: web.Request) -> None:
        assert await request.text() == "hello"

    client = await serve(echo, peek)
    assert await (await client.post("/", data=b"hello")).text() == "POST 5 hello"


async def test_a_body_that_a_link_has_used_up_is_an_error_and_not_empty(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def use_up(request: web.Request) -> None:
        async for _ in request.content.iter_any():
            pass

    client = await serve(echo, use_up)
    assert (await client.post("/", data=b"hello")).status == 500
    assert "a link before has read the body piece by piece" in caplog.text


async def test_links_before_refuse_and_batteries_set_headers(aiohttp_client: AiohttpClient) -> None:
    app = make_app(
        answering(start(), piece(b"in")), "/{tail:.*}", secure_headers(), basic_auth({"a": "b"}), lifespan="off"
    )
    setup(app)
    client = await aiohttp_client(app)
    assert (await client.get("/")).status == 401
    response = await client.get("/", headers={"Authorization": "Basic YTpi"})
    assert await response.text() == "in"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_it_ends_a_chain_and_stands_alone_on_the_router_of_aiohttp(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    app.router.add_route("*", "/a/{tail:.*}", asgi(show_scope, lifespan="off"))
    app.router.add_route("*", "/b/{tail:.*}", chain(basic_auth({"a": "b"}), asgi(show_scope, lifespan="off")))
    client = await aiohttp_client(app)
    assert (await (await client.get("/a/x")).json(content_type=None))["root_path"] == "/a"
    assert (await client.get("/b/x")).status == 401


# ---- what goes wrong


async def boom(scope: Scope, receive: Receive, send: Send) -> None:
    raise KeyError("boom")


async def test_what_raises_before_its_response_is_a_500(serve: Any) -> None:
    assert (await (await serve(boom)).get("/")).status == 500


async def test_an_exception_passes_through_the_links_before(serve: Any) -> None:
    async def rescue(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except KeyError:
            return web.Response(status=503)
        return response

    assert (await (await serve(boom, rescue)).get("/")).status == 503


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((), id="nothing"),
        pytest.param((start(),), id="a start that nothing follows"),
        pytest.param((piece(b"x"),), id="a body without a start"),
        pytest.param((start(), start()), id="two starts"),
        pytest.param((start(status=101), piece()), id="a status that is none of a response"),
        pytest.param(({**start(), "status": "200"}, piece()), id="a status that is no number"),
        pytest.param((start((b"x", b"a\r\nb: c")), piece()), id="a header that is two"),
        pytest.param((start((b"content-length", b"-1")), piece()), id="a length that is none"),
        pytest.param((start(LENGTH, (b"content-length", b"6")), piece()), id="two lengths"),
    ],
)
async def test_a_response_that_is_none_is_a_500(messages: Any, serve: Any) -> None:
    response = await (await serve(answering(*messages))).get("/")
    assert response.status == 500
    assert "b" not in response.headers


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((start(), piece(b"half", True)), id="it returns"),
        pytest.param((start(), piece(b"half", True), start()), id="another message"),
        pytest.param((start((b"content-length", b"8")), piece(b"half", True), piece()), id="less than its length"),
        pytest.param(
            (start((b"content-length", b"8")), piece(b"half", True), piece(b"and more")), id="more than that"
        ),
    ],
)
async def test_half_a_response_is_cut_off(messages: Any, serve: Any) -> None:
    response = await (await serve(answering(*messages))).get("/")
    assert response.status == 200
    with pytest.raises(ClientPayloadError):
        await response.read()


async def test_what_fails_after_its_response_is_logged_and_the_connection_goes_on(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await read_all(receive)
        await respond(send, b"all")
        with pytest.raises(RuntimeError, match="after the response was complete"):
            await send(piece())
        assert await receive() == {"type": "http.disconnect"}
        raise KeyError("late")

    client = await serve(late)
    for _ in range(2):
        response = await client.get("/")
        assert (response.status, await response.text()) == (200, "all")
    assert "failed after its response to GET /" in caplog.text


async def test_who_waits_is_told_that_the_client_has_left(serve: Any) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        await read_all(receive)
        await send(start())
        await send(piece(b"first", True))
        told.put_nowait(await receive())
        with pytest.raises(OSError, match=r"."):
            await send(piece(b"second", True))
        told.put_nowait(await receive())
        raise OSError("nobody is there")

    client = await serve(wait)
    response = await client.post("/", data=b"x")
    await response.content.readexactly(5)
    response.close()
    assert [await told.get() for _ in range(2)] == [{"type": "http.disconnect"}] * 2


async def test_a_client_that_leaves_before_the_response_is_no_error(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        came.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()
        raise RuntimeError("told nobody")

    client = await serve(wait)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await came.wait()
    writer.close()
    await left.wait()
    await client.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_body_that_breaks_off_does_not_look_whole(serve: Any) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            told.put_nowait(message["body"])
        told.put_nowait(message["type"])

    client = await serve(read)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    assert await told.get() == b"half"
    writer.close()
    assert await told.get() == "http.disconnect"


async def test_a_malformed_body_is_a_400(serve: Any) -> None:
    client = await serve(echo)
    answer = await send_lines(
        client,
        "POST / HTTP/1.1",
        "Host: a",
        "Content-Encoding: gzip",
        "Content-Length: 20",
        "Connection: close",
        "",
        "x" * 20,
    )
    assert answer.status == 400


async def test_a_handler_that_is_cancelled_cancels_the_application() -> None:
    came, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        came.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with TestClient(TestServer(make_app(wait, lifespan="off"))) as client:
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await came.wait()
        writer.close()
        await cancelled.wait()


# ---- lifespan


def living(told: list[str]) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        told.append("up")
        yield {"database": "open"}
        told.append("down")

    async def show(request: Request) -> Any:
        return StreamingResponse(iter([request.state.database]))

    return Starlette(routes=[Route("/", show)], lifespan=lifespan)


@pytest.mark.parametrize("lifespan", ["auto", "on"])
async def test_the_application_lives_as_long_as_the_one_around_it(lifespan: str) -> None:
    told: list[str] = []
    async with TestClient(TestServer(make_app(living(told), lifespan=lifespan))) as client:
        assert told == ["up"]
        assert await (await client.get("/")).text() == "open"
    assert told == ["up", "down"]


async def test_it_lives_as_long_as_a_sub_application_too() -> None:
    told: list[str] = []
    app = web.Application()
    app.add_subapp("/sub", make_app(living(told)))
    async with TestClient(TestServer(app)) as client:
        assert await (await client.get("/sub/")).text() == "open"
    assert told == ["up", "down"]


async def test_what_fails_at_its_start_keeps_the_server_from_starting() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await open_database()
        yield

    async def open_database() -> None:
        raise OSError("the database is down")

    with pytest.raises(RuntimeError, match="the database is down"):
        await TestServer(make_app(FastAPI(lifespan=lifespan))).start_server()


@pytest.mark.parametrize("lifespan", ["auto", "on", "off"])
async def test_it_is_tied_to_one_application_once(lifespan: str) -> None:
    """The second time is refused where it is written; the first stays what it is, from the start to the end."""
    told: list[str] = []
    app = web.Application()
    endpoint = asgi(living(told), lifespan=lifespan)
    endpoint.run_with(app)
    with pytest.raises(ConfigurationError) as caught:
        endpoint.run_with(app)
    assert str(caught.value) == "asgi(): run_with() was called twice with one application; call it once"
    async with TestServer(app):
        assert told == ([] if lifespan == "off" else ["up"])
    assert told == ([] if lifespan == "off" else ["up", "down"])


async def test_it_is_not_tied_to_two_applications_that_run_at_once() -> None:
    told: list[str] = []
    app, other = web.Application(), web.Application()
    endpoint = asgi(living(told))
    endpoint.run_with(app)
    endpoint.run_with(other)
    app.add_subapp("/other", other)
    runner = web.AppRunner(app)
    with pytest.raises(RuntimeError, match="the lifespan of Starlette is running already, in another application"):
        await runner.setup()
    await runner.cleanup()
    assert told == ["up", "down"]


async def test_a_request_to_what_was_not_started_tells_the_cure(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    app.router.add_get("/", asgi(living([])))
    assert (await (await aiohttp_client(app)).get("/")).status == 500
    assert "asgi(): Starlette was not started; call run_with(app) of the endpoint" in caplog.text


# ---- WebSockets


async def chat(socket: WebSocket) -> None:
    await socket.accept(subprotocol="chat", headers=[(b"x-room", b"1"), (b"sec-websocket-protocol", b"no")])
    async for text in socket.iter_text():
        if text == "leave":
            await socket.close(4001, "é" * 100)
            return
        await socket.send_text(text.upper())
        await socket.send_bytes(text.encode())


CHAT = Starlette(routes=[WebSocketRoute("/ws", chat)])


async def test_a_websocket_speaks_text_and_bytes(serve: Any) -> None:
    client = await serve(CHAT)
    async with client.ws_connect("/ws", protocols=("other", "chat")) as socket:
        assert socket.protocol == "chat"
        assert socket._response.headers["X-Room"] == "1"
        await socket.send_str("hi")
        assert (await socket.receive_str(), await socket.receive_bytes()) == ("HI", b"hi")
        await socket.send_str("leave")
        message = await socket.receive()
    assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4001, "é" * 61)


def socket_application(told: asyncio.Queue[Any], *answers: Any) -> Any:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        told.put_nowait(await receive())
        for answer in answers:
            await send(answer)
        while True:
            message = await receive()
            told.put_nowait(message)
            if message["type"] == "websocket.disconnect":
                assert await receive() == message
                return

    return application


ACCEPT = {"type": "websocket.accept"}


@pytest.mark.parametrize(
    ("code", "reason", "told_code", "told_reason"),
    [
        pytest.param(1000, b"", 1000, "", id="normal"),
        pytest.param(4321, b"bye", 4321, "bye", id="of its own"),
    ],
)
async def test_the_code_of_a_client_is_told(
    code: int, reason: bytes, told_code: int, told_reason: str, serve: Any
) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    client = await serve(socket_application(told, ACCEPT))
    async with client.ws_connect("/") as socket:
        await socket.send_bytes(b"\0")
        await socket.close(code=code, message=reason)
    assert await told.get() == {"type": "websocket.connect"}
    assert await told.get() == {"type": "websocket.receive", "bytes": b"\0"}
    assert await told.get() == {"type": "websocket.disconnect", "code": told_code, "reason": told_reason}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(b"\x88\x80\0\0\0\0", 1005, id="closed without a code"),
        pytest.param(b"", 1006, id="gone"),
        pytest.param(b"\x83\x80\0\0\0\0", 1002, id="not of the protocol"),
    ],
)
async def test_the_end_of_a_websocket_has_a_code(frame: bytes, code: int, serve: Any) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    client = await serve(socket_application(told, ACCEPT))
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write("\r\n".join(["GET / HTTP/1.1", "Host: a", *UPGRADE, "", ""]).encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame)
    if not frame:
        writer.close()
    assert (await told.get())["type"] == "websocket.connect"
    assert (await told.get())["code"] == code
    writer.close()


async def test_a_client_that_leaves_before_it_is_accepted_has_code_1006(serve: Any) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    client = await serve(socket_application(told))
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write("\r\n".join(["GET / HTTP/1.1", "Host: a", *UPGRADE, "", ""]).encode())
    assert (await told.get())["type"] == "websocket.connect"
    writer.close()
    assert await told.get() == {"type": "websocket.disconnect", "code": 1006, "reason": ""}


async def test_who_accepts_a_client_that_has_left_gets_an_oserror(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    came: asyncio.Queue[Any] = asyncio.Queue()

    async def accept_late(scope: Scope, receive: Receive, send: Send) -> None:
        came.put_nowait(await receive())
        assert (await receive())["code"] == 1006
        try:
            await send(ACCEPT)
        except OSError as error:
            came.put_nowait(error)
            raise

    client = await serve(accept_late)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write("\r\n".join(["GET / HTTP/1.1", "Host: a", *UPGRADE, "", ""]).encode())
    await came.get()
    writer.close()
    assert isinstance(await came.get(), OSError)
    await client.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_who_waits_for_a_message_while_it_is_closed_is_told_how(serve: Any) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()

    async def close_while_waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        await send({"type": "websocket.close", "code": 4002, "reason": "enough"})
        told.put_nowait(await waiting)

    async with (await serve(close_while_waiting)).ws_connect("/") as socket:
        assert (await socket.receive()).data == 4002
    assert await told.get() == {"type": "websocket.disconnect", "code": 4002, "reason": "enough"}


async def test_a_websocket_that_is_not_accepted_is_a_403(serve: Any) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close", "code": 4000})
        assert (await receive())["type"] == "websocket.connect"
        assert (await receive())["code"] == 1006
        with pytest.raises(RuntimeError, match=r"websocket.accept was sent after the WebSocket was refused"):
            await send(ACCEPT)

    client = await serve(refuse)
    with pytest.raises(WSServerHandshakeError) as caught:
        await client.ws_connect("/")
    assert caught.value.status == 403


async def test_a_websocket_may_be_refused_with_a_response(serve: Any) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"www-authenticate", b"Basic")]
        await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"who ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"are you?"})

    answer = await send_lines(await serve(refuse), "GET / HTTP/1.1", "Host: a", *UPGRADE[:1], *UPGRADE[2:], UPGRADE[1])
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Basic")
    assert b"are you?" in answer.body


@pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Sec-WebSocket-Version"])
async def test_a_handshake_that_is_none_is_a_400(missing: str, serve: Any) -> None:
    lines = [line for line in UPGRADE if not line.startswith(missing)]
    answer = await send_lines(await serve(boom), "GET / HTTP/1.1", "Host: a", *lines)
    assert (answer.status, answer.headers["Sec-WebSocket-Version"]) == (400, "13")


@pytest.mark.parametrize(
    "application",
    [
        pytest.param(boom, id="raises"),
        pytest.param(answering(), id="returns"),
        pytest.param(answering({"type": "websocket.send", "text": "x"}), id="sends at once"),
        pytest.param(answering({**ACCEPT, "headers": [(b"a b", b"")]}), id="a header that is none"),
        pytest.param(
            answering({"type": "websocket.http.response.start", "status": 401, "headers": []}), id="half a refusal"
        ),
    ],
)
async def test_a_websocket_without_an_answer_is_a_500(application: Any, serve: Any) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await (await serve(application)).ws_connect("/")
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        pytest.param((ACCEPT,), 1000, id="it returns"),
        pytest.param((ACCEPT, {"type": "websocket.close"}), 1000, id="it closes"),
        pytest.param((ACCEPT, {"type": "websocket.close", "code": 1013, "reason": None}), 1013, id="with a code"),
        pytest.param((ACCEPT, ACCEPT), 1011, id="it fails"),
    ],
)
async def test_an_open_websocket_is_closed_in_the_end(messages: Any, code: int, serve: Any) -> None:
    async with (await serve(answering(*messages))).ws_connect("/") as socket:
        message = await socket.receive()
    assert (message.type, message.data) == (WSMsgType.CLOSE, code)


async def talk_to_the_end(client: Any) -> bytes:
    """Shake hands, and return all that is sent after that."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write("\r\n".join(["GET / HTTP/1.1", "Host: a", *UPGRADE, "", ""]).encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        frame = await reader.readexactly(2)
        frame += await reader.readexactly(frame[1])
        writer.write(b"\x88\x80\0\0\0\0")
        assert await reader.read() == b""
    except (asyncio.IncompleteReadError, ConnectionResetError):
        frame = b""
    finally:
        writer.close()
    return frame


def close_frame(code: int, reason: str = "") -> bytes:
    return bytes([0x88, 2 + len(reason.encode())]) + code.to_bytes(2, "big") + reason.encode()


@pytest.mark.parametrize(
    ("close", "frame"),
    [
        pytest.param({}, close_frame(1000), id="no code"),
        pytest.param({"code": None}, close_frame(1000), id="none"),
        pytest.param({"code": 1005, "reason": "x"}, close_frame(1000, "x"), id="1005 says that there is no code"),
        pytest.param({"code": 1006}, b"", id="1006 says that there was no frame"),
        pytest.param({"code": 1015}, b"", id="1015 says that TLS has failed"),
        *(pytest.param({"code": code}, close_frame(code), id=str(code)) for code in (1001, 1003, 1014, 3000, 4999)),
        *(
            pytest.param({"code": code}, close_frame(1011), id=f"{code!r} is none")
            for code in (-1, 0, 1, 999, 1004, 1016, 2999, 5000, 70000, "1000", 1000.5)
        ),
        pytest.param({"code": 4000, "reason": "é" * 80}, close_frame(4000, "é" * 61), id="a long reason"),
        pytest.param({"code": 4000, "reason": "x" * 123}, close_frame(4000, "x" * 123), id="the longest reason"),
        pytest.param({"code": 4000, "reason": b"x"}, close_frame(1011), id="a reason that is no text"),
        pytest.param({"code": 4000, "reason": "\ud800"}, close_frame(1011), id="a reason that is no Unicode"),
    ],
)
async def test_no_close_frame_has_a_code_that_may_not_be_sent(
    close: Any, frame: bytes, serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 6455, section 7.4; what is none is an error of the application, and in the log."""
    client = await serve(answering(ACCEPT, {"type": "websocket.close", **close}))
    assert await talk_to_the_end(client) == frame
    assert ("failed at the WebSocket /" in caplog.text) == (frame == close_frame(1011))


async def test_who_cuts_a_websocket_off_is_told_so(serve: Any) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    client = await serve(socket_application(told, ACCEPT, {"type": "websocket.close", "code": 1006}))
    assert await talk_to_the_end(client) == b""
    await told.get()
    assert await told.get() == {"type": "websocket.disconnect", "code": 1006, "reason": ""}


async def test_who_sends_to_a_client_that_has_left_gets_an_oserror(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        try:
            await send({"type": "websocket.send", "text": "x"})
        finally:
            ended.set()

    client = await serve(application)
    async with client.ws_connect("/"):
        pass
    await ended.wait()
    await client.close()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_open_websockets_are_closed_when_the_server_stops() -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    server = TestServer(make_app(socket_application(told, ACCEPT), lifespan="off"))
    async with TestClient(server) as client:
        socket = await client.ws_connect("/")
        await told.get()
        stopping = asyncio.ensure_future(server.app.shutdown())
        message = await socket.receive()
        await stopping
    assert (message.type, message.data) == (WSMsgType.CLOSE, 1012)
    assert await told.get() == {"type": "websocket.disconnect", "code": 1012, "reason": ""}


@pytest.mark.parametrize("code", [None, 4000])
async def test_a_websocket_ends_for_a_client_as_uvicorn_ends_it(code: int | None, serve: Any) -> None:
    messages: list[dict[str, Any]] = [ACCEPT, {"type": "websocket.send", "bytes": b"x"}, {"type": "websocket.close"}]
    if code is not None:
        messages[-1] = {**messages[-1], "code": code, "reason": "why"}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    client = await serve(application)
    async with uvicorn_port(application, lifespan="off") as port:
        seen = []
        for url in (client.make_url("/"), f"http://127.0.0.1:{port}/"):
            async with client.session.ws_connect(url) as socket:
                seen.append([await socket.receive() for _ in range(2)])
    assert seen[0] == seen[1]


# ---- frameworks


async def test_fastapi_stands_behind_authentication_under_a_path(aiohttp_client: AiohttpClient) -> None:
    api, done = FastAPI(), asyncio.Event()

    @api.post("/items/{number}")
    async def item(number: int, request: Request, tasks: BackgroundTasks) -> dict[str, Any]:
        tasks.add_task(done.set)
        return {"number": number, "url": str(request.url_for("item", number=2).path), "body": await request.json()}

    client = await aiohttp_client(make_app(api, "/api/{tail:.*}", basic_auth({"ada": "b"})))
    assert (await client.post("/api/items/1", json=1)).status == 401
    response = await client.post("/api/items/1", json=[5], headers={"Authorization": "Basic YWRhOmI="})
    assert await response.json() == {"number": 1, "url": "/api/items/2", "body": [5]}
    await done.wait()
    refused = await client.post("/api/items/one", json=1, headers={"Authorization": "Basic YWRhOmI="})
    assert refused.status == 422
    schema = await client.get("/api/openapi.json", headers={"Authorization": "Basic YWRhOmI="})
    assert (await schema.json())["servers"] == [{"url": "/api"}]


@pytest.mark.parametrize(
    ("route", "path", "status", "root"),
    [
        pytest.param("/old/{tail:.*}", "/old", 404, "", id="the slash belongs to the route"),
        pytest.param("/old{tail:(?:/.*)?}", "/old", 200, "/old", id="nothing"),
        pytest.param("/old{tail:(?:/.*)?}", "/old/", 200, "/old", id="the slash"),
        pytest.param("/old{tail:(?:/.*)?}", "/old/a/b", 200, "/old", id="more"),
        pytest.param("/old{tail:(?:/.*)?}", "/older", 404, "", id="another word"),
    ],
)
async def test_a_mount_may_be_asked_for_without_its_slash(
    route: str, path: str, status: int, root: str, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(show_scope, route))
    response = await client.get(path)
    assert response.status == status
    if status == 200:
        scope = await response.json(content_type=None)
        assert (scope["root_path"], scope["path"]) == (root, path)


async def test_starlette_redirects_from_its_mount_to_its_first_page(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(living([]), "/old{tail:(?:/.*)?}"))
    response = await client.get("/old")
    assert (response.status, response.url.path, await response.text()) == (200, "/old/", "open")


async def test_starlette_sends_its_error_page_and_the_error_is_logged(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(request: Request) -> Any:
        raise KeyError("boom")

    response = await (await serve(Starlette(routes=[Route("/", fail)]))).get("/")
    assert (response.status, await response.text()) == (500, "Internal Server Error")
    assert "failed after its response" in caplog.text


async def test_a_stream_of_starlette_ends_when_its_client_leaves(serve: Any) -> None:
    ended = asyncio.Event()

    async def forever() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0)
        finally:
            ended.set()

    async def stream(request: Request) -> Any:
        return StreamingResponse(forever())

    client = await serve(Starlette(routes=[Route("/", stream)]))
    response = await client.get("/")
    await response.content.readexactly(1000)
    response.close()
    await ended.wait()


# ---- options


def speak_wsgi(environ: Any, start_response: Any) -> Any: ...


def test_it_stands_nowhere_but_at_the_end() -> None:
    """It looks like a guard, and would answer every request."""

    async def show(request: web.Request) -> web.Response:
        return web.Response()

    endpoint = asgi(show_scope)
    for links in ((endpoint, show), ([endpoint], endpoint)):
        with pytest.raises(RegistrationError, match=r"link 1 of 2, asgi\(show_scope\) .* always answers; put it last"):
            chain(*links)


def test_an_application_may_be_named() -> None:
    endpoint = asgi("tests.support.asgi.worlds:show_scope")
    assert name_link(endpoint) == "asgi(tests.support.asgi.worlds:show_scope)"
    assert name_link(asgi(show_scope)) == "asgi(show_scope)"
    assert name_link(asgi(CHAT)) == "asgi(Starlette)"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"app": "nowhere:app"}, "importing nowhere failed", id="no module"),
        pytest.param({"app": "app"}, "is not written as package.module:attribute", id="no colon"),
        pytest.param({"app": "json:shop"}, "json has no shop", id="no attribute"),
        pytest.param({"app": 5}, "app is", id="no application"),
        pytest.param({"app": speak_wsgi}, "app is a WSGI application; end the chain with wsgi(...)", id="WSGI"),
        pytest.param({"lifespan": "of"}, "lifespan='of'; write 'off'", id="lifespan"),
        pytest.param({"lifespan": True}, "lifespan=True", id="no lifespan"),
        pytest.param({"root_path": "/api/"}, "root_path='/api/'", id="root_path"),
        pytest.param({"heartbeat": 0}, "heartbeat=0", id="heartbeat"),
        pytest.param({"max_message": "1M"}, "max_message='1M'", id="max_message"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        asgi(**{"app": show_scope, **options})
    assert str(caught.value).startswith("asgi(): ")
    assert problem in str(caught.value)


async def test_the_heartbeat_and_the_longest_message_are_those_that_were_said(serve: Any) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    client = await serve(socket_application(told, ACCEPT), heartbeat=30, max_message=10)
    async with client.ws_connect("/") as socket:
        await socket.send_bytes(b"x" * 11)
        assert (await socket.receive()).data == 1009
    assert (await told.get())["type"] == "websocket.connect"
    assert (await told.get())["code"] == 1009


async def test_lilya_stands_behind_a_path_with_its_lifespan(aiohttp_client: AiohttpClient) -> None:
    pytest.importorskip("lilya", reason="it needs an older multidict than the rest")
    client = await aiohttp_client(make_app("tests.adapters.lilya_application:app", "/api/{tail:.*}", lifespan="on"))
    response = await client.get("/api/hello/ada")
    assert await response.json() == {"hello": "ada", "is_up": True}
