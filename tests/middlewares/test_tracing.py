"""Each request has one span of the kind that OpenTelemetry's semantic conventions describe."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Sequence
from textwrap import dedent
from typing import Any

import pytest
from aiohttp import web
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import SpanKind, StatusCode
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import RegistrationError, UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.on_error import on_error
from aiohttp_route_middleware.middlewares.server_timing import server_timing, trace_timings
from aiohttp_route_middleware.middlewares.tracing import trace_spans, tracing
from aiohttp_route_middleware.support.clones import clone_request
from aiohttp_route_middleware.support.telemetry.route_names import note_match
from aiohttp_route_middleware.typedefs import Handler

from ..scopes import each_scope, make_app, path_in

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"


class Spans:
    """A provider, and the spans that it has ended."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, sampler=sampler)
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


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"accept": "no"}, "accept='no'"),
        ({"provider": "sdk"}, "provider is str; pass a TracerProvider"),
        ({"secret_parameters": "token"}, "secret_parameters='token'"),
    ],
    ids=["accept", "provider", "secret_parameters"],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^tracing\(\): {problem}"):
        tracing(**options)


async def test_what_breaks_off_an_answer_is_on_the_span_before_it_ends(
    spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        raise LookupError("cannot go on")

    async def send(_: web.Request) -> web.Response:
        async def pieces() -> Any:
            yield b"a"
            raise LookupError("cannot go on")

        return web.Response(body=pieces())

    handlers = {"GET /begin": begin, "GET /send": send}
    client = await aiohttp_client(prepare("router", tracing(provider=spans.provider), **handlers))
    for path in ("begin", "send"):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await reader.read()
        writer.close()
    found = spans.read()
    assert len(found) == 2
    for span in found:
        attributes = span.attributes or {}
        assert (attributes["http.response.status_code"], attributes["error.type"]) == (200, "LookupError")
        assert span.status.status_code is StatusCode.ERROR
        assert [(event.attributes or {})["exception.message"] for event in span.events] == ["cannot go on"]


async def test_an_answer_that_is_begun_twice_has_failed_though_nothing_was_raised(
    spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    async def answer_twice(request: web.Request) -> web.StreamResponse:
        await web.StreamResponse().prepare(request)
        return web.Response(headers={"Connection": "close"})

    client = await aiohttp_client(prepare("router", tracing(provider=spans.provider), **{"GET /twice": answer_twice}))
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET /twice HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()
    (span,) = spans.read()
    assert (span.attributes or {})["error.type"] == "failed"
    assert span.status.status_code is StatusCode.ERROR


async def test_an_exception_that_a_link_before_answers_is_no_failure(
    spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    links = [
        on_error({LookupError: lambda request, error: web.Response(status=404)}),
        tracing(provider=spans.provider),
    ]
    client = await aiohttp_client(prepare("router", *links))
    async with client.get("/fail") as response:
        assert response.status == 404
    (span,) = spans.read()
    assert "error.type" not in (span.attributes or {})
    assert [event.name for event in span.events] == ["exception"]


async def tell_carried(_: web.Request) -> web.Response:
    carried: dict[str, str] = {}
    propagate.inject(carried)
    return web.json_response(carried)


async def ask_carried(client: Any, headers: dict[str, str]) -> dict[str, str]:
    async with client.get("/carried", headers=headers) as response:
        carried: dict[str, str] = await response.json()
        return carried


@pytest.mark.parametrize(("accept", "carried"), [(True, "tenant=shop"), (False, None)], ids=["accepted", "not"])
async def test_baggage_goes_on_to_whomever_the_handler_asks(
    accept: bool, carried: str | None, spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    handlers = {"GET /carried": tell_carried}
    client = await aiohttp_client(prepare("router", tracing(provider=spans.provider, accept=accept), **handlers))
    headers = {"baggage": "tenant=shop", "traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}
    told = await ask_carried(client, headers)
    assert told.get("baggage") == carried
    (span,) = spans.read()
    assert format(span.context.span_id, "016x") == told["traceparent"].split("-")[2]


async def test_baggage_that_a_link_before_has_set_stays(spans: Spans, aiohttp_client: AiohttpClient) -> None:
    @web.middleware
    async def set_tenant(request: web.Request, handler: Handler) -> web.StreamResponse:
        context.attach(baggage.set_baggage("tenant", "own"))
        return await handler(request)

    links = [set_tenant, tracing(provider=spans.provider)]
    client = await aiohttp_client(prepare("router", *links, **{"GET /carried": tell_carried}))
    assert (await ask_carried(client, {}))["baggage"] == "tenant=own"


@pytest.mark.parametrize(("flags", "count"), [("00", 0), ("01", 1)], ids=["not sampled", "sampled"])
async def test_a_trace_that_was_not_sampled_stays_so(flags: str, count: int, aiohttp_client: AiohttpClient) -> None:
    spans = Spans(ParentBased(ALWAYS_ON))
    handlers = {"GET /carried": tell_carried}
    client = await aiohttp_client(prepare("router", tracing(provider=spans.provider), **handlers))
    told = await ask_carried(client, {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-{flags}"})
    _, trace_id, _, told_flags = told["traceparent"].split("-")
    assert (trace_id, told_flags) == (TRACE_ID, flags)
    assert len(spans.read()) == count


async def test_behind_another_tracing_that_does_not_sample_there_is_no_span(aiohttp_client: AiohttpClient) -> None:
    outer, inner = Spans(ALWAYS_OFF), Spans(ALWAYS_ON)
    app = web.Application(middlewares=[tracing(provider=outer.provider)])
    setup(app)
    app.add_subapp("/sub", make_app("application", [tracing(provider=inner.provider)], HANDLERS))
    client = await aiohttp_client(app)
    async with client.get("/sub/posts/7"):
        pass
    assert (outer.read(), inner.read()) == ([], [])


@pytest.mark.parametrize(
    ("sent", "count"),
    [("", 0), (f"00-{TRACE_ID}-{PARENT_ID}-00", 0), (f"00-{TRACE_ID}-{PARENT_ID}-01", 1)],
    ids=["none sent", "not sampled", "another trace"],
)
async def test_behind_an_instrumentation_that_does_not_sample_its_decision_holds(
    sent: str, count: int, aiohttp_client: AiohttpClient
) -> None:
    """Unless the span is that of another trace, such as one in which the server was started."""
    outer, inner = Spans(ParentBased(ALWAYS_OFF)), Spans(ParentBased(ALWAYS_ON))

    @web.middleware
    async def instrument(request: web.Request, handler: Handler) -> web.StreamResponse:
        of_trace = None if sent.endswith("01") else propagate.extract(request.headers)
        span = outer.provider.get_tracer("outer").start_span("outer", context=of_trace, kind=SpanKind.SERVER)
        with trace.use_span(span):
            return await handler(request)

    client = await aiohttp_client(prepare("router", instrument, tracing(provider=inner.provider)))
    async with client.get("/posts/7", headers={"traceparent": sent} if sent else {}):
        pass
    assert (len(outer.read()), len(inner.read())) == (0, count)


async def test_behind_an_instrumentation_that_samples_there_is_its_span_alone(aiohttp_client: AiohttpClient) -> None:
    outer, inner = Spans(), Spans()

    @web.middleware
    async def instrument(request: web.Request, handler: Handler) -> web.StreamResponse:
        with outer.provider.get_tracer("outer").start_as_current_span("outer", kind=SpanKind.SERVER):
            return await handler(request)

    client = await aiohttp_client(prepare("router", instrument, tracing(provider=inner.provider)))
    async with client.get("/posts/7"):
        pass
    assert (len(outer.read()), len(inner.read())) == (1, 0)


class Broken(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise OSError("no route to the collector")


class BrokenProcessor(SimpleSpanProcessor):
    def on_end(self, span: ReadableSpan) -> None:
        raise OSError("cannot tell")


@pytest.mark.parametrize("kind", [SimpleSpanProcessor, BrokenProcessor])
async def test_an_exporter_that_is_broken_harms_no_request(
    kind: type[SimpleSpanProcessor], aiohttp_client: AiohttpClient
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(kind(Broken()))
    asyncio.get_running_loop().set_exception_handler(lambda _, __: None)
    client = await aiohttp_client(prepare("router", tracing(provider=provider)))
    for path, status in (("/posts/7", 200), ("/fail", 500), ("/posts/7", 200)):
        async with client.get(path) as response:
            assert response.status == status
            await response.read()


async def test_what_is_no_text_and_what_is_secret_is_not_recorded_as_it_is(
    spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(prepare("application", tracing(provider=spans.provider)))
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = b"GET /posts/7;token=hunter2?next=%2F%3Fapi-key%3Dhunter2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    writer.write(head + b"User-Agent: \xff token=hunter2\r\n\r\n")
    await reader.read()
    writer.close()
    (span,) = spans.read()
    told = {name: value for name, value in (span.attributes or {}).items() if isinstance(value, str)}
    assert told["user_agent.original"] == r"\udcff token=***"
    assert "hunter2" not in "".join(told.values())
    assert all(value.isprintable() for value in told.values())


async def test_the_route_that_a_link_further_in_has_found_names_the_span(
    spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    @web.middleware
    async def match_anew(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method != "POST":
            return await handler(request)
        clone = clone_request(request, method="GET" if "known" in request.query else "PUT")
        match = await request.app.router.resolve(clone)
        match.add_app(request.app)
        match.freeze()
        clone._match_info = match
        note_match(clone)
        return await match.handler(clone)

    app = web.Application(middlewares=[tracing(provider=spans.provider), match_anew])
    setup(app)
    app.router.add_get("/posts/{id}", show)
    client = await aiohttp_client(app)
    async with client.post("/posts/7?known"):
        pass
    async with client.post("/posts/7"):
        pass
    assert [(span.name, (span.attributes or {}).get("http.route")) for span in spans.read()] == [
        ("POST /posts/{id}", "/posts/{id}"),
        ("POST", None),
    ]


SERVE = """
import asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.tracing import tracing

async def show(request):
    return web.Response()

async def main():
    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app, tracing()).add_get("/posts/{id}", show)
    async with TestClient(TestServer(app)) as client:
        await client.get("/posts/7")

asyncio.run(main())
"""


def test_the_lines_of_the_documentation_print_a_span() -> None:
    documentation = sys.modules[trace_spans.__module__].__doc__ or ""
    found = re.search(r"^    from opentelemetry import trace\n(?:    .*\n|\n(?=    ))*", documentation, re.MULTILINE)
    assert found is not None
    done = subprocess.run([sys.executable, "-c", dedent(found[0]) + SERVE], capture_output=True, text=True, check=True)
    assert '"name": "GET /posts/{id}"' in done.stdout
    assert '"service.name": "shop"' in done.stdout


def test_a_provider_that_is_set_after_the_link_was_made_is_found() -> None:
    """The tracer is looked up when the factory is called, which may be before anybody has said where spans go."""
    late = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
import aiohttp_route_middleware.middlewares.tracing as module

made = module.tracing()
module.tracing = lambda: made
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)
"""
    done = subprocess.run([sys.executable, "-c", late + SERVE], capture_output=True, text=True, check=True)
    assert '"name": "GET /posts/{id}"' in done.stdout


async def test_spans_and_timings_of_each_link_go_together_on_a_router_and_a_group(
    spans: Spans, aiohttp_client: AiohttpClient
) -> None:
    app = web.Application()
    setup(app)
    links = tracing(provider=spans.provider), server_timing(enabled=True)
    router = UrlDispatcherEx.install(app, *links, trace=trace_spans)
    router.group(trace=trace_timings).add_get("/", wrap, show)
    client = await aiohttp_client(app)
    async with client.get("/") as response:
        shown = re.findall(r'desc="(\w+)"', response.headers["Server-Timing"])
    assert shown == ["server_timing", "show", "wrap", "tracing"]
    assert [span.name for span in spans.read() if span.kind is SpanKind.INTERNAL] == ["server_timing", "show", "wrap"]


def test_a_list_of_traces_is_refused() -> None:
    both: Any = [trace_spans, trace_timings]
    with pytest.raises(RegistrationError, match=r"^trace= got list, which cannot be called; pass a function "):
        UrlDispatcherEx(trace=both)
