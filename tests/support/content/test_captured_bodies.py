"""A body is kept while it is sent, whole or not at all."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.content.captured_bodies import capture_body
from aiohttp_route_middleware.support.responses import on_response

from ...middlewares.wire import send

BODY = b"0123456789" * 1000
THIS_FILE = Path(__file__).read_bytes()


class Taker:
    """Captures the responses of an application, and remembers them."""

    def __init__(self, limit: int = 100_000) -> None:
        self.taken: list[bytes | None] = []
        self._limit = limit

    async def done(self, body: bytes | None) -> None:
        self.taken.append(body)

    @web.middleware
    async def take(self, request: web.Request, handler: Any) -> web.StreamResponse:
        def apply(request: web.Request, response: web.StreamResponse) -> None:
            capture_body(request, response, self.done, limit=self._limit)

        on_response(request, "take", apply)
        answer: web.StreamResponse = await handler(request)
        return answer


async def send_text(_: web.Request) -> web.Response:
    return web.Response(body=BODY)


async def send_payload(_: web.Request) -> web.Response:
    async def pieces() -> Any:
        yield BODY[:100]
        yield BODY[100:]

    return web.Response(body=pieces())


async def send_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for start in range(0, len(BODY), 1000):
        await response.write(memoryview(BODY)[start : start + 1000])
    return response


async def send_compressed(_: web.Request) -> web.Response:
    response = web.Response(body=BODY)
    response.enable_compression(web.ContentCoding.gzip)
    return response


async def send_compressed_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_compression(web.ContentCoding.gzip)
    await response.prepare(request)
    await response.write(BODY)
    return response


async def send_empty(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def send_too_little(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "10"})
    await response.prepare(request)
    await response.write(b"four")
    return response


async def send_strange_length(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()

    async def announce(_: web.Request, prepared: web.StreamResponse) -> None:
        if prepared is response:
            prepared.headers["Content-Length"] = "\u00b2"

    on_response(request, "announce", announce)
    await response.prepare(request)
    await response.write(b"four")
    return response


async def break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"four")
    raise RuntimeError("on the way")


async def client_for(aiohttp_client: AiohttpClient, taker: Taker, handler: Any) -> Any:
    app = web.Application(middlewares=[taker.take])
    setup(app)
    app.router.add_get("/", handler)
    return await aiohttp_client(app)


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(send_text, id="returned"),
        pytest.param(send_payload, id="a payload"),
        pytest.param(send_stream, id="a stream"),
    ],
)
async def test_the_whole_body_is_captured_and_still_sent(handler: Any, aiohttp_client: AiohttpClient) -> None:
    taker = Taker()
    client = await client_for(aiohttp_client, taker, handler)
    async with client.get("/") as answer:
        assert await answer.read() == BODY
    assert taker.taken == [BODY]


async def test_a_file_is_captured(aiohttp_client: AiohttpClient) -> None:
    async def send_file(_: web.Request) -> web.FileResponse:
        return web.FileResponse(Path(__file__))

    taker = Taker()
    client = await client_for(aiohttp_client, taker, send_file)
    async with client.get("/") as answer:
        assert await answer.read() == THIS_FILE
    assert taker.taken == [THIS_FILE]


async def test_what_aiohttp_has_compressed_at_once_is_captured_as_it_is_sent(aiohttp_client: AiohttpClient) -> None:
    taker = Taker()
    client = await client_for(aiohttp_client, taker, send_compressed)
    async with client.get("/") as answer:
        assert await answer.read() == BODY
    (body,) = taker.taken
    assert body is not None
    assert body[:2] == b"\x1f\x8b"


async def test_a_response_without_a_body_has_an_empty_one(aiohttp_client: AiohttpClient) -> None:
    taker = Taker()
    client = await client_for(aiohttp_client, taker, send_empty)
    async with client.get("/") as answer:
        assert answer.status == 204
    assert taker.taken == [b""]


async def test_the_answer_to_head_is_captured_without_its_body(aiohttp_client: AiohttpClient) -> None:
    taker = Taker()
    client = await client_for(aiohttp_client, taker, send_text)
    async with client.head("/") as answer:
        assert answer.content_length == len(BODY)
    assert taker.taken == [b""]


@pytest.mark.parametrize(
    ("handler", "limit"),
    [
        pytest.param(send_text, 9_999, id="returned and too large"),
        pytest.param(send_stream, 4_999, id="a stream that is too large"),
        pytest.param(send_compressed_stream, 100_000, id="a stream that aiohttp compresses"),
    ],
)
async def test_of_some_bodies_nothing_is_kept(handler: Any, limit: int, aiohttp_client: AiohttpClient) -> None:
    taker = Taker(limit)
    client = await client_for(aiohttp_client, taker, handler)
    async with client.get("/") as answer:
        assert await answer.read() == BODY
    assert taker.taken == [None]


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(send_too_little, id="shorter than announced"),
        pytest.param(send_strange_length, id="a length that is no number"),
    ],
)
async def test_a_body_of_another_length_than_announced_is_not_kept(
    handler: Any, aiohttp_client: AiohttpClient
) -> None:
    taker = Taker()
    client = await client_for(aiohttp_client, taker, handler)
    await send(client, "GET / HTTP/1.1", "Host: a")
    assert taker.taken == [None]


@pytest.mark.filterwarnings("ignore:::aiohttp")
async def test_what_its_handler_broke_off_is_not_captured(aiohttp_client: AiohttpClient) -> None:
    taker = Taker()
    client = await client_for(aiohttp_client, taker, break_off)
    await send(client, "GET / HTTP/1.1", "Host: a")
    assert taker.taken == []
