"""aiohttp keeps 1,024 compositions of app-level middlewares; a chain on the route is composed once, for good.

Requests go through `web.Application._handle`: the router finds the route, then links and endpoint run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import thread_time

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware import chain

from .composing import make_endpoints, make_middlewares
from .timing import Sample, minima

BELOW, ABOVE, LINKS = 1000, 1100, 10


def measure_cliff(rounds: int) -> dict[str, float]:
    """Time one request, all routes in turn, with fewer and with more routes than aiohttp's cache has places."""
    requests = [make_mocked_request("GET", _path(number)) for number in range(ABOVE)]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return minima(_samples(loop, requests), rounds)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _samples(loop: asyncio.AbstractEventLoop, requests: Sequence[web.Request]) -> dict[str, Sample]:
    makers = {"no links": _make_bare, "app-level": _make_app_level, "ours": _make_chained}
    return {
        f"{name} {routes}": _sample_app(loop, make(routes), requests[:routes])
        for name, make in makers.items()
        for routes in (BELOW, ABOVE)
    }


def _path(number: int) -> str:
    return f"/route{number}"


def _make_bare(routes: int) -> web.Application:
    app = web.Application()
    for number, endpoint in enumerate(make_endpoints(routes)):
        app.router.add_get(_path(number), endpoint)
    return app


def _make_app_level(routes: int) -> web.Application:
    app = web.Application(middlewares=make_middlewares(LINKS))
    for number, endpoint in enumerate(make_endpoints(routes)):
        app.router.add_get(_path(number), endpoint)
    return app


def _make_chained(routes: int) -> web.Application:
    app = web.Application()
    links = make_middlewares(LINKS)
    for number, endpoint in enumerate(make_endpoints(routes)):
        app.router.add_get(_path(number), chain(*links, endpoint))
    return app


def _sample_app(loop: asyncio.AbstractEventLoop, app: web.Application, requests: Sequence[web.Request]) -> Sample:
    app.freeze()

    async def handle_all() -> float:
        started = thread_time()
        for request in requests:
            await app._handle(request)
        return (thread_time() - started) / len(requests)

    def sample() -> float:
        loop.run_until_complete(handle_all())  # the cache is one for all applications: fill it with ours again
        return loop.run_until_complete(handle_all())

    return sample
