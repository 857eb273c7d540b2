"""A request that is sent again is carried out once, on real servers, in memory and in Redis."""

import asyncio
import contextlib
import gc
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, FormData, TCPConnector, web
from aiohttp.test_utils import TestClient, TestServer
from pytest_aiohttp.plugin import AiohttpClient
from redis.asyncio import BlockingConnectionPool, Redis
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware

from aiohttp_route_middleware import UrlDispatcherEx, name_link
from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.errors import ConfigurationError, StoreError
from aiohttp_route_middleware.middlewares import IDENTITY, Identity, setup
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.idempotency import idempotency
from aiohttp_route_middleware.middlewares.method_override import method_override
from aiohttp_route_middleware.middlewares.problem_details import problem_details
from aiohttp_route_middleware.middlewares.timeout import timeout
from aiohttp_route_middleware.stores import MemoryStore, Store
from aiohttp_route_middleware.stores.redis import RedisStore
from aiohttp_route_middleware.support.body_filters import add_filter
from aiohttp_route_middleware.support.idempotency.records import name_record
from aiohttp_route_middleware.support.responses import on_response

from .. import scopes
from ..clock import Clock
from ..patient_server import PatientServer
from ..redis_server import RedisServer, redis_process, redis_server
from ..scopes import each_scope, path_in
from .matrix import CASES, Case
from .matrix import ask as ask_case
from .matrix import make_app as make_matrix

__all__ = ("redis_process", "redis_server")

FILE = Path(__file__)
CONTENT = FILE.read_bytes()
UUID = "8e03978e-40d5-43e8-bc93-6894a57f9324"
KEY = {"Idempotency-Key": f'"{UUID}"'}
REPLAYED = "Idempotency-Replayed"
PATIENT = 60.0
Client = TestClient[Any, Any]
Serve = Callable[..., Awaitable[Client]]


class Orders:
    """A handler that counts how often it was called, and waits for a sign if it is told to."""

    def __init__(self, *, waits: bool = False) -> None:
        self.calls = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        if not waits:
            self.go_on.set()

    async def take(self, request: web.Request) -> web.Response:
        self.calls += 1
        self.begun.set()
        await self.go_on.wait()
        return web.json_response({"order": self.calls}, status=201, headers={"Location": f"/orders/{self.calls}"})


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    async def serve(handler: Any, *links: Any, scope: str = "route", **options: Any) -> Client:
        options.setdefault("store", MemoryStore())
        app = scopes.make_app(scope, [*links, idempotency(**options)], {"POST /orders": handler})
        setup(app)
        return await aiohttp_client(app)

    return serve


async def _read_whole(response: ClientResponse) -> ClientResponse:
    """Read to the end: until all is sent, the request is outstanding."""
    await response.read()
    return response


@asynccontextmanager
async def run(handler: Any, *, store: Store, cancels: bool, around: Any = (), **options: Any) -> AsyncIterator[Any]:
    """A server, with and without `handler_cancellation`, and a client."""
    app = web.Application(middlewares=around)
    setup(app)
    UrlDispatcherEx.install(app).add_post("/orders", idempotency(store=store, **options), handler)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=cancels, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server = PatientServer(runner.server, runner.addresses[0][1])
        async with ClientSession(f"http://127.0.0.1:{server.port}") as client:
            yield server, client
    finally:
        await runner.cleanup()


POST = ("POST /orders HTTP/1.1", f'Idempotency-Key: "{UUID}"')


async def ask_until_done(server: PatientServer, client: ClientSession) -> tuple[int, bytes, str | None]:
    """Ask again and again while the first request is outstanding."""
    headers = {**KEY, "Host": "a"}
    while True:
        async with client.post("/orders", headers=headers, skip_auto_headers=["Content-Type"]) as response:
            if response.status != 409 or "Retry-After" not in response.headers:
                return response.status, await response.read(), response.headers.get(REPLAYED)


# ---- the same request again


@each_scope
async def test_a_request_that_comes_again_is_answered_as_before_and_not_carried_out(scope: str, serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take, scope=scope)
    first, again = [await client.post(path_in(scope, "/orders"), headers=KEY, data=b"1") for _ in range(2)]
    assert orders.calls == 1
    assert (first.status, again.status) == (201, 201)
    assert await first.read() == await again.read() == b'{"order": 1}'
    assert (REPLAYED in first.headers, again.headers.getall(REPLAYED)) == (False, ["true"])
    ours = [field for field in again.headers.items() if field[0] != REPLAYED]
    assert sorted(ours) == sorted(first.headers.items())


async def answer_twice(request: web.Request) -> web.Response:
    headers = [("X-A", "1"), ("X-A", "2"), ("Content-Type", "text/x"), (REPLAYED, "no"), ("Connection", "X-B")]
    return web.Response(body=b"\x00\xff", headers=[*headers, ("X-B", "hop"), ("Date", "then")], reason="Well")


async def answer_nothing(request: web.Request) -> web.Response:
    return web.Response(status=204)


async def answer_compressed(request: web.Request) -> web.Response:
    response = web.Response(text="text " * 1000)
    response.enable_compression(web.ContentCoding.gzip)
    return response


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"a")
    await response.write(b"b")
    return response


async def stream_to_the_end(request: web.Request) -> web.StreamResponse:
    response = await stream(request)
    await response.write_eof(b"c")
    return response


async def send_file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(FILE)


async def send_payload(request: web.Request) -> web.Response:
    return web.Response(body=io.BytesIO(b"payload"))


