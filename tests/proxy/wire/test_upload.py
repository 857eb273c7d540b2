"""A body on its way to a target."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp_route_middleware.proxy.wire.bodies import StreamedBody
from aiohttp_route_middleware.proxy.wire.upload import Upload, UploadEnd

from ..front import until
from ..raw import Between, bounded
from .test_attempt import connecting


async def one() -> AsyncIterator[bytes]:
    yield b"abc"


async def never() -> AsyncIterator[bytes]:
    yield b"abc"
    await asyncio.Event().wait()


async def test_it_ends_as_a_whole_and_is_counted(between: Between) -> None:
    async with connecting(between) as connector:
        connection = await connector.open(bool)
        upload = Upload(connection, StreamedBody(one()), 2.0)
        await bounded(upload.task)
        assert (upload.end, upload.count) == (UploadEnd.WHOLE, 3)
        connection.close()


async def test_a_target_that_has_gone_refuses_the_rest(between: Between) -> None:
    async with connecting(between) as connector:
        connection = await connector.open(bool)
        target = await between.upstream.accept()
        protocol = connection.protocol
        target.abort()
        await until(lambda: protocol.transport is None)
        upload = Upload(connection, StreamedBody(one()), 2.0)
        await bounded(upload.task)
        assert (upload.end, upload.count) == (UploadEnd.REFUSED, 0)
        connection.close()


async def test_one_that_is_stopped_before_it_has_begun_sends_nothing(between: Between) -> None:
    async with connecting(between) as connector:
        connection = await connector.open(bool)
        upload = Upload(connection, StreamedBody(one()), 2.0)
        upload.stop()
        await asyncio.wait([upload.task])
        assert (upload.task.cancelled(), upload.end) == (True, None)
        connection.close()


async def test_one_that_is_stopped_when_it_has_stalled_stays_stalled(between: Between) -> None:
    async with connecting(between) as connector:
        connection = await connector.open(bool)
        upload = Upload(connection, StreamedBody(never()), 0.02)
        upload.task.add_done_callback(lambda _: upload.stop())
        await bounded(upload.task)
        assert upload.end is UploadEnd.STALLED
        connection.close()
