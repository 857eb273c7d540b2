"""A hook that makes a client span of OpenTelemetry of each exchange, inside the span of its request.

    router.add_route("*", "/posts{tail:.*}", tracing(), proxy(posts, client_span()))

The target is told of the span by `traceparent`, or what else your propagators write, in place of what the client has
sent. The span ends when the head of the answer is there, or there will be none; the body takes as long as its client
does. There is one span for all attempts; `http.request.resend_count` tells how many there were after the first.

It bears `http.request.method`, `http.response.status_code`, `error.type` of what has failed, and of the target that
was asked last `server.address`, `server.port` and `url.full`, in which values of query parameters whose last words are
those of credentials are masked, as by `tracing()`.

Where no SDK is set up, nothing is written, and what the client has sent goes on to the target.

It needs the API of OpenTelemetry, as `tracing()` does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from typing import Any

from multidict import CIMultiDict

from ..errors import ConfigurationError, MissingDependencyError
from ..naming import describe, escape_unprintable
from ..support.telemetry.masking import SECRET_PARAMETERS, SecretNames, mask_query, mask_text
from ..support.telemetry.route_names import name_method
from .choice.targets import Target
from .exchange import Exchange
from .hooks.running import Hook
from .message.paths import SERVER_ITSELF
from .wire.failures import UpstreamError

try:
    from opentelemetry import propagate, trace
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
except ImportError as _error:
    raise MissingDependencyError("opentelemetry-api", "tracing") from _error

__all__ = ("client_span",)

_BATTERY = "client_span()"
_NAME = "aiohttp_route_middleware"
_SECRETS = SECRET_PARAMETERS | {"aws_access_key_id"}  # as the conventions have it


def client_span(*, provider: TracerProvider | None = None, secret_parameters: Collection[str] = _SECRETS) -> Hook:
    """Make a client span of each exchange, and tell the target of it.

    Args:
        provider: of tracers; default that which is set for the process, before this call or later.
        secret_parameters: last words of the names of query parameters whose values are masked, as `"api_key"` for
            `x-api-key` and `userApiKey`; default those of credentials.

    Raises:
        ConfigurationError: an option is wrong.

    Source:
        OpenTelemetry, semantic conventions for HTTP client spans, which are stable since version 1.23.

    Example:
        proxy(posts, client_span())
    """
    if provider is not None and not isinstance(provider, TracerProvider):
        raise ConfigurationError(_BATTERY, f"provider is {describe(provider)}", cure="pass a TracerProvider")
    secrets = SecretNames(_BATTERY, "secret_parameters", secret_parameters)
    tracer = trace.get_tracer(_NAME, tracer_provider=provider)

    async def client_span(exchange: Exchange) -> AsyncGenerator[None, None]:
        method = name_method(exchange.incoming)
        span = tracer.start_span(method, kind=SpanKind.CLIENT, attributes={"http.request.method": method})
        propagate.inject(exchange.request.headers, trace.set_span_in_context(span), setter=_SETTER)
        try:
            yield
        except UpstreamError as failure:
            _fail(span, failure.proxy_error)
            raise
        except GeneratorExit:
            _fail(span, "aborted")
            raise
        finally:
            if span.is_recording():
                _describe(span, exchange, secrets)
            span.end()

    return client_span


class _Setter:
    """Writes what propagators tell in place of what the client has sent."""

    def set(self, carrier: CIMultiDict[str], key: str, value: str) -> None:
        carrier[key] = value


_SETTER: Any = _Setter()


def _fail(span: Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))


def _describe(span: Span, exchange: Exchange, secrets: SecretNames) -> None:
    record, target = exchange.record, exchange.target
    if target is not None:
        span.set_attribute("server.address", target.url.host or "")
        span.set_attribute("server.port", target.url.port or 0)
        span.set_attribute("url.full", _write_url(target, exchange.request.path, secrets))
    if record.attempts > 1:
        span.set_attribute("http.request.resend_count", record.attempts - 1)
    if record.status is not None:
        span.set_attribute("http.response.status_code", record.status)
        if record.status >= 400:  # for a client, a refusal is a failure
            _fail(span, str(record.status))


def _write_url(target: Target, path_and_query: str, secrets: SecretNames) -> str:
    base = str(target.url.origin())
    if path_and_query == SERVER_ITSELF:
        return base
    path, question_mark, query = path_and_query.partition("?")
    masked = mask_text(f"{target.url.raw_path.rstrip('/')}{path}", secrets)
    # an exporter would stumble over bytes that are no text, and lose the spans of others with this one
    return escape_unprintable(f"{base}{masked}{question_mark}{mask_query(query, secrets)}")
