"""Measure, print the tables, and write what a whole suite found to `bench/results/SUITE.md`.

Without arguments everything is measured and written. A bench that is named alone is printed only, and so is a
quick run, which shows that the benches work: its figures are worth nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from . import batteries, chains, content_peers, memory, peers, proxies, registering, resolving, server, tracing
from .report import Report, write_reports

_RESULTS = Path(__file__).parent / "results"


class Bench(Protocol):
    """Measures something and reports; quickly, if only to show that it works."""

    def __call__(self, *, quick: bool) -> Report: ...


@dataclass(frozen=True)
class _Options:
    names: frozenset[str]  # of suites and benches; none means all
    quick: bool


# each suite, with its benches in the order of its page
_SUITES: dict[str, dict[str, Bench]] = {
    "core": {"chains": chains.run, "server": server.run, "memory": memory.run, "tracing": tracing.run},
    "index": {"resolving": resolving.run, "peers": peers.run, "registering": registering.run},
    "batteries": {"batteries": batteries.run, "content_peers": content_peers.run},
    "proxies": {"proxies": proxies.run},
}


def main() -> None:
    """Run what was asked for, suite by suite."""
    options = _read_options()
    for suite, benches in _SUITES.items():
        wanted = [name for name in benches if {name, suite} & options.names or not options.names]
        if wanted:
            _run_suite(suite, wanted, quick=options.quick)


def _run_suite(suite: str, wanted: Sequence[str], *, quick: bool) -> None:
    benches = _SUITES[suite]
    is_whole = len(wanted) == len(benches)
    command = " ".join(["python -m bench", *((suite,) if is_whole else wanted), *(("--quick",) if quick else ())])
    page = write_reports([benches[name](quick=quick) for name in wanted], command)
    print(page, end="")
    if is_whole and not quick:
        _RESULTS.mkdir(exist_ok=True)
        (_RESULTS / f"{suite}.md").write_text(page, encoding="utf-8")


def _read_options() -> _Options:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [*_SUITES, *(name for benches in _SUITES.values() for name in benches)]
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"a suite or a bench: {', '.join(names)}; default: all"
    )
    parser.add_argument("--quick", action="store_true", help="only show that the benches work; writes no file")
    given = parser.parse_args()
    unknown = set(given.names).difference(names)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    return _Options(frozenset(given.names), given.quick)


if __name__ == "__main__":
    main()
