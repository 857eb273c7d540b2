"""A pytest plugin for aiohttp's own tests: our dispatcher in place of aiohttp's, with pass-through links by choice.

In the environment, `PASS_THROUGH` says which links stand before every handler (a key of `LINKS`), and `LEFT_OUT`
names tests that do not run, `file::function`, separated by spaces.
"""

import os

import pytest
from aiohttp import web, web_app, web_urldispatcher
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import Link, UrlDispatcherEx


@web.middleware
async def marked(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def unmarked(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def async_guard(request: web.Request) -> None:
    return None


def plain_guard(request: web.Request) -> None:
    return None


LINKS: dict[str, list[Link]] = {
    "none": [],
    "marked": [marked],
    "unmarked": [unmarked],
    "plain": [async_guard, plain_guard],
    "mixed": [async_guard, marked, plain_guard, unmarked, async_guard],
}


class SwappedDispatcher(UrlDispatcherEx):
    """Made without arguments, as aiohttp's tests make theirs."""

    def __init__(self) -> None:
        super().__init__(*LINKS[os.environ["PASS_THROUGH"]], checked=False)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    left_out = set(os.environ["LEFT_OUT"].split())
    config.hook.pytest_deselected(items=[item for item in items if _name(item) in left_out])
    items[:] = [item for item in items if _name(item) not in left_out]


def _name(item: pytest.Function) -> str:
    return f"{item.path.name}::{item.originalname}"


for module in (web, web_app, web_urldispatcher):
    vars(module)["UrlDispatcher"] = SwappedDispatcher  # before any test imports it