async def redirect(request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/elsewhere")


async def refuse(request: web.Request) -> web.Response:
    raise web.HTTPConflict(text="sold out", headers={"X-Why": "sold"})


@pytest.mark.parametrize(
    "handler",
    [
        answer_twice,
        answer_nothing,
        answer_compressed,
        stream,
        stream_to_the_end,
        send_file,
        send_payload,
        redirect,
        refuse,
    ],
)
@pytest.mark.parametrize("around", [(), (problem_details(),)], ids=["alone", "in problem_details()"])
async def test_each_kind_of_response_is_sent_again_byte_for_byte(handler: Any, around: Any, serve: Serve) -> None:
    calls = 0

    async def counted(request: web.Request) -> Any:
        nonlocal calls
        calls += 1
        return await handler(request)

    client = await serve(counted, *around)
    options: dict[str, Any] = {"headers": {**KEY, "Accept-Encoding": "gzip"}, "allow_redirects": False}
    first, again = [await _read_whole(await client.post("/orders", **options)) for _ in range(2)]
    assert calls == 1
    assert (first.status, first.reason) == (again.status, again.reason)
    assert await first.read() == await again.read()
    hop = {"Date", "Transfer-Encoding", "Content-Length", "Connection", "X-B", REPLAYED}
    assert [field for field in first.headers.items() if field[0] not in hop] == [
        field for field in again.headers.items() if field[0] not in hop
    ]
    assert again.headers.getall(REPLAYED) == ["true"]
    assert again.headers["Date"] != "then"
    assert "X-B" not in again.headers


async def test_cookies_are_not_sent_again_nor_kept(serve: Serve) -> None:
    async def log_in(request: web.Request) -> web.Response:
        response = web.Response(headers={"Set-Cookie": "a=secret"})
        response.set_cookie("b", "secret")
        return response

    store = MemoryStore()
    client = await serve(log_in, store=store)
    first, again = [await client.post("/orders", headers=KEY) for _ in range(2)]
    assert len(first.headers.getall("Set-Cookie")) == 2
    assert "Set-Cookie" not in again.headers
    assert b"secret" not in b"".join(value for value, _ in store._entries.values())


async def test_what_inner_links_set_is_kept_and_what_outer_ones_set_is_set_anew(serve: Serve) -> None:
    counts = {"outer": 0, "inner": 0}

    def numbered(name: str) -> Any:
        async def guard(request: web.Request) -> None:
            def apply(_: web.Request, response: web.StreamResponse) -> None:
                counts[name] += 1
                response.headers.add(f"X-{name}", str(counts[name]))

            on_response(request, name, apply)

        return guard

    orders = Orders()
    app = web.Application()
    setup(app)
    links = (numbered("outer"), idempotency(store=MemoryStore()), numbered("inner"))
    UrlDispatcherEx.install(app).add_post("/orders", *links, orders.take)
    async with TestClient(TestServer(app)) as client:
        responses = [await client.post("/orders", headers=KEY) for _ in range(2)]
        assert [response.headers.getall("X-inner") for response in responses] == [["1"], ["1"]]
        assert [response.headers.getall("X-outer") for response in responses] == [["1"], ["2"]]


async def test_compress_around_it_compresses_for_each_client(serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="text " * 1000)

    client = await serve(answer, compress())
    first = await client.post("/orders", headers={**KEY, "Accept-Encoding": "gzip"})
    again = await client.post("/orders", headers={**KEY, "Accept-Encoding": "identity"})
    assert (first.headers.get("Content-Encoding"), again.headers.get("Content-Encoding")) == ("gzip", None)
    assert await first.text() == await again.text()


async def test_what_an_outer_link_sends_instead_is_made_anew(serve: Serve) -> None:
    @web.middleware
    async def wrap(request: web.Request, handler: Any) -> web.Response:
        response = await handler(request)
        return web.Response(text=f"<{response.text}>", headers={"X-Order": response.headers["Location"]})

    orders = Orders()
    client = await serve(orders.take, wrap)
    first, again = [await client.post("/orders", headers=KEY) for _ in range(2)]
    assert orders.calls == 1
    assert await first.text() == await again.text() == '<{"order": 1}>'
    assert first.headers["X-Order"] == again.headers["X-Order"] == "/orders/1"


@pytest.mark.parametrize("handler", [send_file, send_payload, answer_compressed])
async def test_what_was_carried_out_but_never_sent_is_not_carried_out_again(handler: Any, serve: Serve) -> None:
    calls = 0

    async def counted(request: web.Request) -> Any:
        nonlocal calls
        calls += 1
        return await handler(request)

    @web.middleware
    async def fail(request: web.Request, handler: Any) -> web.Response:
        await handler(request)
        raise web.HTTPBadGateway

    client = await serve(counted, fail, max_body=100)
    statuses = [(await client.post("/orders", headers=KEY)).status for _ in range(2)]
    assert calls == 1
    assert statuses == [502, 409]


# ---- another request


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"data": b"2"}, id="body"),
        pytest.param({"params": {"a": "2"}}, id="query"),
        pytest.param({"headers": {**KEY, "Content-Type": "text/html"}}, id="type"),
        pytest.param({"headers": {**KEY, "Content-Type": "text/plain", "Host": "other"}}, id="host"),
        pytest.param({"headers": {**KEY, "Content-Type": "text/plain", "X-Shop": "2"}}, id="a field that matters"),
        pytest.param({"headers": {**KEY, "Content-Type": "text/plain", "Authorization": "b"}}, id="credentials"),
    ],
)
@pytest.mark.parametrize("is_running", [False, True], ids=["done", "running"])
async def test_another_request_with_the_same_key_is_422(other: dict[str, Any], is_running: bool, serve: Serve) -> None:
    orders = Orders(waits=is_running)
    client = await serve(orders.take, headers=["X-Shop"], docs="https://shop.example/retries")
    first: dict[str, Any] = {"data": b"1", "headers": {**KEY, "Content-Type": "text/plain"}}
    running = asyncio.ensure_future(client.post("/orders", **first))
    await orders.begun.wait()
    if not is_running:
        await running
    response = await client.post("/orders", **{**first, **other})
    assert response.status == 422
    assert response.headers["Link"] == '<https://shop.example/retries>; rel="describedby"; type="text/html"'
    problem = await response.json(content_type="application/problem+json")
    assert problem["title"] == "Idempotency-Key is already used"
    assert problem["type"] == "https://shop.example/retries"
    orders.go_on.set()
    assert (await running).status == 201
    assert orders.calls == 1


async def test_a_form_that_is_sent_again_with_another_boundary_is_the_same(serve: Serve) -> None:
    async def take(request: web.Request) -> web.Response:
        posted = await request.post()
        return web.Response(text=str(posted["a"]))

    def make_form(value: str) -> FormData:
        form = FormData()
        form.add_field("a", value)
        form.add_field("file", b"content", filename="f")
        return form

    client = await serve(take)
    bodies = [await client.post("/orders", headers=KEY, data=make_form(value)) for value in ("1", "1", "2")]
    assert [response.status for response in bodies] == [200, 200, 422]
    assert [await response.text() for response in bodies[:2]] == ["1", "1"]
    assert bodies[1].headers[REPLAYED] == "true"


