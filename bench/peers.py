"""What a match costs in the routers of other frameworks, beside ours and aiohttp's, as tables grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from .lookups import OURS, STOCK
from .report import Report, Table
from .tables import KINDS, choose_sizes, describe_kinds, write_sizes
from .timing import run_processes

STARLETTE, LITESTAR, SANIC, FALCON = "Starlette", "Litestar", "Sanic", "Falcon"
_PACKAGES = {STARLETTE: "starlette", LITESTAR: "litestar", SANIC: "sanic-routing", FALCON: "falcon"}
_LARGEST = {LITESTAR: 1_000, FALCON: 1_000}  # more routes take them minutes to register


def can_hold(router: str, size: int) -> bool:
    """Whether a router takes that many routes in reasonable time."""
    return size <= _LARGEST.get(router, size)


def run(*, quick: bool) -> Report:
    """Measure each kind in one process."""
    sizes = choose_sizes(quick=quick)
    arguments = (",".join(map(str, sizes)), "1" if quick else "12")
    found = {name: run_processes("bench.peer_routers", 1, name, *arguments)[0] for name in KINDS}
    rows = [row for kind, items in found.items() for row in _write_kind(kind, items, sizes)]
    return Report((), (Table("Beside other routers", _write_note(), ("", "router", *write_sizes(sizes)), rows),))


def _write_kind(kind: str, items: Mapping[str, float], sizes: Sequence[int]) -> Iterator[tuple[str, ...]]:
    for router in (OURS, STOCK, *_PACKAGES):
        yield (kind, router, *[_write_time(items.get(f"{router}: {size}")) for size in sizes])


def _write_time(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1e6 * seconds:,.1f} µs"


def _write_note() -> str:
    packages = ", ".join(f"{package} {version(package)}" for package in _PACKAGES.values())
    return (
        f"{describe_kinds()} Of one process for each kind the fastest sample: the mean of ten routes, from the first "
        "to the last, each asked for a path that is new. It is the cheapest question that each router answers "
        f"({packages}): Starlette's loop over `route.matches()`, Litestar's and Sanic's router behind their caches of "
        "1,024 paths, Falcon's `CompiledRouter.find()`. Some do more than others: aiohttp's and ours decode the "
        "path, are awaited and make a match info with the route; Litestar, Sanic and Starlette take the path as "
        "their server hands it over and look at the method too; Falcon does not even do that. All of them can "
        f"express all kinds. Without figures: {' and '.join(_LARGEST)} with 10,000 routes, which take them most of a "
        "minute or more to register."
    )
