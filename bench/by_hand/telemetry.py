"""What is told of requests, and to whom."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from multidict import istr
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider
from prometheus_client import CollectorRegistry, Gauge, Histogram

Finish = Callable[[web.StreamResponse | None, bool], None]

# ---- ids, times, the request at hand

_ID = web.RequestKey("_ID", str)
_X_REQUEST_ID = istr("X-Request-ID")
_is_id = re.compile(r"[A-Za-z0-9_.=-]{1,128}").fullmatch
_read_parent = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}").fullmatch
_current_id: ContextVar[str] = ContextVar("_current_id", default="")


async def request_id(request: web.Request) -> None:
    """Take the id that was sent, or the trace id, or make one."""
    headers = request.headers
    found = headers.get(_X_REQUEST_ID, "")
    if not _is_id(found):
        parent = _read_parent(headers.get("traceparent", ""))
        found = parent[1] if parent else uuid.uuid4().hex
    request[_ID] = found
    _current_id.set(found)


async def send_request_id(request: web.Request, response: web.StreamResponse) -> None:
    """Send it back."""
    found = request.get(_ID)
    if found is not None:
        response.headers.setdefault(_X_REQUEST_ID, found)


_TIMES = web.RequestKey[list[tuple[str, float]]]("_TIMES")  # what handlers have measured, in milliseconds
_BEGUN = web.RequestKey("_BEGUN", float)
_SERVER_TIMING = istr("Server-Timing")


async def server_timing(request: web.Request) -> None:
    """Begin to measure."""
    request[_BEGUN] = time.perf_counter()
    request[_TIMES] = []


async def send_server_timing(request: web.Request, response: web.StreamResponse) -> None:
    """Tell how long it took."""
    begun = request.get(_BEGUN)
    if begun is not None:
        times = [*request[_TIMES], ("total", (time.perf_counter() - begun) * 1000)]
        response.headers.add(_SERVER_TIMING, ", ".join(f"{name};dur={taken:.3f}" for name, taken in times))


_NAMESPACE = web.RequestKey("_NAMESPACE", SimpleNamespace)
_current: ContextVar[tuple[web.Request, SimpleNamespace]] = ContextVar("_current")


async def context(request: web.Request) -> None:
    """Let the request be found by code that nobody has handed it to, and a namespace."""
    namespace = request[_NAMESPACE] = SimpleNamespace()
    _current.set((request, namespace))


_STACK = web.RequestKey("_STACK", AsyncExitStack)


@web.middleware
async def exit_stack(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close what a request has opened."""
    async with AsyncExitStack() as stack:
        request[_STACK] = stack
        return await handler(request)


# ---- told when the last byte is sent

_ENDINGS = web.RequestKey["_Ending"]("_ENDINGS")


class _Ending:
    """The end of a response: aiohttp writes its last byte when all links have returned.

    Why one is broken off is not told apart, for it is not measured.
    """

    def __init__(self, writer: Any, finish: Finish) -> None:
        self.response: web.StreamResponse | None = None
        self._finish: Finish | None = finish
        self._write_eof: Callable[[bytes], Awaitable[None]] = writer.write_eof
        writer.write_eof = self.write_eof

    async def write_eof(self, piece: bytes = b"") -> None:
        await self._write_eof(piece)
        self.tell(True)

    def tell(self, was_sent: bool) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            finish(self.response, was_sent)


def _watch(request: web.Request, finish: Finish) -> None:
    ending = request[_ENDINGS] = _Ending(request.writer, finish)
    cast("asyncio.Task[Any]", asyncio.current_task()).add_done_callback(lambda _: ending.tell(False))


async def see_response(request: web.Request, response: web.StreamResponse) -> None:
    """Note which response is sent."""
    ending = request.get(_ENDINGS)
    if ending is not None:
        ending.response = response


_SECRETS = frozenset(("access_token", "api_key", "code", "key", "password", "secret", "signature", "state", "token"))


