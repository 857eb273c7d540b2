"""Counts for Prometheus: how many requests, how long they take, how large answers are, how many run right now.

    setup(app)
    router = UrlDispatcherEx.install(app, metrics())
    router.add_get("/metrics", basic_auth({"prometheus": os.environ["METRICS_PASSWORD"]}), show_metrics())

| metric | labels |
| --- | --- |
| `http_server_request_duration_seconds`, a histogram, to the last byte | `method`, `route`, `status`, `outcome` |
| `http_server_response_size_bytes`, a histogram of what was written | `method`, `route`, `status` |
| `http_server_active_requests`, a gauge | `method`, `route` |

The route is its template, `/posts/{id}`, never the path, which clients make up; a request that has found none is
`unmatched`, seen by an application alone. A method that nobody knows is `_OTHER`. A client that has gone before there
was an answer has the status `none`. An outcome is `sent`; `aborted`, by a client that has gone, or a server that was
stopped; or `failed`, of an answer that had begun. Messages of WebSockets have no size here, nor have files that were
aborted. The gauge has the route that aiohttp has found, even if `method_override()` finds another. Several
`metrics()` with one prefix in one registry share their metrics. What `proxy()` has passed on is counted by target with
`count_exchanges()`, of `aiohttp_route_middleware.proxy.exchange_metrics`, and shown with the rest.

It does **not** see requests whose `Expect` is refused before any link runs: with 417, or with 413 by `body_limit()`.
It does **not** protect what it shows: routes and rates are for nobody but your Prometheus, so put an authenticator
before `show_metrics()`. It does **not** look into handlers: count what is yours with prometheus-client.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from aiohttp import hdrs, web

from ..errors import ConfigurationError, MissingDependencyError
from ..naming import describe
from ..option_checks import check_list, refuse_option
from ..support.battery import MiddlewareBattery, middleware_battery
from ..support.telemetry.completion import watch
from ..support.telemetry.ends import End
from ..support.telemetry.route_names import name_final_route, name_method, name_route
from ..typedefs import Handler

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram
    from prometheus_client.exposition import choose_encoder
except ImportError as _error:
    raise MissingDependencyError("prometheus-client", "metrics") from _error

__all__ = ("metrics", "show_metrics")

_BATTERY = "metrics()"
_PREFIX = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
# as OpenTelemetry advises for http.server.request.duration
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_BYTES = tuple(float(4**power) for power in range(3, 14))  # 64 bytes to 64 MiB


def metrics(
    *, registry: CollectorRegistry = REGISTRY, prefix: str = "http_server", buckets: Sequence[float] = _SECONDS
) -> MiddlewareBattery:
    """Count requests, and measure how long they take.

    Args:
        registry: of prometheus-client; default its own.
        prefix: that the names of the metrics begin with; default `"http_server"`.
        buckets: upper bounds of the durations, in seconds, rising; default 5 ms to 10 s.

    Raises:
        ConfigurationError: an option is wrong, or the registry has metrics of these names and other kinds.

    Responds:
        Nothing of its own.

    Reads/Sets:
        Reads the route and the method. Needs `setup(app)`.

    Source:
        OpenTelemetry, semantic conventions for HTTP metrics.

    Example:
        metrics(prefix="shop", buckets=[0.01, 0.1, 1.0])
    """
    if not isinstance(registry, CollectorRegistry):
        raise ConfigurationError(_BATTERY, f"registry is {describe(registry)}", cure="pass a CollectorRegistry")
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise refuse_option(_BATTERY, "prefix", prefix, "use letters, digits and _")
    meters = _find_meters(registry, prefix, _read_buckets(buckets))

    @middleware_battery()
    async def metrics(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        method, route = name_method(request), name_route(request) or "unmatched"
        active = meters.active.labels(method, route)

        def finish(end: End) -> None:
            active.dec()
            status = "none" if end.response is None else str(end.response.status)
            labels = (method, name_final_route(request) or "unmatched", status)
            meters.durations.labels(*labels, end.outcome).observe(time.perf_counter() - begun)
            meters.sizes.labels(*labels).observe(end.head + (end.body or 0))

        active.inc()
        return await watch(request, handler, "metrics", finish)

    return metrics


def show_metrics(registry: CollectorRegistry = REGISTRY) -> Handler:
    """Make an endpoint that shows what a registry holds, in the format that is asked for.

    Args:
        registry: default that of prometheus-client.

    Example:
        router.add_get("/metrics", authenticate, show_metrics())
    """

    async def show_metrics(request: web.Request) -> web.StreamResponse:
        encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=encode(registry), headers={hdrs.CONTENT_TYPE: content_type})

    return show_metrics


@dataclass(frozen=True)
class _Meters:
    """The metrics of one prefix in one registry."""

    durations: Histogram
    sizes: Histogram
    active: Gauge


_known: WeakKeyDictionary[CollectorRegistry, dict[str, tuple[_Meters, tuple[float, ...]]]] = WeakKeyDictionary()


def _find_meters(registry: CollectorRegistry, prefix: str, buckets: tuple[float, ...]) -> _Meters:
    of_registry = _known.setdefault(registry, {})
    if prefix not in of_registry:
        try:
            of_registry[prefix] = (_make_meters(registry, prefix, buckets), buckets)
        except ValueError as error:
            cure = "pass another prefix, or a registry of its own"
            raise ConfigurationError(_BATTERY, f"{prefix}_... is in the registry already", cure=cure) from error
    meters, known_buckets = of_registry[prefix]
    if known_buckets != buckets:
        cure = "pass another prefix, or the same buckets"
        raise ConfigurationError(_BATTERY, f"{prefix}_... has other buckets already", cure=cure)
    return meters


def _make_meters(registry: CollectorRegistry, prefix: str, buckets: tuple[float, ...]) -> _Meters:
    labels = ("method", "route", "status")
    return _Meters(
        Histogram(
            f"{prefix}_request_duration_seconds",
            "Until the last byte of the response is sent.",
            (*labels, "outcome"),
            registry=registry,
            buckets=buckets,
        ),
        Histogram(
            f"{prefix}_response_size_bytes",
            "Of responses, with their headers.",
            labels,
            registry=registry,
            buckets=_BYTES,
        ),
        Gauge(f"{prefix}_active_requests", "Requests that are not over yet.", labels[:2], registry=registry),
    )


def _read_buckets(buckets: object) -> tuple[float, ...]:
    listed = check_list(_BATTERY, "buckets", buckets, example="0.1")
    numbers = [float(one) for one in listed if isinstance(one, (int, float)) and not isinstance(one, bool)]
    if not numbers or len(numbers) != len(listed) or numbers != sorted(set(numbers)):
        raise refuse_option(_BATTERY, "buckets", buckets, "pass rising numbers of seconds")
    return tuple(numbers)
