"""A connection to a target."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import StreamReader

from aiohttp_route_middleware.proxy import DisconnectedError
from aiohttp_route_middleware.proxy.wire.connection import Connection

from ..front import GET, serve, until
from ..raw import HEAD_OK, Between, Wire
from ..test_faults import CHUNKED
from .test_attempt import connecting


async def lose(connection: Connection, target: Wire) -> None:
    protocol = connection.protocol
    target.abort()
    await until(lambda: protocol.transport is None)


async def test_over_one_that_has_ended_nothing_was_sent(between: Between) -> None:
    async with connecting(between) as connector:
        connection = await connector.open(bool)
        await lose(connection, await between.upstream.accept())
        with pytest.raises(DisconnectedError) as caught:
            _ = connection.transport
        assert not caught.value.was_sent
        connection.close()


async def test_of_one_that_has_ended_no_timer_is_left_and_its_body_is_broken_off(between: Between) -> None:
    async with connecting(between) as connector:
        connection = await connector.open(bool)
        await lose(connection, await between.upstream.accept())
        content = StreamReader(connection.protocol, 2**16, loop=asyncio.get_running_loop())
        connection.bound_silence(60.0)
        connection.guard(content, is_to_end=False)
        assert connection.protocol._read_timeout_handle is None
        assert isinstance(content.exception(), aiohttp.ClientPayloadError)
        connection.close()


async def test_one_that_has_ended_is_closed_softly_and_frees_its_slot_once(between: Between) -> None:
    async with connecting(between) as connector:
        freed: list[bool] = []
        connection = await connector._open(lambda: freed.append(True))
        await lose(connection, await between.upstream.accept())
        connection.close_softly()
        assert freed == [True]


async def test_a_soft_close_sends_first_what_was_written(between: Between) -> None:
    async with connecting(between) as connector:
        connection = await connector.open(bool)
        target = await between.upstream.accept()
        connection.transport.write(b"a" * 2**22)
        connection.close_softly()
        assert await target.read_exactly(2**22) == b"a" * 2**22
        assert await target.read_rest() == b""


async def test_a_chunk_of_an_answer_that_is_malformed_cuts_the_client_off(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(GET)
        target = await between.upstream.accept()
        await target.read_request()
        await target.send(CHUNKED + b"3\r\nabc\r\n")
        await client.read_until(b"abc\r\n")
        await target.send(b"xyz\r\n")
        assert b"0\r\n\r\n" not in await client.read_rest()
        await until(lambda: bool(front.records))
        assert front.record.outcome == "cut_off"


async def test_a_body_that_is_whole_is_not_broken_off_by_the_end_of_its_connection(between: Between) -> None:
    async with connecting(between) as connector:
        connection = await connector.open(bool)
        target = await between.upstream.accept()
        connection.expect_response("GET")
        connection.transport.write(GET)
        await target.send(HEAD_OK)
        _, content = await connection.read_head()
        connection.guard(content, is_to_end=False)
        await target.send(b"ok")
        await until(content.is_eof)
        await lose(connection, target)
        await asyncio.sleep(0)  # who listens to its end is told after that
        assert content.exception() is None
        assert await content.readany() == b"ok"
        connection.close()
