"""timeout(): what takes too long is answered with 504, or cut off."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientError, ClientPayloadError, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.timeout import timeout
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.typedefs import Handler

from .. import scopes
from ..scopes import each_scope, path_in

SHORT, LONG = 0.01, 3600
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


async def hang(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


async def hurry(request: web.Request) -> web.Response:
    return web.Response(text="in time")


def make_app(handler: Any, *links: Any) -> web.Application:
    return scopes.make_app("route", links, {"GET /": handler, "POST /": handler})


class Watch:
    """A middleware around a timeout, that sees how it ends."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.ended = asyncio.Event()

    @property
    def link(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                return await handler(request)
            except BaseException as error:
                self.errors.append(error)
                raise
            finally:
                self.ended.set()

        return watch


@each_scope
async def test_what_takes_too_long_is_answered_with_504_in_every_scope(
    scope: str, aiohttp_client: AiohttpClient
) -> None:
    app = scopes.make_app(scope, [timeout(SHORT)], {"GET /hang": hang, "GET /hurry": hurry})
    client = await aiohttp_client(app)
    for path, status in (("/hang", 504), ("/hurry", 200), ("/hang", 504)):
        async with client.get(path_in(scope, path)) as response:
            assert response.status == status


async def test_what_hangs_is_cancelled(aiohttp_client: AiohttpClient) -> None:
    cancelled = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        try:
            return await hang(request)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with (await aiohttp_client(make_app(handler, timeout(SHORT)))).get("/") as response:
        assert (response.status, cancelled.is_set()) == (504, True)


@pytest.mark.parametrize("length", [None, 1000], ids=["in chunks", "of a known length"])
async def test_a_response_that_has_begun_is_cut_off(
    length: int | None, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = length
        await response.prepare(request)
        await response.write(b"begun")
        return await hang(request)

    watch = Watch()
    client = await aiohttp_client(make_app(handler, watch.link, timeout(SHORT)))
    async with client.get("/") as response:
        assert response.status == 200
        with pytest.raises((ClientPayloadError, ConnectionError)):
            await response.read()
    await watch.ended.wait()
    assert isinstance(watch.errors[0], asyncio.TimeoutError)
    assert "504" not in caplog.text


async def test_a_client_that_does_not_read_is_cut_off(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(2**20))

    watch = Watch()
    client = await aiohttp_client(make_app(handler, watch.link, timeout(SHORT)))
    _, writer = await asyncio.open_connection(client.host, client.port, limit=1)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await watch.ended.wait()
    assert isinstance(watch.errors[0], asyncio.TimeoutError)
    writer.transport.abort()


async def test_a_response_that_is_prepared_and_waits_for_its_body_is_cut_off(aiohttp_client: AiohttpClient) -> None:
    """Its head is written, but not sent; a 504 in its place would be framed as it was to be."""

    async def handler(request: web.Request) -> web.StreamResponse:
        async def pieces() -> Any:
            await asyncio.Event().wait()
            yield b""

        response = web.Response(body=pieces())
        await response.prepare(request)
        await response.write_eof()
        return response

    client = await aiohttp_client(make_app(handler, timeout(SHORT)))
    with pytest.raises(ClientError):
        async with client.get("/"):
            pass


async def test_after_100_continue_the_answer_is_504(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(hang, timeout(SHORT)))
    async with client.post("/", data=b"body", expect100=True) as response:
        assert response.status == 504


@pytest.mark.parametrize("error", [TimeoutError, asyncio.TimeoutError], ids=["built in", "asyncio"])
async def test_a_timeout_error_of_the_handler_stays_its_own(
    error: type[Exception], aiohttp_client: AiohttpClient
) -> None:
    """What is not handled, aiohttp answers with a 504 of its own (built in, on Python 3.10, with 500)."""
    raised = error("of a database")

    async def handler(request: web.Request) -> web.Response:
        raise raised

    statuses = []
    for links in ([], [timeout(LONG)]):
        watch = Watch()
        async with (await aiohttp_client(make_app(handler, watch.link, *links))).get("/") as response:
            statuses.append((response.status, await response.text()))
        assert watch.errors == [raised]
    assert statuses[0] == statuses[1]


@pytest.mark.parametrize(("outer", "inner"), [(SHORT, LONG), (LONG, SHORT)])
async def test_of_several_the_shortest_counts(outer: float, inner: float, aiohttp_client: AiohttpClient) -> None:
    between = Watch()
    app = make_app(hang, timeout(outer), between.link, timeout(inner))
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 504
    (error,) = between.errors
    assert isinstance(error, asyncio.CancelledError if outer < inner else web.HTTPGatewayTimeout)


async def test_a_cancellation_from_outside_stays_one(aiohttp_client: AiohttpClient) -> None:
    started = asyncio.Event()
    watch = Watch()

    async def handler(request: web.Request) -> web.Response:
        started.set()
        return await hang(request)

    client = await aiohttp_client(make_app(handler, watch.link, timeout(LONG)))
    asking = asyncio.create_task(client.get("/"))
    await started.wait()
    asking.cancel()
    await watch.ended.wait()
    assert [type(error) for error in watch.errors] == [asyncio.CancelledError]


async def test_the_answer_that_a_handler_gives_when_it_is_cancelled_counts(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        try:
            return await hang(request)
        except asyncio.CancelledError:
            raise web.HTTPServiceUnavailable from None

    async with (await aiohttp_client(make_app(handler, timeout(SHORT)))).get("/") as response:
        assert response.status == 503


async def test_a_websocket_is_left_alone(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await asyncio.sleep(SHORT * 3)
            await socket.send_str(message.data)
        return socket

    client = await aiohttp_client(make_app(handler, timeout(SHORT)))
    async with client.ws_connect("/") as socket:
        for _ in range(2):
            await socket.send_str("still here")
            assert await socket.receive_str() == "still here"


async def test_a_handshake_that_takes_too_long_is_answered_with_504(aiohttp_client: AiohttpClient) -> None:
    async with (await aiohttp_client(make_app(hang, timeout(SHORT)))).get("/", headers=HANDSHAKE) as response:
        assert response.status == 504


async def test_who_asks_for_a_websocket_and_gets_a_stream_is_cut_off(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        return await hang(request)

    client = await aiohttp_client(make_app(handler, timeout(SHORT)))
    async with client.get("/", headers=HANDSHAKE) as response:
        with pytest.raises((ClientPayloadError, ConnectionError)):
            await response.read()


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_the_seconds_may_depend_on_the_request(kind: str, aiohttp_client: AiohttpClient) -> None:
    def choose(request: web.Request) -> float | None:
        return {"GET": SHORT, "POST": None}[request.method]

    async def choose_async(request: web.Request) -> float | None:
        return choose(request)

    started = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if request.method == "GET":
            started.set()
            return await hang(request)
        await asyncio.sleep(SHORT * 3)
        return web.Response()

    client = await aiohttp_client(make_app(handler, timeout(choose if kind == "plain" else choose_async)))
    async with client.get("/") as response:
        assert response.status == 504
    async with client.post("/") as response:
        assert response.status == 200


@pytest.mark.parametrize("seconds", [0, -1, "10", float("inf"), True], ids=repr)
async def test_what_a_function_returns_must_be_seconds(
    seconds: Any, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with (await aiohttp_client(make_app(hurry, timeout(lambda request: seconds)))).get("/") as response:
        assert response.status == 500
    assert "pass a number of seconds, 0.001 or more" in caplog.text


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, False], ids=repr)
def test_wrong_seconds_are_refused_at_once(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"timeout\(\): seconds=.*; pass a number of seconds, 0.001 or more"):
        timeout(seconds)


@pytest.mark.parametrize("seconds", ["10", "10s", None, [10]], ids=repr)
def test_what_is_neither_seconds_nor_a_function_is_refused_at_once_with_the_cure(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^timeout\(\): seconds=.*; pass seconds as a number, as in"):
        timeout(seconds)


def choose_seconds(request: web.Request) -> float:
    return 1


def test_its_name_tells_the_seconds() -> None:
    assert name_link(timeout(10)) == "timeout(10)"
    assert name_link(timeout(0.5)) == "timeout(0.5)"
    assert name_link(timeout(choose_seconds)) == "timeout(choose_seconds)"


async def test_the_connection_goes_on_after_a_504(aiohttp_client: AiohttpClient) -> None:
    connections: set[Any] = set()

    async def handler(request: web.Request) -> web.Response:
        connections.add(request.transport)
        return await hang(request)

    app = web.Application()
    app.router.add_get("/", chain(timeout(SHORT), handler))
    client = await aiohttp_client(app)
    for _ in range(2):
        async with client.get("/") as response:
            assert response.status == 504
    assert len(connections) == 1
