"""What batteries cost beside the smallest functions written by hand that do the same, in-process.

A call of a chain of one link and an endpoint, less a call of the bare endpoint. The requests are aiohttp's own, made
anew for each call and outside of the measured time, as is each text of their headers. What aiohttp keeps of a request
(`reify`), and what Python keeps of a text (its hash), is as cold as in a server, on both sides: warm are only what
the router has looked at before any link runs.

Of what works when a response is sent, a whole exchange is measured, less the same exchange without it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from .battery_samples import Minima, find_ours, find_ours_without_setup, find_theirs, sample_cases
from .cases import access, content, headers, network, routing, sessions, telemetry, traffic
from .cases.case import Case
from .report import Report, Spread, Table, at_most
from .timing import minima, run_processes

_LIMIT = 1.5
_LISTS = (access, network, headers, sessions, traffic, content, routing, telemetry)
_COLUMNS = ("", "battery ÷ by hand", "without what `setup()` adds", "more than by hand, in µs", "by hand, in µs")
_Find = Callable[[Minima, str, Case], float]


def run(*, quick: bool) -> Report:
    """Measure in several processes: of each item the fastest sample, of each ratio the median over the processes."""
    starts, rounds = (1, 2) if quick else (9, 80)
    figures = run_processes("bench.batteries", starts, str(rounds))
    return write_report(figures)


def main() -> None:
    """Measure once, and print the fastest sample of each item as JSON."""
    with closing(asyncio.new_event_loop()) as loop:
        print(json.dumps(minima(dict(sample_cases(make_cases(), loop)), int(sys.argv[1]))))


def make_cases() -> dict[str, Case]:
    """Make all, anew."""
    return dict(itertools.chain.from_iterable(one.list_cases() for one in _LISTS))


def write_report(figures: Sequence[Minima]) -> Report:
    """Judge each battery, and tell how much of it is the preparation that all of an application share."""
    cases = make_cases()
    ratios = {name: _compare(figures, name, case, find_ours) for name, case in cases.items()}
    targets = [at_most(f"{name}, battery ÷ by hand", ratio, _LIMIT) for name, ratio in ratios.items()]
    called = {name: case for name, case in cases.items() if not case.is_whole}
    whole = {name: case for name, case in cases.items() if case.is_whole}
    return Report(
        targets, (_tabulate("Batteries", _NOTE, figures, called), _tabulate(_WHOLE, _NOTE_WHOLE, figures, whole))
    )


_NOTE = (
    "A chain of one link and an endpoint, less the bare endpoint. Both sides see the same request, made anew for each "
    "call with the texts of its headers, not at the expense of either; only what aiohttp's router looks at is cached "
    "in it. What is written by hand makes the same checks and sets the same headers, by a signal of its own where the "
    "battery needs `setup()`; there, the figure includes the middleware and the signal of `setup()`, which an "
    "application has once for all its batteries, and the second column leaves them out. The times are those of this "
    "machine."
)


_WHOLE = "Batteries, of a whole exchange"
_NOTE_WHOLE = (
    "A request that is routed, handled, and answered up to its last byte by an application in the same process, "
    "without a socket, in a task of its own; less the same without the battery. The response is made anew by the "
    "endpoint, or by whoever answers in its place."
)


def _tabulate(title: str, note: str, figures: Sequence[Minima], cases: Mapping[str, Case]) -> Table:
    return Table(title, note, _COLUMNS, [(name, *_describe(figures, name, case)) for name, case in cases.items()])


def _compare(figures: Sequence[Minima], name: str, case: Case, find: _Find) -> Spread:
    return Spread.of(find(each, name, case) / find_theirs(each, name, case) for each in figures)


def _describe(figures: Sequence[Minima], name: str, case: Case) -> tuple[str, str, str, str]:
    ratio = _compare(figures, name, case, find_ours)
    without = str(_compare(figures, name, case, find_ours_without_setup)) if case.needs_setup else ""
    scale = Spread.of(1e6 * find_theirs(each, name, case) for each in figures).median
    more = (ratio.median - 1) * scale  # of medians, for processes may run at different speeds
    return str(ratio), without, f"{more:.2f}", f"{scale:.2f}"


if __name__ == "__main__":
    main()
