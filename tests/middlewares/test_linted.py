"""What independent judges of HTTP say of the answers of the batteries for traffic and content: nothing."""

import asyncio
from collections.abc import Iterable
from typing import Any

import http_sf
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.adapters.asgi import asgi
from aiohttp_route_middleware.adapters.wsgi import wsgi
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.basic_auth import basic_auth
from aiohttp_route_middleware.middlewares.body_limit import body_limit
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.concurrency import concurrency
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.idempotency import idempotency
from aiohttp_route_middleware.middlewares.language import LANGUAGE, language
from aiohttp_route_middleware.middlewares.maintenance import maintenance
from aiohttp_route_middleware.middlewares.method_override import method_override
from aiohttp_route_middleware.middlewares.problem_details import problem_details
from aiohttp_route_middleware.middlewares.rate_limit import rate_limit
from aiohttp_route_middleware.middlewares.request_id import request_id
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.middlewares.server_timing import server_timing
from aiohttp_route_middleware.middlewares.timeout import timeout
from aiohttp_route_middleware.middlewares.trailing_slash import trailing_slash
from aiohttp_route_middleware.stores import MemoryStore

from ..linting import Exchange, Recorder, describe, is_bad, lint

# fields that RFC 9651 describes, and how; RateLimit is draft-ietf-httpapi-ratelimit-headers
STRUCTURED = {"cache-status": "list", "ratelimit": "list", "ratelimit-policy": "list"}

SET_ASIDE = {"STATUS_BAD_REQUEST"}  # says only that it is a 400, as it should be


async def show_page(request: web.Request) -> web.Response:
    return web.Response(text="<p>" + "a page " * 500, content_type="text/html")


async def greet(request: web.Request) -> web.Response:
    return web.Response(text={"en": "hello ", "de": "hallo "}[request[LANGUAGE]] * 100)


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    for _ in range(3):
        await response.write(b"a line of text\n" * 50)
    return response


async def take(request: web.Request) -> web.Response:
    return web.json_response({"bytes": len(await request.read())}, status=201, headers={"Location": "/notes/1"})


async def change(request: web.Request) -> web.Response:
    return web.Response(status=204)


async def fail(request: web.Request) -> web.Response:
    raise LookupError("no such thing")


async def dawdle(request: web.Request) -> web.Response:
    await asyncio.sleep(10)
    raise AssertionError("it was not ended")


async def answer_asgi(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"asgi"})


def answer_wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "4")])
    return [b"wsgi"]


def make_app() -> web.Application:
    around = [
        request_id(),
        server_timing(),
        problem_details(),
        trailing_slash(),
        method_override(),
        compress(),
        cache_control(no_store=True),
    ]
    app = web.Application(middlewares=around)
    setup(app)
    router = UrlDispatcherEx.install(app)
    store, closed = MemoryStore(), asyncio.Event()
    closed.set()
    kept = cache_control(max_age=60)
    router.add_get("/page", etag(), show_page)
    router.add_get("/kept", response_cache(store=store), kept, show_page)
    router.add_get("/greeting", response_cache(store=store), kept, language(["en", "de"]), greet)
    router.add_get("/stream", stream)
    router.add_post("/notes", body_limit(1000), idempotency(store=store), take)
    router.add_delete("/notes/1", etag(current=lambda _: '"v1"'), change)
    router.add_get("/few", rate_limit("2/minute"), show_page)
    router.add_get("/none", concurrency(1), maintenance(closed), show_page)
    router.add_get("/slow", timeout(0.01), dawdle)
    router.add_get("/secret", basic_auth({"ada": "enchantress"}), show_page)
    router.add_get("/broken", fail)
    router.add_get("/asgi", asgi(answer_asgi, lifespan="off"))
    router.add_get("/wsgi", wsgi(answer_wsgi))
    return app


@pytest.fixture
async def exchanges() -> list[Exchange]:
    """Every kind of answer there is."""
    server = TestServer(make_app())
    async with server, ClientSession(auto_decompress=False) as session:
        recorder = Recorder(session, str(server.make_url("")).rstrip("/"))
        await read(recorder)
        await write(recorder)
        await be_refused(recorder)
    return recorder.exchanges


async def read(recorder: Recorder) -> None:
    for path in ("/page", "/kept", "/kept", "/stream", "/asgi", "/wsgi"):
        for coding in ("gzip", "br", "identity"):
            await recorder.ask("GET", path, headers={"Accept-Encoding": coding})
        if path != "/stream":  # aiohttp sends what a handler writes to a HEAD, with or without batteries
            await recorder.ask("HEAD", path)
    for wanted in ("de", "en", "de", "fr"):
        await recorder.ask("GET", "/greeting", headers={"Accept-Language": wanted})
    for path in ("/page", "/kept"):
        await recorder.ask("GET", path)
        tag = next((value for name, value in recorder.last.fields if name.lower() == "etag"), '"none"')
        await recorder.ask("GET", path, headers={"If-None-Match": tag})
    await recorder.ask("GET", "/kept", headers={"Cache-Control": "no-cache"})
    await recorder.ask("GET", "/page/")


async def write(recorder: Recorder) -> None:
    once = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    await recorder.ask("POST", "/notes", data=b"a note", headers=once)
    await recorder.ask("POST", "/notes", data=b"a note", headers=once)
    await recorder.ask("POST", "/notes", data=b"another", headers=once)
    await recorder.ask("POST", "/notes", data=b"a note")
    await recorder.ask("POST", "/notes", data=b"x" * 2000, headers=once)
    await recorder.ask("DELETE", "/notes/1", headers={"If-Match": '"v1"'})
    await recorder.ask("DELETE", "/notes/1", headers={"If-Match": '"v0"'})
    await recorder.ask("POST", "/notes/1", headers={"X-HTTP-Method-Override": "DELETE"})


async def be_refused(recorder: Recorder) -> None:
    for _ in range(3):
        await recorder.ask("GET", "/few")
    for path in ("/none", "/slow", "/secret", "/broken", "/nothing"):
        await recorder.ask("GET", path)
    await recorder.ask("PUT", "/page", data=b"page")


async def test_httplint_finds_nothing_to_warn_of(exchanges: list[Exchange]) -> None:
    statuses = {200, 201, 204, 304, 308, 400, 401, 404, 405, 412, 413, 422, 429, 500, 503, 504}
    assert {exchange.status for exchange in exchanges} == statuses
    notes = {str(one): [note for note in lint(one) if is_bad(note)] for one in exchanges}
    found = {
        place: [describe(note) for note in bad if type(note).__name__ not in SET_ASIDE] for place, bad in notes.items()
    }
    assert {place: bad for place, bad in found.items() if bad} == {}


async def test_structured_fields_are_read_by_an_independent_parser(exchanges: list[Exchange]) -> None:
    seen = set()
    for exchange in exchanges:
        for name, value in exchange.fields:
            kind = STRUCTURED.get(name.lower())
            if kind is not None:
                assert http_sf.parse(value.encode(), tltype=kind)
                seen.add(name.lower())
    assert seen == {*STRUCTURED}
