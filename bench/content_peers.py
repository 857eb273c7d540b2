"""What compression, tags and caches cost in a live server: ours beside those of Starlette and Litestar.

All servers run side by side, each in a process of its own, and are loaded in turn, slice by slice. What counts is the
CPU time of the server; that of the client and of other processes does not.
"""

from __future__ import annotations

import gzip
import http.client
import random
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median

from .bodies import TEN_KILOBYTES
from .content_servers import (
    BOTH,
    GZIP,
    HOST,
    LEVEL,
    NOT_MODIFIED,
    PACKED_CACHE,
    PLAIN,
    SERVERS,
)
from .report import Report, Spread, Table
from .timing import ROOT

_CONNECTIONS = 8
_TIMEOUT = 10  # seconds that one answer may take
_PACKED = (GZIP, BOTH, PACKED_CACHE)
_COLUMNS = ("", "", "requests per CPU-second", "÷ plain", "more than plain, in µs of CPU time", "bytes sent as body")

Server = tuple[str, str]  # the framework and what it does


def run(*, quick: bool) -> Report:
    """Start all servers several times and load them in turn."""
    starts, slices, rounds = (1, 1, 5) if quick else (5, 6, 100)
    sets = [_measure_set(slices, rounds) for _ in range(starts)]
    rows = [_write_row(server, sets) for server in SERVERS]
    return Report((), (Table("Compress and caching against peers", _write_note(sets), _COLUMNS, rows),))


@dataclass(frozen=True)
class _Figure:
    """Of one server: seconds of its CPU time per request, and how many bytes it has sent as a body."""

    cpu: float
    size: int


def _write_row(server: Server, sets: Sequence[Mapping[Server, _Figure]]) -> tuple[str, ...]:
    plain = server[0], PLAIN
    rate = Spread.of(1 / one[server].cpu for one in sets)
    ratio = Spread.of(one[plain].cpu / one[server].cpu for one in sets)
    more = Spread.of(1e6 * (one[server].cpu - one[plain].cpu) for one in sets)
    is_plain = server == plain
    compared = ("", "") if is_plain else (str(ratio), f"{more.median:,.0f} ({more.low:,.0f} to {more.high:,.0f})")
    return (*server, f"{rate.median:,.0f}", *compared, f"{sets[0][server].size:,}")


def _write_note(sets: Sequence[object]) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("starlette", "litestar", "uvicorn", "httptools"))
    return (
        f"The same {len(TEN_KILOBYTES):,} bytes of JSON from live servers over loopback, one process each, to "
        f"{_CONNECTIONS} connections that ask `Accept-Encoding: gzip`; aiohttp's server for ours, for the others "
        f"uvicorn on asyncio ({packages}). gzip has level {LEVEL} everywhere; Starlette and Litestar have 9 by "
        "default. The servers themselves differ, so compare what each adds to its own plain answer. All were started "
        f'{len(sets)} times, side by side, and loaded in turn; the CPU time is that of the server. "{BOTH}" '
        f'compresses each time; "{PACKED_CACHE}" keeps what is compressed: ours for each `Accept-Encoding` its own, '
        "Litestar by its default key for all, asked for or not. Starlette has no cache; neither it nor Litestar tags "
        "what handlers return."
    )


# ---- the load


def _measure_set(slices: int, rounds: int) -> dict[Server, _Figure]:
    with ExitStack() as running:
        loaders = {server: running.enter_context(_start_loader(server)) for server in SERVERS}
        taken: dict[Server, list[float]] = {server: [] for server in loaders}
        for loader in loaders.values():
            loader.load(max(1, rounds // 4))  # to warm up
        for _ in range(slices):
            for server in random.sample(list(loaders), len(loaders)):
                taken[server].append(loaders[server].load(rounds))
        return {server: _Figure(median(taken[server]), loaders[server].size) for server in loaders}


class _Loader:
    """Loads one server, over connections that are kept.

    Args:
        server: what it does.
        port: where it is.
        connections: to it.
    """

    def __init__(self, server: Server, port: int, connections: Sequence[socket.socket]) -> None:
        self._port = port
        self._connections = connections
        headers, self.size = _probe(server, port)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._request = f"GET / HTTP/1.1\r\nHost: bench\r\n{lines}\r\n".encode()

    def load(self, rounds: int) -> float:
        """Ask once in each round on each connection; return the seconds of CPU time for each request."""
        before = float(_ask(self._port, "/cpu", {}).body)
        for _ in range(rounds):
            for connection in self._connections:
                connection.sendall(self._request)
            for connection in self._connections:
                self._read(connection)
        return (float(_ask(self._port, "/cpu", {}).body) - before) / (rounds * len(self._connections))

    def _read(self, connection: socket.socket) -> None:
        received = b""
        while b"\r\n\r\n" not in received:
            received += _receive(connection)
        left = self.size - len(received.partition(b"\r\n\r\n")[2])
        while left > 0:
            left -= len(_receive(connection))


def _receive(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise RuntimeError("a server of the bench has closed the connection")
    return received


def _probe(server: Server, port: int) -> tuple[dict[str, str], int]:
    """Return what is asked, and how long the body of the answer is, when it was seen that all is as the row says."""
    _, feature = server
    asked = {"Accept-Encoding": "gzip"}
    answers = [_ask(port, "/", asked) for _ in range(2)]  # the second comes from a cache, where there is one
    for answer in answers:
        body = gzip.decompress(answer.body) if answer.coding == "gzip" else answer.body
        if answer.status != 200 or body != TEN_KILOBYTES or (answer.coding == "gzip") != (feature in _PACKED):
            raise RuntimeError(f"the server {server} answered {answer.status}, {answer.coding}, {len(body)} bytes")
    if feature != NOT_MODIFIED:
        return asked, len(answers[-1].body)
    asked["If-None-Match"] = answers[-1].tag
    if _ask(port, "/", asked).status != 304:
        raise RuntimeError(f"the server {server} did not answer 304")
    return asked, 0


@dataclass(frozen=True)
class _Answer:
    status: int
    coding: str
    tag: str
    body: bytes


def _ask(port: int, path: str, headers: Mapping[str, str]) -> _Answer:
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "identity", **headers})
        response = connection.getresponse()
        coding, tag = response.headers.get("Content-Encoding", ""), response.headers.get("ETag", "")
        return _Answer(response.status, coding, tag, response.read())
    finally:
        connection.close()


@contextmanager
def _start_loader(server: Server) -> Iterator[_Loader]:
    """Run a server until the block ends, and connect to it."""
    command = [sys.executable, "-m", "bench.content_servers", *server]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process, ExitStack() as opened:
        opened.callback(process.terminate)
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"the server {server} did not start")
        address = HOST, int(line)  # it listens already, and answers when it is ready
        connections = [
            opened.enter_context(socket.create_connection(address, timeout=_TIMEOUT)) for _ in range(_CONNECTIONS)
        ]
        yield _Loader(server, address[1], connections)
