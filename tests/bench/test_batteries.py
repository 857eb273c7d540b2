"""What is compared does the same: each battery, and the function that is written by hand in its place."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from typing import Any

import pytest
from aiohttp import hdrs, web
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from aiohttp_route_middleware.middlewares.access_log import access_log
from aiohttp_route_middleware.middlewares.metrics import metrics
from aiohttp_route_middleware.middlewares.tracing import tracing
from aiohttp_route_middleware.support.responses import apply_registered
from aiohttp_route_middleware.support.setup import prepare_responses
from bench.batteries import make_cases
from bench.battery_samples import make_router, put_before_endpoints
from bench.by_hand import telemetry as by_hand
from bench.by_hand.shared import Signal
from bench.cases.case import Case
from bench.cases.telemetry import BUCKETS, SIZES
from bench.request_maker import Sink
from bench.whole import answer, belong_to, make_app

CASES = make_cases()
CALLED = [name for name, case in CASES.items() if not case.is_whole]
WHOLE = [name for name, case in CASES.items() if case.is_whole]
_RANDOM = (  # parts of their headers
    *("sessions, signed, changed", "csrf_token, first GET", "secure_headers, nonce"),
    *("request_id, made", "server_timing"),
)
_STATUSES = {
    "https_redirect, by http": 308,
    "trailing_slash, a redirect": 308,
    "problem_details, a raised 404": 404,
    "on_error": 404,
    "etag, 304": 304,
}
_OF_A_TEXT = (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH)


async def _answer(handler: Any, case: Case, *, is_ours: bool) -> tuple[int, dict[str, str], object]:
    make = case.make_requests()
    request = make_router(make)(make())
    response = web.Response()
    try:
        if case.signal and is_ours:
            returned = await prepare_responses(request, handler)
            await apply_registered(request, response)
        else:
            returned = await handler(request)
            if case.signal:
                await case.signal(request, response)
    except web.HTTPException as error:
        if error.content_type == "text/plain":  # how an error is worded does not matter
            return error.status, {name: one for name, one in error.headers.items() if name not in _OF_A_TEXT}, b""
        return error.status, dict(error.headers), error.body
    return returned.status, dict(response.headers), returned.body if isinstance(returned, web.Response) else None


@pytest.mark.parametrize("name", CALLED)
async def test_what_is_written_by_hand_answers_as_the_battery_does(name: str) -> None:
    ours, theirs = put_before_endpoints(CASES[name])
    status, headers, body = await _answer(ours, CASES[name], is_ours=True)
    status_by_hand, headers_by_hand, body_by_hand = await _answer(theirs, CASES[name], is_ours=False)
    assert (status, sorted(headers), body) == (status_by_hand, sorted(headers_by_hand), body_by_hand)
    assert status == _STATUSES.get(name, 200)
    assert name in _RANDOM or headers == headers_by_hand


async def _exchange(case: Case, app: web.Application) -> tuple[str, list[str], bytes]:
    """Send the request of a case, and read what is written: status line, headers by their names, body."""
    written: list[bytes] = []
    request = belong_to(asyncio.current_task(), case.make_requests(Sink(kept=written))())
    await asyncio.create_task(answer(app, request))
    head, _, body = b"".join(written).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    fields = [line.partition(": ") for line in lines]
    return status, sorted(f"{name.lower()}: {value}" for name, _, value in fields if name.lower() != "date"), body


async def _exchange_twice(
    case: Case, link: Any, *, is_prepared: bool, signal: Signal | None
) -> list[tuple[str, list[str], bytes]]:
    app = make_app(case, link, is_prepared=is_prepared, signal=signal)
    return [await _exchange(case, app) for _ in range(2)]


@pytest.mark.parametrize("name", WHOLE)
async def test_what_is_written_by_hand_sends_the_same_bytes_as_the_battery_when_asked_twice(name: str) -> None:
    case = CASES[name]
    ours = await _exchange_twice(case, case.battery, is_prepared=case.needs_setup, signal=None)
    theirs = await _exchange_twice(case, case.by_hand, is_prepared=False, signal=case.signal)
    assert ours == theirs
    assert {int(status.split(" ")[1]) for status, _, _ in ours} == {_STATUSES.get(name, 200)}


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ("compress, 10 kB by gzip", "content-encoding: gzip"),
        ("idempotency, sent again", "idempotency-replayed: true"),
        ("response_cache, hit", "cache-status: aiohttp; hit; ttl=3600"),
        ("etag, 200", "etag: "),
    ],
)
async def test_what_is_measured_is_what_the_row_says(name: str, shows: str) -> None:
    _, second = await _exchange_twice(CASES[name], CASES[name].battery, is_prepared=True, signal=None)
    assert any(line.startswith(shows) for line in second[1])


async def test_the_large_body_shrinks_as_a_text_does() -> None:
    case = CASES["compress, 10 kB by gzip"]
    _, lines, body = await _exchange(case, make_app(case, case.battery, is_prepared=True))
    unpacked = gzip.decompress(body)
    assert 10_000 <= len(unpacked) < 11_000
    assert f"content-length: {len(body)}" in lines
    assert len(unpacked) / 8 < len(body) < len(unpacked) / 2


async def test_a_new_key_runs_the_handler_each_time() -> None:
    case = CASES["idempotency, first time"]
    answers = await _exchange_twice(case, case.battery, is_prepared=True, signal=None)
    assert not [line for _, lines, _ in answers for line in lines if "replayed" in line]


# ---- what is told of a request


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int, str, dict[str, object]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = re.sub(r"[0-9.]+ ms", "", record.getMessage())
        access: dict[str, object] = vars(record)["access"]
        self.told.append((record.levelno, text, {**access, "milliseconds": 0}))


async def test_both_access_logs_write_the_same() -> None:
    case, told = CASES["access_log"], []
    for is_ours in (True, False):
        logger, kept = logging.Logger("bench", logging.INFO), _Kept()  # noqa: LOG001  # none that others can find
        logger.addHandler(kept)
        link: Any = access_log(logger=logger) if is_ours else by_hand.make_access_log(logger)
        signal = None if is_ours else case.signal
        await _exchange(case, make_app(case, link, is_prepared=is_ours, signal=signal))
        told.append(kept.told)
    assert len(told[0]) == 1
    assert told[0] == told[1]


def _read_counts(registry: CollectorRegistry) -> dict[tuple[object, ...], float]:
    """Read what was counted, by labels; but for sums, which are times, and the lower buckets, which depend on them."""
    counts: dict[tuple[object, ...], float] = {}
    for place, metric in enumerate(registry.collect()):
        for sample in metric.samples:
            if sample.name.endswith(("_count", "_active", "_active_requests")) or sample.labels.get("le") == "+Inf":
                counts[(place, metric.type, *sorted(sample.labels.items()))] = sample.value
    return counts


async def test_both_count_the_same_for_prometheus() -> None:
    case, found = CASES["metrics"], []
    for is_ours in (True, False):
        registry = CollectorRegistry()
        link: Any = metrics(registry=registry) if is_ours else by_hand.make_metrics(registry, BUCKETS, SIZES)
        signal = None if is_ours else case.signal
        await _exchange(case, make_app(case, link, is_prepared=is_ours, signal=signal))
        found.append(_read_counts(registry))
    assert len(found[0]) == 5
    assert found[0] == found[1]


def _describe(span: ReadableSpan) -> tuple[object, ...]:
    return span.name, span.kind, span.status.status_code, dict(span.attributes or {}), span.parent, len(span.events)


async def test_both_make_the_same_span() -> None:
    case, found = CASES["tracing"], []
    for is_ours in (True, False):
        provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        link: Any = tracing(provider=provider) if is_ours else by_hand.make_tracing(provider)
        signal = None if is_ours else case.signal
        await _exchange(case, make_app(case, link, is_prepared=is_ours, signal=signal))
        found.append([*map(_describe, exporter.get_finished_spans())])
    assert len(found[0]) == 1
    assert found[0] == found[1]
