"""What a store must do, asked of the one in memory and of the one in Redis; and what each does of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient
from redis import Redis as BlockingRedis
from redis.asyncio import Redis

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.errors import ConfigurationError, StoreError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.idempotency import idempotency
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.middlewares.sessions import SESSION, session_key, sessions
from aiohttp_route_middleware.stores import MemoryStore, Store
from aiohttp_route_middleware.stores.redis import RedisStore

from ..clock import Clock
from ..redis_server import RedisServer

LONG = 1000.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def redis_store(redis_server: RedisServer) -> AsyncIterator[RedisStore]:
    store = RedisStore.from_url(redis_server.url, timeout=10)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, clock: Clock) -> Store:
    if request.param == "memory":
        return MemoryStore(clock=clock)
    store: Store = request.getfixturevalue("redis_store")
    return store


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds; Redis tells its own time."""
    while not await condition():
        pass


async def test_nothing_is_found_before_it_is_kept(store: Store) -> None:
    assert isinstance(store, Store)
    assert await store.get("key") is None
    assert await store.delete("key") is False


@pytest.mark.parametrize(
    "value",
    [b"value", b"", b"\x00\xff\r\n", b"x" * 100_000],
    ids=["text", "empty", "any bytes", "much"],
)
async def test_what_is_kept_is_found_again_byte_for_byte(store: Store, value: bytes) -> None:
    await store.set("key", value, ttl=LONG)
    assert await store.get("key") == value


@pytest.mark.parametrize("key", ["", "a b", "a\r\nb", "ключ", "*", "x" * 1000])
async def test_keys_are_taken_literally(store: Store, key: str) -> None:
    await store.set("key", b"other", ttl=LONG)
    await store.set(key, b"value", ttl=LONG)
    assert await store.get(key) == b"value"
    assert await store.delete(key) is True
    assert await store.get("key") == b"other"


async def test_a_value_takes_the_place_of_another(store: Store) -> None:
    await store.set("key", b"old", ttl=LONG)
    await store.set("key", b"new", ttl=LONG)
    assert await store.get("key") == b"new"


async def test_replacing_keeps_nothing_where_nothing_is(store: Store) -> None:
    assert await store.replace("key", b"first", ttl=LONG) is False
    assert await store.get("key") is None
    await store.set("key", b"first", ttl=LONG)
    assert await store.replace("key", b"second", ttl=LONG) is True
    assert await store.get("key") == b"second"


async def test_a_deleted_value_is_gone(store: Store) -> None:
    await store.set("key", b"value", ttl=LONG)
    assert await store.delete("key") is True
    assert await store.get("key") is None
    assert await store.delete("key") is False


async def test_adding_keeps_what_is_there(store: Store) -> None:
    assert await store.add("key", b"first", ttl=LONG) is True
    assert await store.add("key", b"second", ttl=LONG) is False
    assert await store.get("key") == b"first"
    await store.delete("key")
    assert await store.add("key", b"third", ttl=LONG) is True


async def test_an_empty_value_is_there(store: Store) -> None:
    await store.set("key", b"", ttl=LONG)
    assert await store.add("key", b"second", ttl=LONG) is False
    assert await store.delete("key") is True


async def test_of_ten_that_add_at_once_one_wins(store: Store) -> None:
    won = await asyncio.gather(*(store.add("key", str(number).encode(), ttl=LONG) for number in range(10)))
    assert won.count(True) == 1
    assert await store.get("key") == str(won.index(True)).encode()


async def test_stores_by_another_name_do_not_see_each_other(
    redis_server: RedisServer, redis_store: RedisStore
) -> None:
    other = RedisStore.from_url(redis_server.tcp_url, prefix="other:", timeout=10)
    await redis_store.set("key", b"value", ttl=LONG)
    assert await other.get("key") is None
    await other.close()


