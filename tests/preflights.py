"""Applications that answer preflights."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup

from .conftest import Client

__all__ = ("Client", "Serve", "serve")

Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    """Serve an application whose routes `add` has added."""

    async def serve(add: Callable[[Any], object], *middlewares: Any) -> Client:
        app = web.Application(middlewares=middlewares)
        setup(app)
        add(UrlDispatcherEx.install(app))
        return await aiohttp_client(app)

    return serve
