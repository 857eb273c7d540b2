"""What is told of requests, and to whom."""

from __future__ import annotations

import logging

from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry

from aiohttp_route_middleware.middlewares.access_log import access_log
from aiohttp_route_middleware.middlewares.context import context
from aiohttp_route_middleware.middlewares.exit_stack import exit_stack
from aiohttp_route_middleware.middlewares.metrics import metrics
from aiohttp_route_middleware.middlewares.request_id import request_id
from aiohttp_route_middleware.middlewares.server_timing import server_timing
from aiohttp_route_middleware.middlewares.tracing import tracing

from ..by_hand import telemetry as by_hand
from .case import Case, Cases

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)  # those of the battery
SIZES = tuple(float(4**power) for power in range(3, 14))  # likewise


def list_cases() -> Cases:
    """List them."""
    signal = by_hand.send_request_id
    yield "request_id, made", Case(request_id(), by_hand.request_id, {}, signal=signal)
    sent = {"X-Request-ID": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    yield "request_id, sent", Case(request_id(), by_hand.request_id, sent, signal=signal)
    timing = server_timing(enabled=True)
    yield "server_timing", Case(timing, by_hand.server_timing, {}, signal=by_hand.send_server_timing)
    yield "context", Case(context(), by_hand.context, {})
    yield "exit_stack", Case(exit_stack(), by_hand.exit_stack, {})
    yield from _list_watching()


def _list_watching() -> Cases:
    logger, signal = make_silent_logger(), by_hand.see_response
    logging_link = access_log(logger=logger)
    yield "access_log", Case(logging_link, by_hand.make_access_log(logger), {}, signal=signal, is_whole=True)
    counting = by_hand.make_metrics(CollectorRegistry(), BUCKETS, SIZES)
    yield "metrics", Case(metrics(registry=CollectorRegistry()), counting, {}, signal=signal, is_whole=True)
    provider = TracerProvider(shutdown_on_exit=False)
    spanning = by_hand.make_tracing(provider)
    yield "tracing", Case(tracing(provider=provider), spanning, {}, signal=signal, is_whole=True)


def make_silent_logger() -> logging.Logger:
    """Make a logger that makes records, and hands them to nobody."""
    logger = logging.Logger("bench", logging.INFO)  # noqa: LOG001  # none that others can find
    logger.addHandler(logging.NullHandler())
    return logger