async def test_batteries_that_share_one_do_not_meet(store: Store, aiohttp_client: AiohttpClient) -> None:
    """Each finds its own, by the same path, the same key and a session in one request."""

    async def count(request: web.Request) -> web.Response:
        request[SESSION]["times"] = request[SESSION].get("times", 0) + 1
        return web.json_response(request[SESSION]["times"])

    async def tell_time(request: web.Request) -> web.Response:
        times.append(request.method)
        return web.json_response(len(times), headers={"Cache-Control": "max-age=60"})

    times: list[str] = []
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app)
    router.add_post("/", sessions(store=store, secure=False), idempotency(store=store), count)
    router.add_put("/", sessions(store=store, secure=False, name="other"), count_other)
    router.add_get("/", response_cache(store=store), tell_time)
    client = await aiohttp_client(app)
    asked = [("POST", "new"), ("POST", "a"), ("GET", ""), ("POST", "a"), ("GET", ""), ("PUT", ""), ("PUT", "")]
    told = []
    for method, key in asked:
        async with client.request(method, "/", headers={"Idempotency-Key": key} if key else {}) as response:
            told.append((method, await response.json(), response.headers.get("Idempotency-Replayed", "")))
    expected = [("POST", 1, ""), ("POST", 2, ""), ("GET", 1, ""), ("POST", 2, "true"), ("GET", 1, "")]
    assert told == [*expected, ("PUT", 1, ""), ("PUT", 2, "")]


OTHER = session_key("other")


