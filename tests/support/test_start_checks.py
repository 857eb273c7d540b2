"""What endpoints want to be seen to when an application starts."""

from __future__ import annotations

import pytest
from aiohttp import web

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.setup import setup
from aiohttp_route_middleware.support.start_checks import check_at_start, check_endpoints, checks_start


async def pass_by(request: web.Request) -> None:
    raise NotImplementedError


async def plain(request: web.Request) -> web.Response:
    raise NotImplementedError


@pytest.mark.parametrize("is_chained", [False, True], ids=["alone", "behind a link"])
def test_each_check_of_an_endpoint_is_called_with_the_outermost_application(is_chained: bool) -> None:
    async def endpoint(request: web.Request) -> web.Response:
        raise NotImplementedError

    seen: list[tuple[str, web.Application]] = []
    checks_start(endpoint, lambda app: seen.append(("one", app)), lambda app: seen.append(("two", app)))
    app, sub = web.Application(), web.Application()
    sub.router.add_post("/", chain(pass_by, endpoint) if is_chained else endpoint)
    app.router.add_post("/", plain)
    app.add_subapp("/sub", sub)
    check_endpoints(app)
    assert seen == [("one", app), ("two", app)]


def refuse(app: web.Application) -> None:
    raise ConfigurationError("endpoint()", "it cannot work", cure="mend it")


def make_app(*, is_part: bool) -> web.Application:
    async def endpoint(request: web.Request) -> web.Response:
        raise NotImplementedError

    checks_start(endpoint, refuse)
    app = web.Application()
    app.router.add_post("/", endpoint)
    if is_part:
        web.Application().add_subapp("/sub", app)
    return app


async def test_an_application_that_could_not_work_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match="it cannot work"):
        await check_at_start(make_app(is_part=False))


async def test_of_what_is_part_of_another_nothing_is_said() -> None:
    await check_at_start(make_app(is_part=True))


async def test_setup_looks_before_anything_is_opened() -> None:
    async def open_it(app: web.Application) -> None:
        raise NotImplementedError

    app = make_app(is_part=False)
    app.on_startup.append(open_it)
    setup(app)
    with pytest.raises(ConfigurationError, match="it cannot work"):
        await web.AppRunner(app).setup()
