"""Whether a response is on its way."""

import asyncio

from aiohttp import web

from aiohttp_route_middleware.support.sending import cut_off, has_begun, has_gone

from ..patient_server import serve_patiently


async def test_a_client_that_has_gone_is_noticed_and_cut_off_without_harm() -> None:
    started, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    seen: list[bool] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(has_gone(request))
        started.set()
        await gone.wait()
        seen.append(has_gone(request))
        cut_off(request)
        ended.set()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", handler)
    async with serve_patiently(app) as server:
        _, writer = await server.connect("GET / HTTP/1.1")
        await started.wait()
        await server.lose(writer)
        gone.set()
        await ended.wait()
    assert seen == [False, True]


async def test_a_response_has_begun_when_it_is_prepared() -> None:
    seen: list[bool] = []

    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="whole")
        seen.append(has_begun(request))
        await response.prepare(request)  # its head waits for the body
        seen.append(has_begun(request))
        return response

    app = web.Application()
    app.router.add_post("/", handler)
    async with serve_patiently(app) as server:
        reader, _ = await server.connect("POST / HTTP/1.1", "Expect: 100-continue", "Content-Length: 0")
        assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in await reader.readuntil(b"\r\n")
    assert seen == [False, True]
