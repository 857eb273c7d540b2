"""A span for each request, as OpenTelemetry's semantic conventions for HTTP have it, and one for each link if asked.

    setup(app)
    router = UrlDispatcherEx.install(app, tracing())                      # one span for a request
    router = UrlDispatcherEx.install(app, tracing(), trace=trace_spans)   # and one inside of it for each link

`trace=` takes one function. For `trace_timings` of `server_timing()` as well, give each to a place of its own, such as
a group with all the routes, which is told beside its router:

    router = UrlDispatcherEx.install(app, tracing(), server_timing(), trace=trace_spans)
    routes = router.group(trace=trace_timings)

It needs the API of OpenTelemetry; where the spans go is said once, by an SDK or an agent. This prints them, with the
package `opentelemetry-sdk`:

    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
    trace.set_tracer_provider(provider)

Without that it costs little, and tells nobody.

The span is named `GET /posts/{id}`, by the template of the route, begins in the trace that the client or a proxy has
sent (`traceparent`, or what your propagators read), and ends with the last byte. It bears `http.request.method`,
`http.route`, `http.response.status_code`, `url.path`, `url.query`, `url.scheme`, `server.address`, `server.port`,
`client.address`, `network.peer.address`, `network.protocol.version`, `user_agent.original`, and `error.type` for what
has failed: the class of an exception, which the span bears with its message and traceback; else the status; `failed`,
where an answer broke off; `aborted`, where its client has gone or the server was stopped. Behind another `tracing()`,
in an application around a sub-application, say, and behind an instrumentation of aiohttp, there is one span all the
same, or none, if the one before is not sampled. `baggage` that was sent goes on to whomever the handler asks. What
`proxy()` passes on has a span of its own inside of this one with `client_span()`, of
`aiohttp_route_middleware.proxy.client_span`.

**Secrets.** Values of query parameters whose last words are those of credentials are masked, and so are they within
`User-Agent`, the one header that is recorded. Messages of exceptions are recorded as they are.
**Trust boundary:** whoever sends a `traceparent` chooses the trace that a request is told of, and whether it is
sampled, if your sampler follows its parent; and whoever sends `baggage`, what others are told: with `accept=False`
each request begins a trace of its own, without baggage.

It does **not** trace what handlers do: their clients and databases have instrumentations that find this span. It does
**not** see requests whose `Expect` is refused before any link runs: with 417, or with 413 by `body_limit()`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from ..errors import ConfigurationError, MissingDependencyError
from ..naming import describe, escape_unprintable, name_link
from ..option_checks import check_flags
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.network.addresses import CLIENT_ADDRESS
from ..support.network.hosts import parse_authority
from ..support.request_keys import read_key
from ..support.telemetry.completion import watch
from ..support.telemetry.ends import End
from ..support.telemetry.masking import SECRET_PARAMETERS, SecretNames, mask_query, mask_text
from ..support.telemetry.route_names import name_final_route, name_method, name_route
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
        provider: of tracers; default that which is set for the process, before this call or later.
        accept: whether a trace that was sent is gone on with, and its baggage; default yes.
        secret_parameters: last words of the names of query parameters whose values are masked, as `"api_key"` for
            `x-api-key` and `userApiKey`; default those of credentials.

    Raises:
        ConfigurationError: an option is wrong.

    Responds:
        Nothing of its own.

    Reads/Sets:
        Reads `traceparent` and what else the propagators read, and `CLIENT_ADDRESS` if it is set. Needs `setup(app)`.

    Source:
        OpenTelemetry, semantic conventions for HTTP spans, which are stable since version 1.23.

    Example:
        tracing(accept=False)
    """
    check_flags(_BATTERY, accept=accept)
    if provider is not None and not isinstance(provider, TracerProvider):
        raise ConfigurationError(_BATTERY, f"provider is {describe(provider)}", cure="pass a TracerProvider")
    secrets = SecretNames(_BATTERY, "secret_parameters", secret_parameters)
    tracer = trace.get_tracer(_NAME, tracer_provider=provider)  # asks a provider that is set later, once there is one

    @middleware_battery()
    async def tracing(request: web.Request, handler: Handler) -> web.StreamResponse:
        if read_key(request, _TRACER) is not None:  # a `tracing()` around this one has seen to it, sampled or not
            return await handler(request)
        request[_TRACER] = tracer
        if _is_traced():
            return await handler(request)
        parent = _find_parent(request, accept)
        span = _start(request, tracer, parent, secrets)
        token = context.attach(trace.set_span_in_context(span, parent))
        try:
            return await watch(request, handler, "tracing", partial(_end, request, span))
        finally:
            context.detach(token)

    return tracing


