"""Each exchange has a client span, inside the span of its request, and the target is told of it."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer
from yarl import URL

from aiohttp_route_middleware import ConfigurationError, chain
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.tracing import tracing
from aiohttp_route_middleware.proxy import Exchange, Target, Upstream, proxy
from aiohttp_route_middleware.proxy.client_span import client_span

SENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Spans:
    """A provider, and the spans that it has ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    @property
    def only(self) -> ReadableSpan:
        (span,) = [span for span in self.all if span.kind is SpanKind.CLIENT]
        return span


async def tell_trace(request: web.Request) -> web.Response:
    return web.Response(text=",".join(request.headers.getall("traceparent", [])), status=int(request.query["status"]))


def make_front(*targets: Any, hook: Any, **options: Any) -> web.Application:
    app = web.Application()
    upstream = Upstream(*targets, **options)
    upstream.run_with(app)
    setup(app)
    app.router.add_route("*", "/{tail:.*}", proxy(upstream, hook))
    return app


def make_target() -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", tell_trace)
    return app


@pytest.mark.parametrize(
    ("status", "is_failed"), [(200, False), (302, False), (404, True), (500, True)], ids=["200", "302", "404", "500"]
)
async def test_the_span_tells_of_target_and_answer_and_the_target_of_the_span(
    aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient, status: int, is_failed: bool
) -> None:
    spans, target = Spans(), await aiohttp_server(make_target())
    app = make_front(target.make_url("/"), hook=client_span(provider=spans.provider))
    client = await aiohttp_client(app)
    response = await client.get(f"/a?status={status}", headers={"traceparent": SENT}, allow_redirects=False)
    span, context = spans.only, spans.only.get_span_context()
    assert context is not None
    assert await response.text() == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert span.name == "GET"
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": target.port,
        "url.full": str(target.make_url(f"/a?status={status}")),
        "http.response.status_code": status,
        **({"error.type": str(status)} if is_failed else {}),
    }
    assert span.status.status_code is (StatusCode.ERROR if is_failed else StatusCode.UNSET)


async def test_it_is_inside_the_span_of_its_request(
    aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient
) -> None:
    spans, target = Spans(), await aiohttp_server(make_target())
    upstream, app = Upstream(target.make_url("/")), web.Application()
    upstream.run_with(app)
    setup(app)
    inner = proxy(upstream, client_span(provider=spans.provider))
    app.router.add_get("/a", chain(tracing(provider=spans.provider), inner))
    client = await aiohttp_client(app)
    response = await client.get("/a?status=200", headers={"traceparent": SENT})
    await response.read()
    (outer,) = [span for span in spans.all if span.kind is SpanKind.SERVER]
    assert spans.only.parent is not None
    assert spans.only.parent.span_id == outer.get_span_context().span_id  # type: ignore[union-attr]  # it has ended


async def test_without_a_tracer_what_the_client_has_sent_goes_on(
    aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient
) -> None:
    target = await aiohttp_server(make_target())
    client = await aiohttp_client(make_front(target.make_url("/"), hook=client_span()))
    response = await client.get("/?status=200", headers={"traceparent": SENT})
    assert await response.text() == SENT


async def test_a_failure_and_its_retries_are_told(aiohttp_client: AiohttpClient, unused_tcp_port_factory: Any) -> None:
    spans = Spans()
    targets = [Target(f"http://127.0.0.1:{unused_tcp_port_factory()}") for _ in range(2)]
    client = await aiohttp_client(make_front(*targets, hook=client_span(provider=spans.provider)))
    response = await client.get("/?status=200")
    told = dict(spans.only.attributes or {})
    assert (response.status, told["error.type"], told["http.request.resend_count"]) == (502, "connection_refused", 1)
    assert "http.response.status_code" not in told


async def test_where_a_hook_answers_there_is_no_target_to_tell_of(
    aiohttp_client: AiohttpClient, unused_tcp_port: int
) -> None:
    spans, app = Spans(), web.Application()
    upstream = Upstream(f"http://127.0.0.1:{unused_tcp_port}")
    upstream.run_with(app)

    def answer(exchange: Exchange) -> None:
        exchange.response = web.Response(text="here")

    app.router.add_get("/", proxy(upstream, client_span(provider=spans.provider), answer))
    response = await (await aiohttp_client(app)).get("/")
    assert await response.text() == "here"
    assert dict(spans.only.attributes or {}) == {"http.request.method": "GET"}


async def test_a_client_that_goes_is_told(aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient) -> None:
    came, spans, ended = asyncio.Event(), Spans(), asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        came.set()
        await asyncio.sleep(60)
        raise AssertionError

    behind = web.Application()
    behind.router.add_get("/", wait)
    target = await aiohttp_server(behind)
    app = make_front(
        target.make_url("/"), hook=client_span(provider=spans.provider), on_exchange=lambda _: ended.set()
    )
    client = await aiohttp_client(app)
    asking = asyncio.ensure_future(client.get("/"))
    await came.wait()
    asking.cancel()
    await ended.wait()
    assert (spans.only.attributes or {})["error.type"] == "aborted"


URLS: dict[str, tuple[str, str, str]] = {
    "credentials": ("/a?status=200&api_key=k&Sig=s&b=%20", "", "/a?status=200&api_key=***&Sig=***&b=%20"),
    "a key of AWS": ("/?AWSAccessKeyId=k&status=200", "", "/?AWSAccessKeyId=***&status=200"),
    "a base path": ("/a?status=200", "/base", "/base/a?status=200"),
}


@pytest.mark.parametrize(("path", "base", "expected"), URLS.values(), ids=URLS)
async def test_the_url_is_that_of_the_target_and_credentials_in_it_are_masked(
    aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient, path: str, base: str, expected: str
) -> None:
    spans, target = Spans(), await aiohttp_server(make_target())
    origin = str(target.make_url("/").origin())
    client = await aiohttp_client(make_front(f"{origin}{base}", hook=client_span(provider=spans.provider)))
    await (await client.get(URL(path, encoded=True))).read()
    assert (spans.only.attributes or {})["url.full"] == f"{origin}{expected}"


async def test_the_names_of_credentials_may_be_told_and_the_server_itself_has_no_path(
    aiohttp_server: AiohttpServer, aiohttp_client: AiohttpClient
) -> None:
    spans, target = Spans(), await aiohttp_server(make_target())
    origin = str(target.make_url("/").origin())

    def ask_the_server(exchange: Exchange) -> None:
        exchange.request.path = "*" if exchange.incoming.path == "/server" else exchange.request.path

    hook = [client_span(provider=spans.provider, secret_parameters=["tenant"]), ask_the_server]
    client = await aiohttp_client(make_front(origin, hook=hook))
    for path in ("/a?status=200&tenant=t&token=t", "/server"):
        await (await client.options(path)).read()
    told = [(span.attributes or {})["url.full"] for span in spans.all]
    assert told == [f"{origin}/a?status=200&tenant=***&token=t", origin]


def test_what_is_no_list_of_names_is_refused() -> None:
    names: Any = "token"
    with pytest.raises(ConfigurationError, match=r"client_span\(\): secret_parameters="):
        client_span(secret_parameters=names)


def test_what_is_no_provider_is_refused() -> None:
    provider: Any = "console"
    with pytest.raises(ConfigurationError, match="pass a TracerProvider"):
        client_span(provider=provider)
