"""A middleware of an application that is no link: chains refuse it, by whatever name it comes."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, chain
from aiohttp_route_middleware.definitions import define
from aiohttp_route_middleware.errors import RegistrationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.support.application_only import APPLICATION_ONLY, find_place
from aiohttp_route_middleware.support.battery import MiddlewareBattery, middleware_battery
from aiohttp_route_middleware.typedefs import Handler


def make() -> MiddlewareBattery:
    @middleware_battery("name(option)", required=(APPLICATION_ONLY,))
    async def name(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["X-Seen"] = "yes"
        return response

    return name


async def index(_: web.Request) -> web.Response:
    return web.Response(text="index")


def never(_: web.Request) -> bool:
    return False


@pytest.mark.parametrize("is_defined", [False, True], ids=["itself", "by name"])
async def test_it_runs_in_an_application_which_knows_its_place(
    is_defined: bool, aiohttp_client: AiohttpClient
) -> None:
    battery = make()
    entry: Any = define(f"{__name__}:make") if is_defined else battery
    app = web.Application(middlewares=[entry])
    setup(app)
    app.router.add_get("/", index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers["X-Seen"] == "yes"
    battery = entry.link if is_defined else battery
    assert find_place(battery, app) == 1  # behind that of setup()
    assert find_place(battery, web.Application()) is None
    assert find_place(battery, web.Application(middlewares=[unless(never, battery)])) is None


@pytest.mark.parametrize(
    "register",
    [
        pytest.param(lambda router: router.add_get("/", make(), index), id="a route"),
        pytest.param(lambda router: router.add_get("/", define(f"{__name__}:make"), index), id="by name"),
        pytest.param(lambda router: router.add_get("/", unless(never, make()), index), id="unless"),
        pytest.param(lambda router: router.group("", make()).add_get("/", index), id="a group"),
        pytest.param(lambda router: UrlDispatcherEx(make()).add_get("/", index), id="a router"),
        pytest.param(lambda router: chain(make(), index), id="a chain"),
    ],
)
def test_a_chain_refuses_it_and_says_where_to_put_it(register: Any) -> None:
    router = UrlDispatcherEx.install(web.Application())
    told = r"name\(option\).* APPLICATION_ONLY.*; put it into web\.Application\(middlewares=\[\.\.\.\]\) instead: "
    with pytest.raises(RegistrationError, match=told.replace(" APPLICATION_ONLY", ".*APPLICATION_ONLY")):
        register(router)
