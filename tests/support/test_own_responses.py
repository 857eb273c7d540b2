"""What links of users' own register reaches every response, beside what batteries do, whatever it is called."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import on_response, setup
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.request_id import request_id
from aiohttp_route_middleware.middlewares.secure_headers import secure_headers
from aiohttp_route_middleware.typedefs import Handler


def register(name: str, value: str = "own") -> Any:
    async def register(request: web.Request, handler: Handler) -> web.StreamResponse:
        on_response(request, name, lambda _, response: response.headers.add("X-Own", value))
        return await handler(request)

    return register


def register_late(name: str) -> Any:
    async def register_late(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        on_response(request, name, lambda _, response: response.headers.add("X-Own", "late"))
        return response

    return register_late


async def show(_: web.Request) -> web.Response:
    return web.Response(text="shown")


async def refuse(_: web.Request) -> web.Response:
    raise web.HTTPForbidden


@pytest.mark.parametrize(
    ("battery", "header"),
    [
        pytest.param(secure_headers(), "X-Content-Type-Options", id="secure_headers"),
        pytest.param(secure_headers(), "X-Frame-Options", id="x_frame_options"),
        pytest.param(request_id(), "X-Request-ID", id="request_id"),
        pytest.param(etag(), "ETag", id="etag"),
    ],
)
async def test_a_name_of_a_battery_takes_nothing_away_from_it(
    battery: Any, header: str, request: pytest.FixtureRequest, aiohttp_client: AiohttpClient
) -> None:
    """It is used before and behind the battery."""
    name = request.node.callspec.id
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app)
    router.add_get("/before", register(name), battery, show)
    router.add_get("/behind", battery, register(name), show)
    client = await aiohttp_client(app)
    for path in ("/before", "/behind"):
        async with client.get(path) as response:
            assert header in response.headers
            assert response.headers.getall("X-Own") == ["own"]


@pytest.mark.parametrize(
    ("links", "values"),
    [
        pytest.param([register("one", "outer"), register("one", "inner")], ["inner"], id="one name"),
        pytest.param([register("one", "outer"), register("two", "inner")], ["inner", "outer"], id="two names"),
        pytest.param([register_late("one"), register("one", "inner")], ["late"], id="the outer one after its handler"),
    ],
)
async def test_the_innermost_of_a_name_counts(links: Any, values: list[str], aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app, *links).add_get("/", show)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers.getall("X-Own") == values


@pytest.mark.parametrize(("link", "values"), [(register("one"), ["own"]), (register_late("one"), [])])
async def test_what_is_raised_passes_by_who_registers_after_the_handler(
    link: Any, values: list[str], aiohttp_client: AiohttpClient
) -> None:
    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app, link).add_get("/", refuse)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers.getall("X-Own", []) == values


def test_an_application_that_is_not_prepared_is_told_of_the_cure() -> None:
    with pytest.raises(ConfigurationError, match=r"^on_response\('tell_version'\): .*; call setup\(app\)"):
        on_response(make_mocked_request("GET", "/"), "tell_version", print)
