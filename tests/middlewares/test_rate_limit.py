"""How often one may ask, on real servers: who is counted, what is counted together, where, and what is told of it."""

import asyncio
import gc
import io
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import http_sf
import limits as limits_library
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from limits.aio.storage import MemoryStorage
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx, name_link
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares import IDENTITY, Identity, setup
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.method_override import method_override
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit
from aiohttp_route_middleware.support.rate_limits.memory import MemoryCounters

from .. import scopes
from ..conftest import Client
from ..memcached_server import MemcachedServer, memcached_process, memcached_server
from ..redis_server import RedisServer, redis_process, redis_server
from ..scopes import each_scope, path_in
from .matrix import MATRIX, Case
from .matrix import ask as ask_case
from .matrix import make_app as make_matrix

__all__ = ("memcached_process", "memcached_server", "redis_process", "redis_server")

TURN: web.RequestKey[bool] = web.RequestKey("TURN", bool)
PATIENT = 60.0  # no test is about a server that is slow
WINDOWS = {"memory": ("fixed", "moving", "sliding"), "memcached": ("fixed", "sliding")}
WINDOWS["redis"] = WINDOWS["tcp"] = WINDOWS["valkey"] = WINDOWS["memory"]
STORES = [(store, window) for store, windows in WINDOWS.items() for window in windows]
each_store = pytest.mark.parametrize(
    ("store", "window"), STORES, ids=[f"{window} in {store}" for store, window in STORES]
)


@pytest.fixture
def find_url(request: pytest.FixtureRequest) -> Callable[[str], str | None]:
    def find_url(store: str) -> str | None:
        if store == "memory":
            return None
        if store == "memcached":
            memcached: MemcachedServer = request.getfixturevalue("memcached_server")
            return memcached.url
        redis: RedisServer = request.getfixturevalue("redis_server")
        return {"redis": redis.url, "tcp": redis.tcp_url, "valkey": redis.tcp_url.replace("redis:", "valkey:")}[store]

    return find_url


async def answer(request: web.Request) -> web.Response:
    return web.Response(text="answered")


def make_app(*links: Any, **routes: Any) -> web.Application:
    app = scopes.make_app("route", links, routes or {"GET /": answer})
    setup(app)
    return app


Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    """Serve links before a handler at `/`."""

    async def serve(*links: Any) -> Client:
        return await aiohttp_client(make_app(*links))

    return serve


async def ask(client: Client, path: str = "/", **options: Any) -> ClientResponse:
    async with client.get(path, **options) as response:
        await response.read()
        return response


async def ask_often(client: Client, times: int, path: str = "/", **options: Any) -> list[int]:
    return [(await ask(client, path, **options)).status for _ in range(times)]


async def ask_at_once(client: Client, times: int) -> list[int]:
    return [response.status for response in await asyncio.gather(*(ask(client) for _ in range(times)))]


def read_field(response: ClientResponse, name: str) -> dict[str, dict[str, int]]:
    """Read a field as a parser of structured fields does."""
    (value,) = response.headers.getall(name)
    members: Any = http_sf.parse(value.encode(), tltype="list")
    return dict(members)


def as_user(request: web.Request) -> None:
    if "User" in request.headers:
        request[IDENTITY] = Identity(request.headers["User"], frozenset(request.headers.getall("Scope", ())))


behind_proxy = client_address(trusted_proxies=["127.0.0.1"], header="X-Forwarded-For")


