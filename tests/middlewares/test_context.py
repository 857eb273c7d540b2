"""context(): the current request, for code that nobody has handed it to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.context import NAMESPACE, context, current, current_request
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.typedefs import Handler

from .. import scopes
from ..scopes import each_scope, path_in


def read_deep() -> str:
    return current_request().query.get("name", "nobody")


async def tell(request: web.Request) -> web.Response:
    return web.Response(text=read_deep())


async def populate(request: web.Request) -> dict[str, str]:
    return {"locale": request.headers["Accept-Language"]}


@each_scope
async def test_code_that_has_no_request_finds_it_in_every_scope(scope: str, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(scopes.make_app(scope, [context()], {"GET /": tell}))
    async with client.get(path_in(scope, "/?name=ann")) as response:
        assert await response.text() == "ann"


def test_outside_of_a_request_the_error_says_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"current_request\(\): there is no current request here; .*context"):
        current_request()
    with pytest.raises(ConfigurationError, match=r"current\(\): there is no current request here"):
        current()


async def test_tasks_and_threads_of_the_handler_find_it_too(aiohttp_client: AiohttpClient) -> None:
    async def read() -> str:
        await asyncio.sleep(0)
        return read_deep()

    async def gather(request: web.Request) -> web.Response:
        found = await asyncio.gather(read(), asyncio.create_task(read()), asyncio.to_thread(read_deep))
        return web.json_response(found)

    client = await aiohttp_client(scopes.make_app("route", [context()], {"GET /": gather}))
    async with client.get("/?name=ann") as response:
        assert await response.json() == ["ann"] * 3


async def test_requests_at_the_same_time_see_each_their_own(aiohttp_client: AiohttpClient) -> None:
    all_here = asyncio.Event()
    names: list[str] = []

    async def meet(request: web.Request) -> web.Response:
        current().name = request.query["name"]
        names.append(current().name)
        if len(names) == 5:
            all_here.set()
        await all_here.wait()
        return web.Response(text=f"{read_deep()} {current().name}")

    client = await aiohttp_client(scopes.make_app("route", [context()], {"GET /": meet}))

    async def ask(name: str) -> str:
        async with client.get("/", params={"name": name}) as response:
            return await response.text()

    assert await asyncio.gather(*map(ask, "abcde")) == [f"{name} {name}" for name in "abcde"]


async def test_the_next_request_of_the_connection_sees_nothing_of_it(aiohttp_client: AiohttpClient) -> None:
    connections: list[Any] = []

    async def leave(request: web.Request) -> web.Response:
        connections.append(request.transport)
        current().left = True
        return web.Response()

    async def look(request: web.Request) -> web.Response:
        connections.append(request.transport)
        try:
            return web.Response(text=str(vars(current())))
        except ConfigurationError:
            return web.Response(text="nothing")

    app = web.Application()
    app.router.add_get("/leave", chain(context(), leave))
    app.router.add_get("/look", look)
    app.router.add_get("/look-again", chain(context(), look))
    client = await aiohttp_client(app)
    for path, found in (("/leave", ""), ("/look", "nothing"), ("/look-again", "{}")):
        async with client.get(path) as response:
            assert await response.text() == found
    assert len(set(connections)) == 1


async def test_a_generator_that_makes_the_body_finds_it(aiohttp_client: AiohttpClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield read_deep().encode()

    async def stream(request: web.Request) -> web.Response:
        return web.Response(body=pieces())

    client = await aiohttp_client(scopes.make_app("route", [context()], {"GET /": stream}))
    async with client.get("/?name=ann") as response:
        assert await response.text() == "ann"


async def test_there_is_one_namespace_and_the_request_of_the_innermost(aiohttp_client: AiohttpClient) -> None:
    async def set_one(request: web.Request) -> None:
        current().one = 1

    @web.middleware
    async def clone(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(method="PUT"))

    async def show(request: web.Request) -> web.Response:
        assert current_request() is request
        assert request[NAMESPACE] is current()
        return web.json_response([current_request().method, vars(current())])

    app = web.Application(middlewares=[context()])
    app.router.add_get("/", chain(set_one, clone, context(lambda request: {"two": 2}), show))
    async with (await aiohttp_client(app)).get("/") as response:
        assert await response.json() == ["PUT", {"one": 1, "two": 2}]


async def test_a_clone_that_was_made_before_there_was_a_namespace_shares_it(aiohttp_client: AiohttpClient) -> None:
    async def set_one(request: web.Request) -> None:
        current().one = 1

    async def show(request: web.Request) -> web.Response:
        return web.json_response(vars(current()))

    @web.middleware
    async def clone(request: web.Request, handler: Handler) -> web.StreamResponse:
        early, inner = request.clone(), chain(context(), show)

        async def go_on_with_clone(_: web.Request) -> web.StreamResponse:
            return await inner(early)

        return await chain(context(), set_one, go_on_with_clone)(request)

    app = web.Application(middlewares=[clone])
    app.router.add_get("/", show)
    async with (await aiohttp_client(app)).get("/") as response:
        assert await response.json() == {"one": 1}


async def test_the_namespace_begins_with_what_a_function_has_found(aiohttp_client: AiohttpClient) -> None:
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=current().locale)

    assert name_link(context(populate)) == "context(populate)"
    client = await aiohttp_client(scopes.make_app("route", [context(populate)], {"GET /": show}))
    async with client.get("/", headers={"Accept-Language": "de"}) as response:
        assert await response.text() == "de"


@pytest.mark.parametrize("values", [None, [("a", 1)], {1: 2}], ids=repr)
async def test_what_is_no_mapping_of_names_is_an_error(
    values: Any, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = await aiohttp_client(scopes.make_app("route", [context(lambda request: values)], {"GET /": tell}))
    async with client.get("/") as response:
        assert response.status == 500
    assert "return a mapping of names" in caplog.text


def test_what_cannot_be_called_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"context\(\): populate is .*pass a function"):
        context({"locale": "de"})  # type: ignore[arg-type]  # wrong on purpose
