"""concurrency(): so many requests at a time, and the others wait, or are refused."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.errors import ConfigurationError
from aiohttp_route_middleware.middlewares.concurrency import concurrency
from aiohttp_route_middleware.naming import name_link
from aiohttp_route_middleware.typedefs import Handler

from .. import scopes
from ..patient_server import serve_patiently
from ..scopes import each_scope, path_in

SHORT, LONG = 0.01, 3600


class Gate:
    """A handler that waits until it is let through, and counts who is inside."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside = 0
        self.most = 0
        self.names: list[str] = []
        self._changed = asyncio.Condition()

    async def handler(self, request: web.Request) -> web.Response:
        await self._count(1)
        self.names.append(request.query.get("name", ""))
        try:
            await self.open.wait()
        finally:
            self.inside -= 1
        return web.Response()

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.inside += change
            self.most = max(self.most, self.inside)
            self._changed.notify_all()

    async def until(self, inside: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.inside >= inside)


class Arrivals:
    """A link before the pool that tells who has come so far."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Condition()

    async def __call__(self, request: web.Request) -> None:
        async with self._changed:
            self.count += 1
            self._changed.notify_all()

    async def until(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.count >= count)
        await asyncio.sleep(0)  # from there it goes on without waiting


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals()


def make_app(*links: Any) -> web.Application:
    app = web.Application()
    app.router.add_get("/", chain(*links))
    return app


async def ask(client: TestClient[Any, Any], path: str = "/") -> int:
    async with client.get(path) as response:
        return response.status


@each_scope
async def test_only_so_many_run_at_a_time_in_every_scope(
    scope: str, gate: Gate, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(scopes.make_app(scope, [concurrency(2)], {"GET /": gate.handler}))
    path = path_in(scope, "/")
    running = [asyncio.create_task(ask(client, path)) for _ in range(2)]
    await gate.until(2)
    assert [await ask(client, path), await ask(client, path)] == [503, 503]
    gate.open.set()
    assert [await one for one in running] == [200, 200]
    assert await ask(client, path) == 200


async def test_a_refusal_says_when_to_ask_again(gate: Gate, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(concurrency(1, retry_after=7), gate.handler))
    running = asyncio.create_task(ask(client))
    await gate.until(1)
    async with client.get("/") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "7")
    gate.open.set()
    assert await running == 200


async def test_those_who_wait_run_in_the_order_in_which_they_came(
    gate: Gate, arrivals: Arrivals, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(arrivals, concurrency(1, queue=3), gate.handler))
    asking = []
    for number, name in enumerate("abcd", 1):
        asking.append(asyncio.create_task(ask(client, f"/?name={name}")))
        await arrivals.until(number)
    assert await ask(client) == 503  # one more than may wait
    gate.open.set()
    assert await asyncio.gather(*asking) == [200] * 4
    assert (gate.names, gate.most) == (["a", "b", "c", "d"], 1)


async def test_who_has_waited_long_enough_is_refused(gate: Gate, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(concurrency(1, queue=5, wait=SHORT), gate.handler))
    running = asyncio.create_task(ask(client))
    await gate.until(1)
    assert list(await asyncio.gather(ask(client), ask(client))) == [503, 503]
    gate.open.set()
    assert await running == 200


async def test_one_link_is_one_pool_wherever_it_stands(gate: Gate, aiohttp_client: AiohttpClient) -> None:
    app, shared = web.Application(), concurrency(1)
    app.router.add_get("/a", chain(shared, gate.handler))
    app.router.add_get("/b", chain(shared, gate.handler))
    app.router.add_get("/c", chain(concurrency(1), gate.handler))
    client = await aiohttp_client(app)
    running = [asyncio.create_task(ask(client, "/a"))]
    await gate.until(1)
    assert await ask(client, "/b") == 503
    running.append(asyncio.create_task(ask(client, "/c")))
    await gate.until(2)
    gate.open.set()
    assert await asyncio.gather(*running) == [200, 200]


async def test_a_request_that_meets_the_link_twice_takes_one_slot(aiohttp_client: AiohttpClient, gate: Gate) -> None:
    link = concurrency(1, queue=1)
    gate.open.set()
    app = web.Application(middlewares=[link])
    app.router.add_get("/", chain(link, gate.handler))
    client = await aiohttp_client(app)
    assert [await ask(client), await ask(client)] == [200, 200]


async def test_a_request_that_is_tried_again_takes_a_slot_again(aiohttp_client: AiohttpClient) -> None:
    link = concurrency(1)
    inside: list[int] = []

    @web.middleware
    async def try_twice(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return await handler(request)

    async def handler(request: web.Request) -> web.Response:
        inside.append(len([*request]))
        return web.Response()

    assert await ask(await aiohttp_client(make_app(try_twice, link, handler))) == 200
    assert len(set(inside)) == 1


@pytest.mark.parametrize("error", [ValueError, web.HTTPConflict, asyncio.CancelledError])
async def test_a_slot_is_free_again_after_an_error(error: type[BaseException], aiohttp_client: AiohttpClient) -> None:
    async def fail(request: web.Request) -> web.Response:
        if request.query:
            raise error
        return web.Response()

    client = await aiohttp_client(make_app(concurrency(1), fail))
    with suppress(ClientError):
        await ask(client, "/?fail=1")
    assert await ask(client) == 200


async def test_a_slot_is_free_again_when_its_client_has_gone(gate: Gate, aiohttp_client: AiohttpClient) -> None:
    """With handler_cancellation, which the test server has."""
    client = await aiohttp_client(make_app(concurrency(1, queue=1), gate.handler))
    running = asyncio.create_task(ask(client))
    await gate.until(1)
    waiting = asyncio.create_task(ask(client))
    running.cancel()
    gate.open.set()
    assert await waiting == 200


async def test_who_goes_while_waiting_is_not_run_with_cancellation(
    gate: Gate, arrivals: Arrivals, aiohttp_client: AiohttpClient
) -> None:
    client = await aiohttp_client(make_app(arrivals, concurrency(1, queue=1), gate.handler))
    running = asyncio.create_task(ask(client, "/?name=first"))
    await gate.until(1)
    waiting = asyncio.create_task(ask(client, "/?name=gone"))
    await arrivals.until(2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    third = asyncio.create_task(ask(client, "/?name=third"))
    await arrivals.until(3)
    gate.open.set()
    assert [await running, await third] == [200, 200]
    assert gate.names == ["first", "third"]


async def test_who_goes_while_waiting_is_not_run_without_cancellation(gate: Gate, arrivals: Arrivals) -> None:
    async with serve_patiently(make_app(arrivals, concurrency(1, queue=2), gate.handler)) as server:
        first, _ = await server.connect("GET /?name=first HTTP/1.1")
        await gate.until(1)
        _, leaving = await server.connect("GET /?name=gone HTTP/1.1")
        await arrivals.until(2)
        third, _ = await server.connect("GET /?name=third HTTP/1.1")
        await arrivals.until(3)
        await server.lose(leaving)
        fourth, _ = await server.connect("GET /?name=fourth HTTP/1.1")  # in the place of the second
        await arrivals.until(4)
        gate.open.set()
        for reader in (first, third, fourth):
            assert (await reader.readline()).split()[1] == b"200"
    assert gate.names == ["first", "third", "fourth"]


async def test_a_stream_holds_its_slot_to_its_end_and_a_returned_body_does_not(
    aiohttp_client: AiohttpClient,
) -> None:
    go_on = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await go_on.wait()
        return response

    async def returned(request: web.Request) -> web.Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first"
            await go_on.wait()

        return web.Response(body=pieces())

    app = web.Application()
    app.router.add_get("/stream", chain(concurrency(1), stream))
    app.router.add_get("/returned", chain(concurrency(1), returned))
    client = await aiohttp_client(app)
    async with client.get("/stream"), client.get("/returned") as begun:
        assert await begun.content.readany() == b"first"
        assert await ask(client, "/stream") == 503
        async with client.get("/returned") as response:
            assert response.status == 200
            go_on.set()


async def test_each_key_has_a_pool_of_its_own_which_is_forgotten(gate: Gate, aiohttp_client: AiohttpClient) -> None:
    async def by_name(request: web.Request) -> str:
        return request.query["name"]

    client = await aiohttp_client(make_app(concurrency(1, key=by_name), gate.handler))
    running = [asyncio.create_task(ask(client, f"/?name={name}")) for name in "ab"]
    await gate.until(2)
    assert [await ask(client, f"/?name={name}") for name in "ab"] == [503, 503]
    gate.open.set()
    assert await asyncio.gather(*running) == [200, 200]
    assert await ask(client, "/?name=a") == 200


@pytest.mark.parametrize("name", [None, 5, ["a"]], ids=repr)
async def test_a_key_that_is_no_text_is_an_error(
    name: Any, gate: Gate, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = await aiohttp_client(make_app(concurrency(1, key=lambda request: name), gate.handler))
    assert await ask(client) == 500
    assert "concurrency(): key() returned" in caplog.text


@pytest.mark.parametrize("key", [None, lambda request: request.query["name"]], ids=["one pool", "keys"])
async def test_no_slot_is_lost_when_clients_come_and_go_as_they_like(key: Any, aiohttp_client: AiohttpClient) -> None:
    inside: dict[str, int] = {}
    most = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal most
        name = request.query["name"] if key else ""
        inside[name] = inside.get(name, 0) + 1
        most = max(most, inside[name])
        try:
            await asyncio.sleep(0.001)
        finally:
            inside[name] -= 1
        return web.Response()

    client = await aiohttp_client(make_app(concurrency(2, queue=4, wait=LONG, key=key), handler))
    asking: list[asyncio.Task[int]] = []
    chance = random.Random(1)
    for number in range(150):
        asking.append(asyncio.create_task(ask(client, f"/?name={number % 3}")))
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        if chance.random() < 0.4:
            chance.choice(asking[-8:]).cancel()
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert {one for one in ended if isinstance(one, int)} <= {200, 503}
    assert most <= 2
    again = [asyncio.create_task(ask(client, "/?name=0")) for _ in range(2)]
    assert await asyncio.gather(*again) == [200, 200]


def by_path(request: web.Request) -> str:
    return request.path


def test_its_name_tells_the_limit() -> None:
    assert name_link(concurrency(4, queue=2)) == "concurrency(4)"
    assert name_link(concurrency(4, key=by_path)) == "concurrency(4, key=by_path)"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"limit": 0}, "limit=0; pass a number of requests, 1 or more", id="none"),
        pytest.param({"limit": True}, "limit=True", id="a flag"),
        pytest.param({"queue": -1}, "queue=-1; pass a number of requests, 0 or more", id="a negative queue"),
        pytest.param({"wait": 5}, "wait=5 without a queue; say how many may wait", id="a wait without a queue"),
        pytest.param({"queue": 1, "wait": 0}, "wait=0; pass a number of seconds", id="no wait"),
        pytest.param({"queue": 1, "wait": float("inf")}, "wait=inf; pass a number of seconds", id="an endless wait"),
        pytest.param({"retry_after": -1}, "retry_after=-1; pass a number of seconds, 0 or more", id="retry_after"),
        pytest.param({"key": "ip"}, "pass a function", id="a key that is a text"),
    ],
)
def test_a_wrong_option_is_refused_at_once(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"concurrency\(\): .*{problem}"):
        concurrency(**{"limit": 1, **options})