def trace_spans(request: web.Request, link: Any) -> Callable[[Outcome], None]:
    """Make a span for each link, inside that of the request; to be passed as `trace=`.

    Example:
        router = UrlDispatcherEx.install(app, tracing(), trace=trace_spans)
    """
    tracer = read_key(request, _TRACER)
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


def _is_traced() -> bool:
    """Whether the request has a span already, of another instrumentation."""
    current = trace.get_current_span()
    return current.is_recording() and getattr(current, "kind", None) is SpanKind.SERVER


def _find_parent(request: web.Request, accept: bool) -> context.Context:
    """Find the context to go on with: what was sent, or what another instrumentation has made of it, not sampled."""
    here, current = context.get_current(), trace.get_current_span()
    alone = trace.set_span_in_context(trace.INVALID_SPAN, here)
    parent = propagate.extract(request.headers, alone) if accept else alone
    ours, sent = current.get_span_context(), trace.get_current_span(parent).get_span_context()
    is_dropped = ours.is_valid and not ours.is_remote and not ours.trace_flags.sampled
    if is_dropped and (not sent.is_valid or sent.trace_id == ours.trace_id):
        return trace.set_span_in_context(current, parent)
    return parent


def _start(request: web.Request, tracer: Tracer, parent: context.Context, secrets: SecretNames) -> Span:
    route = name_route(request)
    return tracer.start_span(
        f"{name_method(request)} {route}" if route else name_method(request),
        context=parent,
        kind=SpanKind.SERVER,
        attributes=_describe(request, route, secrets),
    )


def _end(request: web.Request, span: Span, end: End) -> None:
    """End the span, whatever becomes of what is told before."""
    try:
        if end.error is not None:
            span.record_exception(end.error)
        address, route = read_key(request, CLIENT_ADDRESS), name_final_route(request)
        if address is not None:
            span.set_attribute("client.address", str(address))
        if route is not None and route != name_route(request):  # a link further in has found another one
            span.update_name(f"{name_method(request)} {route}")
            span.set_attribute("http.route", route)
        _judge(span, end)
    finally:
        span.end()


def _judge(span: Span, end: End) -> None:
    status = 0 if end.response is None else end.response.status
    if status:
        span.set_attribute("http.response.status_code", status)
    has_failed = status >= 500 or end.outcome == "failed"
    if has_failed:  # a refusal is no failure of the server
        span.set_status(Status(StatusCode.ERROR))
    if has_failed and end.error is not None:
        span.set_attribute("error.type", type(end.error).__qualname__)
    elif status >= 500:
        span.set_attribute("error.type", str(status))
    elif end.outcome != "sent":
        span.set_attribute("error.type", end.outcome)


def _describe(request: web.Request, route: str | None, secrets: SecretNames) -> dict[str, Any]:
    url, authority = request.rel_url, parse_authority(request.host or "")
    method = name_method(request)
    told = {
        "http.request.method": method,
        "http.request.method_original": None if method == request.method else request.method,
        "http.route": route,
        "url.path": mask_text(url.raw_path, secrets),
        "url.query": mask_query(url.raw_query_string, secrets) or None,
        "url.scheme": request.scheme,
        "server.address": authority and authority.host,
        "server.port": authority and authority.port,
        "client.address": request.remote,
        "network.peer.address": request.remote,
        "network.protocol.version": f"{request.version.major}.{request.version.minor}",
        "user_agent.original": mask_text(request.headers.get(hdrs.USER_AGENT, ""), secrets) or None,
    }
    # an exporter would stumble over bytes that are no text, and lose the spans of others with this one
    return {
        name: escape_unprintable(value) if isinstance(value, str) else value
        for name, value in told.items()
        if value is not None
    }
