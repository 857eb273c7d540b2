"""What a bench hands back, and how it is written: markdown that is also readable on a terminal."""

from __future__ import annotations

import platform
import statistics
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import aiohttp
from aiohttp import http_parser

import aiohttp_route_middleware

_READING = (
    "All that is compared was measured interleaved, in one run; within a process, the fastest of many samples counts. "
    "A ratio (÷) is the median over several processes, server starts or rounds, with the middle half of them in "
    "brackets. A target is judged by the median as printed."
)
_OPTIMISATIONS = {"PGO": "--enable-optimizations", "LTO": "--with-lto"}


@dataclass(frozen=True)
class Spread:
    """One figure, taken several times: the median, and between which values the middle half lies."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Summarise at least one value."""
        taken = list(values)
        if len(taken) == 1:
            return cls(taken[0], taken[0], taken[0])
        low, middle, high = statistics.quantiles(taken, n=4, method="inclusive")
        return cls(middle, low, high)

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:.2f}"
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Target:
    """A promise of the specification beside what was measured."""

    what: str
    wanted: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Table:
    """Some rows of cells under a title, with a note on how to read them."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Report:
    """What one bench found."""

    targets: Sequence[Target]
    tables: Sequence[Table]


def at_most(what: str, measured: Spread, limit: float, unit: str = "") -> Target:
    """Judge a ratio, or what is counted in `unit`, by its median: it should not be above `limit`."""
    return Target(what, f"≤ {limit:.2f}{unit}", f"{measured}{unit}", round(measured.median, 2) <= limit)


def at_least(what: str, measured: Spread, limit: float) -> Target:
    """Judge a ratio by its median: it should not be below `limit`."""
    return Target(what, f"≥ {limit:.2f}", str(measured), round(measured.median, 2) >= limit)


def write_reports(reports: Sequence[Report], command: str) -> str:
    """Write one markdown page: what was measured with, the targets of all reports, then their tables."""
    targets = [(one.what, one.wanted, one.measured, _met(one)) for report in reports for one in report.targets]
    parts = [
        "# Measured",
        f"By `{command}`: {describe_software()}.",
        _READING,
        write_rows(("target", "wanted", "measured", "met"), targets),
        *[_write_table(table) for report in reports for table in report.tables],
    ]
    return "\n\n".join(parts) + "\n"


def _write_table(table: Table) -> str:
    return f"## {table.title}\n\n{table.note}\n\n{write_rows(table.columns, table.rows)}"


def write_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a markdown table, its cells padded to equal width."""
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths))} |" for line in lines)


def describe_software() -> str:
    """Name the versions and builds that the figures depend on; neither the host nor a path."""
    python = f"{platform.python_implementation()} {platform.python_version()} ({_describe_build()})"
    server = f"aiohttp {aiohttp.__version__} ({_describe_parser()})"
    ours = f"aiohttp-route-middleware {aiohttp_route_middleware.__version__}"
    return f"{python}, {server}, {ours}, {platform.system()} {platform.machine()}"


def _describe_build() -> str:
    """Say what the interpreter was configured with; a distribution may optimise beyond that without telling."""
    options = sysconfig.get_config_var("CONFIG_ARGS")
    if options is None:
        return "build options unknown"
    asked = [name for name, option in _OPTIMISATIONS.items() if option in options]
    return f"CONFIG_ARGS ask for {' and '.join(asked) or 'neither PGO nor LTO'}"


def _describe_parser() -> str:
    is_python = http_parser.HttpRequestParser is http_parser.HttpRequestParserPy
    return "pure Python" if is_python else "with its C parser"


def _met(target: Target) -> str:
    return "yes" if target.met else "**no**"
