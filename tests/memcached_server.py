"""A real memcached for tests, which can be killed and brought back.

A `conftest.py` imports the fixtures `memcached_process` and `memcached_server`; a test takes the latter.
"""

import getpass
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest
from aiohttp.test_utils import unused_port

__all__ = ("MemcachedServer", "memcached_process", "memcached_server")


class MemcachedServer:
    """One server, on a port of this machine; it forgets everything when it is killed."""

    def __init__(self) -> None:
        self.port = unused_port()
        self.url = f"memcached://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        where = ("-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-u", getpass.getuser())
        self._process = subprocess.Popen(["memcached", *where])
        while not self._answers():
            if self._process.poll() is not None:
                self._process = None
                raise RuntimeError("memcached did not start")

    def kill(self) -> None:
        """Kill it at once, as a machine that fails would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        try:
            return self._ask(b"version\r\n").startswith(b"VERSION")
        except ConnectionRefusedError:
            return False

    def _ask(self, command: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port)) as connection, connection.makefile("rb") as answers:
            connection.sendall(command)
            return answers.readline()


@pytest.fixture(scope="session")
def memcached_process() -> Iterator[MemcachedServer]:
    if shutil.which("memcached") is None:
        pytest.skip("memcached is not installed")
    server = MemcachedServer()
    yield server
    server.kill()


@pytest.fixture
def memcached_server(memcached_process: MemcachedServer) -> MemcachedServer:
    """A server that runs and is empty."""
    memcached_process.kill()  # it would forget only what is older than a second
    memcached_process.start()
    return memcached_process
