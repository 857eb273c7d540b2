"""What becomes of exchanges is counted."""

from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer

from aiohttp_route_middleware.middlewares.metrics import show_metrics
from aiohttp_route_middleware.proxy import Target, Upstream, proxy
from aiohttp_route_middleware.proxy.exchange_metrics import count_exchanges


async def answer(request: web.Request) -> web.Response:
    return web.Response(body=await request.read() * 2)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


async def test_exchanges_of_several_upstreams_are_counted_apart(
    registry: CollectorRegistry, aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient, unused_tcp_port: int
) -> None:
    behind = web.Application()
    behind.router.add_route("*", "/{tail:.*}", answer)
    target, app = await aiohttp_server(behind), web.Application()
    for name, url in (("well", target.make_url("/")), ("ill", f"http://127.0.0.1:{unused_tcp_port}")):
        upstream = Upstream(url, name=name, retries=False, on_exchange=count_exchanges(registry))
        upstream.run_with(app)
        app.router.add_route("*", f"/{name}", proxy(upstream))
    app.router.add_get("/metrics", show_metrics(registry))
    client = await aiohttp_client(app)
    for method, path in (("POST", "/well"), ("PROPFIND", "/well"), ("GET", "/ill")):
        await (await client.request(method, path, data=b"abc")).read()

    def read(name: str, **labels: Any) -> float | None:
        return registry.get_sample_value(f"proxy_exchange_{name}", labels)

    origin = str(target.make_url("/").origin())
    well = {"upstream": "well", "target": origin, "status": "200", "outcome": "answered"}
    ill = {"upstream": "ill", "target": f"http://127.0.0.1:{unused_tcp_port}", "status": "none", "outcome": "failed"}
    assert read("duration_seconds_count", method="POST", **well) == 1
    assert read("duration_seconds_count", method="_OTHER", **well) == 1
    assert read("duration_seconds_count", method="GET", **ill) == 1
    assert read("first_byte_seconds_count", upstream="well", target=origin) == 2
    assert read("attempts_total", upstream="well") == 2
    assert read("sent_bytes_total", upstream="well") == 6
    assert read("received_bytes_total", upstream="well") == 12
    assert "proxy_exchange_attempts_total" in await (await client.get("/metrics")).text()


async def test_a_target_with_a_name_is_told_by_it(
    registry: CollectorRegistry, aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient
) -> None:
    behind, app = web.Application(), web.Application()
    behind.router.add_route("*", "/{tail:.*}", answer)
    target = Target((await aiohttp_server(behind)).make_url("/"), name="blue")
    upstream = Upstream(target, on_exchange=count_exchanges(registry))
    upstream.run_with(app)
    app.router.add_get("/", proxy(upstream))
    await (await (await aiohttp_client(app)).get("/")).read()
    labels = {"upstream": "upstream", "target": "blue"}
    assert registry.get_sample_value("proxy_exchange_first_byte_seconds_count", labels) == 1