def from_address(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


# ---- how many pass


@each_store
async def test_of_ten_at_once_three_pass_a_limit_of_three(
    store: str, window: Any, find_url: Callable[[str], str | None], serve: Serve
) -> None:
    client = await serve(rate_limit("3/hour", window=window, storage=find_url(store), timeout=PATIENT))
    statuses = await ask_at_once(client, 10)
    assert sorted(statuses) == [200] * 3 + [429] * 7
    refused = await ask(client)
    assert refused.status == 429
    assert read_field(refused, "RateLimit")["3/hour"]["r"] == 0


@pytest.mark.parametrize("window", ["fixed", "moving", "sliding"])
async def test_of_a_thousand_at_once_as_many_pass_as_the_limit_says(
    window: Any, redis_server: RedisServer, aiohttp_client: AiohttpClient
) -> None:
    limiter = rate_limit("100/hour", window=window, storage=redis_server.tcp_url, timeout=PATIENT)
    clients = [await aiohttp_client(make_app(limiter)) for _ in range(2)]  # two applications, one bucket
    answers = await asyncio.gather(*(ask_at_once(client, 500) for client in clients))
    statuses = [status for each in answers for status in each]
    assert (statuses.count(200), statuses.count(429)) == (100, 900)


@each_store
async def test_when_its_time_is_over_a_request_passes_again(
    store: str, window: Any, find_url: Callable[[str], str | None], serve: Serve
) -> None:
    client = await serve(rate_limit("2/second", window=window, storage=find_url(store), timeout=PATIENT))
    while 429 not in await ask_often(client, 3):
        pass
    while (await ask(client)).status != 200:
        pass


@each_store
async def test_what_one_of_several_limits_refuses_is_counted_by_none(
    store: str, window: Any, find_url: Callable[[str], str | None], serve: Serve
) -> None:
    limiter = rate_limit("2/hour;5/day", window=window, storage=find_url(store), timeout=PATIENT)
    client = await serve(limiter)
    assert await ask_often(client, 6) == [200, 200, 429, 429, 429, 429]
    refused = await ask(client)
    left = {name: parameters["r"] for name, parameters in read_field(refused, "RateLimit").items()}
    assert left == {"2/hour": 0, "5/day": 3}
    assert read_field(refused, "RateLimit-Policy") == {"2/hour": {"q": 2, "w": 3600}, "5/day": {"q": 5, "w": 86400}}
    assert 0 < int(refused.headers["Retry-After"]) <= 3600  # of the limit that refuses


async def test_the_longest_wait_is_told_if_several_limits_refuse(serve: Serve) -> None:
    client = await serve(rate_limit(["1/minute", "1/hour"], window="moving"))
    await ask(client)
    assert 3590 < int((await ask(client)).headers["Retry-After"]) <= 3600


async def test_limits_of_the_library_and_texts_mix(serve: Serve) -> None:
    client = await serve(rate_limit([limits_library.parse("5/hour"), "10 per 2 days"]))
    assert [*read_field(await ask(client), "RateLimit")] == ["5/hour", "10/2day"]


# ---- what is told


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_tells_what_is_left_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_matrix(scope, rate_limit("10/minute")))
    async with ask_case(client, scope, case) as response:
        assert response.status == case.status
        assert response.headers.getall("RateLimit-Policy") == ['"10/minute";q=10;w=60']
        left = read_field(response, "RateLimit")["10/minute"]
        assert left["r"] == 9
        assert 59 <= left["t"] <= 60


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_request_can_be_refused(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_matrix(scope, rate_limit("1/minute")))
    async with ask_case(client, scope, case):
        pass
    async with ask_case(client, scope, case) as response:
        assert response.status == 429
        wait = int(response.headers["Retry-After"])
        left = read_field(response, "RateLimit")["1/minute"]
        assert left["r"] == 0
        assert 1 <= left["t"] <= wait <= 60  # the draft, section 5: Retry-After is no earlier
        assert response.headers["Cache-Control"] == "no-store"


@each_store
async def test_nothing_that_is_told_is_ever_negative(
    store: str, window: Any, find_url: Callable[[str], str | None], serve: Serve
) -> None:
    client = await serve(rate_limit("2/second", window=window, storage=find_url(store), timeout=PATIENT))
    for response in await asyncio.gather(*(ask(client) for _ in range(40))):
        left = read_field(response, "RateLimit")["2/second"]
        assert 0 <= left["r"] <= 2
        assert 0 <= left["t"] <= 2
        assert response.status == 200 or int(response.headers["Retry-After"]) >= 1


async def test_what_two_batteries_and_the_handler_tell_stands_in_one_list(aiohttp_client: AiohttpClient) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(headers={"RateLimit": '"own";r=1', "RateLimit-Policy": '"own";q=2'})

    app = web.Application(middlewares=[rate_limit("100/hour", name="all")])
    setup(app)
    UrlDispatcherEx.install(app).add_get("/", rate_limit("10/hour"), handle)
    response = await ask(await aiohttp_client(app))
    assert [*read_field(response, "RateLimit")] == ["own", "10/hour", "all:100/hour"]
    assert response.headers["RateLimit-Policy"] == '"own";q=2, "10/hour";q=10;w=3600, "all:100/hour";q=100;w=3600'


