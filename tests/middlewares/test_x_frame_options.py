"""X-Frame-Options alone, on every response; what browsers ignore is refused."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, name_link
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.secure_headers import secure_headers
from aiohttp_route_middleware.middlewares.x_frame_options import x_frame_options

from .matrix import MATRIX, Case, ask, make_app


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_has_the_header_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, x_frame_options("SAMEORIGIN")))
    async with ask(client, scope, case) as response:
        assert response.status == case.status
        assert response.headers.getall("X-Frame-Options") == ["SAMEORIGIN"]


async def index(request: web.Request) -> web.Response:
    return web.Response(headers=request.query)


@pytest.mark.parametrize(
    ("around", "route", "values"),
    [
        pytest.param(x_frame_options("DENY"), x_frame_options("SAMEORIGIN"), ["SAMEORIGIN"], id="of two of its kind"),
        pytest.param(secure_headers(), x_frame_options("SAMEORIGIN"), ["SAMEORIGIN"], id="behind secure_headers"),
        pytest.param(x_frame_options("SAMEORIGIN"), secure_headers(), ["DENY"], id="before secure_headers"),
        pytest.param(x_frame_options(), secure_headers(x_frame_options=None), [], id="switched off by the other"),
    ],
)
async def test_the_innermost_decides(
    around: Any, route: Any, values: list[str], aiohttp_client: AiohttpClient
) -> None:
    app = web.Application(middlewares=[around])
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", route, index)
    async with (await aiohttp_client(app)).get("/") as response:
        assert response.headers.getall("X-Frame-Options", []) == values


async def test_what_the_handler_has_set_itself_stays(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", x_frame_options(), index)
    async with (await aiohttp_client(app)).get("/?x-frame-options=SAMEORIGIN") as response:
        assert response.headers.getall("X-Frame-Options") == ["SAMEORIGIN"]


def test_it_denies_by_default_and_is_named_with_its_value() -> None:
    assert name_link(x_frame_options()) == "x_frame_options(DENY)"
    assert name_link(x_frame_options("sameorigin")) == "x_frame_options(SAMEORIGIN)"


@pytest.mark.parametrize("value", ["ALLOW-FROM https://example.com", "", "DENY, DENY", "DENY\r\n", None], ids=repr)
def test_what_browsers_ignore_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^x_frame_options\(\): value="):
        x_frame_options(value)
    with pytest.raises(ConfigurationError, match="frame-ancestors"):
        x_frame_options("ALLOW-FROM https://example.com")
