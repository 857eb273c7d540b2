"""What a proxy costs: ours beside one written by hand, and beside those of other worlds.

Each proxy has a core for itself; the upstream and the load share another one, where there are two. What counts is the
CPU time of all processes of the proxy. All run side by side and are loaded in turn, slice by slice.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .proxy_contestants import (
    AIORP,
    ALL_CORES,
    BY_HAND,
    GO,
    NODE,
    OURS,
    Contestants,
    NotThereError,
    Running,
    run_on_core,
)
from .proxy_load import BURST, CONNECTIONS, Load, ask_short, download, echo_messages, upload
from .proxy_upstream import BULK, PAUSE
from .report import Report, Spread, Table, Target, at_least, at_most

DIRECT = "direct, without a proxy"
_NOT_ECHOED = {AIORP: "it tries TLS first, and closes after 30 s"}  # what is left out of the messages, and why


def run(*, quick: bool) -> Report:
    """Bring the others here, start all several times, and load them in turn."""
    starts, slices, seconds, size = (1, 1, 0.2, 2 * 2**20) if quick else (3, 4, 1.0, BULK)
    with tempfile.TemporaryDirectory() as folder, _start_upstream() as upstream, _stay_on_last_core():
        contestants = Contestants(Path(folder))
        if quick:  # nothing is installed or built
            contestants.missing.update(dict.fromkeys((AIORP, NODE, GO), "left out"))
        else:
            contestants.bring()
        short = [_measure_set(contestants, upstream.short, ask_short, slices, seconds) for _ in range(starts)]
        bulk = _measure_bulk(contestants, upstream.short, size)
        names = [*contestants.list_names(), DIRECT]
        echoes = [_measure_set(contestants, upstream.echo, echo_messages, slices, seconds) for _ in range(starts)]
        return Report(
            _judge(short, bulk, echoes),
            (
                _tabulate_short(names, short, contestants.missing),
                _tabulate_bulk(names, bulk, size),
                _tabulate_echoes(names, echoes),
            ),
        )


@dataclass(frozen=True)
class _Figure:
    """Answers for each second of CPU time of the proxy, and for each second of the clock."""

    by_cpu: float
    by_clock: float


@dataclass(frozen=True)
class _Bulk:
    """MiB resident: before a long body, and more than that at most while it passed, either way."""

    idle: float
    down: float
    up: float


_Set = Mapping[str, _Figure]


# ---- measured


def _measure_set(
    contestants: Contestants,
    upstream: Running,
    connect: Callable[[int], AbstractContextManager[Load]],
    slices: int,
    seconds: float,
) -> _Set:
    with ExitStack() as running:
        loaders = {DIRECT: _Loader(upstream, running.enter_context(connect(upstream.port)))}
        for name in contestants.list_names():
            if connect is echo_messages and name in _NOT_ECHOED:
                continue
            try:
                started = running.enter_context(contestants.start(name, upstream.port))
                loaders[name] = _Loader(started, running.enter_context(connect(started.port)))
            except (NotThereError, RuntimeError, OSError) as error:
                contestants.missing[name] = str(error)
        taken: dict[str, list[_Figure]] = {name: [] for name in loaders}
        for loader in loaders.values():
            loader.load(seconds)  # to warm up
        for _ in range(slices):
            for name in random.sample(list(loaders), len(loaders)):
                taken[name].append(loaders[name].load(seconds))
        return {
            name: _Figure(median(one.by_cpu for one in figures), median(one.by_clock for one in figures))
            for name, figures in taken.items()
        }


@dataclass(frozen=True)
class _Loader:
    loaded: Running
    send: Load

    def load(self, seconds: float) -> _Figure:
        before = self.loaded.read_cpu()
        count = self.send(seconds)
        return _Figure(count / max(0.01, self.loaded.read_cpu() - before), count / seconds)


def _measure_bulk(contestants: Contestants, upstream: Running, size: int) -> dict[str, _Bulk]:
    found: dict[str, _Bulk] = {}
    for name in contestants.list_names():
        try:
            found[name] = _pass_bodies(contestants, name, upstream.port, size)
        except NotThereError as error:
            contestants.missing[name] = str(error)
        except (RuntimeError, OSError):
            continue  # its row stays empty
    return found


def _pass_bodies(contestants: Contestants, name: str, upstream: int, size: int) -> _Bulk:
    idle, more = [], []
    for pass_on in (download, upload):
        with contestants.start(name, upstream) as proxy:
            with ask_short(proxy.port) as load:
                load(0.2)
            idle.append(proxy.read_memory())
            proxy.forget_peak()
            pass_on(proxy.port, size)
            more.append(max(0.0, proxy.read_peak() - idle[-1]))
    return _Bulk(idle[0], *more)


@dataclass(frozen=True)
class _Upstreams:
    short: Running
    echo: Running


@contextmanager
def _start_upstream() -> Iterator[_Upstreams]:
    command = [sys.executable, "-m", "bench.proxy_upstream"]
    with run_on_core(command, 1, dict(os.environ)) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError("the upstream of the bench did not start")
        short, echo = map(int, line.split())
        yield _Upstreams(Running(short, process.pid), Running(echo, process.pid))


@contextmanager
def _stay_on_last_core() -> Iterator[None]:
    os.sched_setaffinity(0, {max(ALL_CORES)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ALL_CORES)


# ---- written


def _judge(short: Sequence[_Set], bulk: Mapping[str, _Bulk], echoes: Sequence[_Set]) -> list[Target]:
    targets = []
    if all(OURS in one for one in short):
        targets += [
            at_least(f"requests per CPU-second, ours ÷ {name}", _compare(short, OURS, name), wanted)
            for name, wanted in {BY_HAND: 1.0, NODE: 1.0}.items()
            if all(name in one for one in short)
        ]
    if OURS in bulk:
        for way, more in {"down": bulk[OURS].down, "up": bulk[OURS].up}.items():
            targets.append(at_most(f"500 MiB {way}, ours, more than idle", Spread.of([more]), 8, " MiB"))
    if all(OURS in one for one in echoes):
        ratio = Spread.of(one[OURS].by_clock / one[DIRECT].by_clock for one in echoes)
        targets.append(at_least("WebSocket messages per second, ours ÷ direct", ratio, 0.85))
    return targets


def _compare(sets: Sequence[_Set], name: str, other: str) -> Spread:
    return Spread.of(one[name].by_cpu / one[other].by_cpu for one in sets)


def _tabulate_short(names: Sequence[str], sets: Sequence[_Set], missing: Mapping[str, str]) -> Table:
    rows: list[tuple[str, ...]] = []
    for name in names:
        if not all(name in one for one in sets):
            rows.append((name, missing.get(name, "-"), "", ""))
            continue
        rate = Spread.of(one[name].by_cpu for one in sets)
        ratios = [
            str(_compare(sets, name, other)) if all(other in one for one in sets) and name != DIRECT else ""
            for other in (BY_HAND, NODE)
        ]
        rows.append((name, f"{rate.median:,.0f} ({rate.low:,.0f} to {rate.high:,.0f})", *ratios))
    note = (
        f"150 bytes of JSON over {CONNECTIONS} connections that are kept, one request at a time on each. Requests per "
        "second of CPU time of all processes of the proxy, which has a core for itself; directly, of the upstream, "
        f"which is a bare protocol that parses next to nothing. All proxies but {NODE} as it is by "
        "default keep connections to the upstream. "
        f"Started {len(sets)} times, side by side, and loaded in turn."
    )
    columns = ("", "requests per CPU-second", f"÷ {BY_HAND}", f"÷ {NODE}")
    return Table("Proxies, short answers", note, columns, rows)


def _tabulate_bulk(names: Sequence[str], bulk: Mapping[str, _Bulk], size: int) -> Table:
    rows = [
        (name, f"{one.idle:.0f} MiB", f"{one.down:.1f} MiB", f"{one.up:.1f} MiB")
        if (one := bulk.get(name))
        else (name, "-", "-", "-")
        for name in names
        if name != DIRECT
    ]
    note = (
        f"{size / 2**20:.0f} MiB through a proxy that was started for it and has passed short answers before: what "
        "was resident then, and how much more at most while the body passed. Whoever receives takes nothing for "
        f"{PAUSE:.0f} s after the first mebibyte, so that a proxy that reads ahead without bound is seen."
    )
    columns = ("", "idle", "more at most, down", "more at most, up")
    return Table("Proxies, long bodies", note, columns, rows)


def _tabulate_echoes(names: Sequence[str], sets: Sequence[_Set]) -> Table:
    rows = []
    for name in names:
        if not all(name in one for one in sets):
            rows.append((name, "-", _NOT_ECHOED.get(name, "-")))
            continue
        ratio = Spread.of(one[name].by_clock / one[DIRECT].by_clock for one in sets)
        rate = Spread.of(one[name].by_cpu for one in sets)
        rows.append((name, str(ratio), f"{rate.median:,.0f} ({rate.low:,.0f} to {rate.high:,.0f})"))
    note = (
        f"Messages of 64 bytes, echoed by an aiohttp server, over {CONNECTIONS} WebSockets, in bursts of {BURST} "
        f"on each, uncompressed; the one {BY_HAND}, relays them one by one. Per second by the clock as a ratio to "
        "none in between; and per second of CPU time of the proxy, or directly of the server."
    )
    return Table("Proxies, WebSocket messages", note, ("", "messages per second ÷ direct", "per CPU-second"), rows)
