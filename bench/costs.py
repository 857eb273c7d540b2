"""What chains.py compares, measured in one process: links that only pass on, awaited without an event loop."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from aiohttp.test_utils import make_mocked_request
from aiohttp.typedefs import Handler

from . import composing
from .cliff import measure_cliff
from .predecessor import VERSION, load_composer
from .timing import Sample, minima, sample_calls

OURS, BY_HAND, APP_LEVEL, OLD = "`chain()`", "by hand", "app-level", f"the 2018 package, {VERSION}"
ROUTES = 100
MIDDLEWARES, ASYNC_GUARDS, PLAIN_GUARDS = "middlewares", "async guards", "plain guards"
MANY_MIDDLEWARES, MANY_ASYNC_GUARDS, MANY_PLAIN_GUARDS = (
    f"{family}, {ROUTES} routes" for family in (MIDDLEWARES, ASYNC_GUARDS, PLAIN_GUARDS)
)
_COUNTS = (1, 3, 10)
_CALLS = 1000

Ways = dict[str, Callable[[int], Sequence[Handler]]]  # by name: makes the handlers with that many links

_MIDDLEWARE_WAYS: dict[str, composing.MiddlewareWay] = {
    OURS: composing.chain_links,
    BY_HAND: composing.write_out_middlewares,
    "plain closures": composing.close_around,
    "async closures": composing.close_around_async,
    APP_LEVEL: composing.wrap_as_aiohttp,
}
_GUARD_WAYS: dict[str, composing.GuardWay] = {
    OURS: composing.chain_guards,
    BY_HAND: composing.write_out_guards,
    "a loop": composing.loop_over_guards,
}


def main() -> None:
    """Measure once, and print the fastest sample of each item as JSON."""
    rounds = int(sys.argv[1])
    one = minima(dict(_sample_families(_make_families(1), 1)), rounds)
    many = minima(dict(_sample_families(_make_families(ROUTES), ROUTES)), rounds // 2)
    print(json.dumps({**one, **many, **measure_cliff(rounds // 5)}))


def _make_families(routes: int) -> dict[str, Ways]:
    middlewares, async_guards, plain_guards = (
        (MIDDLEWARES, ASYNC_GUARDS, PLAIN_GUARDS)
        if routes == 1
        else (MANY_MIDDLEWARES, MANY_ASYNC_GUARDS, MANY_PLAIN_GUARDS)
    )
    middleware_ways = {**_MIDDLEWARE_WAYS, **_find_old_way()}
    return {
        middlewares: {name: functools.partial(_put_middlewares, way, routes) for name, way in middleware_ways.items()},
        async_guards: {name: functools.partial(_put_guards, way, routes, True) for name, way in _GUARD_WAYS.items()},
        plain_guards: {name: functools.partial(_put_guards, way, routes, False) for name, way in _GUARD_WAYS.items()},
    }


def _find_old_way() -> dict[str, composing.MiddlewareWay]:
    composer = load_composer()
    return {} if composer is None else {OLD: lambda links, endpoint: composer([*links, endpoint])}


def _put_middlewares(way: composing.MiddlewareWay, routes: int, count: int) -> list[Handler]:
    """Put the same middlewares before each route."""
    links = composing.make_middlewares(count)
    return [way(links, endpoint) for endpoint in composing.make_endpoints(routes)]


def _put_guards(way: composing.GuardWay, routes: int, is_async: bool, count: int) -> list[Handler]:
    """Put other guards before each route."""
    return [
        way(composing.make_guards(count, is_async=is_async), endpoint, is_async)
        for endpoint in composing.make_endpoints(routes)
    ]


def _sample_families(families: Mapping[str, Ways], routes: int) -> Iterator[tuple[str, Sample]]:
    request = make_mocked_request("GET", "/")
    for family, ways in families.items():
        endpoints = composing.make_endpoints(routes)
        yield f"{family}: bare", sample_calls(endpoints, request, _CALLS)
        for way, put in ways.items():
            for count in _COUNTS:
                yield f"{family}: {way}: {count}", sample_calls(put(count), request, _CALLS)


if __name__ == "__main__":
    main()
