"""A span for each request, as OpenTelemetry's semantic conventions for HTTP have it, and one for each link if asked.

    setup(app)
    router = UrlDispatcherEx.install(app, tracing())                      # one span for a request
    router = UrlDispatcherEx.install(app, tracing(), trace=trace_spans)   # and one inside of it for each link

What it needs is the API of OpenTelemetry; where the spans go is said once, by an SDK or an agent:
`opentelemetry.trace.set_tracer_provider(...)`. Without that it costs little, and tells nobody.

The span is named `GET /posts/{id}`, by the template of the route, begins in the trace that the client or a proxy has
sent (`traceparent`, or what your propagators read), and ends with the last byte. It bears `http.request.method`,
`http.route`, `http.response.status_code`, `url.path`, `url.query`, `url.scheme`, `server.address`, `server.port`,
`client.address`, `network.peer.address`, `network.protocol.version`, `user_agent.original`, and `error.type` for what
has failed. Behind another `tracing()`, in an application around a sub-application, say, and behind an instrumentation
of aiohttp, there is one span all the same.

**Secrets.** Values of query parameters whose names are those of credentials are masked; headers are not recorded, but
for `User-Agent`. **Trust boundary:** whoever sends a `traceparent` chooses the trace that a request is told of, and
whether it is sampled, if your sampler follows its parent: with `accept=False` each request begins a trace of its own.

It does **not** trace what handlers do: their clients and databases have instrumentations that find this span.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from aiohttp import hdrs, web

from ..errors import MissingDependencyError
from ..naming import name_link
from ..option_checks import check_flags
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.network.addresses import CLIENT_ADDRESS
from ..support.network.hosts import parse_authority
from ..support.telemetry.completion import watch
from ..support.telemetry.masking import SECRET_PARAMETERS, mask_query
from ..support.telemetry.routes import name_method, name_route
from ..typedefs import Handler, Outcome

try:
    from opentelemetry import context, propagate, trace
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider
except ImportError as _error:
    raise MissingDependencyError("opentelemetry-api", "tracing") from _error

__all__ = ("trace_spans", "tracing")

_BATTERY = "tracing()"
_NAME = "aiohttp_route_middleware"
_TRACER = web.RequestKey("_TRACER", Tracer)


def tracing(
    *,
    provider: TracerProvider | None = None,
    accept: bool = True,
    secret_parameters: Collection[str] = SECRET_PARAMETERS,
) -> MiddlewareBattery:
    """Make a span for each request.

    Args:
        provider: of tracers; default that which was set for the process.
        accept: whether a trace that was sent is gone on with; default yes.
        secret_parameters: names of query parameters whose values are masked; default those of credentials.

    Raises:
        ConfigurationError: an option is wrong.

    Reads/Sets:
        Reads `traceparent` and what else the propagators read, and `CLIENT_ADDRESS` if it is set. Needs `setup(app)`.

    Source:
        OpenTelemetry, semantic conventions for HTTP spans, which are stable since version 1.23.

    Example:
        tracing(accept=False)
    """
    check_flags(_BATTERY, accept=accept)
    secrets = frozenset(name.lower() for name in secret_parameters)

    @middleware_battery()
    async def tracing(request: web.Request, handler: Handler) -> web.StreamResponse:
        tracer = request[_TRACER] = trace.get_tracer(_NAME, tracer_provider=provider)
        if _is_traced():
            return await handler(request)
        parent = propagate.extract(request.headers) if accept else context.Context()
        ending = _Ending(request, _start(request, tracer, parent, secrets))
        with trace.use_span(ending.span, record_exception=False, set_status_on_exception=False):
            try:
                return await watch(request, handler, "tracing", ending.end)
            except web.HTTPException:
                raise
            except Exception as error:
                ending.note(error)
                raise

    return tracing


def trace_spans(request: web.Request, link: Any) -> Callable[[Outcome], None]:
    """Make a span for each link, inside that of the request; to be passed as `trace=`.

    Example:
        router = UrlDispatcherEx.install(app, tracing(), trace=trace_spans)
    """
    tracer = request.get(_TRACER)
    if tracer is None:  # this is `tracing()` itself, or what stands before it
        return _end_nothing
    span = tracer.start_span(name_link(link))
    token = context.attach(trace.set_span_in_context(span))

    def end(outcome: Outcome) -> None:
        context.detach(token)
        span.set_attribute("outcome", outcome.kind)
        if outcome.error is not None and not isinstance(outcome.error, web.HTTPException):
            span.set_attribute("error.type", type(outcome.error).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    return end


def _end_nothing(_: Outcome) -> None:
    """There is no span."""


class _Ending:
    """How the span of one request ends."""

    def __init__(self, request: web.Request, span: Span) -> None:
        self.span = span
        self._request = request
        self._error_type = ""

    def note(self, error: Exception) -> None:
        """Note what nobody has foreseen; the response is aiohttp's."""
        self.span.record_exception(error)
        self._error_type = type(error).__qualname__

    def end(self, response: web.StreamResponse | None, was_sent: bool) -> None:
        address = self._request.get(CLIENT_ADDRESS)
        if address is not None:
            self.span.set_attribute("client.address", str(address))
        status = 0 if response is None else response.status
        if status:
            self.span.set_attribute("http.response.status_code", status)
        if status >= 500:  # a refusal is no failure of the server
            self.span.set_status(Status(StatusCode.ERROR))
        error_type = self._error_type or (str(status) if status >= 500 else "" if was_sent else "aborted")
        if error_type:
            self.span.set_attribute("error.type", error_type)
        self.span.end()


def _is_traced() -> bool:
    """Whether the request has a span already: of a `tracing()` around this one, or of another instrumentation."""
    current = trace.get_current_span()
    return current.is_recording() and getattr(current, "kind", None) is SpanKind.SERVER


def _start(request: web.Request, tracer: Tracer, parent: context.Context, secrets: Collection[str]) -> Span:
    route = name_route(request)
    return tracer.start_span(
        f"{name_method(request)} {route}" if route else name_method(request),
        context=parent,
        kind=SpanKind.SERVER,
        attributes=_describe(request, route, secrets),
    )


def _describe(request: web.Request, route: str | None, secrets: Collection[str]) -> dict[str, Any]:
    url, authority = request.rel_url, parse_authority(request.host or "")
    method = name_method(request)
    told = {
        "http.request.method": method,
        "http.request.method_original": None if method == request.method else request.method,
        "http.route": route,
        "url.path": url.raw_path,
        "url.query": mask_query(url.raw_query_string, secrets) or None,
        "url.scheme": request.scheme,
        "server.address": authority and authority.host,
        "server.port": authority and authority.port,
        "client.address": request.remote,
        "network.peer.address": request.remote,
        "network.protocol.version": f"{request.version.major}.{request.version.minor}",
        "user_agent.original": request.headers.get(hdrs.USER_AGENT),
    }
    return {name: value for name, value in told.items() if value is not None}
