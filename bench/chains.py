"""What a link costs, in-process.

`cost(n)` is a call through n links less a call of the bare endpoint. For each way to put links before an endpoint:

- *one more* is `(cost(10) - cost(1)) / 9`,
- *each of three* is `cost(3) / 3`, and *each of ten* `cost(10) / 10`, with everything that the way adds once,
- the *fixed part* is `cost(1)` less *one more*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from aiohttp_route_middleware import chain

from . import composing
from .cliff import ABOVE, BELOW, LINKS
from .costs import (
    APP_LEVEL,
    ASYNC_GUARDS,
    BY_HAND,
    MANY_ASYNC_GUARDS,
    MANY_MIDDLEWARES,
    MANY_PLAIN_GUARDS,
    MIDDLEWARES,
    OLD,
    OURS,
    PLAIN_GUARDS,
    ROUTES,
)
from .predecessor import fetch_wheel
from .report import Report, Spread, Table, Target, at_most
from .timing import run_processes

Minima = Mapping[str, float]


def run(*, quick: bool) -> Report:
    """Measure in several processes: of each item the fastest sample, of each ratio the median over the processes."""
    if not quick:
        fetch_wheel()
    starts, rounds = (1, 10) if quick else (9, 100)
    figures = Figures(run_processes("bench.costs", starts, str(rounds)))
    return Report(tuple(_judge(figures)), tuple(_tabulate(figures)))


class Figures:
    """The fastest samples of each process, and the ratios made of them."""

    def __init__(self, processes: Sequence[Minima]) -> None:
        self._processes = processes

    def list_ways(self, family: str) -> list[str]:
        """The ways that were measured, in the order in which they were."""
        start, end = f"{family}: ", ": 1"
        items = self._processes[0]
        return [item[len(start) : -len(end)] for item in items if item.startswith(start) and item.endswith(end)]

    def compare(self, cost: Cost, family: str, way: str, reference: str) -> Spread:
        """The cost of one way as a multiple of another's."""
        return Spread.of(cost(each, family, way) / cost(each, family, reference) for each in self._processes)

    def count_fixed(self, family: str, way: str) -> Spread:
        """The fixed part of one way, in links written by hand."""
        return Spread.of(_fixed(each, family, way) / _one_more(each, family, BY_HAND) for each in self._processes)

    def divide(self, item: str, other: str) -> Spread:
        """One item as a multiple of another."""
        return Spread.of(each[item] / each[other] for each in self._processes)

    def compare_requests(self) -> Spread:
        """What ten links add to a whole request on their route, as a multiple of what they add app-level."""
        bare, ours, theirs = f"no links {BELOW}", f"ours {BELOW}", f"app-level {BELOW}"
        return Spread.of((each[ours] - each[bare]) / (each[theirs] - each[bare]) for each in self._processes)

    def tell_scale(self, family: str) -> str:
        """How long one more link written by hand took: the only absolute time."""
        nanoseconds = Spread.of(1e9 * _one_more(each, family, BY_HAND) for each in self._processes)
        return f"For scale: one more link written by hand took {nanoseconds.median:.0f} ns on this machine."


Cost = Callable[[Minima, str, str], float]


def _cost(items: Minima, family: str, way: str, count: int) -> float:
    return items[f"{family}: {way}: {count}"] - items[f"{family}: bare"]


def _one_more(items: Minima, family: str, way: str) -> float:
    return (_cost(items, family, way, 10) - _cost(items, family, way, 1)) / 9


def _fixed(items: Minima, family: str, way: str) -> float:
    return _cost(items, family, way, 1) - _one_more(items, family, way)


def _each_of_three(items: Minima, family: str, way: str) -> float:
    return _cost(items, family, way, 3) / 3


def _each_of_ten(items: Minima, family: str, way: str) -> float:
    return _cost(items, family, way, 10) / 10


_COSTS: dict[str, Cost] = {"one more": _one_more, "each of three": _each_of_three, "each of ten": _each_of_ten}

# how much of the reference a link of ours may cost
_LIMITS = (
    (MIDDLEWARES, BY_HAND, 1.35),
    (MIDDLEWARES, APP_LEVEL, 0.45),
    (ASYNC_GUARDS, BY_HAND, 1.1),
    (PLAIN_GUARDS, BY_HAND, 1.1),
    (MANY_MIDDLEWARES, BY_HAND, 1.35),
    (MANY_MIDDLEWARES, APP_LEVEL, 0.45),
    (MANY_ASYNC_GUARDS, BY_HAND, 1.1),
    (MANY_PLAIN_GUARDS, BY_HAND, 1.1),
)


