"""Where is counted: URLs and storages are told apart, no password is shown, and connections end with their loop."""

import asyncio
import gc
import socket
import sys
from typing import Any

import pytest
from limits.aio.storage import MemcachedStorage, MemoryStorage, RedisStorage
from limits.storage import MemoryStorage as BlockingMemoryStorage

from aiohttp_route_middleware.errors import ConfigurationError, MissingDependencyError
from aiohttp_route_middleware.support.rate_limits.memory import MemoryCounters
from aiohttp_route_middleware.support.rate_limits.storages import Storages, open_storages

from ...memcached_server import MemcachedServer, memcached_process, memcached_server
from ...redis_server import RedisServer, redis_process, redis_server
from ...steady_ids import steady

__all__ = ("memcached_process", "memcached_server", "redis_process", "redis_server")

SECRET = "the-password"
MONTH = 2592000


def open_one(storage: Any, window: str = "fixed") -> Storages:
    return open_storages("rate_limit()", storage, window, 10.0)


@pytest.mark.parametrize(
    ("storage", "kind"),
    [
        (None, MemoryCounters),
        (MemoryStorage(), MemoryStorage),
        ("redis://localhost", RedisStorage),
        ("redis://user:password@localhost:6379/1?max_connections=5", RedisStorage),
        ("rediss://localhost", RedisStorage),
        ("unix:///run/redis.sock", RedisStorage),
        ("valkey://localhost", RedisStorage),
        ("valkeys://localhost", RedisStorage),
        ("memcached://localhost:11211", MemcachedStorage),
        ("memcached://one:11211,two:11211", MemcachedStorage),
    ],
    ids=steady,
)
def test_a_storage_is_known_by_its_url(storage: Any, kind: type) -> None:
    storages = open_one(storage)
    assert storages.kind is kind
    assert storages.is_remote is (storage is not None)


@pytest.mark.parametrize(
    ("storage", "problem"),
    [
        (5, "storage is int"),
        (b"redis://localhost", "storage is bytes"),
        (BlockingMemoryStorage(), "storage is MemoryStorage"),
        (f"http://user:{SECRET}@localhost", "storage is not a URL that is known"),
        (f"user:{SECRET}@localhost", "storage is not a URL that is known"),
        (f"redis://[{SECRET}", "storage is not a URL that is known"),
        (f"redis://user:{SECRET}@localhost:port", "storage is a URL that cannot be read"),
        (f"redis://user:{SECRET}@localhost?max_connections=many", "storage is a URL that cannot be read"),
        (f"memcached://user:{SECRET}@localhost", "storage is a URL that cannot be read"),
        (f"memcached://user:{SECRET}@localhost:port", "storage is a URL that cannot be read"),
        ("memcached://", "storage is a URL that cannot be read"),
        ("", "storage is not a URL that is known"),
    ],
    ids=steady,
)
def test_what_is_no_storage_is_refused_and_no_password_shown(storage: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_one(storage)
    assert str(caught.value).startswith(f"rate_limit(): {problem}")
    assert caught.value.__context__ is None or SECRET not in str(caught.value.__context__)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "window", "longest"),
    [
        ("memcached://localhost:1", "fixed", MONTH),
        ("memcached://localhost:1", "sliding", MONTH // 2),
        ("redis://localhost", "moving", 999_999_999_999_999),
        (None, "moving", 999_999_999_999_999),
    ],
)
def test_memcached_counts_for_a_month_and_the_others_for_ever(url: str | None, window: str, longest: int) -> None:
    assert open_one(url, window).find_longest(window) == longest


async def test_memcached_forgets_at_once_what_is_longer_than_a_month(memcached_server: MemcachedServer) -> None:
    """Why it is refused: nobody would ever be stopped."""
    storages = open_one(memcached_server.url)  # which closes its storages when nobody has it any more
    storage = await storages.find()
    assert [await storage.incr("month", MONTH) for _ in range(2)] == [1, 2]
    assert [await storage.incr("longer", MONTH + 1) for _ in range(2)] == [1, 1]


def test_memcached_knows_no_moving_window() -> None:
    with pytest.raises(ConfigurationError, match="MemcachedStorage knows no moving window"):
        open_one("memcached://localhost:1", "moving")


def count_connections(server: Any) -> int:
    """Ask a server who is connected, but for the one who asks."""
    question = b"stats\r\n" if isinstance(server, MemcachedServer) else b"CLIENT LIST\r\nQUIT\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection, connection.makefile("rb") as answers:
        connection.sendall(question)
        lines = []
        for line in answers:
            lines.append(line)
            if line in (b"END\r\n", b"+OK\r\n"):
                break
    if isinstance(server, MemcachedServer):
        return int(next(line.split()[2] for line in lines if b" curr_connections " in line)) - 1
    return sum(b"addr=" in line for line in lines) - 1


@pytest.mark.parametrize("name", ["redis_server", "memcached_server"])
def test_connections_belong_to_one_loop_and_end_with_it(name: str, request: pytest.FixtureRequest) -> None:
    server: MemcachedServer | RedisServer = request.getfixturevalue(name)
    storages = open_one(server.url if isinstance(server, MemcachedServer) else server.tcp_url)
    seen, connected = [], []
    problems: list[Any] = []

    async def count() -> int:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        storage = await storages.find()
        assert await storages.find() is storage
        seen.append(storage)
        counted = await storage.incr("key", 1000)
        connected.append(count_connections(server))
        return counted

    assert [asyncio.run(count()) for _ in range(3)] == [1, 2, 3]
    gc.collect()
    assert len({*map(id, seen)}) == 3
    assert problems == []
    while count_connections(server) >= min(connected):  # the server sees it a moment later
        pass


def test_what_a_loop_leaves_that_was_not_ended_properly_is_forgotten() -> None:
    storages: Any = open_one("redis://localhost")
    for _ in range(3):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(storages.find())
        loop.close()
    assert len(storages._kept) == 1


@pytest.mark.parametrize(
    ("module", "url", "extra"),
    [("redis.asyncio", "redis://localhost", "redis"), ("memcachio", "memcached://localhost:1", "memcached")],
)
def test_without_the_client_its_url_says_what_to_install(
    module: str, url: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"aiohttp-route-middleware\[{extra}\]"):
        open_one(url)
