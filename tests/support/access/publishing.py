"""A real server that publishes keys as it is told, also slowly, wrongly or not at all; and a clock that is set."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpServer

from ...clock import Clock

__all__ = ("Publisher", "clock", "publisher")


class Publisher:
    """Publishes keys, as it is told, and counts who asks."""

    def __init__(self) -> None:
        self.count = 0
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = self.publish
        self.names = ["one"]
        self.url = ""
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()  # of who is kept waiting

    async def start(self, aiohttp_server: AiohttpServer) -> None:
        app = web.Application()
        app.router.add_get("/keys", self.handle)
        self.url = str((await aiohttp_server(app)).make_url("/keys"))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.count += 1
        return await self.answer(request)

    async def publish(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": [{"kid": name, "k": name} for name in self.names]})

    async def wait(self, request: web.Request) -> web.StreamResponse:
        """An answer: the keys, when it goes on."""
        self.asked.set()
        with suppress(asyncio.CancelledError):
            await self.goes_on.wait()
        return await self.publish(request)

    async def hang_up(self, request: web.Request) -> web.StreamResponse:
        """An answer: none."""
        transport = request.transport
        if transport is not None:
            transport.abort()
        return web.Response()

    def answer_with(self, **options: Any) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(**options)

        self.answer = answer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def publisher(aiohttp_server: AiohttpServer) -> Publisher:
    publisher = Publisher()
    await publisher.start(aiohttp_server)
    return publisher
