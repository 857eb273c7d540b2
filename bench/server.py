"""What links cost a live server: requests over loopback to servers in processes of their own.

Servers with different links run side by side and are loaded in turn, slice by slice; the whole set is started
several times, because server processes differ from start to start by more than ten links cost.
"""

from __future__ import annotations

import asyncio
import http.client
import random
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import fmean, median
from time import perf_counter
from typing import cast

from aiohttp import web

from aiohttp_route_middleware import chain

from .composing import make_middlewares
from .report import Report, Spread, Table, at_least
from .timing import ROOT

_HOST = "127.0.0.1"
_LIFETIME = 120  # seconds after which a server ends by itself
_CONNECTIONS = 32
_TIMEOUT = 10  # seconds that one answer may take
_REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
_BODY = b"Hello"
_ANSWER_END = b"\r\n\r\n" + _BODY

# the arguments of each server: where its links stand, and how many
_SERVERS = {
    "no links": ("route", 0),
    "no links, another server": ("route", 0),
    "3 links on the route": ("route", 3),
    "10 links on the route": ("route", 10),
    "3 app-level middlewares": ("app", 3),
    "10 app-level middlewares": ("app", 10),
}
_BARE, _BARE_AGAIN, _TEN = "no links", "no links, another server", "10 links on the route"


def run(*, quick: bool) -> Report:
    """Start all servers several times and load them in turn."""
    starts, slices, requests = (1, 2, 400) if quick else (16, 6, 3000)
    sets = [_measure_set(slices, requests) for _ in range(starts)]
    ratios = [{name: _divide(loads, name) for name in _SERVERS} for loads in sets]
    rates = {name: Spread.of(each[name].rate for each in ratios) for name in _SERVERS}
    times = {name: Spread.of(each[name].cpu for each in ratios) for name in _SERVERS}
    target = at_least("live server, requests per second with ten links ÷ without", rates[_TEN], 0.95)
    return Report((target,), (_tabulate(rates, times, sets),))


@dataclass(frozen=True)
class Load:
    """What one server did under load: requests per second, and seconds of its CPU time per request."""

    rate: float
    cpu: float


def _measure_set(slices: int, requests: int) -> dict[str, Load]:
    """Start each server once; load them in turn, in an order shuffled anew for each slice."""
    with ExitStack() as running:
        ports = {name: running.enter_context(_start_server(*arguments)) for name, arguments in _SERVERS.items()}
        loads: dict[str, list[Load]] = {name: [] for name in ports}
        for port in ports.values():
            _load(port, requests // 4)  # to warm up
        for _ in range(slices):
            for name in random.sample(list(ports), len(ports)):
                loads[name].append(_load(ports[name], requests))
    return {name: _take_median(taken) for name, taken in loads.items()}


def _take_median(loads: Sequence[Load]) -> Load:
    return Load(median(load.rate for load in loads), median(load.cpu for load in loads))


def _divide(loads: Mapping[str, Load], name: str) -> Load:
    """One server's load as ratios to the servers without links: to the mean of the two, or of one to the other."""
    bare = [loads[_BARE]] if name == _BARE_AGAIN else [loads[_BARE], loads[_BARE_AGAIN]]
    rate, cpu = fmean(one.rate for one in bare), fmean(one.cpu for one in bare)
    return Load(loads[name].rate / rate, loads[name].cpu / cpu)


def _tabulate(rates: Mapping[str, Spread], times: Mapping[str, Spread], sets: Sequence[Mapping[str, Load]]) -> Table:
    scale = median(loads[_BARE].rate for loads in sets)
    note = (
        f"Servers that answer with a short text over loopback, to {_CONNECTIONS} connections; the links only pass on. "
        f"All were started {len(sets)} times, side by side, and loaded in turn. A ratio is that of one start to the "
        "mean of the two servers without links that were started with it; in the first row, of one of these two to "
        f"the other: that much is chance. For scale: {scale:,.0f} requests per second without links on this machine."
    )
    rows = [(name, str(rates[name]), str(times[name])) for name in _SERVERS if name != _BARE]
    return Table("A live server", note, ("", "requests per second ÷ without", "CPU time per request ÷ without"), rows)


# ---- the load


def _load(port: int, requests: int) -> Load:
    """Send that many requests, and ask the server before and after how much CPU time it has used."""
    before = _ask_cpu(port)
    seconds = _send(port, requests)
    return Load(requests / seconds, (_ask_cpu(port) - before) / requests)


def _ask_cpu(port: int) -> float:
    connection = http.client.HTTPConnection(_HOST, port, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/cpu")
        return float(connection.getresponse().read())
    finally:
        connection.close()


def _send(port: int, requests: int) -> float:
    """Send requests over a few keep-alive connections, one at a time on each, and return the seconds that they took.

    No asyncio here: the load must cost less than the answers, or the server has to wait for it.
    """
    with ExitStack() as opened:
        selector = opened.enter_context(selectors.DefaultSelector())
        for _ in range(_CONNECTIONS):
            connection = opened.enter_context(socket.create_connection((_HOST, port), timeout=_TIMEOUT))
            selector.register(connection, selectors.EVENT_READ)
        started = perf_counter()
        _exchange(selector, requests)
        return perf_counter() - started


def _exchange(selector: selectors.BaseSelector, requests: int) -> None:
    connections = [cast(socket.socket, key.fileobj) for key in selector.get_map().values()]
    for connection in connections:
        connection.sendall(_REQUEST)
    unsent, unanswered = requests - len(connections), requests
    while unanswered:
        for connection in _wait(selector):
            _check(connection.recv(65536))
            unanswered -= 1
            if unsent:
                connection.sendall(_REQUEST)
                unsent -= 1


def _wait(selector: selectors.BaseSelector) -> list[socket.socket]:
    ready = [cast(socket.socket, key.fileobj) for key, _ in selector.select(_TIMEOUT)]
    if not ready:
        raise TimeoutError("the server does not answer")
    return ready


def _check(answer: bytes) -> None:
    """Answers are so short that each arrives in one piece; anything else is an error of the bench."""
    if not (answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(_ANSWER_END)):
        raise RuntimeError(f"the server answered {answer[:100]!r}")


# ---- the server, in a process of its own


@contextmanager
def _start_server(place: str, links: int) -> Iterator[int]:
    """Run a server until the block ends, and yield its port."""
    command = [sys.executable, "-m", "bench.server", place, str(links)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _read_port(process)
        finally:
            process.terminate()


def _read_port(process: subprocess.Popen[str]) -> int:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError("a server of the bench did not start")
    return int(line)


def main() -> None:
    """Serve with the links that the arguments tell."""
    place, links = sys.argv[1:]
    asyncio.run(_serve(_make_app(place, int(links))))


def _make_app(place: str, count: int) -> web.Application:
    links = make_middlewares(count)
    app = web.Application(middlewares=links if place == "app" else ())
    app.router.add_get("/", chain(*links, _hello) if place == "route" else _hello)
    app.router.add_get("/cpu", _tell_cpu)
    return app


async def _hello(request: web.Request) -> web.Response:
    return web.Response(body=_BODY)


async def _tell_cpu(request: web.Request) -> web.Response:
    return web.Response(text=str(time.process_time()))


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server((_HOST, 0))
    await web.SockSite(runner, listener).start()
    print(listener.getsockname()[1], flush=True)
    await asyncio.sleep(_LIFETIME)  # the parent ends it sooner


if __name__ == "__main__":
    main()
