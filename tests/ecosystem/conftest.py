"""Each test of this folder runs twice: with plain handlers, and with the same ones behind links of every kind."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import chain

Register = Callable[[Any], Any]


async def guard(request: web.Request) -> None:
    return None


def plain_guard(request: web.Request) -> None:
    return None


async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


@pytest.fixture(params=["plain", "chained"])
def behind_links(request: pytest.FixtureRequest) -> Register:
    """Return the handler or `View` as it is, or a chain that ends in it."""
    if request.param == "plain":
        return lambda handler: handler
    return lambda handler: chain(guard, around, plain_guard, around, handler)
