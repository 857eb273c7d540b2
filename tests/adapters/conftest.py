"""What the tests of the adapters of aiohttp-security share."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from .policies import Ask


@pytest.fixture
def ask(aiohttp_client: AiohttpClient) -> Ask:
    """Send one GET to an application, redirects not followed."""

    async def ask(app: web.Application, path: str = "/", **options: Any) -> Any:
        client = await aiohttp_client(app)
        return await client.get(path, allow_redirects=False, **options)

    return ask
