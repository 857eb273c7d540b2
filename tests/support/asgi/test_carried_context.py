"""What is set behind an ASGI middleware is there in front of it, and the other way round, whatever tasks it makes."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.middlewares.context import NAMESPACE, context, current, current_request
from aiohttp_route_middleware.support.asgi.messages import Receive, Scope, Send
from aiohttp_route_middleware.typedefs import Handler

from .middlewares import Base, InGroup, PassOn
from .worlds import PatientServer

each_middleware = pytest.mark.parametrize("middleware", [PassOn, Base, InGroup])
WHO: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.fixture
def ask(aiohttp_client: AiohttpClient) -> Any:
    """Send one GET through links."""

    async def ask(*links: Any) -> str:
        app = web.Application()
        app.router.add_get("/", chain(*links))
        async with (await aiohttp_client(app)).get("/") as response:
            assert response.status == 200, await response.text()
            return await response.text()

    return ask


@each_middleware
async def test_there_is_one_namespace_on_both_sides(middleware: Any, ask: Any) -> None:
    """What stands before reads what stands behind has set, and the other way round."""
    seen: asyncio.Queue[Any] = asyncio.Queue()

    async def before(request: web.Request, handler: Handler) -> web.StreamResponse:
        current().before = 1
        response = await handler(request)
        seen.put_nowait([vars(current()), vars(request[NAMESPACE])])
        return response

    async def show(request: web.Request) -> web.Response:
        current().behind = 2
        return web.json_response([vars(current()), current_request() is request])

    told = await ask(context(), before, from_asgi(middleware), context(), show)
    assert told == '[{"before": 1, "behind": 2}, true]'
    assert await seen.get() == [{"before": 1, "behind": 2}] * 2


@each_middleware
async def test_a_namespace_that_is_made_behind_is_found_before(middleware: Any, ask: Any) -> None:
    seen: asyncio.Queue[Any] = asyncio.Queue()

    async def before(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        seen.put_nowait([vars(current()), vars(request[NAMESPACE])])
        return response

    async def show(request: web.Request) -> web.Response:
        current().behind = 2
        return web.Response(text="seen")

    assert await ask(before, from_asgi(middleware), context(), show) == "seen"
    assert await seen.get() == [{"behind": 2}] * 2


async def take_name(request: web.Request) -> web.Response:
    WHO.set(f"{WHO.get()} and bob")
    return web.Response()


async def take_name_and_refuse(request: web.Request) -> web.Response:
    WHO.set(f"{WHO.get()} and bob")
    raise web.HTTPConflict


async def take_name_and_fail(request: web.Request) -> web.Response:
    WHO.set(f"{WHO.get()} and bob")
    raise KeyError("boom")


@each_middleware
@pytest.mark.parametrize("handler", [take_name, take_name_and_refuse, take_name_and_fail])
async def test_a_context_variable_that_is_set_behind_is_set_before(
    handler: Any, middleware: Any, aiohttp_client: AiohttpClient
) -> None:
    """Whether the handler returns, raises a response, or fails."""
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def before(request: web.Request, handler: Handler) -> web.StreamResponse:
        WHO.set("ada")
        try:
            return await handler(request)
        finally:
            seen.put_nowait(WHO.get())

    app = web.Application()
    app.router.add_get("/", chain(before, from_asgi(middleware), handler))
    async with (await aiohttp_client(app)).get("/"):
        assert await seen.get() == "ada and bob"


async def test_what_the_middleware_takes_back_stays_taken_back(ask: Any) -> None:
    """Where there is one task, nothing is carried."""

    class Around(PassOn):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            before = WHO.set("inside")
            await self.app(scope, receive, send)
            WHO.reset(before)

    seen: asyncio.Queue[str] = asyncio.Queue()

    async def before(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        seen.put_nowait(WHO.get())
        return response

    assert await ask(before, from_asgi(Around), take_name) == ""
    assert await seen.get() == "nobody"


async def test_a_websocket_has_one_namespace_on_both_sides(aiohttp_client: AiohttpClient) -> None:
    seen: asyncio.Queue[Any] = asyncio.Queue()

    async def before(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        seen.put_nowait((vars(current()), WHO.get()))
        return response

    async def accept(request: web.Request) -> web.WebSocketResponse:
        current().behind = 2
        await take_name(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/", chain(context(), before, from_asgi(InGroup, websockets=True), context(), accept))
    client: TestClient[Any, Any] = await aiohttp_client(PatientServer(app))
    async with client.ws_connect("/") as socket:
        await socket.receive()
    assert await seen.get() == ({"behind": 2}, "nobody and bob")