async def test_policies_that_are_called_alike_are_told_apart(serve: Serve) -> None:
    """`RateLimit` refers to a policy by its name."""
    outer, inner = rate_limit("2/hour;9/day", key=lambda _: "all"), rate_limit("5/minute;2/hour")
    named = [rate_limit("7/hour", name="api", storage=MemoryCounters()) for _ in range(3)]
    client = await serve(outer, inner, *named)
    expected = {"2/hour": 1, "9/day": 8, "2/hour (2)": 1, "5/minute (2)": 4}
    expected |= {"api:7/hour": 6, "api:7/hour (2)": 6, "api:7/hour (3)": 6}
    response = await ask(client)
    assert {name: left["r"] for name, left in read_field(response, "RateLimit").items()} == expected
    policies = read_field(response, "RateLimit-Policy")
    assert policies.keys() == expected.keys()
    assert policies["2/hour (2)"] == {"q": 2, "w": 3600}
    assert len(response.headers["RateLimit"].split(",")) == len(expected)


async def test_a_policy_has_its_name_whichever_link_refuses(serve: Serve) -> None:
    limiters = [rate_limit("2/hour", key=lambda request: request.query["outer"]), rate_limit("2/hour")]
    client = await serve(*limiters)
    told = []
    for outer in "aabbb":
        response = await ask(client, f"/?outer={outer}")
        told.append((response.status, {name: left["r"] for name, left in read_field(response, "RateLimit").items()}))
    assert told == [
        (200, {"2/hour": 1, "2/hour (2)": 1}),
        (200, {"2/hour": 0, "2/hour (2)": 0}),
        (429, {"2/hour": 1, "2/hour (2)": 0}),
        (429, {"2/hour": 0, "2/hour (2)": 0}),
        (429, {"2/hour": 0}),
    ]


async def test_limits_of_a_function_that_two_links_ask_are_told_apart(serve: Serve) -> None:
    def by_kind(request: web.Request) -> str:
        return f"{len(request.query)}/hour"

    def by_turn(request: web.Request) -> None:
        request[TURN] = True

    def by_turns(request: web.Request) -> str:
        return "3/hour" if TURN in request else "4/hour"

    client = await serve(rate_limit(by_turns), by_turn, rate_limit(by_turns), rate_limit(by_kind))
    assert [*read_field(await ask(client, "/?a=b"), "RateLimit")] == ["1/hour", "3/hour (2)", "4/hour"]


