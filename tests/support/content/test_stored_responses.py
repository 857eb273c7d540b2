"""A response is captured on its way out, kept as bytes, and sent again; garbage is no response."""

import dataclasses
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.content.stored_responses import (
    StoredResponse,
    capture_body,
    dump_response,
    lasting_headers,
    load_response,
)
from aiohttp_route_middleware.support.responses import on_response

from ...middlewares.wire import send

BODY = b"0123456789" * 1000
THIS_FILE = Path(__file__).read_bytes()
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))
NAMES = st.text("abcDEF-_!", min_size=1)
RESPONSES = st.builds(
    StoredResponse,
    status=st.integers(200, 999),
    reason=TEXT,
    headers=st.lists(st.tuples(NAMES, TEXT)).map(tuple),
    body=st.binary(),
    taken=st.floats(0, 2**52),
)
PLAIN = StoredResponse(status=200, reason="OK", headers=(("A", "b"), ("a", "c")), body=b"text", taken=1.5)


def pack(head: Any, body: bytes = b"", *, version: bytes = b"arm-response-1\n") -> bytes:
    written = head if isinstance(head, bytes) else json.dumps(head).encode()
    return version + struct.pack(">I", len(written)) + written + body


@given(RESPONSES)
def test_a_response_comes_back_as_it_was_kept(response: StoredResponse) -> None:
    kept = dump_response(response)
    assert kept is not None
    assert load_response(kept) == response


@given(RESPONSES, st.binary())
def test_a_head_that_is_known_already_says_nothing_of_another_body(response: StoredResponse, body: bytes) -> None:
    kept = dump_response(response)
    assert kept is not None
    assert load_response(kept) == load_response(kept) == response
    other = load_response(kept[: len(kept) - len(response.body)] + body)
    if len(body) == len(response.body):
        assert other == dataclasses.replace(response, body=body)
    else:
        assert other is None


def test_a_store_may_give_bytes_that_can_be_changed() -> None:
    kept: Any = bytearray(dump_response(PLAIN) or b"")
    first: Any = load_response(kept)
    kept[kept.index(b'"b"') + 1] = ord("z")
    second: Any = load_response(kept)
    assert (first.headers[0], second.headers[0]) == (("A", "b"), ("A", "z"))


@given(st.binary())
def test_garbage_is_no_response(garbage: bytes) -> None:
    assert load_response(garbage) is None
    assert load_response(pack(garbage)) is None


@given(RESPONSES, st.data())
def test_what_was_cut_off_is_no_response(response: StoredResponse, data: st.DataObject) -> None:
    kept = dump_response(response)
    assert kept is not None
    assert load_response(kept[: data.draw(st.integers(0, len(kept) - 1))]) is None
    assert load_response(kept + b"x") is None


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(None, id="nothing"),
        pytest.param(b"", id="empty"),
        pytest.param(pack([200, "OK", [], 0, 0], version=b"arm-response-2\n"), id="another version"),
        pytest.param(b"arm-response-1\n\xff\xff\xff\xff", id="a head of 4 GiB"),
        pytest.param(pack(b"[" * 60_000), id="deeply nested"),
        pytest.param(pack([200, "OK", [], 0]), id="a field is missing"),
        pytest.param(pack({"status": 200}), id="no list"),
        pytest.param(pack(["200", "OK", [], 0, 0]), id="a status that is a text"),
        pytest.param(pack([101, "OK", [], 0, 0]), id="a status that ends nothing"),
        pytest.param(pack([1000, "OK", [], 0, 0]), id="a status of four digits"),
        pytest.param(pack([200, "OK\r\nSet-Cookie: a=b", [], 0, 0]), id="a reason of two lines"),
        pytest.param(pack([200, "OK", [], 3, 0], b"four"), id="another length"),
        pytest.param(pack([200, "OK", [], 0, -1]), id="taken before 1970"),
        pytest.param(pack(b'[200,"OK",[],0,NaN]'), id="taken at no time"),
        pytest.param(pack(b'[200,"OK",[],0,1' + b"0" * 400 + b"]"), id="taken too late"),
        pytest.param(pack([200, "OK", ["A"], 0, 0]), id="a name without a value"),
        pytest.param(pack([200, "OK", [["A", 1]], 0, 0]), id="a value that is a number"),
        pytest.param(pack([200, "OK", [["A b", "c"]], 0, 0]), id="a name that is none"),
        pytest.param(pack([200, "OK", [["A", "b\r\nC: d"]], 0, 0]), id="a value of two lines"),
        pytest.param(pack([200, "OK", [["A", "\ud800"]], 0, 0]), id="a value that cannot be sent"),
    ],
)
def test_what_is_not_a_kept_response_is_none(stored: bytes | None) -> None:
    assert load_response(stored) is None


def test_a_body_over_the_limit_is_not_given_back() -> None:
    kept = dump_response(PLAIN)
    assert load_response(kept, limit=3) is None
    assert load_response(kept, limit=4) == PLAIN


def test_headers_that_are_too_large_are_not_kept() -> None:
    assert dump_response(StoredResponse(status=200, reason="", headers=(("A", "b" * 70_000),), body=b"")) is None


def test_what_belongs_to_the_connection_is_left_out() -> None:
    response = web.Response(
        headers=[
            ("Connection", "close, X-Hop"),
            ("Keep-Alive", "timeout=5"),
            ("X-Hop", "1"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "3"),
            ("Set-Cookie", "a=1"),
            ("Vary", "Accept"),
            ("Set-Cookie", "b=2"),
        ]
    )
    assert lasting_headers(response.headers) == (("Set-Cookie", "a=1"), ("Vary", "Accept"), ("Set-Cookie", "b=2"))


class Taker:
    """Captures the responses of an application, and remembers them."""

    def __init__(self, limit: int = 100_000) -> None:
        self.taken: list[bytes | None] = []
        self.last: StoredResponse | None = None
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


@pytest.mark.parametrize("status", [200, 204, 304, 410])
async def test_a_kept_response_is_sent_again(status: int, aiohttp_client: AiohttpClient) -> None:
    headers = (("Content-Type", "text/x"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    kept = StoredResponse(status=status, reason="Of old", headers=headers, body=b"" if status in (204, 304) else BODY)

    async def again(_: web.Request) -> web.Response:
        return kept.to_response()

    client = await client_for(aiohttp_client, Taker(), again)
    async with client.get("/") as answer:
        assert (answer.status, answer.reason) == (status, "Of old")
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert answer.headers["Content-Type"] == "text/x"
        assert await answer.read() == kept.body
