"""A route is told apart from all others, and the same wherever and whenever it is asked."""

from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.abc import AbstractMatchInfo, AbstractRouter
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.support.route_identity import identify_route
from aiohttp_route_middleware.typedefs import Handler


async def answer(request: web.Request) -> web.Response:
    raise NotImplementedError("the middleware has answered")


@web.middleware
async def tell(request: web.Request, handler: Handler) -> web.Response:
    return web.Response(text=identify_route(request))


def make_app(*, extended: bool) -> web.Application:
    def make(path: str = "/same", **options: Any) -> web.Application:
        one = web.Application(**options)
        if extended:
            UrlDispatcherEx.install(one)
        one.router.add_get(path, answer)
        return one

    app = make(middlewares=[tell])
    app.router.add_post("/same", answer)
    app.router.add_route("*", "/any", answer)
    app.router.add_get(r"/posts/{id:\d+}", answer)
    app.router.add_get("/posts/{id:[a-z]+}", answer)
    app.router.add_get("/posts/{id}", answer)
    twice = make()
    for host, one in (("a.example", make()), ("b.example", make()), ("*.c.example", twice), ("d.example", twice)):
        app.add_domain(host, one)
    outer = web.Application()
    outer.add_subapp("/inner", make())
    app.add_subapp("/sub", outer)
    return app


@pytest.mark.parametrize("extended", [False, True], ids=["router of aiohttp", "extended router"])
async def test_each_route_is_itself_in_every_process(extended: bool, aiohttp_client: AiohttpClient) -> None:
    clients = [await aiohttp_client(make_app(extended=extended)) for _ in range(2)]
    asked = {
        "get": ("GET", "/same", "localhost"),
        "post": ("POST", "/same", "localhost"),
        "any": ("PURGE", "/any", "localhost"),
        "digits": ("GET", "/posts/1", "localhost"),
        "letters": ("GET", "/posts/a", "localhost"),
        "whatever": ("GET", "/posts/A", "localhost"),
        "on a domain": ("GET", "/same", "a.example"),
        "on another": ("GET", "/same", "b.example"),
        "on two": ("GET", "/same", "x.c.example"),
        "below": ("GET", "/sub/inner/same", "localhost"),
        "none": ("GET", "/nowhere", "localhost"),
    }
    alike = {
        "get": ("HEAD", "/same", "localhost"),
        "any": ("GET", "/any", "localhost"),
        "digits": ("GET", "/posts/2", "localhost"),
        "on two": ("GET", "/same", "d.example"),
        "none": ("PUT", "/posts/1", "localhost"),
    }
    names: dict[str, str] = {}
    for what, (method, path, host) in asked.items():
        for client in clients:
            async with client.request(method, path, headers={"Host": host}) as response:
                names.setdefault(what, await response.text())
                assert names[what] == await response.text()
    assert len({*names.values()}) == len(asked)
    for what, (method, path, host) in alike.items():
        async with clients[0].request(method, path, headers={"Host": host}) as response:
            assert method == "HEAD" or await response.text() == names[what]
            assert int(response.headers["Content-Length"]) == len(names[what])


async def test_a_router_that_cannot_be_listed_knows_its_routes_all_the_same(aiohttp_client: AiohttpClient) -> None:
    inner = web.Application()
    inner.router.add_get("/", answer)
    inner.pre_freeze()

    class Strange(AbstractRouter):
        async def resolve(self, request: web.Request) -> AbstractMatchInfo:
            match = await inner.router.resolve(request)
            match.add_app(inner)
            return match

    with pytest.warns(DeprecationWarning, match="router"):
        app = web.Application(router=cast(Any, Strange()), middlewares=[tell])
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        assert await response.text() == "route GET /"