async def test_the_body_may_be_read_and_limited_behind_it(serve: Serve) -> None:
    async def take(request: web.Request) -> web.Response:
        return web.Response(text=str(await request.json()))

    app = web.Application()
    setup(app)
    links = (idempotency(store=MemoryStore()), body_limit(2_000_000))  # which clones the request
    UrlDispatcherEx.install(app).add_post("/orders", *links, take)
    async with TestClient(TestServer(app)) as client:
        assert await (await client.post("/orders", headers=KEY, json=[1])).text() == "[1]"


async def test_a_body_over_the_limit_of_the_application_is_413(serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take)
    response = await client.post("/orders", headers=KEY, data=io.BytesIO(b"x" * 1_048_577))
    assert (response.status, orders.calls) == (413, 0)


# ---- no key


@pytest.mark.parametrize(
    ("headers", "title"),
    [
        pytest.param({}, "Idempotency-Key is missing", id="missing"),
        pytest.param({"Idempotency-Key": ""}, "Idempotency-Key is malformed", id="empty"),
        pytest.param({"Idempotency-Key": '"a'}, "Idempotency-Key is malformed", id="malformed"),
        pytest.param({"Idempotency-Key": "x" * 256}, "Idempotency-Key is malformed", id="too long"),
        pytest.param([("Idempotency-Key", "a")] * 2, "Idempotency-Key is malformed", id="two"),
    ],
)
async def test_without_a_key_a_request_is_400_and_told_where_to_read(headers: Any, title: str, serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take, docs="https://shop.example/retries")
    response = await client.post("/orders", headers=headers)
    assert (response.status, orders.calls) == (400, 0)
    problem = await response.json(content_type="application/problem+json")
    assert (problem["title"], problem["status"]) == (title, 400)
    assert problem["type"] == "https://shop.example/retries"


async def test_without_docs_nothing_is_linked(serve: Serve) -> None:
    client = await serve(Orders().take)
    response = await client.post("/orders")
    assert "Link" not in response.headers
    assert (await response.json(content_type=None))["type"] == "about:blank"


async def test_without_a_key_a_request_passes_if_none_is_required(serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take, required=False)
    statuses = [(await client.post("/orders")).status for _ in range(2)]
    assert (statuses, orders.calls) == ([201, 201], 2)
    assert (await client.post("/orders", headers={"Idempotency-Key": '"'})).status == 400


async def test_quoted_or_not_it_is_the_same_key_unless_only_quoted_ones_are_accepted(serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take)
    for key in (UUID, f'"{UUID}"'):
        assert (await client.post("/orders", headers={"Idempotency-Key": key})).status == 201
    assert orders.calls == 1
    strict = await serve(orders.take, bare=False)
    assert (await strict.post("/orders", headers={"Idempotency-Key": UUID})).status == 400


@pytest.mark.parametrize("case", [case for case in CASES if case.name != "405"], ids=lambda case: case.name)
async def test_other_methods_pass(case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_matrix("application", idempotency(store=MemoryStore())))
    async with ask_case(client, "application", case) as response:
        assert response.status == case.status
        assert REPLAYED not in response.headers


async def test_what_no_route_answers_needs_no_key(serve: Serve) -> None:
    client = await serve(Orders().take, scope="application", methods=["POST", "DELETE"])
    assert (await client.post("/nowhere")).status == 404
    assert (await client.delete("/orders")).status == 405


async def test_methods_header_and_marker_can_be_chosen(aiohttp_client: AiohttpClient) -> None:
    orders = Orders()
    app = web.Application()
    setup(app)
    link = idempotency(
        store=MemoryStore(), methods=["DELETE"], header="PayPal-Request-Id", replayed="Idempotent-Replayed"
    )
    router = UrlDispatcherEx.install(app, link)
    router.add_delete("/orders", orders.take)
    router.add_post("/orders", orders.take)
    client = await aiohttp_client(app)
    assert (await client.post("/orders")).status == 201
    assert (await (await client.delete("/orders")).json(content_type=None))["title"] == "PayPal-Request-Id is missing"
    responses = [await client.delete("/orders", headers={"PayPal-Request-Id": "a"}) for _ in range(2)]
    assert responses[1].headers["Idempotent-Replayed"] == "true"
    assert orders.calls == 2


# ---- whose key it is


def identify(request: web.Request) -> None:
    if name := request.headers.get("X-User"):
        request[IDENTITY] = Identity(name)


async def test_the_key_of_a_stranger_is_another_key(serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take, identify)
    for name in ("ann", "bob", "ann", ""):
        await client.post("/orders", headers={**KEY, "X-User": name})
    assert orders.calls == 3


async def test_with_an_identity_the_credentials_may_change(serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take, identify)
    for token in ("old", "new"):
        headers = {**KEY, "X-User": "ann", "Authorization": f"Bearer {token}"}
        assert (await client.post("/orders", headers=headers)).status == 201
    assert orders.calls == 1


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
async def test_the_application_may_say_whose_key_it_is(is_async: bool, serve: Serve) -> None:
    def name_tenant(request: web.Request) -> str:
        return request.headers.get("X-Tenant", "")

    async def name_tenant_later(request: web.Request) -> str:
        return name_tenant(request)

    orders = Orders()
    client = await serve(orders.take, caller=name_tenant_later if is_async else name_tenant)
    for tenant in ("a", "b", "a"):
        assert (await client.post("/orders", headers={**KEY, "X-Tenant": tenant})).status == 201
    assert orders.calls == 2
    assert (await client.post("/orders", headers=KEY)).status == 500


async def test_a_caller_that_is_no_text_is_an_error(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    client = await serve(Orders().take, caller=lambda request: 7)
    assert (await client.post("/orders", headers=KEY)).status == 500
    assert "idempotency(): caller() returned 7; return a text that is not empty" in caplog.text


async def test_each_route_and_method_has_keys_of_its_own(aiohttp_client: AiohttpClient) -> None:
    orders = Orders()
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, idempotency(store=MemoryStore()))
    router.add_post("/a/{id}", orders.take)
    router.add_patch("/a/{id}", orders.take)
    router.add_post("/b", orders.take)
    client = await aiohttp_client(app)
    for method, path in [("POST", "/a/1"), ("PATCH", "/a/1"), ("POST", "/b")] * 2:
        assert (await client.request(method, path, headers=KEY)).status == 201
    assert orders.calls == 3
    assert (await client.post("/a/2", headers=KEY)).status == 422


