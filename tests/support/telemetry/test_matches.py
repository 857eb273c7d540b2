"""The route that a link further in has found is that of the request for those who tell of it."""

from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.support.clones import clone_request
from aiohttp_route_middleware.support.telemetry.matches import find_template, note_match
from aiohttp_route_middleware.typedefs import Handler


async def test_the_match_of_a_clone_is_found_from_the_request_if_it_was_noted(aiohttp_client: AiohttpClient) -> None:
    found: list[str | None] = []

    async def show(_: web.Request) -> web.Response:
        return web.Response()

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        found.append(find_template(request))
        clone = clone_request(request, method="PUT")
        match = await request.app.router.resolve(clone)
        match.add_app(request.app)
        match.freeze()
        clone._match_info = match
        found.append(find_template(request))
        note_match(clone)
        found.append(find_template(request))
        return await match.handler(clone)

    app = web.Application(middlewares=[look])
    app.router.add_put("/posts/{id}", show)
    client = await aiohttp_client(app)
    async with client.post("/posts/7") as response:
        assert response.status == 200
    assert found == [None, None, "/posts/{id}"]
