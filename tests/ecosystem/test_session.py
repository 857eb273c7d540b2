"""aiohttp-session works around the application, and its middleware works as a link on one route."""

from collections.abc import Callable
from typing import Any

import aiohttp_session
import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import chain

from .conftest import Register

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")


async def count(request: web.Request) -> web.Response:
    session = await aiohttp_session.get_session(request)
    session["visits"] = session.get("visits", 0) + 1
    return web.Response(text=str(session["visits"]))


class Count(web.View):
    async def get(self) -> web.Response:
        return await count(self.request)


@pytest.mark.parametrize("handler", [count, Count], ids=["function", "view"])
async def test_a_session_around_the_application(
    aiohttp_client: AiohttpClient, behind_links: Register, handler: Any
) -> None:
    app = web.Application()
    aiohttp_session.setup(app, aiohttp_session.SimpleCookieStorage())
    app.router.add_route("*", "/", behind_links(handler))
    client = await aiohttp_client(app)
    assert [await (await client.get("/")).text() for _ in range(3)] == ["1", "2", "3"]


async def test_a_session_on_one_route(aiohttp_client: AiohttpClient) -> None:
    session: Callable[..., Any] = aiohttp_session.session_middleware(aiohttp_session.SimpleCookieStorage())
    app = web.Application()
    app.router.add_get("/with", chain(session, count))
    app.router.add_get("/without", chain(count))
    client = await aiohttp_client(app)
    assert [await (await client.get("/with")).text() for _ in range(2)] == ["1", "2"]
    assert (await client.get("/without")).status == 500
