"""What a stranger asks for, and where the answer leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

__all__ = ("AskOnce", "ask_once", "read_next")

AskOnce = Callable[..., Any]


@pytest.fixture
def ask_once(aiohttp_client: AiohttpClient) -> AskOnce:
    """Send one request to an application, redirects not followed."""

    async def ask_once(app: web.Application, path: str = "/", method: str = "GET", **options: Any) -> Any:
        client = await aiohttp_client(app)
        return await client.request(method, path, allow_redirects=False, **options)

    return ask_once


def read_next(location: str, login: str = "/login") -> str:
    """Where the login page would send back, as a browser and a server would understand it."""
    parts = urlsplit(location)
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", login)
    [following] = parse_qs(parts.query, strict_parsing=True)["next"]
    return following
