"""The end of a request is told once: when its last byte is sent, its client has gone, or its handler has failed."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientWSTimeout, web
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.sending import cut_off
from aiohttp_route_middleware.support.telemetry.completion import watch
from aiohttp_route_middleware.support.telemetry.ends import End
from aiohttp_route_middleware.typedefs import Handler

FILE = Path(__file__)


class Ends:
    """The ends that were told, and one to wait for."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[int | None, str]] = asyncio.Queue()
        self.errors: list[str] = []
        self.bodies: list[int | None] = []

    def finish(self, end: End) -> None:
        self.errors.append(type(end.error).__name__)
        self.bodies.append(end.body)
        self.told.put_nowait((None if end.response is None else end.response.status, end.outcome))

    async def read(self) -> tuple[int | None, str]:
        return await asyncio.wait_for(self.told.get(), 5)


@web.middleware
async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await watch(request, handler, "watched", request.app[ENDS].finish)


ENDS = web.AppKey("ENDS", Ends)


async def answer(_: web.Request) -> web.Response:
    return web.Response(text="answer")


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"a")
    return response


async def send_file(_: web.Request) -> web.FileResponse:
    return web.FileResponse(FILE)


async def refuse(_: web.Request) -> web.Response:
    raise web.HTTPForbidden


async def fail(_: web.Request) -> web.Response:
    raise RuntimeError("unforeseen")


HANDLERS = {"answer": answer, "stream": stream, "file": send_file, "refuse": refuse, "fail": fail}


def make_app(**handlers: Any) -> web.Application:
    app = web.Application()
    setup(app)
    app[ENDS] = Ends()
    router = UrlDispatcherEx.install(app, watched)
    for name, handler in {**HANDLERS, **handlers}.items():
        router.add_get(f"/{name}", handler)
    return app


