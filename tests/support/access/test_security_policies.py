"""The policies of aiohttp-security: where there are none, nobody passes; without the library the error says so."""

from typing import Any

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.adapters.identify import identify
from aiohttp_route_middleware.adapters.permit import permit
from tests.adapters.policies import Claims, authenticate, serve


@pytest.mark.parametrize(
    ("links", "missing"),
    [
        pytest.param((identify(),), "identify(): the application has no AbstractIdentityPolicy", id="identify"),
        pytest.param(
            (identify(Claims("jack")),),
            "identify(): the application has no AbstractAuthorizationPolicy",
            id="identify, half",
        ),
        pytest.param(
            (authenticate, permit("post:read")),
            "permit(): the application has no AbstractAuthorizationPolicy",
            id="permit",
        ),
    ],
)
async def test_in_an_application_that_was_not_set_up_nobody_passes_and_the_log_tells_the_cure(
    links: Any, missing: str, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    """aiohttp_security.permits() says yes there."""
    client = await aiohttp_client(serve(*links))
    async with client.get("/") as response:
        assert response.status == 500
    assert f"{missing}; call aiohttp_security.setup(app, ...)" in caplog.text
