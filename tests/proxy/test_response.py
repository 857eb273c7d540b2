"""The answer of a target, as a response."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import ConfigurationError, chain
from aiohttp_route_middleware.proxy import BodyCutOffError, BodyTooLargeError, Exchange, after

from .front import GET, Front, serve, until
from .raw import OK, Between, Message, Wire
from .test_faults import CHUNKED, reset

TAGGED = b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Encoding: br\r\nContent-Length: 6\r\n\r\nabcdef'


async def answer(front: Front, between: Between, raw: bytes, *pieces: bytes) -> tuple[Wire, Wire]:
    client = await front.send(raw)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(*pieces)
    return client, target


async def see(between: Between, said: bytes, *hooks: Any, raw: bytes = GET, **options: Any) -> Message:
    async with serve(between.url, hooks=hooks, **options) as front:
        client, target = await answer(front, between, raw, said)
        response = await client.read_response(raw.partition(b" ")[0].decode())
        target.close()
        return response


# read()


async def test_what_was_read_is_sent_all_the_same(between: Between) -> None:
    seen: list[bytes] = []

    async def look(exchange: Exchange) -> Any:
        yield
        seen.extend([await exchange.answer.read(), await exchange.answer.read()])

    response = await see(between, TAGGED, look)
    assert seen == [b"abcdef", b"abcdef"]
    assert (response.body, response.values("ETag"), response.values("Content-Encoding")) == (
        b"abcdef",
        [b'"a"'],
        [b"br"],
    )


async def test_who_reads_more_than_there_may_be_is_told_and_the_body_goes_on_whole(between: Between) -> None:
    async def look(exchange: Exchange) -> Any:
        yield
        with pytest.raises(BodyTooLargeError, match="more than 3 bytes"):
            await exchange.answer.read(3)

    assert (await see(between, TAGGED, look)).body == b"abcdef"
    assert (await see(between, CHUNKED + b"6\r\nabcdef\r\n3\r\nghi\r\n0\r\n\r\n", look)).body == b"abcdefghi"


async def test_what_was_read_before_counts_against_the_limit_again(between: Between) -> None:
    limits = []

    async def read_twice(exchange: Exchange) -> AsyncGenerator[None, None]:
        yield
        for limit in (3, 5):
            try:
                await exchange.answer.read(limit)
            except BodyTooLargeError:
                limits.append(limit)

    async with serve(between.url, hooks=(read_twice,)) as front:
        client, target = await answer(front, between, GET, b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabcd")
        await until(lambda: limits == [3])
        await target.send(b"efgh")
        assert (await client.read_response()).body == b"abcdefgh"
    assert limits == [3, 5]


async def test_the_length_of_a_body_that_is_replaced_is_counted_in_bytes(between: Between) -> None:
    @after
    def replace(exchange: Exchange) -> None:
        wide: Any = memoryview(array("I", [1, 2, 3, 4]))
        exchange.answer.replace_body(wide)

    body = (await see(between, OK, replace)).body
    assert body == array("I", [1, 2, 3, 4]).tobytes()


@pytest.mark.parametrize("leave", [Wire.close, reset], ids=["an end", "a reset"])
async def test_who_reads_what_is_broken_off_is_told(between: Between, leave: Any) -> None:
    async def look(exchange: Exchange) -> Any:
        yield
        with pytest.raises(BodyCutOffError):
            await exchange.answer.read()
        exchange.response = web.Response(status=502)

    async with serve(between.url, hooks=(look,)) as front:
        client, target = await answer(front, between, GET, CHUNKED + b"3\r\nabc\r\n")
        leave(target)
        assert (await client.read_response()).status == 502


async def test_a_client_that_goes_while_a_hook_reads_ends_that(between: Between) -> None:
    reading = asyncio.Event()

    async def look(exchange: Exchange) -> Any:
        yield
        reading.set()
        await exchange.answer.read()

    async with serve(between.url, hooks=(look,)) as front:
        client, target = await answer(front, between, GET, CHUNKED + b"3\r\nabc\r\n")
        await reading.wait()
        client.close()
        assert await target.read_rest() == b""
        await until(lambda: bool(front.records))
        assert front.record.outcome == "client_gone"


# replace_body()


@pytest.mark.parametrize("is_read", [False, True], ids=["as it is", "after it was read"])
async def test_a_body_can_be_replaced_and_nothing_is_said_of_the_other_one(between: Between, is_read: bool) -> None:
    async def replace(exchange: Exchange) -> Any:
        yield
        if is_read:
            await exchange.answer.read()
        exchange.answer.replace_body(b"other")

    response = await see(between, TAGGED, replace)
    assert (response.body, response.values("Content-Length")) == (b"other", [b"5"])
    assert response.values("ETag") == response.values("Content-Encoding") == []


NO_BYTES: dict[str, Any] = {"a text": "secret", "a mapping": {"a": 1}, "nothing": None, "a number": 5}


@pytest.mark.parametrize("body", NO_BYTES.values(), ids=NO_BYTES)
async def test_a_body_that_is_no_bytes_is_refused_before_anything_is_lost(between: Between, body: Any) -> None:
    async def replace(exchange: Exchange) -> Any:
        yield
        with pytest.raises(
            ConfigurationError, match=r"replace_body\(\): body is of type .*; pass bytes: `.encode\(\)`"
        ):
            exchange.answer.replace_body(body)

    assert (await see(between, TAGGED, replace)).body == b"abcdef"


async def test_an_answer_that_was_let_go_is_counted_once(between: Between) -> None:
    async def replace(exchange: Exchange) -> Any:
        yield
        before = exchange.answer
        exchange.response = web.Response(text="other")
        before.abandon()

    assert (await see(between, OK, replace)).body == b"other"


# messages without a body


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (GET.replace(b"GET", b"HEAD"), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        (GET, b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n'),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n"),
    ],
    ids=["HEAD", "304", "204"],
)
async def test_an_answer_without_body_leaves_both_connections_for_the_next(
    between: Between, raw: bytes, said: bytes
) -> None:
    async with serve(between.url) as front:
        client, target = await answer(front, between, raw, said)
        response = await client.read_response(raw.partition(b" ")[0].decode())
        assert response.values("Content-Length") == ([b"5"] if b"Content-Length" in said else [])
        await client.send(GET)
        await target.read_request()
        await target.send(OK)
        assert (await client.read_response()).body == b"ok"
        assert len(between.upstream.wires) == 1


async def test_a_length_beside_chunks_is_not_passed_on(between: Between) -> None:
    async def status_only(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    said = CHUNKED + b"2\r\nok\r\n0\r\n\r\n"
    response = await see(between, said, links=lambda endpoint: chain(status_only, endpoint))
    assert (response.body, response.values("Content-Length")) == (b"ok", [])


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_body_up_to_the_end_of_the_connection_reaches_the_client_whole(
    between: Between, version: bytes
) -> None:
    async with serve(between.url) as front:
        raw = GET.replace(b"HTTP/1.1", b"HTTP/" + version)
        client, target = await answer(front, between, raw, b"HTTP/1.1 200 OK\r\n\r\nabc")
        await client.read_until(b"abc")
        target.close()
        rest = await client.read_rest() if version == b"1.0" else await client.read_until(b"0\r\n\r\n")
        assert rest.endswith(b"" if version == b"1.0" else b"0\r\n\r\n")


async def test_an_answer_is_ended_once(between: Between) -> None:
    async def end_early(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        await response.prepare(request)
        await response.prepare(request)
        await response.write_eof()
        return response  # aiohttp ends it again

    response = await see(between, OK, links=lambda endpoint: chain(end_early, endpoint))
    assert response.body == b"ok"


async def test_bytes_that_are_no_utf_8_reach_the_client(between: Between) -> None:
    response = await see(between, b"HTTP/1.1 200 \xff\r\nX: \xfe\r\nContent-Length: 2\r\n\r\nok")
    assert b"\r\nX: \xfe\r\n" in response.head
    assert response.line.endswith(b"\xff")


async def test_what_the_target_says_of_itself_stays(between: Between) -> None:
    said = b"HTTP/1.1 200 OK\r\nServer: theirs\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nok"
    response = await see(between, said)
    assert (response.values("Server"), response.values("Content-Type")) == ([b"theirs"], [b"a/b"])
