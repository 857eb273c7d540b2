"""What it costs to resolve a request as route tables grow: our router beside aiohttp's.

`router.resolve(request)` is driven without an event loop; of each table ten routes are asked for, from the first to
the last, and the mean of them counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .lookups import NOT_ALLOWED, NOT_FOUND, OURS, STOCK
from .report import Report, Spread, Table, Target, at_least, at_most
from .tables import KINDS, TENANT, choose_sizes, describe_kinds, write_sizes
from .timing import run_processes

_FLAT = 1.5  # how much of the smallest table's cost a larger table may cost
_ALIKE = 1.05  # how much of aiohttp's cost ours may be where aiohttp is fast
_FASTER = 60
_MISS = 20  # microseconds
_MICROSECONDS = " µs"


def run(*, quick: bool) -> Report:
    """Measure each kind in several processes: of each item the fastest sample, then the median over the processes."""
    sizes = choose_sizes(quick=quick)
    starts, rounds = (1, 2) if quick else (6, 30)
    arguments = (",".join(map(str, sizes)), str(rounds))
    # one kind after the other, again and again, so that all of them see the machine at all times
    sets = [{name: run_processes("bench.lookups", 1, name, *arguments)[0] for name in KINDS} for _ in range(starts)]
    figures = Figures(sets, sizes)
    return Report(tuple(_judge(figures)), tuple(_tabulate(figures)))


class Figures:
    """The fastest samples of each process, and what is made of them."""

    def __init__(self, sets: Sequence[Mapping[str, Mapping[str, float]]], sizes: tuple[int, int, int]) -> None:
        self._sets = sets
        self.sizes = sizes

    def tell(self, kind: str, item: str) -> Spread:
        """One item, in microseconds."""
        return Spread.of(1e6 * each[kind][item] for each in self._sets)

    def divide(self, kind: str, item: str, other: str) -> Spread:
        """One item as a multiple of another."""
        return Spread.of(each[kind][item] / each[kind][other] for each in self._sets)

    def grow(self, kind: str, router: str, size: int) -> Spread:
        """A larger table as a multiple of the smallest."""
        return self.divide(kind, f"{router}: {size}", f"{router}: {self.sizes[0]}")

    def compare(self, kind: str, router: str, other: str, size: int) -> Spread:
        """One router as a multiple of another."""
        return self.divide(kind, f"{router}: {size}", f"{other}: {size}")


def _judge(figures: Figures) -> Iterator[Target]:
    small, *larger = figures.sizes
    middle = larger[0]
    for kind in KINDS.values():
        if kind.is_open:
            for size in larger:
                what = f"{kind.name}, {size:,} routes ÷ {small:,} routes"
                yield at_most(what, figures.grow(kind.name, OURS, size), _FLAT)
    faster = figures.compare(TENANT, STOCK, OURS, middle)
    yield at_least(f"{TENANT}, {middle:,} routes, {STOCK} ÷ ours", faster, _FASTER)
    for status in (NOT_FOUND, NOT_ALLOWED):
        time = figures.tell(TENANT, _miss(OURS, status, middle))
        yield at_most(f"{TENANT}, {middle:,} routes, {status}", time, _MISS, _MICROSECONDS)
    for kind in KINDS.values():
        for size in (small,) if kind.is_open else figures.sizes:
            alike = figures.compare(kind.name, OURS, STOCK, size)
            yield at_most(f"{kind.name}, {size:,} routes ÷ {STOCK}", alike, _ALIKE)


def _miss(router: str, status: int, size: int) -> str:
    return f"{router}: {status}: {size}"


def _tabulate(figures: Figures) -> Iterator[Table]:
    yield _tabulate_growth(figures)
    yield _tabulate_comparison(figures)
    yield _tabulate_misses(figures)


def _tabulate_growth(figures: Figures) -> Table:
    note = (
        f"{describe_kinds()} One `router.resolve(request)`, the mean of ten routes from the first to the last, each "
        "request with a path that was not yet decoded. In a process all tables of a kind are measured interleaved. "
        "Microseconds are the median over the processes, on this machine; only their ratios mean something elsewhere."
    )
    small, *larger = figures.sizes
    ratios = [f"{size:,} ÷ {small:,}" for size in larger]
    rows = [_write_growth(figures, kind, router) for kind in KINDS for router in (OURS, STOCK)]
    return Table("Resolving a request", note, ("", "router", *write_sizes(figures.sizes), *ratios), rows)


def _write_growth(figures: Figures, kind: str, router: str) -> tuple[str, ...]:
    times = [_write_time(figures.tell(kind, f"{router}: {size}")) for size in figures.sizes]
    return (kind, router, *times, *[str(figures.grow(kind, router, size)) for size in figures.sizes[1:]])


def _write_time(time: Spread) -> str:
    return f"{time.median:,.1f}{_MICROSECONDS}"


def _tabulate_comparison(figures: Figures) -> Table:
    note = "How many times as long as ours it takes. It tries all routes whose paths begin with a variable."
    rows = [(kind, *[str(figures.compare(kind, STOCK, OURS, size)) for size in figures.sizes]) for kind in KINDS]
    return Table("Resolving with aiohttp's router ÷ ours", note, ("", *write_sizes(figures.sizes)), rows)


def _tabulate_misses(figures: Figures) -> Table:
    larger = figures.sizes[1:]
    note = (
        f"On the tables of the kind {TENANT}: no route has that path (404), or none of that path has that method "
        "(405). The error that is the answer is made within the time."
    )
    rows = [
        (str(status), router, *[_write_time(figures.tell(TENANT, _miss(router, status, size))) for size in larger])
        for status in (NOT_FOUND, NOT_ALLOWED)
        for router in (OURS, STOCK)
    ]
    return Table("Resolving in vain", note, ("", "router", *write_sizes(larger)), rows)
