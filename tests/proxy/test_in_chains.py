"""A proxy behind the batteries of this package, and behind middlewares of others: it is an endpoint like any other."""

import asyncio
import gzip
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from prometheus_client import CollectorRegistry
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.adapters.from_asgi import from_asgi
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.access_log import access_log
from aiohttp_route_middleware.middlewares.any_of import any_of
from aiohttp_route_middleware.middlewares.api_key import api_key
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.client_address import client_address
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.concurrency import concurrency
from aiohttp_route_middleware.middlewares.context import context, current_request
from aiohttp_route_middleware.middlewares.cors import cors
from aiohttp_route_middleware.middlewares.csrf import csrf
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.exit_stack import EXIT_STACK, exit_stack
from aiohttp_route_middleware.middlewares.idempotency import idempotency
from aiohttp_route_middleware.middlewares.jwt_auth import jwt_auth
from aiohttp_route_middleware.middlewares.language import language
from aiohttp_route_middleware.middlewares.maintenance import maintenance
from aiohttp_route_middleware.middlewares.method_override import method_override
from aiohttp_route_middleware.middlewares.metrics import metrics
from aiohttp_route_middleware.middlewares.on_error import on_error
from aiohttp_route_middleware.middlewares.problem_details import problem_details
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit
from aiohttp_route_middleware.middlewares.request_id import REQUEST_ID, request_id
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.middlewares.secure_headers import secure_headers
from aiohttp_route_middleware.middlewares.server_timing import server_timing
from aiohttp_route_middleware.middlewares.sessions import SESSION, sessions
from aiohttp_route_middleware.middlewares.timeout import timeout
from aiohttp_route_middleware.middlewares.tracing import tracing
from aiohttp_route_middleware.middlewares.trailing_slash import trailing_slash
from aiohttp_route_middleware.middlewares.trusted_host import trusted_host
from aiohttp_route_middleware.middlewares.unless import unless
from aiohttp_route_middleware.proxy import Ejection, Exchange, Upstream, proxy, set_header
from aiohttp_route_middleware.stores import MemoryStore
from aiohttp_route_middleware.typedefs import Handler

from .raw import OK, Between, Message, Wire

SECRET = "0123456789abcdef" * 2
GET = b"GET /posts HTTP/1.1\r\nHost: shop.example\r\n\r\n"
TEXT = b"much the same, " * 200
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegun"

Send = Callable[..., Awaitable[Wire]]
Serve = Callable[..., Awaitable["TestClient[web.Request, web.Application]"]]


