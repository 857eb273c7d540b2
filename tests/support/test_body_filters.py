"""Filters see each piece of a body on its way out, whoever writes it, and may change it."""

import asyncio
import gzip
import zlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.body_filters import add_filter, clear_filters, forget_length
from aiohttp_route_middleware.support.responses import Apply, on_response

BODY = b"0123456789" * 20_000


class Gzip:
    """Compresses, and gives out what it has after each piece."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(wbits=31)

    async def write(self, piece: bytes) -> bytes:
        return self._compressor.compress(piece) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    async def end(self) -> bytes:
        return self._compressor.flush()


class Diary:
    """Changes nothing, and remembers what came by."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ends = 0

    async def write(self, piece: bytes) -> bytes:
        self.pieces.append(piece)
        return piece

    async def end(self) -> bytes:
        self.ends += 1
        return b""


class Hold:
    """Holds everything back until the end."""

    def __init__(self) -> None:
        self._held = b""

    async def write(self, piece: bytes) -> bytes:
        self._held += piece
        return b""

    async def end(self) -> bytes:
        return self._held


async def send_text(_: web.Request) -> web.Response:
    return web.Response(body=BODY)


async def send_nothing(_: web.Request) -> web.Response:
    return web.Response()


async def send_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for start in range(0, len(BODY), 10_000):
        await response.write(memoryview(BODY)[start : start + 10_000])
    return response


async def send_payload(_: web.Request) -> web.Response:
    async def pieces() -> Any:
        for start in range(0, len(BODY), 10_000):
            yield BODY[start : start + 10_000]

    return web.Response(body=pieces())


async def send_file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(request.app[FILE])


async def refuse(_: web.Request) -> web.Response:
    raise web.HTTPForbidden(text=BODY.decode())


FILE = web.AppKey("FILE", Path)
HANDLERS = {
    "a text": (send_text, BODY),
    "nothing": (send_nothing, b""),
    "a stream": (send_stream, BODY),
    "a payload": (send_payload, BODY),
    "a file": (send_file, BODY),
    "a refusal": (refuse, BODY),
}


def make_app(handler: Any, apply: Apply, tmp_path: Path) -> web.Application:
    app = web.Application()
    setup(app)

    @web.middleware
    async def filtered(request: web.Request, handler: Any) -> Any:
        on_response(request, "filtered", apply)
        return await handler(request)

    app.middlewares.append(filtered)
    app[FILE] = tmp_path / "file.txt"
    app[FILE].write_bytes(BODY)
    app.router.add_get("/", handler)
    return app


@pytest.mark.parametrize(("handler", "body"), HANDLERS.values(), ids=HANDLERS)
async def test_a_body_is_changed_whoever_writes_it(
    handler: Any, body: bytes, aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    def apply(request: web.Request, response: web.StreamResponse) -> None:
        add_filter(request, response, Gzip())
        forget_length(request, response)
        response.headers["Content-Encoding"] = "gzip"

    client = await aiohttp_client(make_app(handler, apply, tmp_path), auto_decompress=False)
    for _ in range(2):  # nothing is left over for the next request of the connection
        async with client.get("/") as response:
            assert "Content-Length" not in response.headers
            assert gzip.decompress(await response.read()) == body


@pytest.mark.parametrize(("handler", "body"), HANDLERS.values(), ids=HANDLERS)
async def test_a_body_is_watched_and_keeps_its_length(
    handler: Any, body: bytes, aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    diary = Diary()
    client = await aiohttp_client(
        make_app(handler, lambda request, response: add_filter(request, response, diary), tmp_path)
    )
    async with client.get("/") as response:
        assert await response.read() == body
        assert response.headers.get("Content-Length", str(len(body))) == str(len(body))
    assert b"".join(diary.pieces) == body
    assert diary.ends == 1


async def test_filters_run_in_the_order_in_which_they_were_added(
    aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    before, after = Diary(), Diary()

    def apply(request: web.Request, response: web.StreamResponse) -> None:
        for one in (before, Hold(), after):
            add_filter(request, response, one)

    client = await aiohttp_client(make_app(send_stream, apply, tmp_path))
    async with client.get("/") as response:
        assert await response.read() == BODY
    assert len(before.pieces) == len(BODY) // 10_000
    assert after.pieces == [BODY]
    assert before.ends == after.ends == 1


async def test_a_stream_stays_one(aiohttp_client: AiohttpClient, tmp_path: Path) -> None:
    was_read = asyncio.Event()

    async def talk(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await was_read.wait()
        await response.write(b"last")
        return response

    client = await aiohttp_client(
        make_app(talk, lambda request, response: add_filter(request, response, Diary()), tmp_path)
    )
    async with client.get("/") as response:
        assert await response.content.readany() == b"first"
        was_read.set()
        assert await response.read() == b"last"


async def test_to_http_1_0_a_body_of_unknown_length_ends_with_the_connection(
    aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    def apply(request: web.Request, response: web.StreamResponse) -> None:
        add_filter(request, response, Diary())
        forget_length(request, response)

    client = await aiohttp_client(make_app(send_text, apply, tmp_path))
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert body == BODY
    assert b"chunked" not in head
    assert b"keep-alive" not in head.lower()


async def test_the_error_after_a_response_that_failed_is_not_filtered(
    aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    def apply(request: web.Request, response: web.StreamResponse) -> None:
        if response.status == 200:
            add_filter(request, response, Gzip())
            forget_length(request, response)
            raise RuntimeError("cannot be sent")

    client = await aiohttp_client(make_app(send_stream, apply, tmp_path))
    async with client.get("/") as response:
        assert response.status == 500
        assert "Server got itself in trouble" in await response.text()


async def test_taking_off_filters_that_were_never_there_does_nothing(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        clear_filters(request)
        return web.Response(text="well")

    app = web.Application()
    app.router.add_get("/", handler)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert await response.text() == "well"
