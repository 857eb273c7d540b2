"""What resolving.py compares, measured in one process: tables of one kind in our router and in aiohttp's."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import cast

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aiohttp_route_middleware import UrlDispatcherEx

from .composing import make_endpoints
from .tables import KINDS, TENANT, Kind, spread
from .timing import Sample, drive, minima

OURS, STOCK = "`UrlDispatcherEx`", "aiohttp's router"
NOT_FOUND, NOT_ALLOWED = 404, 405
_ROUTERS: dict[str, Callable[[], web.UrlDispatcher]] = {
    OURS: cast("Callable[[], web.UrlDispatcher]", UrlDispatcherEx),
    STOCK: web.UrlDispatcher,
}
_SERIALS = itertools.count()
_REPEATS = 10  # how often a sample asks each path, unless aiohttp's router has to try all routes for it

Requests = Callable[[], Sequence[web.Request]]  # makes new ones for each sample
Routers = Mapping[tuple[str, int], web.UrlDispatcher]  # by name and size


def main() -> None:
    """Measure one kind once, and print the fastest sample of each item as JSON."""
    kind, sizes, rounds = KINDS[sys.argv[1]], [int(size) for size in sys.argv[2].split(",")], int(sys.argv[3])
    routers = fill_routers(kind, sizes)
    samples = {**dict(sample_hits(kind, routers)), **dict(_sample_misses(kind, routers))}
    print(json.dumps(minima(samples, rounds)))


def fill_routers(kind: Kind, sizes: Sequence[int]) -> Routers:
    """Register the routes of all tables in turn: a pattern that `re` has just compiled is not compiled again."""
    routers = {(name, size): make() for name, make in _ROUTERS.items() for size in sizes}
    for number, endpoint in enumerate(make_endpoints(max(sizes))):
        for (_, size), router in routers.items():
            if number < size:
                router.add_get(kind.write_route(number), endpoint)
    for router in routers.values():
        router.freeze()  # as an application does when it starts
    return routers


def sample_hits(kind: Kind, routers: Routers) -> Iterator[tuple[str, Sample]]:
    """Ask each table for ten of its routes, the first and the last among them."""
    for (name, size), router in routers.items():
        repeats = 1 if name == STOCK and kind.is_open and size > _REPEATS else _REPEATS
        make = _make_asking("GET", kind, spread(size) * repeats)
        _check(router, make(), 200)
        yield f"{name}: {size}", _sample_resolving(router, make)


def _sample_misses(kind: Kind, routers: Routers) -> Iterator[tuple[str, Sample]]:
    """Ask the larger tables of tenants for a route that there is not, and for one with another method."""
    for (name, size), router in routers.items():
        if kind.name == TENANT and size > _REPEATS:
            repeats = 1 if name == STOCK else _REPEATS
            for status, method, numbers in ((NOT_FOUND, "GET", [size]), (NOT_ALLOWED, "POST", [0, size - 1])):
                make = _make_asking(method, kind, numbers * repeats)
                _check(router, make(), status)
                yield f"{name}: {status}: {size}", _sample_resolving(router, make)


def _make_asking(method: str, kind: Kind, numbers: Sequence[int]) -> Requests:
    """Make requests whose URLs nobody has read yet.

    A URL keeps its path once that was decoded, and yarl hands out the same object again for the last texts that it has
    parsed. With a query that was never there before, each request has a URL of its own, even for a static path, and
    its path is decoded within the time that is taken, as for a request from the network. The mocks are slow to make,
    so they are made once, and the request is cloned.
    """
    mocked = make_mocked_request(method, "/")

    def make() -> list[web.Request]:
        return [mocked.clone(rel_url=f"{kind.write_path(number)}?{next(_SERIALS)}") for number in numbers]

    return make


def _check(router: web.UrlDispatcher, requests: Sequence[web.Request], status: int) -> None:
    """See that the router gives the answer that is to be measured."""
    for request in requests:
        try:
            router.resolve(request).send(None)
        except StopIteration as stop:
            error = stop.value.http_exception
            if (200 if error is None else error.status) != status:
                raise RuntimeError(f"{request.method} {request.path}: not {status}") from None


def _sample_resolving(router: web.UrlDispatcher, make: Requests) -> Sample:
    """Resolve all requests; the loop has a code object of its own, as in `sample_calls`."""
    loop = FunctionType(_resolve_all.__code__.replace(), globals())

    def sample() -> float:
        requests = make()
        return drive(loop(router, requests)) / len(requests)

    return sample


async def _resolve_all(router: web.UrlDispatcher, requests: Sequence[web.Request]) -> None:
    for request in requests:
        await router.resolve(request)


if __name__ == "__main__":
    main()
