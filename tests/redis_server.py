"""A real Redis server for tests, which can be killed and brought back.

A `conftest.py` imports the fixtures `redis_process` and `redis_server`; a test takes the latter:

    async def test_something(redis_server: RedisServer) -> None:
        store = RedisStore.from_url(redis_server.url)
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

__all__ = ("RedisServer", "redis_process", "redis_server")


class RedisServer:
    """One server; it listens on a port of this machine and on a socket, and forgets everything when it is killed."""

    def __init__(self, folder: Path) -> None:
        self.port = unused_port()
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.tcp_url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it accepts connections."""
        if self._process is not None:
            return
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket))
        nothing_kept = ("--save", "", "--appendonly", "no", "--dir", str(self.socket.parent))
        self._process = subprocess.Popen(["redis-server", *where, *nothing_kept], stdout=subprocess.PIPE)
        output = self._process.stdout
        if output is None or not any(b"ready to accept connections" in line.lower() for line in output):
            self.kill()
            raise RuntimeError("redis-server did not start")

    def kill(self) -> None:
        """Kill it at once, as a machine that fails would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None
        self.socket.unlink(missing_ok=True)

    def flush(self) -> None:
        """Have it forget everything."""
        subprocess.run(["redis-cli", "-s", str(self.socket), "flushall"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:  # a short path: sockets allow for 107 bytes
        server = RedisServer(Path(folder))
        yield server
        server.kill()


@pytest.fixture
def redis_server(redis_process: RedisServer) -> RedisServer:
    """A server that runs and is empty."""
    redis_process.start()
    redis_process.flush()
    return redis_process
