"""Work goes on when its client has gone, and ends when anybody else says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from aiohttp_route_middleware.support.without_client import run_anyway, write_anyway

from ..patient_server import PatientServer

each_server = pytest.mark.parametrize("cancels", [False, True], ids=["patient", "handler_cancellation"])


@asynccontextmanager
async def serve(handler: Any, *, cancels: bool) -> AsyncIterator[PatientServer]:
    app = web.Application()
    app.router.add_post("/", handler)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=cancels, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield PatientServer(runner.server, runner.addresses[0][1])
    finally:
        await runner.cleanup()


class Work:
    """A handler whose work waits for a sign."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ended: asyncio.Queue[str] = asyncio.Queue()

    async def work(self) -> web.Response:
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.ended.put_nowait("cancelled")
            raise
        self.ended.put_nowait("done")
        return web.Response(text="done")

    async def handle(self, request: web.Request) -> web.Response:
        self.task = asyncio.current_task()
        return await run_anyway(request, self.work)


@each_server
async def test_work_goes_on_when_its_client_has_gone(cancels: bool) -> None:
    work = Work()
    async with serve(work.handle, cancels=cancels) as server:
        _, writer = await server.connect("POST / HTTP/1.1")
        await work.begun.wait()
        await server.lose(writer)
        work.go_on.set()
        assert await work.ended.get() == "done"


@each_server
async def test_work_is_cancelled_by_anybody_else(cancels: bool) -> None:
    work = Work()
    async with serve(work.handle, cancels=cancels) as server:
        _, writer = await server.connect("POST / HTTP/1.1")
        await work.begun.wait()
        assert work.task is not None
        work.task.cancel()
        assert await work.ended.get() == "cancelled"
        writer.close()


async def test_work_that_has_outlived_its_client_is_cancelled_by_the_next() -> None:
    work = Work()
    async with serve(work.handle, cancels=True) as server:
        _, writer = await server.connect("POST / HTTP/1.1")
        await work.begun.wait()
        await server.lose(writer)
        assert work.task is not None
        await asyncio.sleep(0)  # it is told of the loss
        work.task.cancel()
        assert await work.ended.get() == "cancelled"


@each_server
async def test_the_work_answers_and_raises_as_it_would_by_itself(cancels: bool) -> None:
    async def refuse() -> web.Response:
        raise web.HTTPConflict(text="refused")

    async def handle(request: web.Request) -> web.Response:
        return await run_anyway(request, refuse)

    async with serve(handle, cancels=cancels) as server:
        reader, writer = await server.connect("POST / HTTP/1.1", "Connection: close")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 409")
        assert answer.endswith(b"refused")
        writer.close()


@pytest.mark.parametrize("is_wanted", [True, False], ids=["as long as it is wanted", "not if it is not"])
async def test_a_stream_is_written_on_when_its_client_has_gone(is_wanted: bool) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended: asyncio.Queue[list[str]] = asyncio.Queue()

    async def stream(request: web.Request) -> web.StreamResponse:
        write_anyway(request, lambda: is_wanted)
        response, failed = web.StreamResponse(), []
        begun.set()
        await go_on.wait()
        for step in (response.prepare(request), response.write(b"a"), response.write_eof()):
            try:
                await step
            except ConnectionError:
                failed.append("lost")
        ended.put_nowait(failed)
        return response

    async with serve(stream, cancels=False) as server:
        _, writer = await server.connect("POST / HTTP/1.1")
        await begun.wait()
        await server.lose(writer)
        go_on.set()
        assert await ended.get() == ([] if is_wanted else ["lost"] * 3)
