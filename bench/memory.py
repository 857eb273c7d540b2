"""What a route with five links takes: memory, and time to register it.

Endpoints, links and paths are there before; what is counted is what `add_get` adds to the router for each route.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import thread_time
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from aiohttp_route_middleware import UrlDispatcherEx

from .composing import make_endpoints, make_guards, make_middlewares
from .report import Report, Spread, Table, Target
from .timing import Sample, interleave

_LIMIT = 1200  # bytes
_STOCK = "aiohttp's router"
_NO_LINKS = "no links"
_FIVE_LINKS = ("five guards", "five plain guards", "two middlewares, then three guards", "five middlewares")

Registration = Callable[[], Any]  # registers all routes on a new router


def run(*, quick: bool) -> Report:
    """Register all routes on each kind of router: first to count bytes, then to take the time."""
    routes, rounds = (500, 2) if quick else (10_000, 5)
    registrations = _make_registrations(routes)
    sizes = {name: measure_size(register) / routes for name, register in registrations.items()}
    samples: dict[str, Sample] = {name: partial(measure_time, register) for name, register in registrations.items()}
    times = _divide_by_stock(interleave(samples, rounds))
    more = {name: size - sizes[_STOCK] for name, size in sizes.items() if name != _STOCK}
    return Report(
        [_judge(name, sizes[name] - sizes[_NO_LINKS]) for name in _FIVE_LINKS],
        [_tabulate(more, times, routes, rounds)],
    )


def _make_registrations(routes: int) -> dict[str, Registration]:
    paths = [f"/route{number}" for number in range(routes)]
    endpoints = make_endpoints(routes)
    stock = partial(_register, web.UrlDispatcher, paths, (), endpoints)
    ours = {
        name: partial(_register, UrlDispatcherEx, paths, links, endpoints) for name, links in _make_links().items()
    }
    return {_STOCK: stock, **ours}


def _make_links() -> dict[str, Sequence[Any]]:
    guards, plain, middlewares = make_guards(5, is_async=True), make_guards(5, is_async=False), make_middlewares(5)
    return {_NO_LINKS: (), **dict(zip(_FIVE_LINKS, (guards, plain, middlewares[:2] + guards[:3], middlewares)))}


def _register(
    make_router: Callable[[], Any], paths: Sequence[str], links: Sequence[Any], endpoints: Sequence[Handler]
) -> Any:
    router = make_router()
    for path, endpoint in zip(paths, endpoints):
        router.add_get(path, *links, endpoint)
    return router


def measure_size(register: Registration) -> int:
    """Count the bytes that the routes hold when all garbage is gone."""
    register()  # what is made once and kept, for all chains, is not a route's
    gc.collect()
    tracemalloc.start()
    try:
        router = register()
        gc.collect()
        size = tracemalloc.get_traced_memory()[0]
        del router
        return size
    finally:
        tracemalloc.stop()


def measure_time(register: Registration) -> float:
    """Time the registration of all routes, garbage collection on, as it is when an application starts."""
    gc.collect()
    started = thread_time()
    register()
    return thread_time() - started


def _divide_by_stock(times: Mapping[str, Sequence[float]]) -> dict[str, Spread]:
    return {name: Spread.of(one / stock for one, stock in zip(taken, times[_STOCK])) for name, taken in times.items()}


def _judge(links: str, more: float) -> Target:
    return Target(f"{links} on a route, more memory than without", f"≤ {_LIMIT:,} B", f"{more:,.0f} B", more <= _LIMIT)


def _tabulate(more: Mapping[str, float], times: Mapping[str, Spread], routes: int, rounds: int) -> Table:
    note = (
        f"{routes:,} routes, each with a path and an endpoint of its own, all with the same links: `add_get` of "
        f"`UrlDispatcherEx` beside that of aiohttp's router. Bytes as `tracemalloc` counts them; time is the median "
        f"of {rounds} interleaved rounds."
    )
    rows = [(name, f"{size:,.0f} B", str(times[name])) for name, size in more.items()]
    return Table("Registering a route", note, ("", "memory per route, more", "time per route ÷ aiohttp's"), rows)
