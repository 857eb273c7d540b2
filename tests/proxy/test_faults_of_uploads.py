"""Bodies on their way to a target, while something goes wrong, or its answer is on its way back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.proxy import Exchange

from .front import UPLOAD, Front, serve, until
from .raw import OK, Between, Wire, bounded
from .test_faults import CHUNKED, CONTINUE, EXPECTING, read_whole, reset

BIG = b"10000\r\n" + b"a" * 2**16 + b"\r\n"
LAST = b"0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch"


async def fill(wire: Wire) -> None:
    """Send chunks until nobody takes more."""
    while True:
        await wire.send(BIG)


async def start_upload(front: Front, between: Between) -> tuple[Wire, Wire]:
    client = await front.send(UPLOAD, b"3\r\nabc\r\n")
    target = await between.upstream.accept()
    await target.read_until(b"abc\r\n")
    return client, target


async def test_an_early_413_arrives_while_the_client_still_uploads(between: Between) -> None:
    async with serve(between.url) as front:
        client, target = await start_upload(front, between)
        await target.send(TOO_LARGE)
        assert await read_whole(client) == (413, b"much")
        assert LAST not in await target.read_rest()
        await client.send(b"3\r\ndef\r\n", LAST, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")  # its connection goes on
        second = await between.upstream.accept()
        await second.read_request()
        await second.send(OK)
        assert await read_whole(client) == (200, b"ok")


async def test_an_early_answer_ends_an_upload_that_the_target_does_not_read(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(UPLOAD)
        target = await between.upstream.accept()
        await target.read_head()
        filling = asyncio.ensure_future(fill(client))
        await asyncio.wait([filling], timeout=0.2)
        assert not filling.done()  # it is held back
        await target.send(TOO_LARGE)
        assert await read_whole(client) == (413, b"much")
        filling.cancel()


async def test_both_directions_stream_at_the_same_time(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(UPLOAD)
        target = await between.upstream.accept()
        await target.read_head()
        await target.send(CHUNKED)
        await client.read_head()
        for number in range(20):
            piece = b"2\r\n%02d\r\n" % number
            await client.send(piece)
            assert await target.read_exactly(len(piece)) == piece
            await target.send(piece)
            assert await client.read_exactly(len(piece)) == piece
        await client.send(LAST)
        assert await target.read_exactly(len(LAST)) == LAST
        await target.send(LAST)
        assert await client.read_exactly(len(LAST)) == LAST
        await until(lambda: bool(front.records))
        assert (front.record.bytes_up, front.record.bytes_down) == (40, 40)
        assert front.pooled == 1


async def test_an_answer_may_go_on_while_the_client_is_silent_for_longer_than_it_might_be(between: Between) -> None:
    async with serve(between.url, idle_timeout=0.05) as front:
        client, target = await start_upload(front, between)
        await target.send(CHUNKED)
        await client.read_head()
        for _ in range(8):
            await asyncio.sleep(0.02)
            await target.send(b"1\r\na\r\n")
            assert await client.read_until(b"a\r\n")
        await client.send(LAST)
        await target.read_until(LAST)
        await target.send(LAST)
        assert await client.read_until(LAST)


async def test_an_answer_that_is_whole_before_the_body_ends_the_upload(between: Between) -> None:
    async with serve(between.url) as front:
        client, target = await start_upload(front, between)
        await target.send(OK)
        assert await read_whole(client) == (200, b"ok")
        assert await target.read_rest() == b""
        assert front.pooled == 0
        client.abort()


async def test_a_target_that_ends_while_it_is_sent_a_body_is_502(between: Between) -> None:
    async with serve(between.url) as front:
        client, target = await start_upload(front, between)
        reset(target)
        assert (await read_whole(client))[0] == 502
        assert front.record.attempts == 1


async def test_a_target_that_reads_no_more_may_still_answer(between: Between) -> None:
    async with serve(between.url) as front:
        client, target = await start_upload(front, between)
        await target.send(TOO_LARGE)
        target.close()
        assert await read_whole(client) == (413, b"much")


async def test_a_target_that_stops_reading_is_504(between: Between) -> None:
    async with serve(between.url, idle_timeout=0.1) as front:
        client = await front.send(UPLOAD)
        await between.upstream.accept()
        filling = asyncio.ensure_future(fill(client))
        assert (await read_whole(client))[0] == 504
        assert front.record.error == "http_response_timeout"
        filling.cancel()


async def test_a_client_that_stops_in_the_midst_of_its_upload_is_408_and_the_target_gets_no_end(
    between: Between,
) -> None:
    async with serve(between.url, idle_timeout=0.05) as front:
        client, target = await start_upload(front, between)
        response = await client.read_response()
        assert (response.status, response.values("Connection")) == (408, [b"close"])
        assert await target.read_rest() == b""
        assert front.record.outcome == "client_gone"


@pytest.mark.parametrize("cancels", [False, True], ids=["patient", "handler_cancellation"])
@pytest.mark.parametrize("leave", [Wire.close, reset], ids=["an end", "a reset"])
@pytest.mark.parametrize("is_chunked", [True, False], ids=["in chunks", "with a length"])
async def test_an_upload_that_the_client_breaks_off_never_looks_whole(
    between: Between, leave: Any, cancels: bool, is_chunked: bool
) -> None:
    head = UPLOAD if is_chunked else b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
    async with serve(between.url, server={"handler_cancellation": cancels}) as front:
        client = await front.send(head, b"3\r\nabc\r\n" if is_chunked else b"abc")
        target = await between.upstream.accept()
        await target.read_until(b"abc")
        leave(client)
        assert (await target.read_rest()).strip() == b""
        await until(lambda: bool(front.records))
        assert front.record.outcome == "client_gone"


async def test_a_malformed_chunk_in_the_midst_of_an_upload_is_400_and_the_target_gets_no_end(between: Between) -> None:
    async with serve(between.url) as front:
        client, target = await start_upload(front, between)
        await client.send(b"xyz\r\n")
        assert (await client.read_response()).status == 400
        assert await target.read_rest() == b""


async def test_a_malformed_chunk_while_the_answer_is_on_its_way_cuts_that_off(between: Between) -> None:
    async with serve(between.url) as front:
        client, target = await start_upload(front, between)
        await target.send(CHUNKED + b"3\r\nabc\r\n")
        await client.read_until(b"abc\r\n")
        await client.send(b"xyz\r\n")
        assert LAST not in await client.read_rest()
        assert await target.read_rest() == b""


def limited(endpoint: Handler) -> Handler:
    return chain(body_limit(8), endpoint)


async def test_an_upload_that_a_link_finds_too_large_is_413_and_the_target_gets_no_end(between: Between) -> None:
    async with serve(between.url, links=limited) as front:
        client, target = await start_upload(front, between)
        await client.send(b"6\r\ndefghi\r\n")
        assert (await client.read_response()).status == 413
        assert LAST not in await target.read_rest()


async def test_an_upload_that_a_link_finds_too_large_cuts_off_an_answer_on_its_way(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(between.url, links=limited) as front:
        client, target = await start_upload(front, between)
        await target.send(CHUNKED + b"3\r\nabc\r\n")
        await client.read_until(b"abc\r\n")
        await client.send(b"6\r\ndefghi\r\n", LAST)
        rest = await client.read_rest()
        assert LAST not in rest
        assert b"HTTP/1.1" not in rest
        assert LAST not in await target.read_rest()
    assert [record.message for record in caplog.records] == []


async def test_a_body_that_a_link_refuses_too_late_cuts_off_the_answer_without_a_second_one(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[web.Request] = []

    async def keep(request: web.Request) -> None:
        seen.append(request)

    async with serve(between.url, links=lambda endpoint: chain(keep, endpoint)) as front:
        client, target = await start_upload(front, between)
        await target.send(CHUNKED + b"3\r\nabc\r\n")
        await client.read_until(b"abc\r\n")
        seen[0].content.set_exception(web.HTTPConflict())
        rest = await client.read_rest()
        assert LAST not in rest
        assert b"HTTP/1.1" not in rest
        assert LAST not in await target.read_rest()
    assert [record.message for record in caplog.records] == []


@pytest.mark.parametrize("is_chunked", [True, False], ids=["in chunks", "with a length"])
async def test_a_body_that_a_link_has_read_is_passed_on_all_the_same(between: Between, is_chunked: bool) -> None:
    async def read(request: web.Request) -> None:
        assert await request.read() == b"abc"

    async with serve(between.url, links=lambda endpoint: chain(read, endpoint)) as front:
        whole = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        client = await front.send(UPLOAD + b"3\r\nabc\r\n" + LAST if is_chunked else whole)
        target = await between.upstream.accept()
        assert (await target.read_request()).body == b"abc"
        await target.send(OK)
        assert await read_whole(client) == (200, b"ok")
        assert front.pooled == 1


async def test_a_body_of_which_a_link_has_taken_a_part_is_not_passed_on(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    async def take(request: web.Request) -> None:
        assert await request.content.read(1) == b"a"

    async with serve(between.url, links=lambda endpoint: chain(take, endpoint)) as front:
        client = await front.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        assert (await client.read_response()).status == 500
        assert between.upstream.wires == []
    assert "has read the body" in caplog.text


# what a hook has made


async def test_a_body_of_a_hook_is_streamed_and_closed_when_it_is_not_wanted_any_more(between: Between) -> None:
    closed = asyncio.Event()

    async def count() -> AsyncIterator[bytes]:
        try:
            yield b"one"
            yield b""
            yield b"two"
            await asyncio.Event().wait()
        finally:
            closed.set()

    def replace(exchange: Exchange) -> None:
        exchange.request.body = count()

    async with serve(between.url, hooks=(replace,)) as front:
        client = await front.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        target = await between.upstream.accept()
        await target.read_until(b"3\r\none\r\n3\r\ntwo\r\n")
        client.close()
        await bounded(closed.wait())
        assert LAST not in await target.read_rest()


async def test_a_body_of_a_hook_that_fails_is_500_and_the_target_gets_no_end(
    between: Between, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("no more")

    def replace(exchange: Exchange) -> None:
        exchange.request.body = fail()

    async with serve(between.url, hooks=(replace,)) as front:
        client = await front.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        target = await between.upstream.accept()
        assert (await read_whole(client))[0] == 500
        assert LAST not in await target.read_rest()
    assert "no more" in caplog.text


async def test_a_body_of_bytes_from_a_hook_has_a_length_and_is_sent_again(between: Between) -> None:
    def replace(exchange: Exchange) -> None:
        exchange.request.body = b"given"

    async with serve(between.url, hooks=(replace,)) as front:
        client = await front.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        for is_last in (False, True):
            target = await between.upstream.accept()
            request = await target.read_request()
            assert (request.body, request.values("Content-Length")) == (b"given", [b"5"])
            await target.send(OK) if is_last else target.close()
        assert await read_whole(client) == (200, b"ok")


async def test_what_is_no_body_is_refused(between: Between, caplog: pytest.LogCaptureFixture) -> None:
    def replace(exchange: Exchange) -> None:
        mistake: Any = "text"
        exchange.request.body = mistake

    async with serve(between.url, hooks=(replace,)) as front:
        client = await front.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await read_whole(client))[0] == 500
    assert "OutgoingRequest.body" in caplog.text


# Expect: 100-continue


async def test_the_target_invites_the_body(between: Between) -> None:
    async with serve(between.url, expect_timeout=60.0) as front:
        client = await front.send(EXPECTING)
        target = await between.upstream.accept()
        assert (await target.read_head()).values("Expect") == [b"100-continue"]
        await target.send(CONTINUE)
        assert await client.read_until(b"\r\n\r\n") == CONTINUE
        await client.send(b"abc")
        assert await target.read_exactly(3) == b"abc"
        await target.send(OK)
        assert await read_whole(client) == (200, b"ok")
        assert front.pooled == 1


@pytest.mark.parametrize("status", [401, 417])
async def test_a_final_answer_comes_before_any_body(between: Between, status: int) -> None:
    async with serve(between.url, expect_timeout=60.0) as front:
        client = await front.send(EXPECTING)
        target = await between.upstream.accept()
        await target.read_head()
        await target.send(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
        assert (await client.read_response()).status == status
        assert client.received.startswith(b"HTTP/1.1 %d" % status)
        assert await target.read_rest() == b""
        assert front.pooled == 0


async def test_a_target_that_says_nothing_of_expect_gets_the_body_after_a_while(between: Between) -> None:
    async with serve(between.url, expect_timeout=0.01) as front:
        client = await front.send(EXPECTING)
        target = await between.upstream.accept()
        await target.read_head()
        assert await client.read_until(b"\r\n\r\n") == CONTINUE
        await client.send(b"abc")
        assert await target.read_exactly(3) == b"abc"
        await target.send(OK)
        assert await read_whole(client) == (200, b"ok")


async def test_a_target_that_leaves_before_it_has_invited_is_502(between: Between) -> None:
    async with serve(between.url, expect_timeout=60.0) as front:
        client = await front.send(EXPECTING)
        target = await between.upstream.accept()
        await target.read_head()
        target.close()
        assert (await client.read_response()).status == 502


async def test_a_client_that_leaves_before_it_is_invited_ends_the_attempt(between: Between) -> None:
    async with serve(between.url, expect_timeout=60.0) as front:
        client = await front.send(EXPECTING)
        target = await between.upstream.accept()
        await target.read_head()
        client.close()
        assert await target.read_rest() == b""
        await until(lambda: bool(front.records))
        assert front.record.outcome == "client_gone"


async def test_a_link_before_refuses_before_anybody_invites(between: Between) -> None:
    async def refuse(request: web.Request) -> None:
        raise web.HTTPUnauthorized

    async with serve(between.url, links=lambda endpoint: chain(refuse, endpoint)) as front:
        client = await front.send(EXPECTING)
        assert (await client.read_response()).status == 401
        assert CONTINUE not in client.received
        assert between.upstream.wires == []


async def test_a_client_of_http_1_0_is_not_invited(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(EXPECTING.replace(b"1.1", b"1.0"))
        target = await between.upstream.accept()
        assert (await target.read_head()).values("Expect") == []
        await client.send(b"abc")
        assert await target.read_exactly(3) == b"abc"
        await target.send(OK)
        assert (await client.read_response()).status == 200
        assert CONTINUE not in client.received


async def test_nothing_is_expected_for_a_body_that_a_hook_gives(between: Between) -> None:
    def replace(exchange: Exchange) -> None:
        exchange.request.body = b"given"

    async with serve(between.url, hooks=(replace,)) as front:
        client = await front.send(EXPECTING)
        target = await between.upstream.accept()
        request = await target.read_request()
        assert (request.body, request.values("Expect")) == (b"given", [])
        await target.send(OK)
        assert (await client.read_response()).status == 200
