"""What batteries register reaches every response, once, as the innermost of a name has said."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
from aiohttp import ClientError, web
from aiohttp.log import server_logger
from aiohttp.test_utils import make_mocked_request
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.battery import middleware_battery
from aiohttp_route_middleware.support.responses import (
    copy_registered,
    on_response,
    restore_registered,
    see_response,
)
from aiohttp_route_middleware.support.vary import merge_vary
from aiohttp_route_middleware.typedefs import Handler

from ..middlewares.matrix import MATRIX, Case, ask, make_app


def mark(value: str) -> Any:
    @middleware_battery(f"mark({value})")
    async def mark(request: web.Request, handler: Handler) -> web.StreamResponse:
        def apply(_: web.Request, response: web.StreamResponse) -> None:
            response.headers.setdefault("X-Mark", value)
            merge_vary(response.headers, "Origin")

        on_response(request, "mark", apply)
        return await handler(request)

    return mark


async def index(request: web.Request) -> web.Response:
    return web.Response(text="index")


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_has_the_header_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, mark("yes")))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert response.headers.getall("X-Mark") == ["yes"]
        assert response.headers.getall("Vary") == ["Origin"]


async def test_the_innermost_of_a_name_wins(aiohttp_client: AiohttpClient) -> None:
    app = web.Application(middlewares=[mark("application")])
    setup(app)
    router = UrlDispatcherEx.install(app, mark("router"))
    router.add_get("/router", index)
    group = router.group("", mark("group"))
    group.add_get("/group", index)
    group.add_get("/route", mark("route"), index)
    client = await aiohttp_client(app)
    for path in ("router", "group", "route"):
        async with client.get(f"/{path}") as response:
            assert response.headers.getall("X-Mark") == [path]
    async with client.get("/nowhere") as response:
        assert response.headers.getall("X-Mark") == ["application"]


async def test_what_is_applied_sees_what_the_handler_has_set_itself(aiohttp_client: AiohttpClient) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(headers={"X-Mark": "handler"})

    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", mark("battery"), handler)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers.getall("X-Mark") == ["handler"]


async def test_an_application_that_is_not_prepared_is_told_of_the_cure(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/", mark("yes"), index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
    assert "mark(): the application is not prepared for batteries that set headers; call setup(app)" in caplog.text


async def test_preparing_twice_or_below_sets_nothing_twice(aiohttp_client: AiohttpClient) -> None:
    async def add(request: web.Request, handler: Handler) -> web.StreamResponse:
        on_response(request, "add", lambda _, response: response.headers.add("X-Added", "once"))
        return await handler(request)

    app, sub = web.Application(), web.Application()
    for one in (app, sub, app):
        setup(one)
    UrlDispatcherEx.install(sub).add_get("/", add, index)
    app.add_subapp("/sub", sub)
    async with (await aiohttp_client(app)).get("/sub/") as response:
        assert response.headers.getall("X-Added") == ["once"]


async def test_the_innermost_is_applied_first_as_a_response_goes_outwards(aiohttp_client: AiohttpClient) -> None:
    applied: list[str] = []

    def register(name: str) -> Any:
        async def link(request: web.Request) -> None:
            on_response(request, name, lambda *_: applied.append(name))

        return link

    router = UrlDispatcherEx.install(app := web.Application())
    setup(app)
    router.add_get("/", register("outer"), register("inner"), index)
    client = await aiohttp_client(app)
    await client.get("/")
    assert applied == ["inner", "outer"]


async def test_what_is_applied_may_be_async_and_a_clone_of_the_request_registers_as_well(
    aiohttp_client: AiohttpClient,
) -> None:
    async def clone(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(method="PUT"))

    async def late(request: web.Request, response: web.StreamResponse) -> None:
        await asyncio.sleep(0)
        response.headers["X-Late"] = request.method

    async def register(request: web.Request) -> None:
        on_response(request, "late", late)

    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", clone, register, index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers["X-Late"] == "GET"


async def test_what_fails_is_not_applied_to_the_error_that_follows(aiohttp_client: AiohttpClient) -> None:
    def fail(request: web.Request, response: web.StreamResponse) -> None:
        raise RuntimeError("cannot be applied")

    async def register(request: web.Request) -> None:
        on_response(request, "fail", fail)

    app = web.Application()
    setup(app)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    router = UrlDispatcherEx.install(app, mark("yes"))
    router.add_get("/", register, handler)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.status == 500
        assert response.headers["X-Mark"] == "yes"


async def test_what_fails_on_a_compressed_stream_leaves_the_error_readable(aiohttp_client: AiohttpClient) -> None:
    def fail(request: web.Request, response: web.StreamResponse) -> None:
        raise web.HTTPServiceUnavailable(text="the store is down")

    async def register(request: web.Request) -> None:
        on_response(request, "fail", fail)

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_compression()
        await response.prepare(request)
        return response

    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", register, stream)
    client = await aiohttp_client(app)
    for _ in range(2):  # the second on the same connection
        async with client.get("/", headers={"Accept-Encoding": "gzip"}) as response:
            assert (response.status, await response.text()) == (503, "the store is down")


async def test_a_clone_that_is_made_before_hides_nothing(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def clone(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone())

    app = web.Application(middlewares=[clone])
    setup(app)
    app.middlewares.insert(0, clone)
    UrlDispatcherEx.install(app).add_get("/", mark("yes"), index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers["X-Mark"] == "yes"


async def test_middlewares_that_were_taken_over_from_a_prepared_application_do_not_prepare_another(
    aiohttp_client: AiohttpClient,
) -> None:
    first = web.Application()
    setup(first)
    app = web.Application(middlewares=first.middlewares)
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", mark("yes"), index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers.getall("X-Mark") == ["yes"]


async def test_what_is_copied_can_be_restored(aiohttp_client: AiohttpClient) -> None:
    async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:
        before = copy_registered(request)
        on_response(request, "mark", lambda _, response: response.headers.add("X-Mark", "forgotten"))
        restore_registered(request, before)
        return await handler(request)

    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app, mark("yes")).add_get("/", forget, index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers.getall("X-Mark") == ["yes"]


def test_there_is_nothing_to_restore_in_an_application_that_is_not_prepared() -> None:
    request = make_mocked_request("GET", "/")
    assert copy_registered(request) == {}
    restore_registered(request, {})
    with pytest.raises(ConfigurationError, match="the application is not prepared"):
        on_response(request, "mark", print)


async def test_a_response_that_replaces_another_gets_the_headers_too(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def replace(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request.clone())
        return web.Response(text="another")

    sub, app = web.Application(), web.Application(middlewares=[replace])
    setup(sub)
    UrlDispatcherEx.install(sub).add_get("/", mark("yes"), index)
    app.add_subapp("/sub", sub)
    async with (await aiohttp_client(app)).get("/sub/") as response:
        assert (response.headers["X-Mark"], await response.text()) == ("yes", "another")


async def test_a_stream_that_broke_off_is_forgotten(
    aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_logger, "disabled", True)  # what is logged keeps the traceback, and so the request
    requests: list[weakref.ref[web.Request]] = []

    async def break_off(request: web.Request) -> web.StreamResponse:
        requests.append(weakref.ref(request))
        await web.StreamResponse().prepare(request)
        raise ConnectionResetError

    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", mark("yes"), break_off)
    client = await aiohttp_client(app)
    with pytest.raises(ClientError):
        async with client.get("/") as response:
            await response.read()
    await client.server.close()
    gc.collect()
    assert [one() for one in requests] == [None]


async def test_the_innermost_of_a_name_is_applied_where_it_stands(aiohttp_client: AiohttpClient) -> None:
    applied: list[str] = []

    def register(name: str, said: str) -> Any:
        async def link(request: web.Request) -> None:
            on_response(request, name, lambda *_: applied.append(said))

        return link

    router = UrlDispatcherEx.install(app := web.Application())
    setup(app)
    router.add_get("/", register("a", "outer a"), register("b", "b"), register("a", "inner a"), index)
    client = await aiohttp_client(app)
    await client.get("/")
    assert applied == ["inner a", "b"]


async def test_who_watches_is_neither_replaced_nor_forgotten(aiohttp_client: AiohttpClient) -> None:
    seen: list[str] = []

    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        before = copy_registered(request)
        for name in ("outer", "inner"):
            see_response(request, "watch", lambda *_, name=name: seen.append(name))
        on_response(request, "forgotten", lambda *_: seen.append("forgotten"))
        restore_registered(request, before)
        return await handler(request)

    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", watch, mark("yes"), index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers["X-Mark"] == "yes"
    assert seen == ["inner", "outer"]


def test_who_watches_in_an_application_that_is_not_prepared_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^watch\(\): the application is not prepared"):
        see_response(make_mocked_request("GET", "/"), "watch", print)
