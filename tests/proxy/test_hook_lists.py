"""Hooks may be listed, and rewritings of paths are hooks; what is none is told where it belongs."""

from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from aiohttp_route_middleware import ConfigurationError, RegistrationError, UrlDispatcherEx, requires
from aiohttp_route_middleware.middlewares import IDENTITY
from aiohttp_route_middleware.proxy import (
    AffinityCookie,
    ConsistentHash,
    Ejection,
    Exchange,
    Forwarding,
    HealthCheck,
    Mirror,
    Retries,
    Target,
    Upstream,
    add_prefix,
    proxy,
    relay_messages,
    replace_prefix,
    rewrite_cookies,
    rewrite_locations,
    set_header,
    strip_prefix,
)


async def tell(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.raw_path} {request.headers['X-Key']}")


async def test_rewritings_are_hooks_and_lists_stand_for_what_is_in_them(
    aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient
) -> None:
    behind, app = web.Application(), web.Application()
    behind.router.add_get("/{tail:.*}", tell)
    upstream = Upstream((await aiohttp_server(behind)).make_url("/"))
    upstream.run_with(app)
    shared: list[Any] = [
        replace_prefix("/api", "/v0"),
        strip_prefix("/v0"),
        (add_prefix("/v1"), [set_header("X-Key", "k")]),
    ]
    app.router.add_get("/api/{tail:.*}", proxy(upstream, shared))
    client = await aiohttp_client(app)
    assert await (await client.get("/api/posts?page=2")).text() == "/v1/posts?page=2 k"


OPTIONS: dict[str, tuple[object, str]] = {
    "forwarding": (Forwarding(), "forwarding="),
    "locations": (rewrite_locations(), "locations="),
    "cookies": (rewrite_cookies(secure=True), "cookies="),
    "messages": (relay_messages(from_client=lambda _, message: message), "messages="),
    "mirror": (Mirror(Upstream("http://other")), "mirror="),
    "another upstream": (Upstream("http://other"), "pass one upstream"),
    "a target": (Target("http://other"), r"Upstream\(\)"),
    "balance": (ConsistentHash.by_header("X-Tenant"), r"Upstream\(\), as balance="),
    "affinity": (AffinityCookie("target"), r"Upstream\(\), as affinity="),
    "ejection": (Ejection(), r"Upstream\(\), as ejection="),
    "check": (HealthCheck(), r"Upstream\(\), as check="),
    "retries": (Retries(), r"Upstream\(\), as retries="),
}


@pytest.mark.parametrize(("option", "cure"), OPTIONS.values(), ids=OPTIONS)
def test_an_option_that_is_passed_as_a_hook_is_told_where_it_belongs(option: Any, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"proxy\(\): hook 2 is .*{cure}"):
        proxy(Upstream("http://localhost"), [strip_prefix("/api"), option])


@requires(IDENTITY)
def add_user(exchange: Exchange) -> None:
    exchange.request.headers["X-User"] = str(exchange.incoming[IDENTITY].subject)


def test_what_a_hook_requires_its_chain_must_provide() -> None:
    endpoint = proxy(Upstream("http://localhost"), [add_user])
    with pytest.raises(RegistrationError, match="IDENTITY"):
        UrlDispatcherEx().add_get("/", endpoint)
