"""Authenticators in every scope, before a handler that tells who is asking: what each of them is tested with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import requires
from aiohttp_route_middleware.support.access.identity import IDENTITY

from .. import scopes
from ..scopes import SCOPES, path_in

__all__ = ("SCOPES", "AskAs", "ask_as", "make_app", "needs_identity")

AskAs = Callable[..., Awaitable[ClientResponse]]


async def who_am_i(request: web.Request) -> web.Response:
    identity = request[IDENTITY]
    return web.json_response(
        {"subject": identity.subject, "scopes": sorted(identity.scopes), "claims": dict(identity.claims)}
    )


@requires(IDENTITY)
async def needs_identity(request: web.Request) -> web.Response:
    return web.Response(text=request[IDENTITY].subject)


def make_app(link: Any, scope: str = "route") -> web.Application:
    """Make an application with one link in one of `SCOPES`."""
    return scopes.make_app(scope, [link], {"GET /": who_am_i})


@pytest.fixture
def ask_as(aiohttp_client: AiohttpClient) -> AskAs:
    """Serve one link before `who_am_i`, and return the answer to one GET, read."""

    async def ask_as(link: Any, *, scope: str = "route", path: str = "/", **options: Any) -> ClientResponse:
        client = await aiohttp_client(make_app(link, scope))
        response = await client.get(path_in(scope, path), **options)
        await response.read()
        return response

    return ask_as