@pytest.mark.parametrize(
    ("path", "status"), [("answer", 200), ("stream", 200), ("file", 200), ("refuse", 403), ("fail", 500)]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_end_is_told_once_with_the_response(
    path: str, status: int, method: str, aiohttp_client: AiohttpClient
) -> None:
    if method == "HEAD" and path == "stream":  # which writes what no answer to HEAD may have
        return
    app = make_app()
    client = await aiohttp_client(app)
    for _ in range(2):
        async with client.request(method, f"/{path}") as response:
            await response.read()
        assert await app[ENDS].read() == (status, "sent")
    assert app[ENDS].told.empty()


async def test_nothing_is_told_before_the_last_byte(aiohttp_client: AiohttpClient) -> None:
    go_on = asyncio.Event()

    async def talk(request: web.Request) -> web.StreamResponse:
        response = await stream(request)
        await go_on.wait()
        return response

    app = make_app(talk=talk)
    client = await aiohttp_client(app)
    async with client.get("/talk") as response:
        assert await response.content.readany() == b"a"
        assert app[ENDS].told.empty()
        go_on.set()
    assert await app[ENDS].read() == (200, "sent")


async def test_a_client_that_goes_before_the_end_is_told() -> None:
    begun = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        begun.set()
        with pytest.raises(OSError, match="Connection lost"):
            await request.read()
        return web.Response(text="too late")

    app = make_app(wait=wait)
    runner = web.AppRunner(app, handler_cancellation=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
    await begun.wait()
    writer.transport.abort()
    assert await app[ENDS].read() == (200, "aborted")
    await runner.cleanup()


async def test_a_cancelled_handler_is_told(aiohttp_server: AiohttpServer) -> None:
    begun = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        begun.set()
        await asyncio.Event().wait()
        return web.Response()

    app = make_app(wait=wait)
    server = await aiohttp_server(app)  # which cancels handlers
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    await begun.wait()
    writer.transport.abort()
    assert await app[ENDS].read() == (None, "aborted")


async def test_a_websocket_ends_when_its_handler_has_returned(aiohttp_client: AiohttpClient) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            await response.send_str(message.data)
        return response

    app = make_app(echo=echo)
    client = await aiohttp_client(app)
    async with client.ws_connect("/echo") as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
        assert app[ENDS].told.empty()
    assert await app[ENDS].read() == (101, "sent")


async def test_a_handler_that_fails_when_its_answer_has_begun_is_told_with_its_exception(
    aiohttp_client: AiohttpClient,
) -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        raise RuntimeError("cannot go on")

    app = make_app(begin=begin)
    client = await aiohttp_client(app)
    async with client.get("/begin") as response:
        with pytest.raises(ClientError):
            await response.read()
    assert await app[ENDS].read() == (200, "failed")
    assert app[ENDS].errors == ["RuntimeError"]


async def test_what_was_told_already_is_not_told_again(aiohttp_client: AiohttpClient) -> None:
    async def finish(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write_eof(b"all")
        raise RuntimeError("too late to matter")

    app = make_app(finish=finish)
    client = await aiohttp_client(app)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /finish HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"all" in await reader.read()  # to the end of the connection, which is cut
    writer.close()
    assert await app[ENDS].read() == (200, "sent")
    assert app[ENDS].told.empty()


async def test_a_body_that_fails_while_it_is_sent_is_told(aiohttp_client: AiohttpClient) -> None:
    async def send(_: web.Request) -> web.Response:
        async def pieces() -> Any:
            yield b"a"
            raise RuntimeError("cannot go on")

        return web.Response(body=pieces())

    app = make_app(send=send)
    client = await aiohttp_client(app)
    with pytest.raises(ClientError):
        async with client.get("/send") as response:
            await response.read()
    assert await app[ENDS].read() == (200, "failed")
    assert app[ENDS].errors == ["RuntimeError"]


async def test_each_of_several_sees_the_response(aiohttp_client: AiohttpClient) -> None:
    app = make_app()
    router: Any = app.router
    router.add_get("/twice", watched, answer)
    client = await aiohttp_client(app)
    async with client.get("/twice"):
        pass
    assert [await app[ENDS].read() for _ in range(2)] == [(200, "sent")] * 2


async def refuse_late(request: web.Request) -> web.StreamResponse:
    await stream(request)
    raise web.HTTPForbidden


async def answer_twice(request: web.Request) -> web.StreamResponse:
    await stream(request)
    return web.Response(status=404, headers={"Connection": "close"})


async def lose_database(request: web.Request) -> web.StreamResponse:
    await stream(request)
    raise ConnectionRefusedError("database")


async def cut(request: web.Request) -> web.StreamResponse:
    await stream(request)
    cut_off(request)
    raise asyncio.TimeoutError


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (refuse_late, "HTTPForbidden"),
        (answer_twice, "NoneType"),
        (lose_database, "ConnectionRefusedError"),
        (cut, "TimeoutError"),
    ],
)
async def test_an_answer_that_the_server_has_broken_off_has_failed_with_the_status_that_was_sent(
    handler: Any, error: str, aiohttp_server: AiohttpServer
) -> None:
    app = make_app(broken=handler)
    server = await aiohttp_server(app)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET /broken HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
    assert await app[ENDS].read() == (200, "failed")
    assert app[ENDS].errors == [error]
    assert app[ENDS].told.empty()


async def test_a_link_before_that_fails_when_the_answer_has_begun_is_told(aiohttp_server: AiohttpServer) -> None:
    @web.middleware
    async def fail_late(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        raise LookupError

    app = web.Application(middlewares=[fail_late, watched])
    setup(app)
    app[ENDS] = Ends()
    app.router.add_get("/stream", stream)
    server = await aiohttp_server(app)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await reader.read()
    writer.close()
    assert await app[ENDS].read() == (200, "failed")
    assert app[ENDS].errors == ["LookupError"]


async def test_a_500_in_place_of_what_was_prepared_and_not_sent_is_a_whole_answer(
    aiohttp_client: AiohttpClient,
) -> None:
    async def prepare(request: web.Request) -> web.Response:
        await web.Response(text="never").prepare(request)
        raise RuntimeError("before a byte is sent")

    app = make_app(prepare=prepare)
    client = await aiohttp_client(app)
    async with client.get("/prepare") as response:
        assert response.status == 500
    assert await app[ENDS].read() == (500, "sent")
    assert app[ENDS].errors == ["RuntimeError"]


async def test_a_link_that_runs_in_a_task_of_its_own_ends_with_the_request_not_with_the_task(
    aiohttp_client: AiohttpClient,
) -> None:
    @web.middleware
    async def in_task(request: web.Request, handler: Handler) -> web.StreamResponse:
        task: asyncio.Future[web.StreamResponse] = asyncio.ensure_future(handler(request))
        return await task

    app = web.Application(middlewares=[in_task, watched])
    setup(app)
    app[ENDS] = Ends()
    app.router.add_get("/answer", answer)
    client = await aiohttp_client(app)
    for _ in range(3):
        async with client.get("/answer"):
            pass
        assert await app[ENDS].read() == (200, "sent")


@pytest.mark.parametrize("ends", ["client", "vanished", "server", "failed"])
async def test_a_websocket_is_told_by_how_it_was_closed(ends: str, aiohttp_client: AiohttpClient) -> None:
    async def talk(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse(timeout=1)
        await response.prepare(request)
        await response.receive()
        if ends == "failed":
            raise RuntimeError("in the middle")
        return response

    app = make_app(talk=talk)
    client = await aiohttp_client(app)
    socket = await client.ws_connect("/talk")
    if ends == "vanished":
        connection: Any = socket._conn  # there is no other door
        connection.transport.abort()
    elif ends == "client":
        await socket.close()
    else:
        await socket.send_str("go on")
        await socket.receive()
    expected = {"vanished": "aborted", "failed": "failed"}.get(ends, "sent")
    assert await app[ENDS].read() == (101, expected)
    assert app[ENDS].bodies == [None]
    await socket.close()
    assert app[ENDS].told.empty()


async def send_length(_: web.Request) -> web.Response:
    return web.Response(body=b"12345")


async def not_modified(_: web.Request) -> web.Response:
    return web.Response(status=304)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/length", {}, 5),
        ("HEAD", "/length", {}, 0),
        ("GET", "/none", {}, 0),
        ("GET", "/stream", {}, len(b"1\r\na\r\n0\r\n\r\n")),
        ("GET", "/file", {}, FILE.stat().st_size),
        ("HEAD", "/file", {}, 0),
        ("GET", "/file", {"Range": "bytes=0-9"}, 10),
        ("GET", "/file", {"If-None-Match": "*"}, 0),
        ("GET", "/file", {"Range": f"bytes={10**9}-"}, len(b"0\r\n\r\n")),
    ],
)
async def test_bytes_of_the_body_are_those_that_were_written(
    method: str, path: str, headers: dict[str, str], body: int, aiohttp_client: AiohttpClient
) -> None:
    app = make_app(length=send_length, none=not_modified)
    client = await aiohttp_client(app)
    async with client.request(method, path, headers=headers) as response:
        await response.read()
    assert (await app[ENDS].read())[1] == "sent"
    assert app[ENDS].bodies == [body]


@pytest.mark.parametrize("cancels", [True, False], ids=["cancelled", "not cancelled"])
@pytest.mark.parametrize("kind", ["pieces", "file"])
async def test_of_an_answer_that_nobody_reads_less_than_its_length_is_told(
    kind: str, cancels: bool, tmp_path: Path
) -> None:
    size = 64_000_000
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(size)

    async def send(request: web.Request) -> web.StreamResponse:
        if kind == "file":
            return web.FileResponse(path)
        response = web.StreamResponse(headers={"Content-Length": str(size)})
        await response.prepare(request)
        for _ in range(size // 1_000_000):
            await response.write(bytes(1_000_000))
        return response

    app = make_app(large=send)
    runner = web.AppRunner(app, handler_cancellation=cancels)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.transport.abort()
    assert await app[ENDS].read() == (200, "aborted")
    (body,) = app[ENDS].bodies
    assert body is None if kind == "file" else body is not None and 0 <= body < size
    assert app[ENDS].errors == ["NoneType"]
    await runner.cleanup()


async def test_who_is_told_and_raises_harms_nobody(aiohttp_client: AiohttpClient) -> None:
    reported: list[Any] = []

    @web.middleware
    async def broken(request: web.Request, handler: Handler) -> web.StreamResponse:
        def finish(_: End) -> None:
            raise RuntimeError("cannot tell")

        return await watch(request, handler, "broken", finish)

    app = make_app()
    router: Any = app.router
    router.add_get("/twice", broken, answer)
    client = await aiohttp_client(app)
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reported.append(report["message"]))
    async with client.get("/twice") as response:
        assert await response.text() == "answer"
    assert await app[ENDS].read() == (200, "sent")
    assert reported == ["broken() could not tell of a request"]


async def test_a_connection_that_stays_open_does_not_collect_what_is_over(aiohttp_client: AiohttpClient) -> None:
    counts: list[int] = []

    async def look(request: web.Request) -> web.Response:
        task: Any = request.task
        counts.append(len(task._callbacks))  # there is no other door
        return web.Response()

    client = await aiohttp_client(make_app(look=look))
    for _ in range(5):
        async with client.get("/look"):
            pass
    assert len(set(counts)) == 1


@pytest.mark.parametrize("closes", [True, False], ids=["closed before", "open"])
async def test_a_websocket_whose_handler_returns_something_else_is_told_by_how_it_was_closed(
    closes: bool,
    aiohttp_client: AiohttpClient,
) -> None:
    async def talk(request: web.Request) -> web.Response:
        socket = web.WebSocketResponse(autoclose=closes)
        await socket.prepare(request)
        await socket.receive()
        return web.Response(headers={"Connection": "close"})

    app = make_app(talk=talk)
    client = await aiohttp_client(app)
    socket = await client.ws_connect("/talk", timeout=ClientWSTimeout(ws_close=1))
    await socket.close()
    assert await app[ENDS].read() == (101, "sent")
    assert app[ENDS].told.empty()


async def test_what_a_handler_ends_by_the_writer_itself_is_told_once(aiohttp_client: AiohttpClient) -> None:
    async def end(request: web.Request) -> web.StreamResponse:
        response = await stream(request)
        await request.writer.write_eof()
        return response

    app = make_app(end=end)
    client = await aiohttp_client(app)
    async with client.get("/end") as response:
        assert await response.read() == b"a"
    assert await app[ENDS].read() == (200, "sent")
    assert app[ENDS].told.empty()