def write(*lines: str, body: bytes = b"", status: str = "200 OK") -> bytes:
    """Write what a target answers."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}"))
    return head.encode() + b"\r\n" + body


@pytest.fixture
def serve(between: Between, aiohttp_client: AiohttpClient) -> Serve:
    """Start links with a proxy behind them, on all paths; `between.upstream` is its target."""

    async def serve(
        *links: Any, hooks: tuple[Any, ...] = (), answer: Any = OK, outside: tuple[Any, ...] = (), **to: Any
    ) -> TestClient[web.Request, web.Application]:
        between.upstream.answer = answer
        upstream = Upstream(between.url, **{"retries": False, **to})
        app = web.Application(middlewares=outside)
        setup(app)
        upstream.run_with(app)
        UrlDispatcherEx.install(app).add_route("*", "/{tail:.*}", *links, proxy(upstream, *hooks))
        return await aiohttp_client(app, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())

    return serve


@pytest.fixture
async def send() -> AsyncIterator[Send]:
    """Send bytes to the proxy, on a connection of their own."""
    wires: list[Wire] = []

    async def send(client: TestClient[web.Request, web.Application], raw: bytes) -> Wire:
        wires.append(Wire(*await asyncio.open_connection("127.0.0.1", client.port)))
        await wires[-1].send(raw)
        return wires[-1]

    yield send
    for wire in wires:
        wire.abort()
    await asyncio.sleep(0)  # until they are closed


# who comes in

TOKENS = {
    "jwt_auth": (
        jwt_auth(key=SECRET, algorithms=["HS256"]),
        {"Authorization": f"Bearer {jwt.encode({'sub': 'ann', 'exp': time.time() + 600}, SECRET)}"},
        401,
    ),
    "api_key": (api_key(lambda key: key == "good" or None, header="X-Key"), {"X-Key": "good"}, 401),
    "any_of": (
        any_of(
            api_key(lambda key: None, header="X-Other"),
            api_key(lambda key: key == "good" or None, header="X-Key"),
        ),
        {"X-Key": "good"},
        401,
    ),
    "unless": (
        unless(lambda request: "X-Inside" in request.headers, api_key(lambda key: None, header="X-Key")),
        {"X-Inside": "1"},
        401,
    ),
    "trusted_host": (trusted_host(["shop.example"]), {"Host": "shop.example"}, 421),
    "maintenance": (maintenance(lambda request: "X-Inside" not in request.headers), {"X-Inside": "1"}, 503),
    "csrf": (csrf(), {"Sec-Fetch-Site": "same-origin"}, 403),
}


@pytest.mark.parametrize(("link", "headers", "status"), TOKENS.values(), ids=TOKENS)
async def test_who_is_refused_sends_nothing_to_the_target(
    serve: Serve, between: Between, link: Any, headers: dict[str, str], status: int
) -> None:
    client = await serve(link)
    strange = {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}
    assert (await client.post("/posts", data=b"first", headers=strange)).status == status
    assert between.upstream.wires == []
    assert (await client.post("/posts", data=b"first", headers=headers)).status == 200
    assert between.upstream.requests[0].body == b"first"


async def test_rates_are_limited_before_the_target(serve: Serve, between: Between) -> None:
    client = await serve(rate_limit("1 per hour"))
    statuses = [(await client.get("/")).status for _ in range(2)]
    assert statuses == [200, 429]
    assert len(between.upstream.requests) == 1


async def test_no_more_run_at_a_time_than_allowed(serve: Serve, between: Between, send: Send) -> None:
    client = await serve(concurrency(1), answer=None)
    first = await send(client, GET)
    target = await between.upstream.accept()
    await target.read_request()
    assert (await client.get("/")).status == 503
    await target.send(OK)
    await first.read_response()


async def test_a_preflight_is_answered_before_the_target_and_a_response_is_opened(
    serve: Serve, between: Between
) -> None:
    client = await serve(cors("https://app.example"))
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}
    preflight = await client.options("/", headers=headers)
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert between.upstream.wires == []
    response = await client.get("/", headers={"Origin": "https://app.example"})
    assert response.headers.getall("Access-Control-Allow-Origin") == ["https://app.example"]


# what is sent to the target


async def test_the_target_is_told_of_the_client_that_was_found_out(serve: Serve, between: Between) -> None:
    client = await serve(client_address(["127.0.0.1"], header="X-Forwarded-For"))
    await client.get("/", headers={"X-Forwarded-For": "192.0.2.7"})
    assert between.upstream.requests[0].values("X-Forwarded-For") == [b"192.0.2.7"]


async def test_the_id_of_a_request_goes_to_the_target_if_it_was_sent_or_by_a_hook(
    serve: Serve, between: Between
) -> None:
    tell = set_header("X-Request-ID", lambda exchange: exchange.incoming[REQUEST_ID])
    client = await serve(request_id(), hooks=(tell,), answer=write("X-Trace: 1"))
    response = await client.get("/", headers={"X-Request-ID": "abc"})
    made = await client.get("/")
    assert response.headers["X-Request-ID"] == "abc"
    ids = [request.values("X-Request-ID") for request in between.upstream.requests]
    assert ids == [[b"abc"], [made.headers["X-Request-ID"].encode()]]


async def test_the_trace_of_the_client_goes_on_to_the_target(serve: Serve, between: Between) -> None:
    client = await serve(tracing())
    sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await client.get("/", headers={"traceparent": sent})
    assert between.upstream.requests[0].values("traceparent") == [sent.encode()]


async def test_a_method_that_is_overridden_is_that_of_the_target(serve: Serve, between: Between) -> None:
    client = await serve(outside=(method_override(),))
    await client.post("/posts/1", data=b"first", headers={"X-HTTP-Method-Override": "PATCH"})
    request = between.upstream.requests[0]
    assert (request.line, request.body) == (b"PATCH /posts/1 HTTP/1.1", b"first")


async def test_links_hooks_and_the_context_meet_at_the_request(serve: Serve, between: Between) -> None:
    names: list[str] = []

    def look(exchange: Exchange) -> None:
        names.append(current_request().path)
        exchange.incoming[EXIT_STACK].callback(names.append, "closed")

    client = await serve(context(), exit_stack(), hooks=(look,))
    assert (await client.get("/posts")).status == 200
    assert names == ["/posts", "closed"]


async def test_a_stack_may_be_kept_until_all_was_sent(serve: Serve, between: Between) -> None:
    names: list[str] = []

    def look(exchange: Exchange) -> None:
        exchange.incoming[EXIT_STACK].callback(names.append, "closed")

    client = await serve(exit_stack(until="sent"), hooks=(look,))
    assert await (await client.get("/posts")).read() == b"ok"
    assert names == ["closed"]


# bodies


@pytest.mark.parametrize("is_chunked", [False, True], ids=["with a length", "in chunks"])
async def test_a_body_that_is_too_large_is_413_and_never_whole_for_the_target(
    serve: Serve, between: Between, send: Send, is_chunked: bool
) -> None:
    client = await serve(body_limit(10), answer=None)
    body = b"A\r\n" + b"a" * 10 + b"\r\nA\r\n" + b"a" * 10 + b"\r\n"
    framing = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: 20"
    wire = await send(client, b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n")
    if is_chunked:
        target = await between.upstream.accept()
        await target.read_head()
        await wire.send(body)
    assert (await wire.read_response()).status == 413
    if is_chunked:
        assert b"0\r\n\r\n" not in await target.read_rest()
    assert len(between.upstream.wires) == int(is_chunked)


async def test_a_key_makes_a_request_run_once(serve: Serve, between: Between) -> None:
    client = await serve(idempotency(store=MemoryStore()), answer=write("X-A: 1", body=b"made", status="201 Created"))
    for _ in range(2):
        response = await client.post("/posts", data=b"first", headers={"Idempotency-Key": "one"})
        assert (response.status, await response.read(), response.headers["X-A"]) == (201, b"made", "1")
    assert len(between.upstream.requests) == 1


GZIP = {"Accept-Encoding": "gzip"}
COMPRESSED: dict[str, tuple[bytes, str, str | None]] = {
    "large": (write("Content-Type: text/plain", 'ETag: "1"', body=TEXT), "GET", "gzip"),
    "small": (write("Content-Type: text/plain", body=b"ok"), "GET", None),
    "already encoded": (write("Content-Type: text/plain", "Content-Encoding: br", body=TEXT), "GET", "br"),
    "no-transform": (write("Content-Type: text/plain", "Cache-Control: no-transform", body=TEXT), "GET", None),
    "an image": (write("Content-Type: image/png", body=TEXT), "GET", None),
    "no type": (write(body=TEXT), "GET", None),
    "HEAD": (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3000\r\n\r\n", "HEAD", "gzip"),
    "304": (b'HTTP/1.1 304 Not Modified\r\nContent-Type: text/plain\r\nETag: "1"\r\n\r\n', "GET", None),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nbb8\r\n"
        + TEXT
        + b"\r\n0\r\n\r\n",
        "GET",
        "gzip",
    ),
}


@pytest.mark.parametrize(("answer", "method", "coding"), COMPRESSED.values(), ids=COMPRESSED)
async def test_an_answer_is_compressed_where_that_may_be(
    serve: Serve, answer: bytes, method: str, coding: str | None
) -> None:
    client = await serve(compress(), answer=answer)
    response = await client.request(method, "/", headers=GZIP)
    body = await response.read()
    assert response.headers.get("Content-Encoding") == coding
    if coding == "gzip" and method == "GET":
        assert gzip.decompress(body) == TEXT
        assert "Content-Length" not in response.headers or int(response.headers["Content-Length"]) == len(body)
        assert response.headers.get("ETag") in (None, 'W/"1"')
    elif method == "GET" and response.status == 200:
        assert answer.endswith(body)
        assert int(response.headers["Content-Length"]) == len(body)


async def test_events_pass_compression_one_by_one(serve: Serve, between: Between, send: Send) -> None:
    client = await serve(compress(), answer=None)
    wire = await send(client, GET[:-2] + b"Accept-Encoding: gzip\r\n\r\n")
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for event in (b"data: 1\n\n", b"data: 2\n\n"):
        await target.send(b"9\r\n" + event + b"\r\n")
        await wire.read_until(event)


# what is told of an answer


async def test_an_answer_without_a_tag_gets_none_for_nobody_holds_it_as_a_whole(serve: Serve) -> None:
    client = await serve(etag(), answer=write(body=b"text"))
    response = await client.get("/")
    assert (await response.read(), "ETag" in response.headers) == (b"text", False)


async def test_conditions_are_those_of_the_target_if_it_has_a_tag(serve: Serve, between: Between) -> None:
    client = await serve(etag(), answer=b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
    response = await client.get("/", headers={"If-None-Match": '"1"'})
    assert (response.status, response.headers["ETag"]) == (304, '"1"')
    assert between.upstream.requests[0].values("If-None-Match") == [b'"1"']


async def test_caching_is_told_where_the_target_does_not(serve: Serve) -> None:
    client = await serve(cache_control(max_age=60))
    assert (await client.get("/")).headers.getall("Cache-Control") == ["max-age=60"]


async def test_security_is_told_once_also_if_the_target_tells_it(serve: Serve) -> None:
    client = await serve(secure_headers(), answer=write("X-Content-Type-Options: nosniff", "X-Frame-Options: DENY"))
    headers = (await client.get("/")).headers
    assert headers.getall("X-Content-Type-Options") == ["nosniff"]
    assert "Content-Security-Policy" in headers


async def test_sessions_and_the_target_each_set_their_cookies(serve: Serve) -> None:
    def note(request: web.Request) -> None:
        request[SESSION]["user"] = "ann"

    client = await serve(
        sessions(secret=SECRET, secure=False), note, answer=write("Set-Cookie: theirs=1", "Set-Cookie: other=2")
    )
    response = await client.get("/")
    names = [cookie.partition("=")[0] for cookie in response.headers.getall("Set-Cookie")]
    assert sorted(names) == ["other", "session", "theirs"]


async def test_timings_language_and_metrics_take_a_proxy_for_an_endpoint(serve: Serve) -> None:
    registry = CollectorRegistry()
    client = await serve(server_timing(enabled=True), language(["en", "de"]), metrics(registry=registry))
    response = await client.get("/", headers={"Accept-Language": "de"})
    assert response.headers["Server-Timing"].startswith("total")
    assert response.headers["Content-Language"] == "de"
    (sample,) = [one for metric in registry.collect() for one in metric.samples if one.name.endswith("seconds_count")]
    assert sample.value == 1


async def test_the_log_tells_status_and_path(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client = await serve(access_log(), answer=write(body=b"four", status="404 Not Found"))
    assert await (await client.get("/posts")).read() == b"four"
    (told,) = [record for record in caplog.records if record.name == "aiohttp_route_middleware.access"]
    assert "404" in told.getMessage() + str(vars(told))


# caches


async def test_an_answer_that_may_be_kept_is_asked_for_once(serve: Serve, between: Between) -> None:
    answer = write("Cache-Control: public, max-age=60", "Vary: X-Kind", "X-A: 1", body=TEXT)
    client = await serve(response_cache(store=MemoryStore()), answer=answer)
    for kind, count in (("a", 1), ("a", 1), ("b", 2), ("a", 2)):
        response = await client.get("/", headers={"X-Kind": kind})
        assert (await response.read(), response.headers["X-A"]) == (TEXT, "1")
        assert len(between.upstream.requests) == count


async def test_nobody_has_the_answer_to_another_request_kept_by_dropping_a_field(
    serve: Serve, between: Between
) -> None:
    async def answer_by_language(wire: Wire, request: Message) -> None:
        spoken = request.values("Accept-Language") or [b"none"]
        await wire.send(write("Cache-Control: public, max-age=60", "Vary: Accept-Language", body=spoken[0]))

    client = await serve(response_cache(store=MemoryStore()), answer=answer_by_language)
    for connection, body in (("accept-language", b"none"), ("keep-alive", b"de"), ("Accept-Language", b"none")):
        response = await client.get("/", headers={"Accept-Language": "de", "Connection": connection})
        assert await response.read() == body


NOT_KEPT = {
    "a cookie": write("Cache-Control: public, max-age=60", "Set-Cookie: a=1", body=b"text"),
    "private": write("Cache-Control: private, max-age=60", body=b"text"),
    "nothing said": write(body=b"text"),
    "failure": write("Cache-Control: no-store", body=b"text", status="500 Oh"),
}


@pytest.mark.parametrize("answer", NOT_KEPT.values(), ids=NOT_KEPT)
async def test_what_may_not_be_kept_is_asked_for_again(serve: Serve, between: Between, answer: bytes) -> None:
    client = await serve(response_cache(store=MemoryStore()), answer=answer)
    for _ in range(2):
        assert await (await client.get("/")).read() == b"text"
    assert len(between.upstream.requests) == 2


async def test_half_an_answer_is_not_kept(serve: Serve, between: Between) -> None:
    async def break_off(wire: Wire, _: Any) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nContent-Length: 9\r\n\r\nhalf")
        wire.close()

    client = await serve(response_cache(store=MemoryStore()), answer=break_off)
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await (await client.get("/")).read()
    assert len(between.upstream.wires) == 2


# failures


async def test_a_failure_is_a_problem_for_who_reads_them(serve: Serve, between: Between) -> None:
    client = await serve(problem_details())
    await between.upstream.close()
    response = await client.get("/")
    assert (response.status, response.content_type) == (502, "application/problem+json")
    assert json.loads(await response.read()) == {"type": "about:blank", "title": "Bad Gateway", "status": 502}


async def test_no_answer_in_time_and_no_target_are_problems_as_well(serve: Serve) -> None:
    only = Ejection(failures=1, period=300.0, share=1.0)
    client = await serve(problem_details(), answer=None, response_timeout=0.05, ejection=only)
    titles = [json.loads(await (await client.get("/")).read())["title"] for _ in range(2)]
    assert titles == ["Gateway Timeout", "Service Unavailable"]


async def test_who_may_read_an_answer_is_for_the_target_to_say_if_it_does(serve: Serve) -> None:
    client = await serve(cors("https://app.example"), answer=write("Access-Control-Allow-Origin: *"))
    response = await client.get("/", headers={"Origin": "https://app.example"})
    assert response.headers.getall("Access-Control-Allow-Origin") == ["*"]


async def test_a_404_of_the_target_stays_what_it_is(serve: Serve) -> None:
    answer = write("Content-Type: text/html", body=b"<p>no", status="404 Gone Astray")
    client = await serve(problem_details(), on_error({404: _excuse}), answer=answer)
    response = await client.get("/")
    assert (response.status, response.reason, await response.read()) == (404, "Gone Astray", b"<p>no")


def _excuse(request: web.Request, error: Any) -> web.Response:
    return web.Response(status=203, text="later")


async def test_a_failure_may_be_answered_by_its_status(serve: Serve, between: Between) -> None:
    client = await serve(on_error({502: _excuse}))
    await between.upstream.close()
    assert await (await client.get("/")).read() == b"later"


async def test_time_is_bounded_until_the_head_and_the_connection_is_freed(
    serve: Serve, between: Between, send: Send
) -> None:
    client = await serve(timeout(0.05), answer=None)
    wire = await send(client, GET)
    target = await between.upstream.accept()
    await target.read_request()
    assert (await wire.read_response()).status == 504
    assert await target.read_rest() == b""


async def test_a_slash_is_trimmed_by_a_redirect_only_where_there_is_no_route(serve: Serve) -> None:
    client = await serve(outside=(trailing_slash(),))
    assert (await client.get("/posts/")).status == 200


# middlewares of others


@pytest.mark.parametrize("answer", [OK, write(body=b"a" * 300_000)], ids=["small", "large"])
async def test_a_middleware_may_set_a_header_whatever_the_size(serve: Serve, answer: bytes) -> None:
    async def sign(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["X-Ours"] = str(response.status)
        return response

    client = await serve(sign, answer=answer)
    response = await client.get("/")
    assert response.headers["X-Ours"] == "200"
    assert answer.endswith(await response.read())


async def _replace(request: web.Request, handler: Handler) -> web.StreamResponse:
    await handler(request)
    return web.Response(status=203, text="ours")


async def _refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    raise web.HTTPForbidden(text=f"not {response.status}")


async def _fail(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    raise ValueError(response.status)


async def _keep(request: web.Request, handler: Handler) -> web.StreamResponse:
    KEPT.append(await handler(request))
    return web.Response(status=203)


KEPT: list[web.StreamResponse] = []


@pytest.mark.parametrize(("link", "status"), [(_replace, 203), (_refuse, 403), (_fail, 500), (_keep, 203)])
async def test_a_middleware_that_does_not_send_the_answer_frees_its_connection(
    serve: Serve, between: Between, send: Send, link: Any, status: int
) -> None:
    client = await serve(link, answer=None)
    wire = await send(client, GET)
    target = await between.upstream.accept()
    await target.read_request()
    await target.send(LONG)
    assert (await wire.read_response()).status == status
    assert await target.read_rest() == b""


def add_asgi_header(app: Any) -> Any:
    async def run(scope: Any, receive: Any, send: Any) -> None:
        async def send_more(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-asgi", b"1")]}
            await send(message)

        await app(scope, receive, send_more)

    return run


@pytest.mark.parametrize("answer", [OK, write(body=b"a" * 300_000)], ids=["small", "large"])
async def test_an_asgi_middleware_may_stand_around_a_proxy(serve: Serve, answer: bytes) -> None:
    client = await serve(from_asgi(add_asgi_header), answer=answer)
    response = await client.get("/")
    assert response.headers["X-ASGI"] == "1"
    assert answer.endswith(await response.read())
