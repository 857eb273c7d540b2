"""Who invites the body of a request: aiohttp, before any link runs; or the endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.proxy import Upstream, proxy
from aiohttp_route_middleware.proxy.expectations import invite_late, invites_itself

from .front import serve
from .raw import OK, Between

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECTING = b"POST /%b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"


async def read_all(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


@pytest.mark.parametrize("is_chained", [False, True], ids=["alone", "behind a link"])
async def test_only_an_endpoint_that_invites_by_itself_is_left_to_it(is_chained: bool) -> None:
    async def own(request: web.Request) -> web.Response:
        return web.Response()

    def behind(endpoint: Handler) -> Handler:
        return chain(pass_by, endpoint) if is_chained else endpoint

    async def pass_by(request: web.Request) -> None:
        return None

    invites_itself(own)
    app = web.Application()
    late: Any = app.router.add_post("/own", behind(own))
    early: Any = app.router.add_post("/other", behind(read_all))
    await invite_late(app)
    assert early._expect_handler.__name__ == "_default_expect_handler"
    assert late._expect_handler is not early._expect_handler


async def test_a_handler_of_expectations_that_was_passed_stays() -> None:
    async def expect(request: web.Request) -> None:
        return None

    app = web.Application()
    upstream = Upstream("http://127.0.0.1:1")
    route: Any = app.router.add_post("/", proxy(upstream), expect_handler=expect)
    await invite_late(app)
    assert route._expect_handler is expect


async def test_a_proxy_in_a_sub_application_invites_by_itself(between: Between) -> None:
    app, sub = web.Application(), web.Application()
    upstream = Upstream(between.url)
    upstream.run_with(app)
    route: Any = sub.router.add_post("/", proxy(upstream))
    app.add_subapp("/sub", sub)
    await invite_late(app)
    assert route._expect_handler.__name__ == "_check_expectation"


async def test_other_routes_are_invited_as_ever(between: Between) -> None:
    app = web.Application()
    app.router.add_post("/own", read_all)
    async with serve(between.url, app=app) as front:
        client = await front.send(EXPECTING % b"own")
        assert await client.read_until(b"\r\n\r\n") == CONTINUE
        await client.send(b"abc")
        assert (await client.read_response()).body == b"abc"


async def test_what_else_is_expected_is_417(between: Between) -> None:
    async with serve(between.url) as front:
        client = await front.send(EXPECTING.replace(b"100-continue", b"x") % b"")
        assert (await client.read_response()).status == 417
        assert between.upstream.wires == []


async def test_the_word_is_taken_in_any_case(between: Between) -> None:
    async with serve(between.url, expect_timeout=60.0) as front:
        client = await front.send(EXPECTING.replace(b"100-continue", b"100-Continue") % b"")
        target = await between.upstream.accept()
        await target.read_head()
        await target.send(CONTINUE)
        assert await client.read_until(b"\r\n\r\n") == CONTINUE
        await client.send(b"abc")
        await target.read_exactly(3)
        await target.send(OK)
        assert (await client.read_response()).status == 200