def make_access_log(logger: logging.Logger) -> Middleware:
    """Log each request."""

    @web.middleware
    async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()

        def finish(response: web.StreamResponse | None, was_sent: bool) -> None:
            status = None if response is None else response.status
            told = {
                "method": request.method,
                "target": _mask(request),
                "route": _name_route(request),
                "request_id": request.get(_ID),
                "subject": None,
                "status": status,
                "bytes": 0 if response is None else int(response.headers.get(hdrs.CONTENT_LENGTH, 0)),
                "outcome": "sent" if was_sent else "aborted",
                "milliseconds": round((time.perf_counter() - begun) * 1000, 3),
                "client": request.remote,
            }
            level = logging.ERROR if status and status >= 500 else logging.INFO
            logger.log(level, _TEXT, told, extra={"access": told})

        _watch(request, finish)
        return await handler(request)

    return access_log


_TEXT = "%(method)s %(target)s %(status)s in %(milliseconds)s ms, %(bytes)s bytes"


def _name_route(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    return None if resource is None else resource.canonical


def _mask(request: web.Request) -> str:
    url = request.rel_url
    pairs = [pair.partition("=") for pair in url.raw_query_string.split("&")]
    masked = [f"{name}=***" if name.lower() in _SECRETS else f"{name}{sign}{value}" for name, sign, value in pairs]
    return f"{url.raw_path}?{'&'.join(masked)}" if url.raw_query_string else url.raw_path


def make_metrics(registry: CollectorRegistry, seconds: tuple[float, ...], sizes: tuple[float, ...]) -> Middleware:
    """Count for Prometheus."""
    labels = ("method", "route", "status")
    durations = Histogram("by_hand_seconds", "Durations.", (*labels, "outcome"), registry=registry, buckets=seconds)
    bodies = Histogram("by_hand_bytes", "Sizes.", labels, registry=registry, buckets=sizes)
    active = Gauge("by_hand_active", "Requests that run.", labels[:2], registry=registry)

    @web.middleware
    async def metrics(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        method = request.method if request.method in hdrs.METH_ALL else "_OTHER"
        route = _name_route(request) or "unmatched"
        running = active.labels(method, route)

        def finish(response: web.StreamResponse | None, was_sent: bool) -> None:
            status = "none" if response is None else str(response.status)
            running.dec()
            outcome = "sent" if was_sent else "aborted"
            durations.labels(method, route, status, outcome).observe(time.perf_counter() - begun)
            bodies.labels(method, route, status).observe(request.writer.output_size)

        running.inc()
        _watch(request, finish)
        return await handler(request)

    return metrics


def make_tracing(provider: TracerProvider) -> Middleware:
    """Make a span for each request."""
    tracer = trace.get_tracer("aiohttp_route_middleware", tracer_provider=provider)

    @web.middleware
    async def tracing(request: web.Request, handler: Handler) -> web.StreamResponse:
        route, parent = _name_route(request), propagate.extract(request.headers)
        name = f"{request.method} {route}" if route else request.method
        span = tracer.start_span(name, parent, SpanKind.SERVER, _describe(request, route))

        def finish(response: web.StreamResponse | None, was_sent: bool) -> None:
            if response is not None:
                span.set_attribute("http.response.status_code", response.status)
                if response.status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
            if not was_sent:
                span.set_attribute("error.type", "aborted")
            span.end()

        _watch(request, finish)
        with trace.use_span(span):
            return await handler(request)

    return tracing


def _describe(request: web.Request, route: str | None) -> dict[str, Any]:
    url = request.rel_url
    host, _, port = request.host.partition(":")
    told = {
        "http.request.method": request.method,
        "http.route": route,
        "url.path": url.raw_path,
        "url.query": _mask(request).partition("?")[2] or None,
        "url.scheme": request.scheme,
        "server.address": host,
        "server.port": int(port) if port else None,
        "client.address": request.remote,
        "network.peer.address": request.remote,
        "network.protocol.version": f"{request.version.major}.{request.version.minor}",
        "user_agent.original": request.headers.get(hdrs.USER_AGENT),
    }
    return {name: value for name, value in told.items() if value is not None}
