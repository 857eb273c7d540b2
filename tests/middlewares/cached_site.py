"""A site behind a cache: what its handler answers, how often it has run, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import CIMultiDict
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup

__all__ = ("FRESH", "Answer", "Site", "Streaming", "fetch", "start")

FRESH = {"Cache-Control": "max-age=60"}


class Site:
    """What a handler answers, how often it has run, and what it waits for."""

    def __init__(self, headers: Mapping[str, str] = FRESH, *, status: int = 200) -> None:
        self.headers = CIMultiDict(headers)
        self.status = status
        self.runs = 0
        self.gate: asyncio.Event | None = None
        self.arrived: asyncio.Queue[int] = asyncio.Queue()
        self.errors: list[BaseException] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.runs += 1
        run = self.runs
        self.arrived.put_nowait(run)
        if self.gate is not None:
            await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        return await self.respond(request, f"run {run}")

    async def respond(self, request: web.Request, text: str) -> web.StreamResponse:
        return web.Response(text=text, status=self.status, headers=self.headers)


class Streaming(Site):
    """Writes its response itself."""

    async def respond(self, request: web.Request, text: str) -> web.StreamResponse:
        response = web.StreamResponse(status=self.status, headers=self.headers)
        await response.prepare(request)
        for letter in text:
            await response.write(letter.encode())
        return response


async def start(aiohttp_client: AiohttpClient, site: Any, *links: Any, **app_options: Any) -> Any:
    app = web.Application(**app_options)
    setup(app)
    router: Any = UrlDispatcherEx.install(app)
    router.add_route("*", "/{tail:.*}", *links, site.__call__ if isinstance(site, Site) else site)
    return await aiohttp_client(app)


class Answer:
    """What came back."""

    def __init__(self, status: int, text: str, headers: Any) -> None:
        self.status = status
        self.text = text
        self.headers = headers
        self.told: str = headers.get("Cache-Status", "")


async def fetch(client: Any, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.request(method, path, headers=fields, allow_redirects=False) as response:
        return Answer(response.status, await response.text(), response.headers)
