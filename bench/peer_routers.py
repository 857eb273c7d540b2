"""What peers.py compares, measured in one process: tables of one kind in the routers of other frameworks and in ours.

Each router is asked for a match and for nothing else: no HTTP, no middlewares, no handler. Sanic and Litestar keep
their answers for the last 1,024 paths; each path is new here, so they are asked behind that cache.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import thread_time
from types import FunctionType
from typing import Any

from falcon.routing import CompiledRouter
from litestar import Litestar
from litestar import get as litestar_get
from sanic_routing import BaseRouter
from starlette.routing import Match, Route, Router

from .lookups import fill_routers, sample_hits
from .peers import FALCON, LITESTAR, SANIC, STARLETTE, can_hold
from .tables import KINDS, Kind, spread
from .timing import Sample, minima

_REPEATS = 3  # how often a sample asks each path

Find = Callable[[Any], Any]  # asks a router; what is found is never false


@dataclass(frozen=True)
class _Peer:
    """How one framework's router is made and asked.

    Args:
        fill: registers routes, and returns what asks the router.
        write: turns a route as aiohttp writes it into the framework's own writing.
        prepare: makes of a path what the router gets from its server.
    """

    fill: Callable[[Sequence[str]], Find]
    write: Callable[[str], str]
    prepare: Callable[[str], Any] = str


def main() -> None:
    """Measure one kind once, and print the fastest sample of each item as JSON."""
    kind, sizes, rounds = KINDS[sys.argv[1]], [int(size) for size in sys.argv[2].split(",")], int(sys.argv[3])
    samples = {**dict(sample_hits(kind, fill_routers(kind, sizes))), **dict(_sample_peers(kind, sizes))}
    print(json.dumps(minima(samples, rounds)))


def _sample_peers(kind: Kind, sizes: Sequence[int]) -> Iterator[tuple[str, Sample]]:
    for name, peer in _PEERS.items():
        for size in sizes:
            if can_hold(name, size):
                find = peer.fill([peer.write(kind.write_route(number)) for number in range(size)])
                yield f"{name}: {size}", _sample_finding(find, peer, kind, spread(size) * _REPEATS)


def _sample_finding(find: Find, peer: _Peer, kind: Kind, numbers: Sequence[int]) -> Sample:
    """Find all routes with those numbers; the loop has a code object of its own, as in `sample_calls`."""
    loop = FunctionType(_find_all.__code__.replace(), globals())

    def make() -> list[Any]:
        return [peer.prepare(kind.write_path(number)) for number in numbers]

    if not all(find(asked) for asked in make()):
        raise RuntimeError(f"a route of the kind {kind.name} was not found")

    def sample() -> float:
        all_asked = make()
        started = thread_time()
        loop(find, all_asked)
        return (thread_time() - started) / len(all_asked)

    return sample


def _find_all(find: Find, all_asked: Sequence[Any]) -> None:
    for asked in all_asked:
        find(asked)


# ---- Starlette


def _fill_starlette(routes: Sequence[str]) -> Find:
    router = Router([Route(route, _answer, methods=["GET"]) for route in routes])

    def find(scope: Any) -> Any:
        """The loop at the heart of `Router.app`."""
        for route in router.routes:
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                return child_scope
        return None

    return find


async def _answer(request: Any) -> Any: ...


def _make_scope(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "root_path": ""}


# ---- Litestar


def _fill_litestar(routes: Sequence[str]) -> Find:
    handlers = [litestar_get(route, name=route)(_make_litestar_endpoint()) for route in routes]
    router = Litestar(handlers, openapi_config=None).asgi_router

    def find(path: str) -> Any:
        return router._handle_routing(path, "GET")

    return find


def _make_litestar_endpoint() -> Callable[[], Any]:
    async def answer() -> None: ...

    return answer


# ---- Sanic


class _SanicRouter(BaseRouter):
    """`sanic.router.Router`, less its cache and its translation of errors.

    Sanic itself is not installed: it would bring an older multidict to all that is tested here.
    """

    DEFAULT_METHOD = "GET"
    ALLOWED_METHODS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "PATCH", "DELETE")

    def get(self, **asked: Any) -> Any:
        return self.resolve(**asked)


def _fill_sanic(routes: Sequence[str]) -> Find:
    router = _SanicRouter()
    for route in routes:
        router.add(route, _answer, methods=["GET"])
    router.finalize()

    def find(path: str) -> Any:
        """What `Router.get()` does behind its cache."""
        return router.resolve(path=path, method="GET", extra=None)

    return find


def _write_for_sanic(route: str) -> str:
    return _write_tail(route).replace("{", "<").replace("}", ">")


# ---- Falcon


class _Resource:
    def on_get(self, request: Any, response: Any) -> None: ...


def _fill_falcon(routes: Sequence[str]) -> Find:
    router = CompiledRouter()
    for route in routes:
        router.add_route(route, _Resource())
    return router.find


# ---- all


def _write_tail(route: str) -> str:
    return route.replace("{tail:.*}", "{tail:path}")


def _write_for_litestar(route: str) -> str:
    return _write_tail(route).replace("{tenant}", "{tenant:str}").replace("{id}", "{id:str}")


_PEERS = {
    STARLETTE: _Peer(_fill_starlette, _write_tail, _make_scope),
    LITESTAR: _Peer(_fill_litestar, _write_for_litestar),
    SANIC: _Peer(_fill_sanic, _write_for_sanic),
    FALCON: _Peer(_fill_falcon, _write_tail),
}

if __name__ == "__main__":
    main()
