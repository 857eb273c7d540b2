"""Bytes from one connection to another, as they come."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_proto import ResponseHandler

from aiohttp_route_middleware.proxy import Exchange, after
from aiohttp_route_middleware.proxy.websockets.piping import Source

from ..raw import Between
from .test_tunnel import AGREED, CLOSE, HANDSHAKE, MUCH, ends, flood, open_tunnel, read_on, stop_reading


async def test_what_has_gone_already_may_be_ended_again() -> None:
    source = Source(ResponseHandler(asyncio.get_running_loop()))
    assert source.ended.done()
    source.feed_eof()
    source.end()
    source.abort()


@pytest.mark.parametrize("reader", ["client", "target"])
async def test_who_does_not_read_stops_the_other_and_loses_nothing(between: Between, reader: str) -> None:
    await between.serve()
    client, target = await open_tunnel(between)
    reads, sends = (client, target) if reader == "client" else (target, client)
    stop_reading(reads)
    held = await flood(sends)
    assert held < 32 * 2**20  # buffers of the kernel, most of all
    read_on(reads)
    assert await reads.read_exactly(held) == bytes(held)
    await sends.send(CLOSE)  # and it goes on
    assert await reads.read_exactly(len(CLOSE)) == CLOSE


@pytest.mark.skipif(
    not hasattr(BaseProtocol, "_pause_reading_for_buffer"), reason="aiohttp 3.14.0 keeps without end what comes early"
)
async def test_what_aiohttp_reads_on_its_own_is_held_as_well(between: Between) -> None:
    ready = asyncio.Event()

    @after
    async def hesitate(exchange: Exchange) -> None:
        await ready.wait()

    await between.serve(hesitate, server={"read_bufsize": 2**23})
    client = await between.send(HANDSHAKE)
    target = await between.upstream.accept()
    await target.read_request()
    stop_reading(target)
    await target.send(AGREED)
    kept = await flood(client)  # aiohttp keeps so much until the tunnel is there, and reads on then
    ready.set()
    await client.read_head()
    held = kept + await flood(client)
    assert held < 48 * 2**20
    read_on(target)
    assert await target.read_exactly(held) == bytes(held)


async def test_many_pauses_lose_nothing(between: Between) -> None:
    await between.serve()
    client, target = await open_tunnel(between)
    for turn in range(2):
        for reads, sends in ((client, target), (target, client)):
            stop_reading(reads)
            held = await flood(sends, bytes([turn]) * MUCH)
            read_on(reads)
            assert await reads.read_exactly(held) == bytes([turn]) * held


async def test_who_goes_while_the_other_is_held_frees_it(between: Between) -> None:
    await between.serve()
    client, target = await open_tunnel(between)
    await flood(target)  # the client reads nothing, so the target is held
    client.abort()
    assert await ends(target) == b""
