"""One request to one target, and what may end it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from aiohttp_route_middleware.proxy import BadResponseError, DisconnectedError, ResponseTimeoutError
from aiohttp_route_middleware.proxy.wire.attempt import Attempt, Waits
from aiohttp_route_middleware.proxy.wire.bodies import GivenBody, NoBody, StreamedBody
from aiohttp_route_middleware.proxy.wire.connection import Connector
from aiohttp_route_middleware.proxy.wire.failures import ClientGoneError

from ..raw import OK, Between, bounded

WAITS = Waits(connect=2.0, response=2.0, idle=2.0, expect=2.0)
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def connecting(between: Between) -> AsyncIterator[Connector]:
    kept = aiohttp.TCPConnector()
    yield Connector(kept, URL(between.url), False, 2.0)
    await kept.close()


async def test_one_that_is_ended_before_it_has_a_connection_sends_nothing(between: Between) -> None:
    async with connecting(between) as connector:
        attempt = Attempt(NoBody(), WAITS)
        why = ClientGoneError()
        attempt.end(why)
        with pytest.raises(ClientGoneError) as caught:
            await attempt.send(connector, HEAD, "GET")
        assert caught.value is why
        assert why.__cause__ is None
        assert await (await between.upstream.accept()).read_rest() == b""


async def test_whatever_ends_it_first_is_why_it_has_failed(between: Between) -> None:
    async with connecting(between) as connector:
        attempt = Attempt(NoBody(), WAITS)
        sending = asyncio.ensure_future(attempt.send(connector, HEAD, "GET"))
        target = await between.upstream.accept()
        await target.read_request()
        first = ClientGoneError("first")
        attempt.end(first)
        attempt.end(ResponseTimeoutError("second"))
        with pytest.raises(ClientGoneError) as caught:
            await bounded(sending)
        assert caught.value is first
        assert isinstance(first.__cause__, DisconnectedError)
        assert await target.read_rest() == b""


async def test_one_that_is_ended_and_cancelled_at_once_is_cancelled(between: Between) -> None:
    async with connecting(between) as connector:
        attempt = Attempt(NoBody(), WAITS)
        sending = asyncio.ensure_future(attempt.send(connector, HEAD, "GET"))
        target = await between.upstream.accept()
        await target.read_request()
        attempt.end(ClientGoneError())
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert await target.read_rest() == b""


@pytest.mark.parametrize("ends", ["release", "close"])
async def test_after_its_end_there_is_nothing_left_to_end(between: Between, ends: str) -> None:
    async with connecting(between) as connector:
        attempt = Attempt(NoBody(), WAITS)
        sending = asyncio.ensure_future(attempt.send(connector, HEAD, "GET"))
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(OK)
        answer = await bounded(sending)
        assert answer.protocol is not None
        assert await answer.content.read() == b"ok"
        for _ in range(2):
            answer.finish() if ends == "release" else answer.close_softly()
        answer.abandon()  # too late, and without harm
        with pytest.raises(ClientGoneError):
            _ = answer.protocol
        pooled = [one for kept in connector._connector._conns.values() for one in kept]
        assert len(pooled) == (ends == "release")
        target.close()


async def test_an_upload_that_ends_in_the_moment_of_the_answer_starts_no_timer(between: Between) -> None:
    """The head is there, and the task that waits for it has not run yet."""

    async def one() -> AsyncIterator[bytes]:
        yield b"abc"

    async with connecting(between) as connector:
        attempt = Attempt(StreamedBody(one()), Waits(connect=2.0, response=0.02, idle=2.0, expect=2.0))
        sending = asyncio.ensure_future(attempt.send(connector, HEAD, "POST"))
        target = await between.upstream.accept()
        await target.read_until(b"0\r\n\r\n")
        await target.send(OK)
        answer = await bounded(sending)
        await asyncio.sleep(0.04)  # the deadline would be over
        assert await answer.content.read() == b"ok"
        answer.finish()
        assert sum(map(len, connector._connector._conns.values())) == 1
        assert attempt.sent == 3
        target.close()


async def test_bytes_that_are_sent_in_one_piece_are_counted(between: Between) -> None:
    async with connecting(between) as connector:
        attempt = Attempt(GivenBody(b"abc"), WAITS)
        sending = asyncio.ensure_future(attempt.send(connector, HEAD, "POST"))
        target = await between.upstream.accept()
        await target.read_until(b"\r\n\r\nabc")
        await target.send(OK)
        answer = await bounded(sending)
        answer.abandon()
        assert attempt.sent == 3


async def test_a_field_name_with_a_blank_behind_it_is_no_answer(between: Between) -> None:
    async with connecting(between) as connector:
        attempt = Attempt(NoBody(), WAITS)
        sending = asyncio.ensure_future(attempt.send(connector, HEAD, "GET"))
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(b"HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(BadResponseError):
            await bounded(sending)
