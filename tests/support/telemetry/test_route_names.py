"""Requests are counted under few names, whatever clients make up."""

from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.support.clones import clone_request
from aiohttp_route_middleware.support.telemetry.route_names import (
    METHODS,
    name_final_route,
    name_method,
    name_route,
    note_match,
)
from aiohttp_route_middleware.typedefs import Handler


@given(st.text() | st.sampled_from(sorted(METHODS)))
def test_a_method_that_nobody_knows_has_one_name(method: str) -> None:
    request: web.Request = type("Request", (), {"method": method})()
    assert name_method(request) == (method if method in METHODS else "_OTHER")


async def test_a_route_is_named_by_its_template(aiohttp_client: AiohttpClient) -> None:
    found: list[str | None] = []

    @web.middleware
    async def note(request: web.Request, handler: object) -> web.StreamResponse:
        found.append(name_route(request))
        return web.Response()

    async def show(_: web.Request) -> web.Response:
        return web.Response()

    inner = web.Application()
    inner.router.add_get("/posts/{id}", show)
    app = web.Application(middlewares=[note])
    app.add_subapp("/sub", inner)
    client = await aiohttp_client(app)
    for path in ("/sub/posts/7", "/nothing"):
        async with client.get(path):
            pass
    assert found == ["/sub/posts/{id}", None]


async def test_the_match_of_a_clone_is_found_from_the_request_if_it_was_noted(aiohttp_client: AiohttpClient) -> None:
    found: list[str | None] = []

    async def show(_: web.Request) -> web.Response:
        return web.Response()

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        found.append(name_final_route(request))
        clone = clone_request(request, method="PUT")
        match = await request.app.router.resolve(clone)
        match.add_app(request.app)
        match.freeze()
        clone._match_info = match
        found.append(name_final_route(request))
        note_match(clone)
        found.append(name_final_route(request))
        return await match.handler(clone)

    app = web.Application(middlewares=[look])
    app.router.add_put("/posts/{id}", show)
    client = await aiohttp_client(app)
    async with client.post("/posts/7") as response:
        assert response.status == 200
    assert found == [None, None, "/posts/{id}"]
