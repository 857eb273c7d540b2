"""OpenTelemetry's aiohttp-server instrumentation makes the same span for chained routes as for plain ones."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span
from pytest_aiohttp.plugin import AiohttpClient

from .conftest import Register

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = AioHttpServerInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield exporter
    instrumentor.uninstrument()
    provider.shutdown()


async def answer(request: web.Request) -> web.Response:
    return web.Response(text=str(get_current_span().get_span_context().is_valid))


class Answer(web.View):
    async def get(self) -> web.Response:
        return await answer(self.request)


@pytest.mark.parametrize("handler", [answer, Answer], ids=["function", "view"])
async def test_one_span_around_the_whole_chain(
    aiohttp_client: AiohttpClient, behind_links: Register, spans: InMemorySpanExporter, handler: Any
) -> None:
    app = web.Application()
    app.router.add_route("GET", "/posts/{id}", behind_links(handler))
    client = await aiohttp_client(app)
    assert await (await client.get("/posts/7")).text() == "True"
    (span,) = spans.get_finished_spans()
    assert span.name == "GET /posts/{id}"
    assert span.attributes is not None
    assert span.attributes["http.status_code"] == 200
