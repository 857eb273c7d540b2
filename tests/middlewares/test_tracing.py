"""Each request has one span of the kind that OpenTelemetry's semantic conventions describe."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.tracing import trace_spans, tracing
from aiohttp_route_middleware.typedefs import Handler

from ..scopes import each_scope, make_app, path_in

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"


class Spans:
    """A provider, and the spans that it has ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def read(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())


@pytest.fixture
def spans() -> Spans:
    return Spans()


async def show(_: web.Request) -> web.Response:
    return web.Response(text=format(trace.get_current_span().get_span_context().trace_id, "032x"))


async def refuse(_: web.Request) -> web.Response:
    raise web.HTTPForbidden


async def give_up(_: web.Request) -> web.Response:
    raise web.HTTPServiceUnavailable


async def fail(_: web.Request) -> web.Response:
    raise LookupError("unforeseen")


@web.middleware
async def wrap(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


HANDLERS = {"GET /posts/{id}": show, "GET /refuse": refuse, "GET /give-up": give_up, "GET /fail": fail}


def prepare(scope: str, *links: Any, **handlers: Any) -> web.Application:
    app = make_app(scope, links, {**HANDLERS, **handlers})
    setup(app)
    return app


@each_scope
async def test_a_span_is_named_by_the_route_and_describes_request_and_response(
    scope: str, spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(prepare(scope, tracing(provider=spans.provider)))
    path = path_in(scope, "/posts/7")
    async with client.get(f"{path}?token=hunter2&page=2", headers={"User-Agent": "test"}) as response:
        await response.text()
    (span,) = spans.read()
    route = path_in(scope, "/posts/{id}")
    assert (span.name, span.kind, span.parent) == (f"GET {route}", SpanKind.SERVER, None)
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": route,
        "url.path": path,
        "url.query": "token=***&page=2",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": client.port,
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "test",
        "http.response.status_code": 200,
    }


async def test_the_trace_that_was_sent_is_gone_on_with(spans: Spans, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(prepare("router", tracing(provider=spans.provider)))
    async with client.get("/posts/7", headers={"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}) as response:
        assert await response.text() == TRACE_ID
    (span,) = spans.read()
    assert span.parent is not None
    assert format(span.parent.span_id, "016x") == PARENT_ID


async def test_each_request_may_begin_a_trace_of_its_own(spans: Spans, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(prepare("router", tracing(provider=spans.provider, accept=False)))
    for _ in range(2):
        async with client.get("/posts/7", headers={"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}) as response:
            assert await response.text() != TRACE_ID
    assert [span.parent for span in spans.read()] == [None, None]
    assert len({span.context.trace_id for span in spans.read()}) == 2


@pytest.mark.parametrize(
    ("path", "status", "code", "error_type", "events"),
    [
        ("/refuse", 403, StatusCode.UNSET, None, 0),
        ("/give-up", 503, StatusCode.ERROR, "503", 0),
        ("/fail", 500, StatusCode.ERROR, "LookupError", 1),
    ],
)
async def test_failures_of_the_server_are_errors_and_refusals_are_not(
    path: str,
    status: int,
    code: StatusCode,
    error_type: str | None,
    events: int,
    spans: Spans,
    aiohttp_client: AiohttpClient,
) -> None:
    client = await aiohttp_client(prepare("router", tracing(provider=spans.provider)))
    async with client.get(path):
        pass
    (span,) = spans.read()
    attributes = span.attributes or {}
    assert (attributes["http.response.status_code"], attributes.get("error.type")) == (status, error_type)
    assert (span.status.status_code, len(span.events)) == (code, events)


async def test_an_application_traces_its_404_and_methods_that_are_not_known(
    spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(prepare("application", tracing(provider=spans.provider)))
    async with client.request("MKCOL", "/nothing"):
        pass
    (span,) = spans.read()
    attributes = span.attributes or {}
    assert span.name == "_OTHER"
    assert (attributes["http.request.method"], attributes["http.request.method_original"]) == ("_OTHER", "MKCOL")
    assert "http.route" not in attributes


async def test_there_is_one_span_even_across_applications(spans: Spans, aiohttp_client: AiohttpClient) -> None:
    app = web.Application(middlewares=[tracing(provider=spans.provider)])
    setup(app)
    app.add_subapp("/sub", make_app("application", [tracing(provider=spans.provider)], HANDLERS))
    client = await aiohttp_client(app)
    async with client.get("/sub/posts/7"):
        pass
    assert [span.name for span in spans.read()] == ["GET /sub/posts/{id}"]


async def test_each_link_has_a_span_inside_if_the_chain_is_traced(spans: Spans, aiohttp_client: AiohttpClient) -> None:
    async def log_in(_: web.Request) -> None:
        return None

    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, log_in, tracing(provider=spans.provider), wrap, trace=trace_spans)
    for path, handler in (("/show", show), ("/fail", fail), ("/refuse", refuse)):
        router.add_get(path, handler)
    client = await aiohttp_client(app)
    for path in ("/show", "/fail", "/refuse"):
        async with client.get(path):
            pass
    found = spans.read()
    by_id = {span.context.span_id: span.name for span in found}
    assert [(span.name, span.parent and by_id[span.parent.span_id]) for span in found] == [
        ("show", "wrap"),
        ("wrap", "GET /show"),
        ("GET /show", None),
        ("fail", "wrap"),
        ("wrap", "GET /fail"),
        ("GET /fail", None),
        ("refuse", "wrap"),
        ("wrap", "GET /refuse"),
        ("GET /refuse", None),
    ]
    told = [(dict(span.attributes or {}), span.status.status_code) for span in found if span.name in HANDLED]
    assert told == [
        ({"outcome": "answered"}, StatusCode.UNSET),
        ({"outcome": "raised", "error.type": "LookupError"}, StatusCode.ERROR),
        ({"outcome": "raised"}, StatusCode.UNSET),
    ]


HANDLED = ("show", "fail", "refuse")


async def test_the_client_behind_proxies_is_told(spans: Spans, aiohttp_client: AiohttpClient) -> None:
    links = [tracing(provider=spans.provider), client_address(["127.0.0.1"], header="X-Forwarded-For")]
    client = await aiohttp_client(prepare("router", *links))
    async with client.get("/posts/7", headers={"X-Forwarded-For": "192.0.2.7"}):
        pass
    (span,) = spans.read()
    attributes = span.attributes or {}
    assert (attributes["client.address"], attributes["network.peer.address"]) == ("192.0.2.7", "127.0.0.1")


async def test_a_client_that_has_gone_ends_the_span(spans: Spans, aiohttp_client: AiohttpClient) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            over.set()
        return web.Response()

    client = await aiohttp_client(prepare("router", tracing(provider=spans.provider), **{"GET /wait": wait}))
    _, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /wait HTTP/1.0\r\n\r\n")
    await begun.wait()
    writer.transport.abort()
    await over.wait()
    async with client.get("/posts/7"):  # gives the task of the other time to end
        pass
    span = spans.read()[0]
    attributes = span.attributes or {}
    assert attributes["error.type"] == "aborted"
    assert "http.response.status_code" not in attributes


async def test_without_a_provider_nothing_is_told_and_all_goes_on(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(prepare("router", tracing()))
    async with client.get("/posts/7") as response:
        assert await response.text() == "0" * 32


def test_a_wrong_option_is_refused() -> None:
    options: dict[str, Any] = {"accept": "no"}
    with pytest.raises(ConfigurationError, match=r"^tracing\(\): accept='no'"):
        tracing(**options)
