"""The end of a request is told once, when its last byte is sent, or its client has gone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, web
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.telemetry.completion import watch
from aiohttp_route_middleware.typedefs import Handler

FILE = Path(__file__)


class Ends:
    """The ends that were told, and one to wait for."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[int | None, bool]] = asyncio.Queue()

    def finish(self, response: web.StreamResponse | None, was_sent: bool) -> None:
        self.told.put_nowait((None if response is None else response.status, was_sent))


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
        assert await app[ENDS].told.get() == (status, True)
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
    assert await app[ENDS].told.get() == (200, True)


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
    assert await asyncio.wait_for(app[ENDS].told.get(), 5) == (200, False)
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
    assert await app[ENDS].told.get() == (None, False)


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
    assert await app[ENDS].told.get() == (101, True)


async def test_what_breaks_off_is_told_as_not_sent(aiohttp_client: AiohttpClient) -> None:
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
    assert await asyncio.wait_for(app[ENDS].told.get(), 5) == (200, False)


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
    assert await app[ENDS].told.get() == (200, True)
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
    assert await asyncio.wait_for(app[ENDS].told.get(), 5) == (200, False)


async def test_each_of_several_sees_the_response(aiohttp_client: AiohttpClient) -> None:
    app = make_app()
    router: Any = app.router
    router.add_get("/twice", watched, answer)
    client = await aiohttp_client(app)
    async with client.get("/twice"):
        pass
    assert [await app[ENDS].told.get() for _ in range(2)] == [(200, True)] * 2