async def test_without_fields_nothing_is_told_and_no_setup_is_needed(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(scopes.make_app("route", [rate_limit("1/hour", fields=False)], {"GET /": answer}))
    for status in (200, 429):
        response = await ask(client)
        assert response.status == status
        assert not {"RateLimit", "RateLimit-Policy"} & set(response.headers)
    assert int(response.headers["Retry-After"]) > 0


async def test_who_forgot_setup_is_told_so(aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture) -> None:
    client = await aiohttp_client(scopes.make_app("route", [rate_limit("1/hour")], {"GET /": answer}))
    assert (await ask(client)).status == 500
    assert "rate_limit(1/hour): the application is not prepared" in caplog.text


# ---- who is counted


async def test_each_address_is_counted_by_itself_and_ipv6_by_its_64(serve: Serve) -> None:
    client = await serve(behind_proxy, rate_limit("1/hour"))
    addresses = ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
    statuses = [(await ask(client, headers=from_address(one))).status for one in addresses]
    assert statuses == [200, 200, 429, 200, 429, 200]


async def test_an_identity_is_counted_wherever_it_comes_from(serve: Serve) -> None:
    client = await serve(behind_proxy, as_user, rate_limit("1/hour"))
    callers = [("alice", "192.0.2.1"), ("alice", "192.0.2.2"), ("bob", "192.0.2.1"), ("", "192.0.2.1")]
    statuses = []
    for user, address in callers:
        headers = from_address(address) | ({"User": user} if user else {})
        statuses.append((await ask(client, headers=headers)).status)
    assert statuses == [200, 429, 200, 200]


async def test_x_forwarded_for_is_not_believed_without_client_address(serve: Serve) -> None:
    client = await serve(rate_limit("1/hour"))
    assert [(await ask(client, headers=from_address(f"192.0.2.{one}"))).status for one in (1, 2)] == [200, 429]


async def by_header(request: web.Request) -> str | None:
    return request.headers.get("Key")


@pytest.mark.parametrize("key", [by_header, lambda request: request.headers.get("Key")], ids=["async", "plain"])
async def test_a_key_of_your_own_is_counted_and_none_is_the_caller(key: Any, serve: Serve) -> None:
    client = await serve(rate_limit("1/hour", key=key))
    headers: list[dict[str, str]] = [{"Key": "a"}, {"Key": "a"}, {"Key": "b"}, {}, {}]
    assert [(await ask(client, headers=one)).status for one in headers] == [200, 429, 200, 200, 429]


@pytest.mark.parametrize("store", ["memory", "redis", "memcached"])
async def test_hostile_keys_are_kept_apart_and_fit_into_every_store(
    store: str, find_url: Callable[[str], str | None], serve: Serve
) -> None:
    keys = ["a", "a ", "a\r\nset b", "a\0", "address:127.0.0.1/32", "*", "{a}", "ключ", "\udcff", "x" * 100_000, ""]
    chosen = iter(keys * 2)
    client = await serve(rate_limit("1/hour", key=lambda _: next(chosen), storage=find_url(store), timeout=PATIENT))
    assert await ask_often(client, len(keys)) == [200] * len(keys)
    assert await ask_often(client, len(keys)) == [429] * len(keys)


async def test_a_key_that_is_no_text_is_an_error(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    client = await serve(rate_limit("1/hour", key=lambda _: 5))  # type: ignore[arg-type,return-value]  # wrong on purpose
    assert (await ask(client)).status == 500
    assert "rate_limit(): key() returned 5; return a text, or None" in caplog.text


async def test_floods_of_callers_do_not_fill_the_memory(serve: Serve) -> None:
    counters = MemoryCounters(max_keys=10)
    client = await serve(behind_proxy, rate_limit("1/hour", storage=counters))
    for one in range(30):
        assert (await ask(client, headers=from_address(f"192.0.2.{one}"))).status == 200
    assert len(counters) == 10


# ---- what is counted together


@each_scope
async def test_in_every_scope_each_route_is_counted_by_itself(scope: str, aiohttp_client: AiohttpClient) -> None:
    routes = {"GET /a": answer, "GET /b": answer, "POST /b": answer, "GET /c/{id}": answer}
    app = scopes.make_app(scope, [rate_limit("1/hour")], routes)
    setup(app)
    client = await aiohttp_client(app)
    asked = [("GET", "/a"), ("GET", "/a"), ("GET", "/b"), ("POST", "/b"), ("GET", "/c/1"), ("GET", "/c/2")]
    statuses = []
    for method, path in asked:
        async with client.request(method, path_in(scope, path)) as response:
            statuses.append(response.status)
    assert statuses == [200, 429, 200, 200, 200, 429]


async def test_routes_of_one_template_are_counted_apart(aiohttp_client: AiohttpClient) -> None:
    limiter = rate_limit("1/hour")
    client = await aiohttp_client(make_app(limiter, **{r"GET /{id:\d+}": answer, "GET /{id:[a-z]+}": answer}))
    assert [(await ask(client, path)).status for path in ("/1", "/a", "/2", "/b")] == [200, 200, 429, 429]


@pytest.mark.parametrize("passes", [True, False], ids=["of a name", "of each route"])
async def test_a_request_that_meets_the_same_object_twice_is_counted_once(
    passes: bool, aiohttp_client: AiohttpClient
) -> None:
    limiter = rate_limit("2/hour", name="all" if passes else None)
    app = web.Application(middlewares=[limiter])
    setup(app)
    UrlDispatcherEx.install(app, limiter).group("", limiter).add_get("/", limiter, body_limit(10**7), limiter, answer)
    client = await aiohttp_client(app)
    answers = [
        await ask(client, data=io.BytesIO(bytes(2**21))) for _ in range(3)
    ]  # with a clone of the request in between
    assert [one.status for one in answers] == [200, 200, 429]
    assert [len(read_field(one, "RateLimit")) for one in answers] == [1, 1, 1]


async def test_who_was_refused_and_is_tried_again_is_counted_again(aiohttp_client: AiohttpClient) -> None:
    """A link that tries again must not carry a refused request past the limit."""

    @web.middleware
    async def try_again(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPTooManyRequests:
            response = await handler(request)
        return response

    client = await aiohttp_client(make_app(try_again, rate_limit("1/hour")))
    assert await ask_often(client, 2) == [200, 429]


@each_scope
async def test_in_every_scope_a_name_is_counted_together(scope: str, aiohttp_client: AiohttpClient) -> None:
    app = scopes.make_app(scope, [rate_limit("1/hour", name="both")], {"GET /a": answer, "GET /b": answer})
    setup(app)
    client = await aiohttp_client(app)
    assert [(await ask(client, path_in(scope, path))).status for path in ("/a", "/b")] == [200, 429]


@pytest.mark.parametrize("store", ["memory", "redis", "memcached"])
async def test_objects_that_share_a_name_and_a_storage_count_together(
    store: str, find_url: Callable[[str], str | None], aiohttp_client: AiohttpClient
) -> None:
    storage: Any = find_url(store) or MemoryCounters()
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app)
    for path, prefix in (("/a", "arm:"), ("/b", "arm:"), ("/other", "other:")):
        limiter = rate_limit("1/hour", name="shared", storage=storage, prefix=prefix, timeout=PATIENT)
        router.add_get(path, limiter, answer)
    client = await aiohttp_client(app)
    assert [(await ask(client, path)).status for path in ("/a", "/b", "/other")] == [200, 429, 200]


async def test_head_is_counted_as_get(serve: Serve) -> None:
    client = await serve(rate_limit("1/hour"))
    assert (await ask(client)).status == 200
    async with client.head("/") as response:
        assert response.status == 429


async def test_a_route_for_all_methods_is_one_whatever_a_client_asks(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    setup(app)
    UrlDispatcherEx.install(app).add_route("*", "/", rate_limit("1/hour"), answer)
    client = await aiohttp_client(app)
    statuses = []
    for method in ("GET", "PUT", "PURGE"):
        async with client.request(method, "/") as response:
            statuses.append(response.status)
    assert statuses == [200, 429, 429]


async def test_what_no_route_answers_is_counted_as_one(aiohttp_client: AiohttpClient) -> None:
    app = web.Application(middlewares=[rate_limit("2/hour")])
    setup(app)
    app.router.add_get("/", answer)
    client = await aiohttp_client(app)
    assert [(await ask(client, path)).status for path in ("/1", "/2", "/3", "/")] == [404, 404, 429, 200]


# ---- what it costs


async def by_query(request: web.Request) -> int:
    return int(request.query["cost"])


@each_store
async def test_a_request_costs_what_the_function_says(
    store: str, window: Any, find_url: Callable[[str], str | None], serve: Serve
) -> None:
    limiter = rate_limit("10/hour", cost=by_query, window=window, storage=find_url(store), timeout=PATIENT)
    client = await serve(limiter)
    answers = [await ask(client, f"/?cost={cost}") for cost in (4, 4, 4, 0, 2, 1, 11, 0)]
    assert [response.status for response in answers] == [200, 200, 429, 200, 200, 429, 429, 200]
    assert [read_field(response, "RateLimit")["10/hour"]["r"] for response in answers] == [6, 2, 2, 2, 0, 0, 0, 0]


async def test_a_number_costs_that_much(serve: Serve) -> None:
    client = await serve(rate_limit("5/hour", cost=2))
    assert await ask_often(client, 3) == [200, 200, 429]


@pytest.mark.parametrize("cost", [-1, 1.0, True, None, "1"], ids=repr)
async def test_a_cost_that_would_give_back_is_an_error(
    cost: Any, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = await serve(rate_limit("5/hour", cost=lambda _: cost))
    assert (await ask(client)).status == 500
    assert "rate_limit(): cost() returned" in caplog.text


# ---- links around and behind


async def test_what_a_link_around_it_tries_once_more_is_counted_once(serve: Serve) -> None:
    async def ask_twice(request: web.Request, handler: Any) -> web.StreamResponse:
        await handler(request)
        response: web.StreamResponse = await handler(request)
        return response

    client = await serve(ask_twice, rate_limit("2/hour"))
    assert await ask_often(client, 3) == [200, 200, 429]


@pytest.mark.parametrize("first", ["DELETE", "POST"])
async def test_before_method_override_a_route_is_counted_once_however_it_is_asked_for(
    first: str, aiohttp_client: AiohttpClient
) -> None:
    app = web.Application(middlewares=[rate_limit("2/hour"), method_override()])
    setup(app)
    app.router.add_delete("/", answer)
    app.router.add_post("/", answer)
    client = await aiohttp_client(app)
    statuses = []
    for method in (first, "POST", "DELETE"):
        async with client.request(method, "/", headers={"X-HTTP-Method-Override": "DELETE"}) as response:
            statuses.append(response.status)
    async with client.post("/") as response:  # which is another route
        assert response.status == 200
    assert statuses == [200, 200, 429]


# ---- whose limits


async def by_scope(request: web.Request) -> Any:
    scopes = request[IDENTITY].scopes if IDENTITY in request else frozenset()
    if "admin" in scopes:
        return None
    return ["4/hour", limits_library.parse("3/minute")] if "paid" in scopes else "1/hour"


@pytest.mark.parametrize("limits", [by_scope, lambda _: "1/hour"], ids=["async", "plain"])
async def test_limits_may_be_a_function_of_the_request(limits: Any, serve: Serve) -> None:
    client = await serve(as_user, rate_limit(limits))
    assert await ask_often(client, 2, headers={"User": "free"}) == [200, 429]


async def test_each_group_has_its_limits_and_who_has_none_passes_without_fields(serve: Serve) -> None:
    client = await serve(as_user, rate_limit(by_scope))
    assert await ask_often(client, 5, headers={"User": "a", "Scope": "paid"}) == [200, 200, 200, 429, 429]
    assert await ask_often(client, 5, headers={"User": "b", "Scope": "admin"}) == [200] * 5
    assert "RateLimit" not in (await ask(client, headers={"User": "b", "Scope": "admin"})).headers


@pytest.mark.parametrize("found", ["many", "0/hour", 5, {"a": 1}, [], ["1/hour", "1/hour"]], ids=repr)
async def test_a_function_that_returns_no_limit_is_an_error(
    found: Any, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = await serve(rate_limit(lambda _: found))
    assert (await ask(client)).status == 500
    assert "ConfigurationError: rate_limit(): " in caplog.text


async def is_inside(request: web.Request) -> bool:
    return "Inside" in request.headers


@pytest.mark.parametrize("exempt", [is_inside, lambda request: "Inside" in request.headers], ids=["async", "plain"])
async def test_who_is_exempt_is_not_counted(exempt: Any, serve: Serve) -> None:
    client = await serve(rate_limit("1/hour", exempt=exempt))
    assert await ask_often(client, 3, headers={"Inside": "yes"}) == [200] * 3
    assert await ask_often(client, 2) == [200, 429]


async def test_only_true_exempts(serve: Serve) -> None:
    client = await serve(rate_limit("1/hour", exempt=lambda _: "no"))  # type: ignore[arg-type,return-value]  # wrong on purpose
    assert await ask_often(client, 2) == [200, 429]


# ---- blocked


@each_store
async def test_who_has_exceeded_a_limit_is_blocked_for_longer_than_it_lasts(
    store: str, window: Any, find_url: Callable[[str], str | None], serve: Serve
) -> None:
    limiter = rate_limit("1/second", block_time=600, window=window, storage=find_url(store), timeout=PATIENT)
    client = await serve(limiter)
    while (await ask(client)).status == 200:
        pass
    for response in [await ask(client) for _ in range(3)]:
        left = read_field(response, "RateLimit")["1/second"]
        assert response.status == 429
        assert left["r"] == 0
        assert 590 < left["t"] <= int(response.headers["Retry-After"]) <= 601
    assert (await ask(client, "/", headers=from_address("192.0.2.1"))).status == 429


@pytest.mark.parametrize("store", ["memory", "redis", "memcached"])
async def test_a_block_ends_though_one_asks_on(
    store: str, find_url: Callable[[str], str | None], serve: Serve
) -> None:
    client = await serve(rate_limit("1/second", block_time=1, storage=find_url(store), timeout=PATIENT))
    while (await ask(client)).status == 200:
        pass
    while (await ask(client)).status != 200:
        pass


async def test_others_and_other_routes_are_not_blocked(aiohttp_client: AiohttpClient) -> None:
    links = [behind_proxy, rate_limit("1/hour", block_time=600)]
    client = await aiohttp_client(make_app(*links, **{"GET /a": answer, "GET /b": answer}))
    mine, yours = from_address("192.0.2.1"), from_address("192.0.2.2")
    assert await ask_often(client, 3, "/a", headers=mine) == [200, 429, 429]
    assert (await ask(client, "/a", headers=yours)).status == 200
    assert (await ask(client, "/b", headers=mine)).status == 200


# ---- the storage is down


SECRET = "the-password"


@pytest.mark.parametrize(("fail_open", "status"), [(False, 503), (True, 200)], ids=["closed", "open"])
@pytest.mark.parametrize("store", ["tcp", "memcached"])
async def test_a_storage_that_is_killed_and_comes_back(
    store: str,
    fail_open: bool,
    status: int,
    request: pytest.FixtureRequest,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server: Any = request.getfixturevalue("memcached_server" if store == "memcached" else "redis_server")
    url = server.url if store == "memcached" else server.tcp_url
    client = await serve(rate_limit("3/hour", storage=url, fail_open=fail_open, timeout=PATIENT))
    assert await ask_often(client, 4) == [200, 200, 200, 429]
    server.kill()
    with caplog.at_level(logging.WARNING):
        assert await ask_often(client, 5) == [status] * 5
        assert "RateLimit" not in (await ask(client)).headers
        assert [record.levelname for record in caplog.records if "does not answer" in record.message] == ["ERROR"]
        server.start()
        assert await ask_often(client, 4) == [200, 200, 200, 429]
    assert "rate_limit(3/hour): the store answers again" in caplog.text
    assert str(server.port) not in caplog.text


@pytest.mark.parametrize("fail_open", [False, True], ids=["closed", "open"])
async def test_redis_is_killed_under_load_and_never_does_a_request_hang_or_fail_otherwise(
    fail_open: bool, redis_server: RedisServer, serve: Serve
) -> None:
    client = await serve(rate_limit("50/hour", storage=redis_server.tcp_url, fail_open=fail_open, timeout=PATIENT))
    asking = asyncio.ensure_future(ask_at_once(client, 200))
    while not (await ask(client)).headers.get("RateLimit"):
        pass
    redis_server.kill()
    statuses = {*await asking, *await ask_often(client, 3)}
    assert statuses <= ({200, 429} if fail_open else {200, 429, 503})
    assert (200 if fail_open else 503) in statuses
    redis_server.start()
    assert (await ask(client)).status == 200


async def test_a_storage_that_does_not_answer_in_time_is_down(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    connected = asyncio.Event()
    release = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await release.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"redis://user:{SECRET}@127.0.0.1:{port}/0"
    client = await serve(rate_limit("3/hour", storage=url, timeout=0.01))
    assert (await ask(client)).status == 503
    await connected.wait()
    release.set()
    server.close()
    assert "the store does not answer (RedisStorage: TimeoutError); requests are refused" in caplog.text
    assert SECRET not in caplog.text


async def test_a_password_that_is_wrong_is_not_logged(
    redis_server: RedisServer, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    url = redis_server.tcp_url.replace("127.0.0.1", f"nobody:{SECRET}@127.0.0.1")
    limiter = rate_limit("3/hour", storage=url, timeout=PATIENT)
    client = await serve(limiter)
    with caplog.at_level(logging.DEBUG):
        response = await ask(client)
    assert response.status == 503
    assert SECRET not in caplog.text + await response.text() + name_link(limiter) + repr(limiter)


# ---- event loops


@pytest.mark.parametrize("store", ["memory", "redis", "memcached"])
def test_one_object_counts_in_several_event_loops_and_leaves_no_connection_open(
    store: str, find_url: Callable[[str], str | None]
) -> None:
    limiter = rate_limit("3/hour", storage=find_url(store), timeout=PATIENT)

    async def ask_twice() -> list[int]:
        async with TestClient(TestServer(make_app(limiter))) as client:
            return await ask_often(client, 2)

    assert [asyncio.run(ask_twice()) for _ in range(2)] == [[200, 200], [200, 429]]
    gc.collect()  # what was left open would complain now


async def test_a_storage_of_the_library_may_be_passed(serve: Serve) -> None:
    client = await serve(rate_limit("1/hour", storage=MemoryStorage()))
    assert await ask_often(client, 2) == [200, 429]


# ---- how it is made


@pytest.mark.parametrize(
    ("limiter", "name"),
    [
        (rate_limit("100/minute"), "rate_limit(100/minute)"),
        (rate_limit("10 per second, 1000 per 2 hours"), "rate_limit(10/second; 1000/2hour)"),
        (rate_limit("5/minute", name="login"), "rate_limit(login: 5/minute)"),
        (rate_limit(by_scope), "rate_limit(by by_scope)"),
        (rate_limit("5/minute", storage=f"redis://user:{SECRET}@localhost/0"), "rate_limit(5/minute)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_named_by_its_limits(limiter: Any, name: str) -> None:
    assert name_link(limiter) == name


@pytest.mark.parametrize(
    ("limits", "options", "problem"),
    [
        ("", {}, "limits=''"),
        ("100", {}, "limits='100'"),
        ("100/fortnight", {}, "limits='100/fortnight'"),
        ("-1/minute", {}, "limits='-1/minute'"),
        ("1.5/minute", {}, "limits='1.5/minute'"),
        ("0/minute", {}, "limits='0/minute'; allow at least one"),
        (5, {}, "limits=5"),
        (None, {}, "limits=None"),
        ([], {}, "there are no limits"),
        (["1/minute", "1 per minute"], {}, "two of the limits 1/minute, 1/minute are alike"),
        ("1/minute", {"window": "slide"}, "window='slide'; write 'sliding'"),
        ("1/minute", {"key": "ip"}, "key is str"),
        ("1/minute", {"exempt": True}, "exempt is bool"),
        ("1/minute", {"cost": 0}, "cost=0"),
        ("1/minute", {"cost": 1.5}, "cost=1.5"),
        ("9/minute;3/second", {"cost": 4}, "cost=4 never passes 3/second"),
        ("1/minute", {"name": ""}, "name=''"),
        ("1/minute", {"name": "ключ"}, "name='ключ'"),
        ("1/minute", {"name": "a\r\n"}, "name='a\\r\\n'"),
        ("1/minute", {"name": "x" * 101}, "name='xxx"),
        ("1/minute", {"prefix": "a b"}, "prefix='a b'"),
        ("1/minute", {"prefix": None}, "prefix=None"),
        ("1/minute", {"prefix": "x" * 65}, "prefix='xxx"),
        ("1/minute", {"block_time": 0}, "block_time=0"),
        ("1/minute", {"block_time": 1.5}, "block_time=1.5"),
        ("1/minute", {"fields": "no"}, "fields='no'"),
        ("1/minute", {"fail_open": 1}, "fail_open=1"),
        ("1/minute", {"timeout": 0}, "timeout=0"),
        ("1/minute", {"storage": 5}, "storage is int"),
        ("1/minute", {"storage": "memcached://localhost:1", "window": "moving"}, "MemcachedStorage knows no moving"),
        ("1/2months", {"storage": "memcached://localhost:1"}, "1/2month is longer than the storage can count"),
        ("1/month", {"storage": "memcached://localhost:1", "window": "sliding"}, "1/month is longer"),
        ("1/minute", {"storage": "memcached://localhost:1", "block_time": 2592001}, "block_time=2592001"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_when_it_is_made(limits: Any, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rate_limit(limits, **options)
    assert str(caught.value).startswith(f"rate_limit(): {problem}")
