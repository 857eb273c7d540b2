"""A request that means another method: who may know of it before, and what runs for it."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.support.clones import clone_request
from aiohttp_route_middleware.support.meant_methods import declare_meaning, find_meant, match_anew, run_behind
from aiohttp_route_middleware.typedefs import Handler

NAME = web.AppKey("NAME", str)
SEEN: web.RequestKey[list[str]] = web.RequestKey("SEEN", list)


def see(name: str) -> Any:
    @web.middleware
    async def see(request: web.Request, handler: Handler) -> web.StreamResponse:
        request.setdefault(SEEN, []).append(f"{name} in {request.app[NAME]}")
        return await handler(request)

    return see


def take_for(method: str, behind: int = 1) -> Any:
    """A middleware that takes every request for another, and has so many around it, itself included."""

    @web.middleware
    async def take_for(request: web.Request, handler: Handler) -> web.StreamResponse:
        other = await match_anew(clone_request(request, method=method), request, request.app)
        return await run_behind(other, request.app, behind - 1)

    return take_for


async def tell(request: web.Request) -> web.Response:
    told = f"{request.method} {request.match_info.get('id')} in {request.app[NAME]}"
    return web.json_response([*request.get(SEEN, []), told])


def make_app(name: str, *middlewares: Any) -> web.Application:
    app = web.Application(middlewares=middlewares)
    app[NAME] = name
    app.router.add_put("/posts/{id}", tell)
    return app


@pytest.mark.parametrize(
    ("path", "outer", "inner", "expected"),
    [
        pytest.param("/posts/7", [take_for("PUT")], [], ["PUT 7 in outer"], id="nothing"),
        pytest.param("/posts/7", [take_for("PUT"), see("a")], [], ["a in outer", "PUT 7 in outer"], id="a middleware"),
        pytest.param(
            "/posts/7",
            [see("a"), take_for("PUT", 2), see("b"), see("c")],
            [],
            ["a in outer", "b in outer", "c in outer", "PUT 7 in outer"],
            id="some, and not those before it",
        ),
        pytest.param("/sub/posts/7", [take_for("PUT")], [], ["PUT 7 in inner"], id="a sub-application"),
        pytest.param(
            "/sub/posts/7",
            [take_for("PUT"), see("a")],
            [see("b")],
            ["a in outer", "b in inner", "PUT 7 in inner"],
            id="a sub-application and middlewares of both",
        ),
        pytest.param(
            "/sub/posts/7",
            [see("a")],
            [take_for("PUT"), see("b")],
            ["a in outer", "b in inner", "PUT 7 in inner"],
            id="in a sub-application",
        ),
        pytest.param(
            "/sub/posts/7", [], [take_for("PUT")], ["PUT 7 in inner"], id="in a sub-application, and nothing"
        ),
    ],
)
async def test_what_stands_behind_it_runs_in_its_own_application(
    path: str, outer: list[Any], inner: list[Any], expected: list[str], aiohttp_client: AiohttpClient
) -> None:
    app = make_app("outer", *outer)
    app.add_subapp("/sub", make_app("inner", *inner))
    client = await aiohttp_client(app)
    async with client.post(path) as response:
        assert await response.json() == expected


async def test_a_method_that_the_path_does_not_have_is_405(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app("outer", take_for("DELETE")))
    async with client.post("/posts/7") as response:
        assert (response.status, response.headers["Allow"]) == (405, "PUT")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param("POST", "POST", id="its own"),
        pytest.param("PUT", "PUT 7", id="another"),
        pytest.param(None, "nobody knows", id="its body may tell"),
    ],
)
async def test_who_looks_before_it_finds_the_request_as_its_endpoint_will_see_it(
    found: str | None, expected: str, aiohttp_client: AiohttpClient
) -> None:
    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.Response:
        meant = await find_meant(request)
        if meant is None:
            return web.Response(text="nobody knows")
        assert (meant is request) is (meant.method == "POST")
        return web.Response(text=f"{meant.method} {meant.match_info.get('id', '')}".strip())

    @web.middleware
    async def change(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise NotImplementedError("the one before has answered")

    declare_meaning(change, lambda _: found)
    client = await aiohttp_client(make_app("outer", look, change))
    async with client.post("/posts/7") as response:
        assert await response.text() == expected