async def test_of_several_in_one_chain_the_outermost_works_alone(serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take, idempotency(store=MemoryStore(), required=False))
    statuses = [(await client.post("/orders", headers=KEY)).status for _ in range(2)]
    assert (statuses, orders.calls) == ([201, 201], 1)
    assert (await client.post("/orders")).status == 400


async def test_keys_and_callers_are_hashed_in_the_store(serve: Serve) -> None:
    store = MemoryStore()
    client = await serve(Orders().take, identify, store=store)
    await client.post("/orders", headers={**KEY, "X-User": "ann"}, data=b"card 4242")
    (entry,) = store._entries
    assert entry == name_record("identity:ann", "route POST /orders", UUID)
    assert b"4242" not in store._entries[entry][0]


# ---- links around it


@web.middleware
async def try_again(request: web.Request, handler: Any) -> Any:
    """Ask once more after an exception, or a 5xx."""
    try:
        response = await handler(request)
    except ConnectionAbortedError:
        return await handler(request)
    return await handler(request) if response.status >= 500 else response


@web.middleware
async def ask_twice(request: web.Request, handler: Any) -> Any:
    with contextlib.suppress(web.HTTPConflict):
        await handler(request)
    return await handler(request)


class FailsAtFirst(Orders):
    """Fails before anything is done, once."""

    def __init__(self, failure: Exception | int) -> None:
        super().__init__()
        self._failure: Exception | int | None = failure

    async def take(self, request: web.Request) -> web.Response:
        failure, self._failure = self._failure, None
        if isinstance(failure, Exception):
            raise failure
        return web.Response(status=failure) if failure else await super().take(request)


@each_scope
@pytest.mark.parametrize(
    "failure", [ConnectionAbortedError("deadlock"), 503], ids=["after an exception", "after a returned 503"]
)
async def test_what_a_link_around_it_tries_once_more_is_carried_out_once(
    failure: Any, scope: str, aiohttp_client: AiohttpClient
) -> None:
    """The second attempt has a lease of its own, and what it answers is kept."""
    orders = FailsAtFirst(failure)
    links = [try_again, idempotency(store=MemoryStore()), idempotency(store=MemoryStore())]
    app = scopes.make_app(scope, links, {"POST /orders": orders.take})
    setup(app)
    client = await aiohttp_client(app)
    answers = [await client.post(path_in(scope, "/orders"), headers=KEY, data=b"1") for _ in range(3)]
    assert orders.calls == 1
    assert [(answer.status, REPLAYED in answer.headers) for answer in answers] == [
        (201, False),
        (201, True),
        (201, True),
    ]


@pytest.mark.parametrize(("handler", "status"), [(None, 201), (refuse, 409)], ids=["returned", "raised"])
async def test_what_was_carried_out_is_sent_again_to_a_link_around_that_asks_again(
    handler: Any, status: int, serve: Serve
) -> None:
    orders, calls = Orders(), 0

    async def counted(request: web.Request) -> Any:
        nonlocal calls
        calls += 1
        return await (handler or orders.take)(request)

    client = await serve(counted, ask_twice)
    answers = [await client.post("/orders", headers=KEY) for _ in range(2)]
    assert [(answer.status, REPLAYED in answer.headers) for answer in answers] == [(status, True)] * 2
    assert calls == 1


def set_503(response: Any) -> None:
    response.set_status(503)


def set_body(response: Any) -> None:
    response.text = "sorry"


def say_come_again(response: Any) -> None:
    response.set_status(409)
    response.headers["Retry-After"] = "1"


def set_all(response: Any) -> None:
    set_503(response)
    set_body(response)
    response.content_type = "text/x"
    del response.headers["Location"]


@pytest.mark.parametrize("change", [set_503, set_body, say_come_again, set_all])
async def test_what_links_around_make_of_it_in_place_is_not_kept_but_what_the_handler_has_answered(
    change: Callable[[Any], None], serve: Serve
) -> None:
    is_down = True

    @web.middleware
    async def down(request: web.Request, handler: Any) -> web.StreamResponse:
        response = await handler(request)
        if is_down:
            change(response)
        return response  # type: ignore[no-any-return]  # of any handler

    orders = Orders()
    client = await serve(orders.take, down)
    await _read_whole(await client.post("/orders", headers=KEY))
    is_down = False
    again = await client.post("/orders", headers=KEY)
    assert orders.calls == 1
    assert (again.status, again.reason, await again.json(), again.headers[REPLAYED]) == (
        201,
        "Created",
        {"order": 1},
        "true",
    )
    assert again.headers["Location"] == "/orders/1"


