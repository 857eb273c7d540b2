"""The policies of aiohttp-security: where there are none, nobody passes; without the library the error says so."""

import importlib
import sys
from typing import Any

import pytest
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.adapters.identify import identify
from aiohttp_route_middleware.adapters.permit import permit
from aiohttp_route_middleware.errors import MissingDependencyError
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


@pytest.mark.parametrize("room", ["support.access.security_policies", "adapters.identify", "adapters.permit"])
def test_without_the_library_the_error_says_what_to_install(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("support.access.security_policies", "adapters.identify", "adapters.permit"):
        monkeypatch.delitem(sys.modules, f"aiohttp_route_middleware.{name}")
    monkeypatch.setitem(sys.modules, "aiohttp_security", None)  # as if it were not there
    with pytest.raises(
        MissingDependencyError, match=r"aiohttp-security is not .*aiohttp-route-middleware\[security\]"
    ):
        importlib.import_module(f"aiohttp_route_middleware.{room}")
