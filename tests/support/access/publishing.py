"""A real server that publishes keys as it is told, also slowly, wrongly or not at all; and a clock that is set."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpServer

__all__ = ("Clock", "Publisher", "clock", "publisher")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Publisher:
    """Publishes keys, as it is told, and counts who asks."""

    def __init__(self) -> None:
        self.count = 0
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = self.publish
        self.names = ["one"]
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.count += 1
        return await self.answer(request)

    async def publish(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": [{"kid": name, "k": name} for name in self.names]})

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
    app = web.Application()
    app.router.add_get("/keys", publisher.handle)
    server = await aiohttp_server(app)
    publisher.url = str(server.make_url("/keys"))
    return publisher
