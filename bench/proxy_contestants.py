"""The proxies that are compared: how each is brought here, started and ended, and what its processes have used.

What does not belong to this project is installed into a temporary folder at bench time. Whatever cannot be had is
left out, and its row says why. nginx and Go are taken if the machine has them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .proxy_upstream import HOST
from .timing import ROOT

OURS, BY_HAND, AIORP = "ours", "by hand, on aiohttp", "aiorp"
NODE, NODE_KEPT = "http-proxy-middleware", "the same, connections kept"
GO, NGINX = "Go's ReverseProxy", "nginx"
_AIORP, _NODE = "aiorp==0.1.2", "http-proxy-middleware@3.0.7"
_PEERS = Path(__file__).parent / "peer_proxies"
_INSTALL_TIME = 300  # seconds
_START_TIME = 20  # seconds
ALL_CORES: frozenset[int] = frozenset(os.sched_getaffinity(0))
_TICKS = os.sysconf("SC_CLK_TCK")


class NotThereError(Exception):
    """A proxy cannot be had, or does not do what is asked of it; it tells why."""


# ---- started and ended


@dataclass(frozen=True)
class Contestants:
    """All that could be brought here; `missing` tells of the others why not."""

    folder: Path
    missing: dict[str, str] = field(default_factory=dict)

    def bring(self) -> None:
        """Install and build what is needed."""
        for name, install in {AIORP: self._install_aiorp, NODE: self._install_node, GO: self._build_go}.items():
            try:
                install()
            except NotThereError as error:
                self.missing[name] = str(error)

    def list_names(self) -> list[str]:
        """In the order of the rows."""
        return [OURS, BY_HAND, AIORP, NODE, NODE_KEPT, GO, NGINX]

    @contextmanager
    def start(self, name: str, upstream: int) -> Iterator[Running]:
        """Run one before the upstream at that port until the block ends.

        Raises:
            NotThereError: it does not start, or does not pass on.
        """
        needed = NODE if name == NODE_KEPT else name
        if needed in self.missing:
            raise NotThereError(self.missing[needed])
        port, environment = _find_port(), self._write_environment()
        command = self._write_command(name, f"{HOST}:{upstream}", str(port))
        if shutil.which(command[0], path=environment["PATH"]) is None:
            raise NotThereError(f"{command[0]} is not on this machine")
        with tempfile.TemporaryFile("w+") as log, run_on_core(command, 0, environment, log) as process:
            _wait_until_answers(process, port, log)
            yield Running(port, process.pid)

    def _write_command(self, name: str, target: str, port: str) -> Sequence[str]:
        python = [sys.executable, "-m", "bench.proxy_servers"]
        url = f"http://{target}"
        if name in (NODE, NODE_KEPT):
            shutil.copy(_PEERS / "http_proxy_middleware.js", self.folder)
            return [
                "node",
                str(self.folder / "http_proxy_middleware.js"),
                url,
                port,
                *(["kept"] * (name == NODE_KEPT)),
            ]
        if name == GO:
            return [str(self.folder / "reverse_proxy"), url, port]
        if name == NGINX:
            return ["nginx", "-e", "stderr", "-c", str(self._write_nginx(target, port))]
        return [*python, {OURS: "ours", BY_HAND: "by_hand", AIORP: "aiorp"}[name], url, port]

    def _write_nginx(self, target: str, port: str) -> Path:
        folder = self.folder / f"nginx-{port}"
        folder.mkdir()
        text = (_PEERS / "nginx.conf").read_text(encoding="utf-8")
        written = folder / "nginx.conf"
        written.write_text(text.replace("FOLDER", str(folder)).replace("TARGET", target).replace("PORT", port))
        return written

    def _write_environment(self) -> dict[str, str]:
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])  # where Debian has nginx
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.folder / "python"), "GOMAXPROCS": "1"}

    def _install_aiorp(self) -> None:
        target = self.folder / "python"
        self._run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), _AIORP])

    def _install_node(self) -> None:
        options = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(self.folder))
        self._run(["npm", "install", *options, _NODE])

    def _build_go(self) -> None:
        self._run(["go", "build", "-o", str(self.folder / "reverse_proxy"), str(_PEERS / "reverse_proxy.go")])

    def _run(self, command: Sequence[str]) -> None:
        environment = {**os.environ, "GOCACHE": str(self.folder / "go")}
        try:
            subprocess.run(
                command, check=True, capture_output=True, timeout=_INSTALL_TIME, cwd=self.folder, env=environment
            )
        except (OSError, subprocess.SubprocessError):
            raise NotThereError(f"`{command[0]}` did not bring it") from None


def _find_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def run_on_core(
    command: Sequence[str], place: int, environment: dict[str, str], log: IO[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the block ends: on the first core of this process, or (`place` 1) on its last.

    A process is born on the cores of its parent, with all threads that it starts. It is ended, too, when this
    process is killed, if the machine has `setpriv`.
    """
    ours = os.sched_getaffinity(0)
    bound = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    os.sched_setaffinity(0, {[min(ALL_CORES), max(ALL_CORES)][place]})
    try:
        process = subprocess.Popen(
            [*bound, *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    finally:
        os.sched_setaffinity(0, ours)
    with process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End it with all its children, whatever they do."""
    children = _list_tree(process.pid)[1:]
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
    for child in children:
        if _read_parent(child) in (1, process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, 9)


def _wait_until_answers(process: subprocess.Popen[str], port: int, log: IO[str]) -> None:
    request = b"GET /small HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    for _ in range(10 * _START_TIME):
        if process.poll() is not None:
            log.seek(0)
            lines = log.read().strip().splitlines()
            raise NotThereError(lines[-1] if lines else "it ended at once")
        with suppress(OSError), socket.create_connection((HOST, port), timeout=_START_TIME) as connection:
            connection.sendall(request)
            if connection.recv(65536).startswith(b"HTTP/1.1 200 "):
                return
            raise NotThereError("it does not pass on a short answer")
        time.sleep(0.1)
    raise NotThereError("it did not start")


# ---- what its processes have used


@dataclass(frozen=True)
class Running:
    """A proxy that runs, or the upstream itself: where it listens, and its first process."""

    port: int
    process: int

    def read_cpu(self) -> float:
        """Seconds of CPU time that it and all its children have used."""
        return sum(sum(map(int, _read_stat(one)[11:15])) for one in _list_tree(self.process)) / _TICKS

    def read_memory(self) -> float:
        """MiB that are resident now."""
        return sum(_read_status(one, "VmRSS") for one in _list_tree(self.process)) / 1024

    def read_peak(self) -> float:
        """MiB that were resident at most since `forget_peak()`."""
        return sum(_read_status(one, "VmHWM") for one in _list_tree(self.process)) / 1024

    def forget_peak(self) -> None:
        """Begin anew with what is resident now."""
        for one in _list_tree(self.process):
            Path(f"/proc/{one}/clear_refs").write_text("5", encoding="ascii")


def _list_tree(first: int) -> list[int]:
    parents = {int(path.name): _read_parent(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    tree = [first]
    for one in tree:  # it grows meanwhile
        tree += [process for process, parent in parents.items() if parent == one]
    return tree


def _read_parent(process: int) -> int:
    try:
        return int(_read_stat(process)[1])
    except OSError:  # it has ended
        return 0


def _read_stat(process: int) -> list[str]:
    """The fields of `/proc/PID/stat` from the third on: before it stands a name that may hold anything."""
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _read_status(process: int, name: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