@pytest.mark.parametrize("handler", [send_payload, send_file])
async def test_what_cannot_be_kept_is_not_free_again_when_a_link_around_makes_a_503_of_it(
    handler: Any, serve: Serve
) -> None:
    calls = 0

    async def counted(request: web.Request) -> Any:
        nonlocal calls
        calls += 1
        return await handler(request)

    @web.middleware
    async def down(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        response.set_status(503)
        return response

    client = await serve(counted, down)
    statuses = [(await _read_whole(await client.post("/orders", headers=KEY))).status for _ in range(2)]
    assert (statuses, calls) == ([503, 409], 1)


async def test_a_part_of_a_file_is_kept_though_aiohttp_chooses_its_status(serve: Serve) -> None:
    client = await serve(send_file)
    headers = {**KEY, "Range": "bytes=0-9"}
    first, again = [await _read_whole(await client.post("/orders", headers=headers)) for _ in range(2)]
    assert (first.status, again.status) == (206, 206)
    assert await first.read() == await again.read() == CONTENT[:10]
    assert again.headers["Content-Range"] == first.headers["Content-Range"]


async def test_headers_that_links_around_write_afterwards_are_written_once_on_what_is_sent_again(
    serve: Serve,
) -> None:
    numbers = iter(range(1, 9))

    @web.middleware
    async def number(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        response.headers.add("X-Number", str(next(numbers)))
        return response

    client = await serve(Orders().take, number)
    answers = [await client.post("/orders", headers=KEY) for _ in range(2)]
    assert [answer.headers.getall("X-Number") for answer in answers] == [["1"], ["2"]]


async def test_a_retry_after_that_a_link_around_writes_does_not_free_the_key(serve: Serve) -> None:
    calls = 0

    async def counted(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=409)

    @web.middleware
    async def write(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        response.headers["Retry-After"] = "1"
        return response

    client = await serve(counted, write)
    for _ in range(2):
        assert (await client.post("/orders", headers=KEY)).status == 409
    assert calls == 1


class PassOn:
    """An ASGI middleware that does nothing."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


class InATask(BaseHTTPMiddleware):
    """Runs what is behind it in a task of its own."""

    async def dispatch(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


@pytest.mark.parametrize("middleware", [PassOn, GZipMiddleware, InATask])
@pytest.mark.parametrize("fails", [False, True], ids=["returned", "raised"])
async def test_behind_an_asgi_middleware_what_was_answered_is_sent_again(
    middleware: Any, fails: bool, serve: Serve
) -> None:
    orders = Orders()

    async def take(request: web.Request) -> web.Response:
        on_response(request, "inner", lambda _, response: response.headers.update({"X-Inner": "1"}))
        response = await orders.take(request)
        if fails:
            raise web.HTTPConflict(text=response.text, headers={"Location": "/orders/1"})
        return response

    client = await serve(take, from_asgi(middleware))
    options: dict[str, Any] = {"headers": {**KEY, "Accept-Encoding": "gzip"}, "data": b"1"}
    first, again = [await _read_whole(await client.post("/orders", **options)) for _ in range(2)]
    assert orders.calls == 1
    assert (first.status, again.status) == ((409, 409) if fails else (201, 201))
    assert await first.read() == await again.read() == b'{"order": 1}'
    for name in ("Location", "Content-Type", "X-Inner"):
        assert first.headers.getall(name) == again.headers.getall(name)
    assert (REPLAYED in first.headers, again.headers.get(REPLAYED)) == (False, "true")


async def test_behind_an_asgi_middleware_a_file_is_sent_once(serve: Serve) -> None:
    client = await serve(send_file, from_asgi(PassOn))
    first, again = [await _read_whole(await client.post("/orders", headers=KEY)) for _ in range(2)]
    assert (first.status, await first.read(), again.status) == (200, CONTENT, 409)


# ---- requests that mean another method


def overriding(**options: Any) -> tuple[web.Application, Orders]:
    """An application in which a POST may mean a PATCH, behind the battery; there is no route for the POST."""
    orders = Orders()
    app = web.Application(middlewares=[idempotency(store=MemoryStore()), method_override(**options)])
    setup(app)
    app.router.add_patch("/orders", orders.take)
    app.router.add_delete("/orders", orders.take)
    return app, orders


PATCH, DELETE = ({"X-HTTP-Method-Override": method} for method in ("PATCH", "DELETE"))


async def test_before_method_override_the_method_that_is_meant_needs_a_key(aiohttp_client: AiohttpClient) -> None:
    app, orders = overriding()
    client = await aiohttp_client(app)
    assert (await client.post("/orders", headers=PATCH)).status == 400
    statuses = [(await client.post("/orders", headers={**KEY, **PATCH})).status for _ in range(2)]
    assert (statuses, orders.calls) == ([201, 201], 1)
    assert (await client.post("/orders", headers=DELETE)).status == 201
    assert (await client.post("/orders")).status == 405


async def test_what_means_another_method_is_another_request(aiohttp_client: AiohttpClient) -> None:
    orders = Orders()
    app = web.Application(middlewares=[idempotency(store=MemoryStore()), method_override()])
    setup(app)
    app.router.add_route("*", "/orders", orders.take)
    client = await aiohttp_client(app)
    assert (await client.post("/orders", headers=KEY)).status == 201
    assert (await client.post("/orders", headers={**KEY, **PATCH})).status == 422
    assert orders.calls == 1


async def test_where_only_a_form_tells_the_method_the_post_needs_a_key(aiohttp_client: AiohttpClient) -> None:
    app, orders = overriding(header=None, field="_method")
    client = await aiohttp_client(app)
    assert (await client.post("/orders", data={"_method": "PATCH"})).status == 400
    statuses = [(await client.post("/orders", headers=KEY, data={"_method": "PATCH"})).status for _ in range(2)]
    assert (statuses, orders.calls) == ([201, 201], 1)


# ---- what is not kept


async def test_a_request_that_failed_may_be_sent_again(serve: Serve) -> None:
    failures = [
        web.HTTPInternalServerError(),
        web.HTTPServiceUnavailable(),
        RuntimeError("on purpose"),
        web.HTTPTooManyRequests(),
        web.HTTPConflict(headers={"Retry-After": "1"}),
    ]
    calls = 0

    async def fail_first(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        if failures:
            raise failures.pop(0)
        return web.Response(text="done", status=502 if calls == 6 else 200)

    client = await serve(fail_first)
    statuses = [(await client.post("/orders", headers=KEY)).status for _ in range(8)]
    assert statuses == [500, 503, 500, 429, 409, 502, 200, 200]
    assert calls == 7


@pytest.mark.parametrize(("errors", "calls"), [(True, 1), (False, 2)], ids=["kept", "not kept"])
async def test_errors_of_the_client_are_kept_or_not(errors: bool, calls: int, serve: Serve) -> None:
    called = 0

    async def refuse(request: web.Request) -> web.Response:
        nonlocal called
        called += 1
        raise web.HTTPUnprocessableEntity(text="too little")

    client = await serve(refuse, errors=errors)
    responses = [await client.post("/orders", headers=KEY) for _ in range(2)]
    assert [response.status for response in responses] == [422, 422]
    assert [await response.text() for response in responses] == ["too little"] * 2
    assert called == calls


async def test_what_an_inner_link_says_at_the_end_counts(serve: Serve) -> None:
    calls = 0

    async def refuse(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        on_response(request, "late", lambda _, response: response.headers.update({"Retry-After": "1"}))
        return web.Response(status=409)

    client = await serve(refuse)
    statuses = [(await client.post("/orders", headers=KEY)).status for _ in range(2)]
    assert (statuses, calls) == ([409, 409], 2)


async def stream_too_much(request: web.Request) -> web.StreamResponse:
    response = await stream(request)
    await response.write(b"x" * 100)
    return response


async def send_too_much(request: web.Request) -> web.Response:
    return web.Response(body=b"x" * 101)


async def stream_compressed(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_compression(web.ContentCoding.gzip)
    await response.prepare(request)
    await response.write(b"a")
    return response


async def send_less_than_there_is(request: web.Request) -> web.Response:
    return web.Response(body=b"abc", headers={"Content-Length": "2"})


async def send_large_headers(request: web.Request) -> web.Response:
    return web.Response(headers=[("X-Large", "x" * 7000)] * 10)


@pytest.mark.parametrize(
    "handler",
    [stream_too_much, send_too_much, send_less_than_there_is, stream_compressed, send_large_headers],
)
async def test_what_cannot_be_kept_is_not_carried_out_again(handler: Any) -> None:
    calls = 0

    async def counted(request: web.Request) -> Any:
        nonlocal calls
        calls += 1
        return await handler(request)

    async with run(counted, store=MemoryStore(), cancels=False, max_body=100) as (server, _):
        reader, writer = await server.connect(*POST, "Connection: close")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        reader, writer = await server.connect(*POST, "Connection: close")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 409")
    assert b"was carried out" in answer
    assert b"Retry-After" not in answer
    assert calls == 1


@pytest.mark.parametrize("size", [1, 200], ids=["short", "over the limit"])
@pytest.mark.parametrize("error", [RuntimeError("on purpose"), web.HTTPBadRequest()], ids=["error", "refusal"])
async def test_a_stream_that_breaks_off_may_be_asked_for_again(size: int, error: Exception) -> None:
    calls = 0

    async def break_off(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        response = await stream(request)
        await response.write(b"x" * size)
        if calls == 1:
            raise error
        return response

    async with run(break_off, store=MemoryStore(), cancels=False, max_body=100) as (server, _):
        for _ in range(2):
            reader, writer = await server.connect(*POST, "Connection: close")
            await reader.read()
            writer.close()
    assert calls == 2


async def test_a_response_that_its_handler_begins_is_not_kept_before_the_handler_is_done(serve: Serve) -> None:
    calls = 0

    async def begin_and_fail(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        response = web.Response(body=b"done")
        await response.prepare(request)
        if calls == 1:
            raise RuntimeError("on purpose")
        return response

    client = await serve(begin_and_fail)
    statuses = [(await client.post("/orders", headers=KEY)).status for _ in range(3)]
    assert (statuses, calls) == ([500, 200, 200], 2)


async def test_a_body_that_a_link_behind_it_changes_on_the_way_is_kept_as_it_was_sent(serve: Serve) -> None:
    """Though it stays as long as it was."""

    class Shout:
        async def write(self, piece: bytes) -> bytes:
            return piece.upper()

        async def end(self) -> bytes:
            return b""

    async def answer(request: web.Request) -> web.Response:
        on_response(request, "shout", lambda request, response: add_filter(request, response, Shout()))
        return web.Response(text="done")

    client = await serve(answer)
    texts = [await (await client.post("/orders", headers=KEY)).text() for _ in range(2)]
    assert texts == ["DONE", "DONE"]


async def test_a_stream_of_an_error_may_be_asked_for_again(serve: Serve) -> None:
    calls = 0

    async def fail(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        response = web.StreamResponse(status=503)
        await response.prepare(request)
        return response

    client = await serve(fail)
    statuses = [(await client.post("/orders", headers=KEY)).status for _ in range(2)]
    assert (statuses, calls) == ([503, 503], 2)


@pytest.mark.parametrize("pieces", [[b"1234"], [b"12", b"34"], [b"123456"], [b"1234", b"56"], []])
async def test_a_body_of_known_length_is_kept_before_the_client_has_all_of_it(pieces: list[bytes]) -> None:
    kept = asyncio.Event()

    class Watched(MemoryStore):
        async def replace(self, key: str, value: bytes, *, ttl: float) -> bool:
            kept.set()
            return await super().replace(key, value, ttl=ttl)

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "4"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    async with run(stream, store=Watched(), cancels=False) as (server, _):
        reader, writer = await server.connect(*POST, "Connection: close")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 200")
    assert b"".join(pieces).startswith(body)
    assert kept.is_set()


async def test_what_the_store_holds_and_nobody_can_read_runs_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    orders, store = Orders(), MemoryStore()
    client = await serve(orders.take, identify, store=store)
    await store.set(name_record("identity:ann", "route POST /orders", UUID), b"garbage", ttl=100)
    response = await client.post("/orders", headers={**KEY, "X-User": "ann"})
    assert (response.status, orders.calls) == (409, 0)
    assert "cannot be read" in caplog.text


async def test_it_is_kept_for_a_day_or_as_long_as_is_said(serve: Serve) -> None:
    for options, seconds in (({}, 86_400), ({"keep": 60}, 60)):
        clock, orders = Clock(), Orders()
        client = await serve(orders.take, store=MemoryStore(clock=clock), clock=clock, **options)
        for passed, calls in ((0, 1), (seconds - 1, 1), (1, 2)):
            clock.now += passed
            assert (await client.post("/orders", headers=KEY)).status == 201
            assert orders.calls == calls


# ---- many at once


async def test_of_ten_at_once_one_runs(serve: Serve) -> None:
    orders = Orders(waits=True)
    client = await serve(orders.take, retry_after=3)
    asking = [asyncio.ensure_future(client.post("/orders", headers=KEY)) for _ in range(10)]
    others: list[Any] = []
    for one in asyncio.as_completed(asking):
        response = await one
        others.append(response)
        if len(others) == 9:
            orders.go_on.set()
    assert sorted(response.status for response in others) == [201] + [409] * 9
    assert {response.headers.get("Retry-After") for response in others[:9]} == {"3"}
    problem = await others[0].json(content_type="application/problem+json")
    assert problem["title"] == "A request is outstanding for this Idempotency-Key"
    assert orders.calls == 1


async def test_of_a_thousand_at_once_in_redis_one_runs(redis_server: RedisServer) -> None:
    orders = Orders(waits=True)
    pool = BlockingConnectionPool.from_url(redis_server.url, max_connections=50, timeout=PATIENT)
    store = RedisStore(Redis.from_pool(pool), timeout=PATIENT)  # which closes the pool with it
    statuses: list[int] = []
    async with run(orders.take, store=store, cancels=False) as (server, _):

        async def ask(client: ClientSession) -> None:
            async with client.post("/orders", headers=KEY) as response:
                statuses.append(response.status)
                if statuses.count(409) == 500:
                    orders.go_on.set()
                if response.status == 201:
                    assert await response.json() == {"order": 1}

        connector = TCPConnector(limit=200)
        async with ClientSession(f"http://127.0.0.1:{server.port}", connector=connector) as client:
            await asyncio.gather(*(ask(client) for _ in range(1000)))
    await store.close()
    assert orders.calls == 1
    assert len(statuses) == 1000
    assert set(statuses) == {201, 409}


async def test_a_key_that_is_free_again_in_the_same_moment_is_taken(serve: Serve) -> None:
    class Slippery(MemoryStore):
        """Says for some time that something is there, and then that it is not."""

        times = 2

        async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
            self.times -= 1
            return self.times < 0 and await super().add(key, value, ttl=ttl)

    orders, store = Orders(), Slippery()
    client = await serve(orders.take, store=store)
    assert (await client.post("/orders", headers=KEY)).status == 201
    store.times = 3
    other = {"Idempotency-Key": "other"}
    assert (await client.post("/orders", headers=other)).status == 409


# ---- the client goes


each_server = pytest.mark.parametrize("cancels", [False, True], ids=["patient", "handler_cancellation"])


@each_server
async def test_what_is_done_when_the_client_has_gone_is_kept_for_it(cancels: bool) -> None:
    orders = Orders(waits=True)
    async with run(orders.take, store=MemoryStore(), cancels=cancels) as (server, client):
        _, writer = await server.connect(*POST)
        await orders.begun.wait()
        await server.lose(writer)
        orders.go_on.set()
        assert await ask_until_done(server, client) == (201, b'{"order": 1}', "true")
    assert orders.calls == 1


@each_server
@pytest.mark.parametrize("when", ["before it begins", "while it is written"])
async def test_a_stream_is_kept_for_a_client_that_has_gone(when: str, cancels: bool) -> None:
    calls, begun, go_on = 0, asyncio.Event(), asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        response = web.StreamResponse()
        if when == "while it is written":
            await response.prepare(request)
            await response.write(b"a")
            begun.set()
            await go_on.wait()
        else:
            begun.set()
            await go_on.wait()
            await response.prepare(request)
            await response.write(b"a")
        await response.write(b"b")
        await response.write_eof()
        return response

    async with run(stream, store=MemoryStore(), cancels=cancels) as (server, client):
        _, writer = await server.connect(*POST)
        await begun.wait()
        await server.lose(writer)
        go_on.set()
        assert await ask_until_done(server, client) == (200, b"ab", "true")
    assert calls == 1


async def test_an_endless_stream_ends_when_nobody_is_there_and_it_cannot_be_kept() -> None:
    begun, ended, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        begun.set()
        await go_on.wait()
        try:
            while True:
                await response.write(b"x" * 10)
        finally:
            ended.set()

    async with run(stream, store=MemoryStore(), cancels=False, max_body=100) as (server, _):
        _, writer = await server.connect(*POST)
        await begun.wait()
        await server.lose(writer)
        go_on.set()
        await ended.wait()


@each_server
async def test_what_is_done_is_kept_if_the_client_goes_while_an_outer_link_has_it(cancels: bool) -> None:
    orders, begun, go_on = Orders(), asyncio.Event(), asyncio.Event()

    @web.middleware
    async def linger(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if not begun.is_set():
            begun.set()
            await go_on.wait()
        return response

    async with run(orders.take, store=MemoryStore(), cancels=cancels, around=[linger]) as (server, client):
        _, writer = await server.connect(*POST)
        await begun.wait()
        await server.lose(writer)
        go_on.set()
        assert await ask_until_done(server, client) == (201, b'{"order": 1}', "true")
    assert orders.calls == 1


@each_server
async def test_time_that_is_up_frees_the_key(cancels: bool) -> None:
    orders = Orders(waits=True)
    store = MemoryStore()
    async with run(orders.take, store=store, cancels=cancels, around=[timeout(0.01)]) as (_, client):
        async with client.post("/orders", headers=KEY) as response:
            assert response.status == 504
        assert len(store) == 0
        orders.go_on.set()
        async with client.post("/orders", headers=KEY) as response:
            assert response.status == 201
    assert orders.calls == 2


async def test_a_handler_that_is_slower_than_its_lock_keeps_it() -> None:
    class Watched(MemoryStore):
        renewed = 0
        enough = asyncio.Event()

        async def replace(self, key: str, value: bytes, *, ttl: float) -> bool:
            self.renewed += 1
            if self.renewed == 4:  # longer than the lock
                self.enough.set()
            return await super().replace(key, value, ttl=ttl)

    orders, store = Orders(waits=True), Watched()
    store.enough = asyncio.Event()
    async with run(orders.take, store=store, cancels=False, lock=0.1) as (_, client):
        first = asyncio.ensure_future(client.post("/orders", headers=KEY))
        await store.enough.wait()
        async with client.post("/orders", headers=KEY) as response:
            assert response.status == 409
        orders.go_on.set()
        assert (await first).status == 201
    assert orders.calls == 1


# ---- the store is down


class DownStore(MemoryStore):
    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        raise StoreError("down on purpose")


async def test_without_the_store_requests_are_refused(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    orders = Orders()
    client = await serve(orders.take, store=DownStore())
    response = await client.post("/orders", headers=KEY)
    assert (response.status, response.headers["Retry-After"], orders.calls) == (503, "1", 0)
    assert "idempotency(): the store does not answer (down on purpose); requests with a key are refused" in caplog.text
    assert UUID not in caplog.text


async def test_a_store_that_is_down_is_told_when_it_begins_and_when_it_ends(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Flickering(MemoryStore):
        is_down = True

        async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
            if self.is_down:
                raise StoreError("down on purpose")
            return await super().add(key, value, ttl=ttl)

    store = Flickering()
    client = await serve(Orders().take, store=store)
    with caplog.at_level(logging.WARNING):
        assert [(await client.post("/orders", headers=KEY)).status for _ in range(3)] == [503] * 3
        store.is_down = False
        assert [(await client.post("/orders", headers=KEY)).status for _ in range(2)] == [201] * 2
    told = [record.levelname for record in caplog.records if "the store" in record.message]
    assert told == ["ERROR", "WARNING"]


async def test_without_the_store_requests_pass_if_they_are_told_to(serve: Serve) -> None:
    orders = Orders()
    client = await serve(orders.take, store=DownStore(), fail_open=True)
    statuses = [(await client.post("/orders", headers=KEY)).status for _ in range(2)]
    assert (statuses, orders.calls) == ([201, 201], 2)


async def test_a_store_error_of_the_handler_is_its_own(serve: Serve) -> None:
    async def fail(request: web.Request) -> web.Response:
        raise StoreError("of the handler")

    client = await serve(fail, fail_open=True)
    assert (await client.post("/orders", headers=KEY)).status == 500


async def test_redis_that_is_killed_while_a_handler_runs_and_comes_back(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    kept = asyncio.Event()

    class Watched(RedisStore):
        async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
            was_kept = await super().add(key, value, ttl=ttl)
            if was_kept and ttl > 1:
                kept.set()
            return was_kept

    caplog.set_level(logging.ERROR)
    orders, store = Orders(waits=True), Watched.from_url(redis_server.url, timeout=PATIENT)
    async with run(orders.take, store=store, cancels=False, lock=0.3) as (_, client):
        first = asyncio.ensure_future(client.post("/orders", headers=KEY))
        await orders.begun.wait()
        redis_server.kill()
        async with client.post("/orders", headers=KEY) as response:
            assert response.status == 503
        orders.go_on.set()
        assert (await first).status == 201
        assert "what is done now may run again" in caplog.text
        redis_server.start()
        await kept.wait()
        async with client.post("/orders", headers=KEY) as response:
            assert (response.status, await response.json(), response.headers[REPLAYED]) == (201, {"order": 1}, "true")
    assert orders.calls == 1
    await store.close()
    gc.collect()


# ---- configuration


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"store": {}}, "store is dict", id="store"),
        pytest.param({"required": 1}, "write True or False", id="required"),
        pytest.param({"errors": "no"}, "write True or False", id="errors"),
        pytest.param({"bare": None}, "write True or False", id="bare"),
        pytest.param({"fail_open": 0}, "write True or False", id="fail_open"),
        pytest.param({"methods": "POST"}, "pass a list", id="methods, a text"),
        pytest.param({"methods": []}, "methods is empty", id="no methods"),
        pytest.param({"methods": ["GET"]}, "methods has 'GET'; write methods that change", id="a safe method"),
        pytest.param({"methods": ["post"]}, "methods has 'post'; write .* in capitals", id="a small method"),
        pytest.param({"methods": ["P T"]}, "methods='P T'", id="no method"),
        pytest.param({"headers": "Accept"}, "pass a list", id="headers, a text"),
        pytest.param({"headers": ["A B"]}, "headers='A B'", id="no header"),
        pytest.param({"caller": "ann"}, "pass a function", id="caller"),
        pytest.param({"keep": 0}, "keep=0; pass a number of seconds, 1 or more", id="keep"),
        pytest.param({"lock": 0.01}, r"lock=0.01; pass a number of seconds, 0.1 or more", id="lock"),
        pytest.param({"max_body": 0}, "max_body=0", id="max_body"),
        pytest.param({"header": "a b"}, "header='a b'", id="header"),
        pytest.param({"replayed": ""}, "replayed=''", id="replayed"),
        pytest.param({"docs": 'https://x/"'}, "write a URL", id="docs"),
        pytest.param({"docs": None}, "write a URL", id="docs, none"),
        pytest.param({"retry_after": -1}, "retry_after=-1", id="retry_after"),
        pytest.param({"clock": 1}, "clock is", id="clock"),
    ],
)
def test_a_wrong_option_is_refused_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^idempotency\(\): .*{message}"):
        idempotency(**{"store": MemoryStore(), **options})


async def test_without_setup_it_says_so_and_frees_the_key(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    app = scopes.make_app("route", [idempotency(store=store)], {"POST /orders": Orders().take})
    client = await aiohttp_client(app)
    assert (await client.post("/orders", headers=KEY)).status == 500
    assert "call setup(app)" in caplog.text
    assert len(store) == 0


def test_a_listing_calls_it_idempotency() -> None:
    assert name_link(idempotency(store=MemoryStore())) == "idempotency"


async def test_before_an_authenticator_nothing_is_kept_and_the_log_says_where_to_stand(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def pay(request: web.Request) -> web.Response:
        return web.Response(text=f"paid by {request[IDENTITY].subject}")

    async def write(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    links = [idempotency(store=MemoryStore()), basic_auth({"alice": "a"})]
    app = scopes.make_app("router", links, {"POST /pay": pay, "POST /write": write})
    setup(app)
    client = await aiohttp_client(app)
    for path in ("/pay", "/write"):
        for _ in range(2):
            async with client.post(path, headers={**KEY, "Authorization": "Basic YWxpY2U6YQ=="}) as response:
                assert response.status == 500
        async with client.post(path, headers=KEY) as response:
            assert response.status == 401
    assert caplog.text.count("idempotency(): a link behind it has found out who is asking") == 4
    assert "put it behind the authenticator" in caplog.text


async def test_who_is_known_by_a_cookie_alone_gets_nothing_of_another(aiohttp_client: AiohttpClient) -> None:
    async def pay(request: web.Request) -> web.Response:
        return web.Response(text=f"paid by {request.cookies['session']}")

    app = scopes.make_app("route", [idempotency(store=MemoryStore())], {"POST /pay": pay})
    setup(app)
    client = await aiohttp_client(app)
    statuses = []
    for session in ("alice", "alice", "bob"):
        async with client.post("/pay", headers={**KEY, "Cookie": f"session={session}"}) as response:
            statuses.append(response.status)
    assert statuses == [200, 200, 422]
