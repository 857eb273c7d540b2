"""Servers are known by their URLs, whose passwords no error holds, and nothing is connected to before it is asked."""

from typing import Any

import pytest
from limits.aio.storage import MemcachedStorage, RedisStorage

from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.support.rate_limits.servers import STORAGE_CURE, read_url

SECRET = "the-password"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param("redis://localhost", RedisStorage, id="redis"),
        pytest.param("valkeys://localhost?max_connections=5", RedisStorage, id="valkey with TLS"),
        pytest.param("unix:///run/redis.sock", RedisStorage, id="a socket"),
        pytest.param("memcached://one:11211,two:11211", MemcachedStorage, id="several memcached"),
    ],
)
async def test_a_url_tells_what_counts_and_what_is_opened_can_be_closed(url: str, kind: type) -> None:
    read, connect = read_url("name()", url, 1.0)
    storage, close = connect()
    assert read is kind
    assert type(storage) is kind
    await close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param(f"http://a:{SECRET}@localhost", "storage is not a URL that is known", id="another scheme"),
        pytest.param(f"http://a:{SECRET}@[", "storage is not a URL that is known", id="no URL"),
        pytest.param("", "storage is not a URL that is known", id="nothing"),
        pytest.param(f"redis://a:{SECRET}@localhost:port", "storage is a URL that cannot be read", id="no port"),
        pytest.param(f"memcached://a:{SECRET}@host:port", "storage is a URL that cannot be read", id="memcached"),
        pytest.param("memcached://", "storage is a URL that cannot be read", id="no host"),
    ],
)
def test_a_url_that_is_wrong_is_refused_and_not_shown(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_url("name()", url, 1.0)
    error: Any = refusal.value
    assert str(error) == f"name(): {problem}; {STORAGE_CURE}"
    assert error.__cause__ is error.__context__ is None
