"""aiohttp-cors answers preflights and adds its headers on chained routes as on plain ones."""

from typing import Any

import aiohttp_cors
import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from .conftest import Register

ORIGIN = "http://client.example.org"
OPTIONS = aiohttp_cors.ResourceOptions(allow_credentials=True, expose_headers="*", allow_headers="*")
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}


async def answer(request: web.Request) -> web.Response:
    return web.Response(text="answered")


class Answer(web.View, aiohttp_cors.CorsViewMixin):
    cors_config: Any = {ORIGIN: OPTIONS}

    async def get(self) -> web.Response:
        return web.Response(text="answered")


@pytest.mark.parametrize("kind", ["function", "view"])
async def test_cors_on_one_route(aiohttp_client: AiohttpClient, behind_links: Register, kind: str) -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={ORIGIN: OPTIONS})
    handler: Any = behind_links(answer if kind == "function" else Answer)
    route = (
        app.router.add_get("/", handler, allow_head=False) if kind == "function" else app.router.add_view("/", handler)
    )
    cors.add(route)
    client = await aiohttp_client(app)
    preflight = await client.options("/", headers=PREFLIGHT)
    assert (preflight.status, preflight.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    response = await client.get("/", headers={"Origin": ORIGIN})
    assert await response.text() == "answered"
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Origin" not in (await client.get("/", headers={"Origin": "http://evil.org"})).headers
