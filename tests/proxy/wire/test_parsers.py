"""What stands in for a parser of aiohttp on a connection."""

from __future__ import annotations

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from aiohttp_route_middleware.proxy.wire.parsers import IDLE

from ..front import GET, serve
from ..raw import Between

HEAD = GET.replace(b"GET", b"HEAD")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
ANSWERS: dict[str, tuple[bytes, ...]] = {
    "in one segment": (ANSWER + b"body",),
    "in two": (ANSWER, b"body"),
    "cut in its end": (ANSWER[:-2], ANSWER[-2:] + b"body"),
    "byte by byte": (*(bytes([one]) for one in ANSWER), b"body"),
    "behind an interim one": (b"HTTP/1.1 103 Early Hints\r\n\r\n" + ANSWER + b"body",),
    "behind one that is cut": (b"HTTP/1.1 103 Early Hints\r\n\r", b"\n" + ANSWER + b"body"),
}


@pytest.mark.parametrize("pieces", ANSWERS.values(), ids=ANSWERS)
async def test_a_body_behind_the_answer_to_a_head_is_thrown_away_and_the_connection_closed(
    between: Between, pieces: tuple[bytes, ...]
) -> None:
    async with serve(between.url) as front:
        client = await front.send(HEAD)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(*pieces)
        response = await client.read_response("HEAD")
        assert (response.status, response.values("Content-Length")) == (200, [b"4"])
        assert await target.read_rest() == b""


async def test_after_an_answer_to_a_head_without_a_body_the_connection_is_kept(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(HEAD + HEAD)
        target = await between.upstream.accept()
        for _ in range(2):
            await target.read_request()
            await target.send(ANSWER)
            assert (await client.read_response("HEAD")).status == 200
        assert len(between.upstream.wires) == 1


async def test_a_switch_that_nobody_has_asked_for_is_no_answer_to_a_head(between: Between) -> None:
    async with serve(between.url, retries=False) as front:
        client = await front.send(HEAD)
        target = await between.upstream.accept()
        await target.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nmore")
        assert (await client.read_response("HEAD")).status == 502


def test_of_a_connection_that_nobody_uses_anything_but_nothing_is_refused() -> None:
    assert IDLE.feed_data(b"") == ((), False, b"")
    IDLE.feed_eof()
    with pytest.raises(BadHttpMessage):
        IDLE.feed_data(b"HTTP/1.1 200 OK")
