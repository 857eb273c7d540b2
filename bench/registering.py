"""What it takes to register a large table whose routes have links: time, and memory.

Endpoints, links and paths are there before, as in memory.py; each endpoint is a function of its own, and all routes
share the same five links.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import UrlDispatcherEx

from .composing import close_around_all, make_endpoints, make_guards, make_middlewares
from .memory import measure_size, measure_time
from .report import Report, Spread, Table
from .tables import KINDS, TENANT
from .timing import Sample, interleave

_OURS, _BARE, _NESTED = "`UrlDispatcherEx`, five links", "aiohttp's router, no links", "aiohttp's router, closures"
_GUARDS, _MIDDLEWARES = 3, 2

Registrations = Mapping[str, Callable[[], Any]]  # each registers all routes on a new router
_Put = Callable[[Handler], Sequence[Any]]  # puts links before an endpoint: the arguments of `add_get` after the path


def run(*, quick: bool) -> Report:
    """Register all routes in each way: first to count bytes, then to take the time."""
    routes, rounds = (200, 2) if quick else (10_000, 3)
    registrations = _make_registrations(routes)
    sizes = {name: measure_size(register) / routes for name, register in registrations.items()}
    samples: dict[str, Sample] = {name: partial(measure_time, register) for name, register in registrations.items()}
    times = {name: [seconds / routes for seconds in taken] for name, taken in interleave(samples, rounds).items()}
    return Report((), (_tabulate(sizes, times, routes, rounds),))


def _make_registrations(routes: int) -> Registrations:
    paths = [KINDS[TENANT].write_route(number) for number in range(routes)]
    endpoints = make_endpoints(routes)
    guards, middlewares = make_guards(_GUARDS, is_async=True), make_middlewares(_MIDDLEWARES)

    five: list[Any] = [*guards, *middlewares]
    register = partial(_register, paths, endpoints)
    return {
        _OURS: partial(register, UrlDispatcherEx, lambda endpoint: (*five, endpoint)),
        _BARE: partial(register, web.UrlDispatcher, lambda endpoint: (endpoint,)),
        _NESTED: partial(
            register, web.UrlDispatcher, lambda endpoint: (close_around_all(guards, middlewares, endpoint),)
        ),
    }


def _register(paths: Sequence[str], endpoints: Sequence[Handler], make_router: Callable[[], Any], put: _Put) -> Any:
    re.purge()  # no pattern is there from the last time
    router = make_router()
    for path, endpoint in zip(paths, endpoints):
        router.add_get(path, *put(endpoint))
    router.freeze()  # as an application does when it starts: an index that is not built yet is built now
    return router


def _tabulate(sizes: Mapping[str, float], times: Mapping[str, Sequence[float]], routes: int, rounds: int) -> Table:
    note = (
        f"{routes:,} routes of the kind {TENANT}, `{KINDS[TENANT].write_route(0)}` and so on, each with an endpoint "
        f"of its own behind the same {_GUARDS} guards and {_MIDDLEWARES} middlewares, on a router that is frozen at "
        "the end: `add_get` with five links beside that of aiohttp's router with the bare endpoint, and with async "
        "closures nested by hand around each endpoint. Bytes as `tracemalloc` counts them; time is the median of "
        f"{rounds} interleaved rounds, on this machine. All include the pattern that `re` compiles for each route."
    )
    columns = ("", "time per route", "÷ no links", "÷ closures", "memory per route", "÷ no links", "÷ closures")
    return Table("Registering a large table", note, columns, [_write_row(name, sizes, times) for name in sizes])


def _write_row(name: str, sizes: Mapping[str, float], times: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    microseconds = Spread.of(1e6 * seconds for seconds in times[name])
    return (
        name,
        f"{microseconds.median:.0f} µs",
        *[str(Spread.of(one / base for one, base in zip(times[name], times[other]))) for other in (_BARE, _NESTED)],
        f"{sizes[name]:,.0f} B",
        *[f"{sizes[name] / sizes[other]:.2f}" for other in (_BARE, _NESTED)],
    )
