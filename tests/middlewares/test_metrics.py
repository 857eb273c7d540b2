"""Requests are counted under the templates of their routes, until their last byte is sent."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.metrics import metrics, show_metrics

from ..scopes import each_scope, make_app, path_in

DURATIONS = "http_server_request_duration_seconds_count"


async def show(_: web.Request) -> web.Response:
    return web.Response(text="shown")


async def fail(_: web.Request) -> web.Response:
    raise RuntimeError("unforeseen")


HANDLERS = {"GET /posts/{id}": show, "POST /posts/{id}": show, "GET /fail": fail}


def prepare(scope: str, *links: Any) -> web.Application:
    app = make_app(scope, links, HANDLERS)
    setup(app)
    return app


def count(registry: CollectorRegistry, method: str, route: str, status: str, outcome: str = "sent") -> float | None:
    labels = {"method": method, "route": route, "status": status, "outcome": outcome}
    return registry.get_sample_value(DURATIONS, labels)


@each_scope
async def test_requests_are_counted_by_method_template_and_status(scope: str, aiohttp_client: AiohttpClient) -> None:
    registry = CollectorRegistry()
    client = await aiohttp_client(prepare(scope, metrics(registry=registry)))
    for method, path in (("GET", "/posts/1"), ("GET", "/posts/2"), ("POST", "/posts/1"), ("GET", "/fail")):
        async with client.request(method, path_in(scope, path)) as response:
            await response.read()
    route = path_in(scope, "/posts/{id}")
    assert count(registry, "GET", route, "200") == 2
    assert count(registry, "POST", route, "200") == 1
    assert count(registry, "GET", path_in(scope, "/fail"), "500") == 1
    sizes = {"method": "GET", "route": route, "status": "200"}
    assert (registry.get_sample_value("http_server_response_size_bytes_sum", sizes) or 0) > 2 * len("shown")
    assert registry.get_sample_value("http_server_active_requests", {"method": "GET", "route": route}) == 0


async def test_an_application_counts_what_has_found_no_route_and_methods_that_it_does_not_know_as_one(
    aiohttp_client: AiohttpClient,
) -> None:
    registry = CollectorRegistry()
    client = await aiohttp_client(prepare("application", metrics(registry=registry)))
    for method in ("MKCOL", "PROPFIND", "REPORT"):
        async with client.request(method, f"/nothing/{method}"):
            pass
    assert count(registry, "_OTHER", "unmatched", "404") == 3


async def test_what_runs_right_now_is_shown_and_who_has_gone_is_counted(aiohttp_client: AiohttpClient) -> None:
    begun = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        begun.set()
        await asyncio.Event().wait()
        return web.Response()

    registry = CollectorRegistry()
    app = make_app("router", [metrics(registry=registry)], {"GET /wait": wait, "GET /show": show})
    setup(app)
    client = await aiohttp_client(app)
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    await begun.wait()
    labels = {"method": "GET", "route": "/wait"}
    assert registry.get_sample_value("http_server_active_requests", labels) == 1
    writer.transport.abort()
    while registry.get_sample_value("http_server_active_requests", labels):
        async with client.get("/show"):  # gives the server time
            pass
    assert count(registry, "GET", "/wait", "none", "aborted") == 1


@pytest.mark.parametrize(
    ("accept", "kind", "parse"),
    [
        ("", "text/plain", parse_text),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", parse_openmetrics),
    ],
    ids=["text", "OpenMetrics"],
)
async def test_an_endpoint_shows_them_in_the_format_that_is_asked_for(
    accept: str, kind: str, parse: Any, aiohttp_client: AiohttpClient
) -> None:
    registry = CollectorRegistry()
    app = make_app("router", [metrics(registry=registry, prefix="shop")], {"GET /metrics": show_metrics(registry)})
    setup(app)
    client = await aiohttp_client(app)
    for _ in range(2):
        async with client.get("/metrics", headers={"Accept": accept}) as response:
            assert response.content_type == kind
            families = {family.name: family for family in parse(await response.text())}
    (counted,) = [
        sample.value
        for sample in families["shop_request_duration_seconds"].samples
        if sample.name == "shop_request_duration_seconds_count"
    ]
    assert counted == 1  # the first; the second is not over when it is written


async def test_several_of_one_prefix_share_their_metrics(aiohttp_client: AiohttpClient) -> None:
    registry = CollectorRegistry()
    app = web.Application()
    setup(app)
    for path in ("/a", "/b"):
        app.add_subapp(path, make_app("router", [metrics(registry=registry)], HANDLERS))
    client = await aiohttp_client(app)
    for path in ("/a", "/b"):
        async with client.get(f"{path}/posts/1"):
            pass
    assert count(registry, "GET", "/a/posts/{id}", "200") == count(registry, "GET", "/b/posts/{id}", "200") == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"registry": {}}, "registry is dict"),
        ({"prefix": "a-b"}, "prefix='a-b'"),
        ({"prefix": None}, "prefix=None"),
        ({"buckets": "0.1"}, "buckets='0.1'"),
        ({"buckets": []}, "buckets="),
        ({"buckets": [2, 1]}, "buckets="),
        ({"buckets": [1, 1]}, "buckets="),
        ({"buckets": [1, "2"]}, "buckets="),
        ({"buckets": [True]}, "buckets="),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        metrics(**{"registry": CollectorRegistry(), **options})
    assert str(refusal.value).startswith(f"metrics(): {problem}")


def test_metrics_of_the_same_names_and_others_are_refused() -> None:
    registry = CollectorRegistry()
    metrics(registry=registry)
    with pytest.raises(ConfigurationError, match=r"http_server_\.\.\. has other buckets already"):
        metrics(registry=registry, buckets=[1.0])
    Counter("mine_active_requests", "Not ours.", registry=registry)
    with pytest.raises(ConfigurationError, match=r"mine_\.\.\. is in the registry already"):
        metrics(registry=registry, prefix="mine")


async def test_an_answer_that_breaks_off_has_failed_and_is_no_longer_active(aiohttp_client: AiohttpClient) -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        raise RuntimeError("cannot go on")

    registry = CollectorRegistry()
    app = make_app("router", [metrics(registry=registry)], {"GET /begin": begin})
    setup(app)
    client = await aiohttp_client(app)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /begin HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.read()
    writer.close()
    assert count(registry, "GET", "/begin", "200", "failed") == 1
    assert registry.get_sample_value("http_server_active_requests", {"method": "GET", "route": "/begin"}) == 0


async def test_a_file_has_its_size(aiohttp_client: AiohttpClient) -> None:
    """The system sends it, past the writer that counts."""

    async def send_file(_: web.Request) -> web.FileResponse:
        return web.FileResponse(__file__)

    registry = CollectorRegistry()
    app = make_app("router", [metrics(registry=registry)], {"GET /file": send_file, "GET /show": show})
    setup(app)
    client = await aiohttp_client(app)
    async with client.get("/file") as response:
        size = len(await response.read())
    while not count(registry, "GET", "/file", "200"):
        async with client.get("/show"):  # gives the server time
            pass
    labels = {"method": "GET", "route": "/file", "status": "200"}
    assert (registry.get_sample_value("http_server_response_size_bytes_sum", labels) or 0) > size


async def test_when_hundreds_of_clients_have_vanished_none_is_active(aiohttp_client: AiohttpClient) -> None:
    waiting, over = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def wait(_: web.Request) -> web.Response:
        waiting.release()
        try:
            await asyncio.Event().wait()
        finally:
            over.release()
        return web.Response()

    registry = CollectorRegistry()
    app = make_app("router", [metrics(registry=registry)], {"GET /wait": wait, "GET /show": show})
    setup(app)
    client = await aiohttp_client(app)
    writers = [(await asyncio.open_connection(client.host, client.port))[1] for _ in range(200)]
    for writer in writers:
        writer.write(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    for _ in writers:
        await waiting.acquire()
    labels = {"method": "GET", "route": "/wait"}
    assert registry.get_sample_value("http_server_active_requests", labels) == 200
    for writer in writers:
        writer.transport.abort()
    for _ in writers:
        await over.acquire()
    while count(registry, "GET", "/wait", "none", "aborted") != 200:
        async with client.get("/show"):  # gives the server time
            pass
    assert registry.get_sample_value("http_server_active_requests", labels) == 0
