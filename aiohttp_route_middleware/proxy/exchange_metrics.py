"""What becomes of exchanges, counted for Prometheus.

    posts = Upstream("http://a:8001", "http://b:8001", name="posts", on_exchange=count_exchanges())

| metric; those of seconds are histograms | labels |
| --- | --- |
| `proxy_exchange_duration_seconds`, to the last byte | `upstream`, `target`, `method`, `status`, `outcome` |
| `proxy_exchange_first_byte_seconds`, to the head of the answer | `upstream`, `target` |
| `proxy_exchange_attempts_total` | `upstream` |
| `proxy_exchange_sent_bytes_total`, `proxy_exchange_received_bytes_total`, of bodies | `upstream` |

A target is told by its name; one without a name, by scheme, host and port.

It needs prometheus-client, as `metrics()` does, and is shown by `show_metrics()`.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..errors import MissingDependencyError
from ..support.telemetry.route_names import METHODS
from .record import ExchangeRecord, Tell

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
except ImportError as _error:
    raise MissingDependencyError("prometheus-client", "metrics") from _error

__all__ = ("count_exchanges",)

# as OpenTelemetry advises for http.client.request.duration
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_NONE = "none"
_known: WeakKeyDictionary[CollectorRegistry, _Meters] = WeakKeyDictionary()


def count_exchanges(registry: CollectorRegistry = REGISTRY) -> Tell:
    """Count exchanges; for `on_exchange` of an `Upstream`, of as many as there are.

    Args:
        registry: default that of prometheus-client.

    Example:
        Upstream("http://localhost:8001", name="posts", on_exchange=count_exchanges())
    """
    meters = _known.get(registry)
    if meters is None:
        meters = _known[registry] = _Meters(registry)
    return meters.count


class _Meters:
    """The metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        told, of_upstream = ("upstream", "target", "method", "status", "outcome"), ("upstream",)
        self._durations = Histogram(
            "proxy_exchange_duration_seconds",
            "Until the last byte of the answer was passed on.",
            told,
            registry=registry,
            buckets=_SECONDS,
        )
        self._first_bytes = Histogram(
            "proxy_exchange_first_byte_seconds",
            "Until the head of the answer was there.",
            told[:2],
            registry=registry,
            buckets=_SECONDS,
        )
        self._attempts = Counter(
            "proxy_exchange_attempts_total",
            "Requests sent to targets, or tried to be.",
            of_upstream,
            registry=registry,
        )
        self._sent = Counter(
            "proxy_exchange_sent_bytes_total", "Of the bodies of requests.", of_upstream, registry=registry
        )
        self._received = Counter(
            "proxy_exchange_received_bytes_total", "Of the bodies of answers.", of_upstream, registry=registry
        )

    def count(self, record: ExchangeRecord) -> None:
        """Count one that is over."""
        target = record.target_name or _NONE
        method = record.method if record.method in METHODS else "_OTHER"
        status = _NONE if record.status is None else str(record.status)
        labels = (record.upstream, target, method, status, record.outcome or _NONE)
        self._durations.labels(*labels).observe(record.seconds or 0.0)
        if record.first_byte_seconds is not None:
            self._first_bytes.labels(record.upstream, target).observe(record.first_byte_seconds)
        self._attempts.labels(record.upstream).inc(record.attempts)
        self._sent.labels(record.upstream).inc(record.bytes_up)
        self._received.labels(record.upstream).inc(record.bytes_down)
