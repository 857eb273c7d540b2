"""A preflight is answered by the innermost policy around the route that it asks about; what has none goes on."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.support.battery import guard_battery
from aiohttp_route_middleware.support.cors.preflight import check_no_policy, declare_policy
from aiohttp_route_middleware.typedefs import Handler

from ...preflights import Client, Serve, serve

__all__ = ("serve",)

ORIGIN = "https://a.example"


def policy(name: str) -> Any:
    """A link that answers preflights with its name, and passes on all else."""

    @guard_battery(f"policy({name})")
    async def policy(request: web.Request, handler: Handler | None = None) -> web.StreamResponse | None:
        return await handler(request) if handler else None

    def answer(request: web.Request, method: str) -> web.StreamResponse:
        return web.Response(status=204, headers={"X-Policy": f"{name} for {method}"})

    declare_policy(policy, answer)
    return policy


INNER, OUTER = policy("inner"), policy("outer")


async def index(request: web.Request) -> web.Response:
    return web.Response(text=await request.text())


async def ask(client: Client, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, str]:
    """The status of the answer to a preflight, and which policy has given it."""
    sent = {"Origin": ORIGIN, "Access-Control-Request-Method": method, **headers}
    async with client.options(path, headers=sent) as response:
        return response.status, response.headers.get("X-Policy", "")


class View(web.View):
    """Has one method, and a plain OPTIONS."""

    async def put(self) -> web.Response:
        return web.Response()

    async def options(self) -> web.Response:
        return web.Response(text="plain")


def add_routes(router: UrlDispatcherEx) -> None:
    router.add_get("/", INNER, index)
    router.add_put("/", policy("another"), index)
    router.add_view("/view", INNER, View)
    router.add_get("/bare", index)
    router.add_get("/own", index)
    router.add_options("/own", index)
    router.add_route("*", "/all", INNER, index)
    router.add_static("/files", Path(__file__).parent, INNER)


@pytest.mark.parametrize(
    ("path", "method", "answer"),
    [
        pytest.param("/", "GET", (204, "inner for GET"), id="a route"),
        pytest.param("/", "HEAD", (204, "inner for HEAD"), id="the route that came with it"),
        pytest.param("/", "PUT", (204, "another for PUT"), id="another method of the path"),
        pytest.param("/view", "PUT", (204, "inner for PUT"), id="a method of a view"),
        pytest.param("/all", "DELETE", (204, "inner for DELETE"), id="a route for all methods"),
        pytest.param("/all", "BREW", (204, "inner for BREW"), id="a method of nobody's"),
        pytest.param("/files/__init__.py", "GET", (204, "inner for GET"), id="a file"),
        pytest.param("/nowhere", "GET", (404, ""), id="no such path"),
        pytest.param("/", "DELETE", (405, ""), id="no such method"),
        pytest.param("/bare", "GET", (405, ""), id="no policy"),
        pytest.param("/own", "GET", (200, ""), id="no policy, but an OPTIONS route"),
        pytest.param("/own", "PUT", (200, ""), id="no such method, but an OPTIONS route"),
        pytest.param("/view", "DELETE", (200, ""), id="no such method of the view"),
        pytest.param("/view", "BREW", (200, ""), id="a method that no view has"),
        pytest.param("/", "get", (405, ""), id="another case: methods are case-sensitive"),
        pytest.param("/all", "*", (200, ""), id="a star is no method"),
        pytest.param("/all", "", (200, ""), id="nothing is no method"),
        pytest.param("/all", "a b", (200, ""), id="a space"),
        pytest.param("/all", "GET, PUT", (200, ""), id="a list"),
        pytest.param("/all", "X" * 65, (200, ""), id="too long"),
    ],
)
async def test_who_answers_a_preflight(path: str, method: str, answer: tuple[int, str], serve: Serve) -> None:
    assert await ask(await serve(add_routes), path, method) == answer


async def test_two_methods_are_none(serve: Serve) -> None:
    client = await serve(add_routes)
    asked = [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Method", "PUT")]
    async with client.options("/all", headers=[("Origin", ORIGIN), *asked]) as response:
        assert (response.status, response.headers.get("X-Policy")) == (200, None)


@pytest.mark.parametrize("missing", ["Origin", "Access-Control-Request-Method"])
async def test_an_options_without_what_a_preflight_has_is_left_to_the_user(missing: str, serve: Serve) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    del headers[missing]
    async with (await serve(add_routes)).options("/all", headers=headers) as response:
        assert (response.status, response.headers.get("X-Policy")) == (200, None)


@pytest.mark.parametrize("place", ["sub-application", "its route", "around", "domain", "nested"])
async def test_the_innermost_policy_around_a_route_of_a_sub_application(
    place: str, aiohttp_client: AiohttpClient
) -> None:
    app = web.Application(middlewares=[INNER] if place == "around" else [OUTER])
    sub = web.Application(middlewares=[INNER] if place in ("sub-application", "domain", "nested") else [])
    sub.router.add_put("/posts/{id}", chain(INNER, index) if place == "its route" else index)
    for one in (app, sub):
        setup(one)
    if place == "domain":
        app.add_domain("api.example", sub)
    elif place == "nested":
        between = web.Application(middlewares=[policy("between")])
        between.add_subapp("/inner", sub)
        app.add_subapp("/sub", between)
    else:
        app.add_subapp("/sub", sub)
    client = await aiohttp_client(app)
    prefix = {"domain": "", "nested": "/sub/inner"}.get(place, "/sub")
    host = {"Host": "api.example"} if place == "domain" else {}
    assert await ask(client, f"{prefix}/posts/7", "PUT", **host) == (204, "inner for PUT")
    assert await ask(client, f"{prefix}/posts/7", "GET", **host) == (405, "")
    assert await ask(client, f"{prefix}/nowhere", **host) == (404, "")


async def test_a_sub_application_that_is_prepared_alone_asks_all_the_same(aiohttp_client: AiohttpClient) -> None:
    app, sub = web.Application(), web.Application()
    setup(sub)
    sub.router.add_get("/", chain(INNER, index))
    app.add_subapp("/sub", sub)
    assert await ask(await aiohttp_client(app), "/sub/") == (204, "inner for GET")


async def test_a_traced_and_checked_chain_on_a_plain_router(aiohttp_client: AiohttpClient) -> None:
    def trace(request: web.Request, link: Any) -> Callable[[Any], None]:
        return lambda outcome: None

    app = web.Application()
    setup(app)
    app.router.add_get("/", chain(INNER, index, checked=True, trace=trace))
    assert await ask(await aiohttp_client(app)) == (204, "inner for GET")


def decorate(handler: Any) -> Any:
    @functools.wraps(handler)
    async def decorated(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        return response

    return decorated


@pytest.mark.parametrize("wrap", [functools.partial, decorate], ids=["partial", "decorator"])
async def test_a_policy_in_a_wrapped_chain_is_found_before_one_around_it(
    wrap: Callable[[Any], Any], serve: Serve
) -> None:
    client = await serve(lambda router: router.add_put("/", wrap(chain(INNER, index))), OUTER)
    assert await ask(client, method="PUT") == (204, "inner for PUT")


async def test_a_preflight_whose_body_somebody_has_read_is_left_to_others(aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def read(request: web.Request, handler: Handler) -> web.StreamResponse:
        await request.read()
        return await handler(request)

    sub, app = web.Application(), web.Application(middlewares=[read])
    setup(sub)
    add_routes(UrlDispatcherEx.install(sub))
    app.add_subapp("/sub", sub)
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    async with (await aiohttp_client(app)).options("/sub/", headers=headers, data=b"x") as response:
        assert response.status == 405


async def test_the_body_of_a_preflight_is_left_alone_and_the_connection_goes_on(serve: Serve) -> None:
    client = await serve(add_routes)
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    async with client.options("/", headers=headers, data=b"x" * 100) as response:
        assert response.status == 204
    async with client.options("/own", headers=headers, data=b"body") as response:
        assert await response.text() == "body"


@pytest.mark.parametrize("links", [[INNER], [index, functools.partial(INNER)]], ids=["a link", "in a partial"])
def test_a_policy_inside_another_link_is_refused(links: list[Any]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"x\(\): there is a CORS policy in it, which no preflight would find"
    ):
        check_no_policy("x()", links)


def test_links_without_a_policy_may_stand_inside_another() -> None:
    check_no_policy("x()", [index, decorate(index)])