def _judge(figures: Figures) -> Iterator[Target]:
    for family, reference, limit in _LIMITS:
        for what in ("one more", "each of ten"):
            measured = figures.compare(_COSTS[what], family, OURS, reference)
            yield at_most(f"{family}, {what} ÷ {reference}", measured, limit)
    yield at_most("middlewares, what ten add to a request ÷ app-level", figures.compare_requests(), 0.45)
    flat = figures.divide(f"ours {ABOVE}", f"ours {BELOW}")
    yield at_most(f"a request, {ABOVE:,} routes ÷ {BELOW:,} routes, {LINKS} links each", flat, 1.1)
    yield _judge_single()


def _judge_single() -> Target:
    handler = composing.make_endpoints(1)[0]
    is_same = chain(handler) is handler
    return Target("`chain(h) is h`", "True", str(is_same), is_same)


def _tabulate(figures: Figures) -> Iterator[Table]:
    for family in (MIDDLEWARES, MANY_MIDDLEWARES):
        columns = [(cost, BY_HAND) for cost in _COSTS] + [("one more", APP_LEVEL), ("each of ten", APP_LEVEL)]
        yield _tabulate_ways(figures, family, columns)
    for family in (ASYNC_GUARDS, MANY_ASYNC_GUARDS, PLAIN_GUARDS, MANY_PLAIN_GUARDS):
        yield _tabulate_ways(figures, family, [(cost, BY_HAND) for cost in _COSTS])
    yield _tabulate_cliff(figures)


_ONE = "Each way has links of its own, and one route."
_OTHER_GUARDS = f"{ROUTES} routes, called in turn, with other guards before each."
_NOTES = {
    MIDDLEWARES: _ONE,
    MANY_MIDDLEWARES: f"{ROUTES} routes, called in turn, with the same middlewares before each; {BY_HAND} it takes "
    "functions for each route.",
    ASYNC_GUARDS: _ONE,
    MANY_ASYNC_GUARDS: _OTHER_GUARDS,
    PLAIN_GUARDS: _ONE,
    MANY_PLAIN_GUARDS: _OTHER_GUARDS,
}


def _note(figures: Figures, family: str) -> str:
    is_missing = family in (MIDDLEWARES, MANY_MIDDLEWARES) and OLD not in figures.list_ways(family)
    missing = f" Missing: {OLD}, which was not fetched." if is_missing else ""
    return f"{_NOTES[family]} {figures.tell_scale(family)}{missing}"


def _tabulate_ways(figures: Figures, family: str, columns: Sequence[tuple[str, str]]) -> Table:
    headings = [f"{what} ÷ {reference}" for what, reference in columns]
    rows = [
        (way, *_compare_way(figures, family, way, columns), str(figures.count_fixed(family, way)))
        for way in figures.list_ways(family)
    ]
    return Table(family.capitalize(), _note(figures, family), ("", *headings, f"fixed part, in links {BY_HAND}"), rows)


def _compare_way(figures: Figures, family: str, way: str, columns: Sequence[tuple[str, str]]) -> list[str]:
    return [str(figures.compare(_COSTS[what], family, way, reference)) for what, reference in columns]


def _tabulate_cliff(figures: Figures) -> Table:
    note = (
        f"{LINKS} middlewares before each route, all routes in turn, through `web.Application._handle` with aiohttp's "
        "router; its cache of composed app-level middlewares has 1,024 places. With 1,000 routes, what the ten "
        f"add to a request is {figures.compare_requests()} of what they add app-level."
    )
    keys = {OURS: "ours", "`web.Application(middlewares=…)`": "app-level"}
    rows = [(way, *_compare_sizes(figures, key)) for way, key in keys.items()]
    columns = ("", f"{ABOVE:,} routes ÷ {BELOW:,} routes", f"{ABOVE:,} routes ÷ ours")
    return Table("More routes than aiohttp's cache has places", note, columns, rows)


def _compare_sizes(figures: Figures, key: str) -> tuple[str, str]:
    above = f"{key} {ABOVE}"
    return str(figures.divide(above, f"{key} {BELOW}")), str(figures.divide(above, f"ours {ABOVE}"))