async def count_other(request: web.Request) -> web.Response:
    request[OTHER]["times"] = request[OTHER].get("times", 0) + 1
    return web.json_response(request[OTHER]["times"])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        pytest.param(MemoryStore, r"store is the class MemoryStore; make a store: MemoryStore\(...\)", id="a class"),
        pytest.param({}, "store is dict, without set, add, replace, delete, close; pass MemoryStore", id="a dict"),
        pytest.param(None, "store is NoneType, without get, set, add", id="nothing"),
    ],
)
def test_what_is_no_store_is_refused_with_what_it_lacks(wrong: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^idempotency\(\): {told}"):
        idempotency(store=wrong)


class TestMemory:
    async def test_names_tell_whose_a_value_is(self, aiohttp_client: AiohttpClient) -> None:
        names: list[str] = []

        class Noting(MemoryStore):
            async def get(self, key: str) -> bytes | None:
                names.append(key)
                return await super().get(key)

            async def set(self, key: str, value: bytes, *, ttl: float) -> None:
                names.append(key)
                await super().set(key, value, ttl=ttl)

        await test_batteries_that_share_one_do_not_meet(Noting(), aiohttp_client)
        assert {name.partition(":")[0] for name in names} == {"session", "idempotency", "response"}

    async def test_what_one_battery_fills_it_with_makes_others_forget(self, clock: Clock) -> None:
        store = MemoryStore(max_entries=3, clock=clock)
        await store.set("idempotency:a", b"value", ttl=LONG)
        for number in range(3):
            await store.set(f"response:{number}", b"value", ttl=LONG)
        assert await store.get("idempotency:a") is None

    async def test_a_value_is_gone_when_its_time_is_over(self, clock: Clock) -> None:
        store = MemoryStore(clock=clock)
        await store.set("key", b"value", ttl=10)
        clock.now += 9.9
        assert await store.get("key") == b"value"
        clock.now += 0.1
        assert await store.get("key") is None
        assert len(store) == 0

    async def test_keeping_a_value_again_begins_its_time_anew(self, clock: Clock) -> None:
        store = MemoryStore(clock=clock)
        await store.set("key", b"value", ttl=10)
        clock.now += 9
        await store.set("key", b"value", ttl=10)
        clock.now += 9
        assert await store.get("key") == b"value"

    async def test_what_is_over_is_not_there_for_add_and_delete(self, clock: Clock) -> None:
        store = MemoryStore(clock=clock)
        await store.set("key", b"old", ttl=10)
        clock.now += 10
        assert await store.delete("key") is False
        await store.set("key", b"old", ttl=10)
        clock.now += 10
        assert await store.add("key", b"new", ttl=10) is True
        assert await store.get("key") == b"new"

    async def test_the_one_used_longest_ago_makes_room(self, clock: Clock) -> None:
        store = MemoryStore(max_entries=2, clock=clock)
        await store.set("a", b"", ttl=LONG)
        await store.set("b", b"", ttl=LONG)
        await store.get("a")
        await store.set("c", b"", ttl=LONG)
        assert [await store.get(key) is not None for key in "abc"] == [True, False, True]
        assert len(store) == 2

    async def test_what_is_over_makes_room_before_what_is_not(self, clock: Clock) -> None:
        store = MemoryStore(max_entries=2, clock=clock)
        await store.set("long", b"", ttl=LONG)
        await store.set("short", b"", ttl=1)
        clock.now += 1
        await store.set("new", b"", ttl=LONG)
        assert [await store.get(key) is not None for key in ("long", "short", "new")] == [True, False, True]

    async def test_it_never_keeps_more_than_it_may(self, clock: Clock) -> None:
        store = MemoryStore(max_entries=3, clock=clock)
        for number in range(50):
            await store.set(str(number), b"", ttl=LONG)
            assert len(store) <= 3
        assert [await store.get(str(number)) for number in range(46, 50)] == [None, b"", b"", b""]

    async def test_a_full_store_does_not_look_through_all_it_keeps_for_each_new_value(self) -> None:
        looks = 0

        class Second(float):
            def __add__(self, other: float) -> "Second":
                return Second(float(self) + other)

            def __le__(self, other: float) -> bool:
                nonlocal looks
                looks += 1
                return float(self) <= other

        store = MemoryStore(max_entries=1000, clock=lambda: Second(100))
        for number in range(1100):
            await store.set(str(number), b"", ttl=LONG)
        assert len(store) == 1000
        assert looks < 1000

    async def test_closing_forgets_everything(self) -> None:
        store = MemoryStore()
        await store.set("key", b"value", ttl=LONG)
        await store.close()
        assert await store.get("key") is None

    @pytest.mark.parametrize("number", [0, -1, True, 1.5, "10", None], ids=repr)
    def test_it_must_keep_something(self, number: Any) -> None:
        problem = rf"MemoryStore\(\): max_entries={number!r}; pass a number of values, 1 or more"
        with pytest.raises(ConfigurationError, match=problem):
            MemoryStore(max_entries=number)

    def test_a_clock_is_a_function(self) -> None:
        clock: Any = 100.0
        with pytest.raises(ConfigurationError, match=r"MemoryStore\(\): clock is float"):
            MemoryStore(clock=clock)


class TestRedis:
    async def test_a_value_is_gone_when_its_time_is_over(self, redis_store: RedisStore) -> None:
        await redis_store.set("key", b"value", ttl=0.02)

        async def is_over() -> bool:
            return await redis_store.get("key") is None

        await asyncio.wait_for(until(is_over), 10)
        assert await redis_store.add("key", b"new", ttl=LONG) is True

    async def test_what_is_added_is_gone_when_its_time_is_over(self, redis_store: RedisStore) -> None:
        await redis_store.add("key", b"value", ttl=0.02)

        async def is_over() -> bool:
            return await redis_store.add("key", b"other", ttl=LONG)

        await asyncio.wait_for(until(is_over), 10)
        assert await redis_store.get("key") == b"other"

    async def test_the_server_knows_the_time_and_the_prefix(
        self, redis_server: RedisServer, redis_store: RedisStore
    ) -> None:
        await redis_store.set("key", b"value", ttl=5)
        client = Redis.from_url(redis_server.url)
        assert 0 < await client.pttl("arm:key") <= 5000
        await redis_store.set("key", b"value", ttl=0)  # as short as it can be
        assert await client.pttl("arm:key") <= 1
        await client.aclose()

    async def test_a_client_can_be_shared(self, redis_server: RedisServer) -> None:
        client = Redis.from_url(redis_server.url)
        store = RedisStore(client, prefix="mine:", timeout=10)
        await store.set("key", b"value", ttl=LONG)
        assert await client.get("mine:key") == b"value"
        await store.close()

    async def test_a_server_that_is_killed_is_an_error_until_it_is_back(
        self, redis_server: RedisServer, redis_store: RedisStore
    ) -> None:
        await redis_store.set("key", b"value", ttl=LONG)
        redis_server.kill()
        for asking in (
            redis_store.get("key"),
            redis_store.set("key", b"value", ttl=1),
            redis_store.add("key", b"value", ttl=1),
            redis_store.delete("key"),
        ):
            with pytest.raises(StoreError, match=r"^Redis: \w+$") as raised:
                await asking
            assert raised.value.__cause__ is not None
        redis_server.start()
        assert await redis_store.add("key", b"value", ttl=LONG) is True
        assert await redis_store.get("key") == b"value"

    async def test_a_server_that_does_not_answer_in_time_is_an_error(self, redis_server: RedisServer) -> None:
        store = RedisStore.from_url(redis_server.url, timeout=0.05)
        pausing = Redis.from_url(redis_server.url)
        await pausing.client_pause(60_000)
        with pytest.raises(StoreError, match=r"^Redis: TimeoutError$"):
            await store.get("key")
        await store.close()
        await pausing.aclose()
        redis_server.kill()  # it would go on to pause

    async def test_more_at_once_than_there_are_connections_wait_for_one(self, redis_server: RedisServer) -> None:
        """Else a busy moment would be taken for a store that is down."""
        store = RedisStore.from_url(redis_server.tcp_url, timeout=60)
        kept = await asyncio.gather(*(store.add(f"{number}", b"value", ttl=LONG) for number in range(1000)))
        assert kept == [True] * 1000
        client = Redis.from_url(redis_server.url)
        assert len(await client.client_list()) <= 51
        await client.aclose()
        await store.close()

    @pytest.mark.parametrize("url", ["", "http://localhost", "redis://:hid#den@localhost", "redis://a:b", 5, None])
    def test_a_url_that_cannot_be_read_is_refused_without_its_password(self, url: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"RedisStore\(\): the URL cannot be read; write it as") as raised:
            RedisStore.from_url(url)
        assert "hid" not in str(raised.value)
        assert raised.value.__cause__ is raised.value.__context__ is None

    async def test_a_killed_server_can_be_closed(self, redis_server: RedisServer) -> None:
        store = RedisStore.from_url(redis_server.url)
        await store.set("key", b"value", ttl=LONG)
        redis_server.kill()
        await store.close()

    async def test_the_error_does_not_tell_where_the_server_is(self) -> None:
        store = RedisStore.from_url("redis://user:hidden@127.0.0.1:1/0")
        with pytest.raises(StoreError) as raised:
            await store.get("key")
        assert "127.0.0.1" not in str(raised.value)
        assert "hidden" not in str(raised.value)
        await store.close()

    @pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0?decode_responses=true", ""], ids=["by url", "by client"])
    def test_a_client_that_decodes_is_refused(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="make it with decode_responses=False"):
            RedisStore.from_url(url) if url else RedisStore(Redis(decode_responses=True))

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            pytest.param({"timeout": 0}, "timeout=0; pass a number of seconds, 0.001 or more", id="no time"),
            pytest.param({"timeout": None}, "timeout=None; pass a number of seconds", id="no timeout"),
            pytest.param({"prefix": b"arm:"}, "prefix=b'arm:'; pass a text", id="bytes as a prefix"),
        ],
    )
    def test_bad_options_are_refused_at_once(self, options: Any, problem: str) -> None:
        with pytest.raises(ConfigurationError, match=rf"RedisStore\(\): {problem}"):
            RedisStore.from_url("redis://127.0.0.1:1/0", **options)

    def test_a_client_that_cannot_be_awaited_is_refused(self) -> None:
        client: Any = BlockingRedis()
        with pytest.raises(ConfigurationError, match=r"make it with redis\.asyncio\.Redis"):
            RedisStore(client)
