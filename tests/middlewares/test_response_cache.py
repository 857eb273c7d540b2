"""A shared cache in front of handlers: what it keeps, for whom, for how long, and who waits for whom."""

import asyncio
import datetime as dt
import functools
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from email.utils import format_datetime
from typing import Any

import hishel
import pytest
from aiohttp import CookieJar, TCPConnector, web
from hypothesis import assume, given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pytest_aiohttp.plugin import AiohttpClient
from yarl import URL

from aiohttp_route_middleware import UrlDispatcherEx, middleware
from aiohttp_route_middleware.errors import ConfigurationError, StoreError
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.csrf_token import CSRF_TOKEN, csrf_token
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.middlewares.sessions import SESSION, sessions
from aiohttp_route_middleware.stores import MemoryStore, Store
from aiohttp_route_middleware.stores.redis import RedisStore
from aiohttp_route_middleware.support.access.identity import IDENTITY, Identity
from aiohttp_route_middleware.support.caching.flights import Flight, Landing
from aiohttp_route_middleware.support.caching.freshness import find_obstacle, find_refusal, may_share, measure
from aiohttp_route_middleware.support.responses import on_response

from ..clock import Clock
from ..redis_server import RedisServer, redis_process, redis_server
from ..scopes import each_scope, path_in
from ..scopes import make_app as make_scoped
from ..steady_ids import steady
from .cached_site import FRESH, Site, Streaming, fetch, start
from .matrix import MATRIX, Case, ask, make_app
from .wire import send

__all__ = ("redis_process", "redis_server")

LONG_AGO = 784_111_777


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = float(LONG_AGO)
    return clock


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    kept = RedisStore.from_url(server.url, timeout=10)
    yield kept
    await kept.close()


@pytest.mark.parametrize(("scope", "case"), MATRIX)
async def test_each_response_tells_how_it_was_made_once(scope: str, case: Case, aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_app(scope, response_cache(store=MemoryStore())))
    for _ in range(2):
        async with ask(client, scope, case) as response:
            assert response.status == case.status
            assert len(response.headers.getall("Cache-Status")) == 1


@each_scope
async def test_what_is_fresh_is_sent_again(scope: str, store: Store, aiohttp_client: AiohttpClient) -> None:
    site = Site()
    app = make_scoped(scope, [response_cache(store=store)], {"GET /": site.__call__})
    setup(app)
    client = await aiohttp_client(app)
    first = await fetch(client, path_in(scope, "/"))
    again = await fetch(client, path_in(scope, "/"))
    assert (first.text, again.text, site.runs) == ("run 1", "run 1", 1)
    assert first.told == "aiohttp; fwd=uri-miss"
    assert again.told.startswith("aiohttp; hit; ttl=")
    assert "Age" not in first.headers
    assert again.headers["Date"] == first.headers["Date"]
    assert again.headers["Content-Type"] == first.headers["Content-Type"]


async def test_a_response_grows_old_and_is_made_anew(clock: Clock, aiohttp_client: AiohttpClient) -> None:
    site = Site({**FRESH, "Date": "Sun, 06 Nov 1994 08:49:37 GMT"})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), clock=clock))
    await fetch(client)
    clock.now += 59
    again = await fetch(client)
    assert (again.headers["Age"], again.told) == ("59", "aiohttp; hit; ttl=1")
    clock.now += 1
    site.headers["Date"] = "Sun, 06 Nov 1994 08:50:37 GMT"
    again = await fetch(client)
    assert (again.text, again.told) == ("run 2", "aiohttp; fwd=stale")
    assert (await fetch(client)).headers["Age"] == "0"


async def test_a_stream_is_kept_on_its_way_out(aiohttp_client: AiohttpClient) -> None:
    site = Streaming()
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    assert (await fetch(client)).text == "run 1"
    again = await fetch(client)
    assert (again.text, again.headers["Content-Length"]) == ("run 1", "5")
    assert "Transfer-Encoding" not in again.headers


async def test_a_head_is_answered_from_what_a_get_has_found(aiohttp_client: AiohttpClient) -> None:
    site = Site()
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    assert (await fetch(client, method="HEAD")).told == "aiohttp; fwd=uri-miss; detail=HEAD"
    assert (await fetch(client)).text == "run 2"  # of a HEAD nothing is kept
    head = await fetch(client, method="HEAD")
    assert head.told.startswith("aiohttp; hit")
    assert (head.text, head.headers["Content-Length"], site.runs) == ("", "5", 2)


async def test_an_error_that_says_so_is_kept(aiohttp_client: AiohttpClient) -> None:
    site = Site()
    site.errors = [web.HTTPGone(headers=FRESH)]
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    assert [(await fetch(client)).status for _ in range(2)] == [410, 410]
    assert site.runs == 1


NOT_KEPT = [
    pytest.param({}, 200, "no-lifetime", id="without a word"),
    pytest.param({"Cache-Control": "public"}, 200, "no-lifetime", id="without a time"),
    pytest.param({"Cache-Control": "max-age=60, private"}, 200, "private", id="private"),
    pytest.param({"Cache-Control": "max-age=60, no-store"}, 200, "no-store", id="no-store"),
    pytest.param({"Cache-Control": "max-age=60, no-cache"}, 200, "no-cache", id="no-cache"),
    pytest.param({"Cache-Control": "max-age=0"}, 200, "stale", id="never fresh"),
    pytest.param({"Cache-Control": "max-age=60", "Set-Cookie": "a=b"}, 200, "Set-Cookie", id="a cookie"),
    pytest.param(
        {"Cache-Control": "public, max-age=60", "Set-Cookie": "a=b"}, 200, "Set-Cookie", id="a public cookie"
    ),
    pytest.param({"Cache-Control": "max-age=60", "Vary": "*"}, 200, "Vary:*", id="Vary: *"),
    pytest.param({"Cache-Control": "max-age=60", "Content-Range": "bytes 0-4/9"}, 206, "status:206", id="a part"),
    pytest.param({"Expires": "0"}, 200, "stale", id="expired"),
]


@pytest.mark.parametrize("kind", [Site, Streaming])
@pytest.mark.parametrize(("headers", "status", "detail"), NOT_KEPT)
async def test_what_may_not_be_kept_is_not_and_tells_why(
    kind: type[Site], headers: dict[str, str], status: int, detail: str, aiohttp_client: AiohttpClient
) -> None:
    site = kind(headers, status=status)
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    answers = [await fetch(client) for _ in range(2)]
    assert [answer.text for answer in answers] == ["run 1", "run 2"]
    assert [answer.told for answer in answers] == [f"aiohttp; fwd=uri-miss; detail={detail}"] * 2


async def test_a_session_that_changes_is_not_kept(aiohttp_client: AiohttpClient) -> None:
    async def count(request: web.Request) -> web.Response:
        request[SESSION]["count"] = 1
        return web.Response()

    store = MemoryStore()
    links = (response_cache(store=store, ttl=60), cache_control(max_age=60), sessions(secret=b"x" * 32, secure=False))
    client = await start(aiohttp_client, count, *links)
    await fetch(client)
    assert len(store) == 0


@pytest.mark.parametrize("kind", [Site, Streaming])
async def test_a_body_that_is_too_large_is_not_kept(kind: type[Site], aiohttp_client: AiohttpClient) -> None:
    site = kind()
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), max_body=4))
    assert [(await fetch(client)).text for _ in range(2)] == ["run 1", "run 2"]


IDENTIFIED = [
    pytest.param("max-age=60", 2, id="without leave"),
    pytest.param("max-age=60, public", 1, id="public"),
    pytest.param("s-maxage=60", 1, id="s-maxage"),
    pytest.param("max-age=60, must-revalidate", 1, id="must-revalidate"),
]


@pytest.mark.parametrize(("said", "runs"), IDENTIFIED)
async def test_what_somebody_got_with_authorization_needs_leave(
    said: str, runs: int, aiohttp_client: AiohttpClient
) -> None:
    site = Site({"Cache-Control": said})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    for _ in range(2):
        await fetch(client, Authorization="Bearer a")
    assert site.runs == runs


@pytest.mark.parametrize("place", ["around", "inside"])
@pytest.mark.parametrize(("said", "runs"), IDENTIFIED)
async def test_what_somebody_known_got_needs_leave(
    place: str, said: str, runs: int, aiohttp_client: AiohttpClient
) -> None:
    @middleware
    async def identify(request: web.Request, handler: Any) -> web.StreamResponse:
        request[IDENTITY] = Identity("ann")
        answer: web.StreamResponse = await handler(request)
        return answer

    site, cache = Site({"Cache-Control": said}), response_cache(store=MemoryStore())
    links = (identify, cache) if place == "around" else (cache, identify)
    client = await start(aiohttp_client, site, *links)
    for _ in range(2):
        await fetch(client)
    assert site.runs == (runs if place == "around" else 2)  # who is known only further in has no leave at all


async def test_who_is_known_gets_nothing_that_was_not_meant_for_all(aiohttp_client: AiohttpClient) -> None:
    site = Site()
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    await fetch(client)
    known = await fetch(client, Authorization="Bearer a")
    assert (known.text, known.told) == ("run 2", "aiohttp; fwd=request; detail=Authorization")
    assert (await fetch(client)).text == "run 1"


async def test_a_time_that_was_set_is_for_a_200_without_cookies(aiohttp_client: AiohttpClient) -> None:
    site = Site({})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), ttl=30))
    assert (await fetch(client, Cookie="a=b")).text == "run 1"
    assert (await fetch(client)).text == "run 2"
    assert (await fetch(client)).text == "run 2"
    assert (await fetch(client, Cookie="a=b")).text == "run 3"
    site.status = 404
    assert [(await fetch(client, "/other")).text for _ in range(2)] == ["run 4", "run 5"]


async def test_a_redirect_without_a_word_is_not_kept(aiohttp_client: AiohttpClient) -> None:
    site = Site({"Location": "/"}, status=302)
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), ttl=30))
    for _ in range(2):
        assert (await fetch(client)).status == 302
    assert site.runs == 2


async def test_what_varies_is_told_apart(store: Store, aiohttp_client: AiohttpClient) -> None:
    site = Site({**FRESH, "Vary": "Accept-Language"})
    client = await start(aiohttp_client, site, response_cache(store=store))
    assert (await fetch(client, Accept_Language="de")).text == "run 1"
    other = await fetch(client, Accept_Language="en")
    assert (other.text, other.told) == ("run 2", "aiohttp; fwd=vary-miss")
    assert (await fetch(client, Accept_Language="de")).text == "run 1"
    assert (await fetch(client, Accept_Language="en")).text == "run 2"


async def test_fields_that_everything_varies_with_are_told_to_all(aiohttp_client: AiohttpClient) -> None:
    site = Site({**FRESH, "Vary": "Accept"})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), vary=["X-Plan"]))
    first = await fetch(client, X_Plan="a")
    assert first.headers["Vary"] == "Accept, X-Plan"
    assert (await fetch(client, X_Plan="b")).text == "run 2"
    assert (await fetch(client, X_Plan="a")).text == "run 1"


async def test_what_aiohttp_compresses_is_not_sent_to_others(aiohttp_client: AiohttpClient) -> None:
    class Compressed(Site):
        async def respond(self, request: web.Request, text: str) -> web.StreamResponse:
            response = web.Response(text=text, headers=self.headers)
            response.enable_compression()
            return response

    client = await start(aiohttp_client, Compressed(), response_cache(store=MemoryStore()))
    packed = await fetch(client, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    plain = await fetch(client, Accept_Encoding="identity")
    assert (plain.text, "Content-Encoding" in plain.headers) == ("run 2", False)
    assert (await fetch(client, Accept_Encoding="gzip")).text == "run 2"  # which says that it varies with nothing


async def test_inner_links_are_kept_and_outer_ones_added_anew(aiohttp_client: AiohttpClient) -> None:
    count = 0

    def mark(name: str) -> Any:
        @middleware
        async def link(request: web.Request, handler: Any) -> web.StreamResponse:
            def apply(_: web.Request, response: web.StreamResponse) -> None:
                nonlocal count
                count += 1
                response.headers.setdefault(name, str(count))

            on_response(request, name, apply)
            answer: web.StreamResponse = await handler(request)
            return answer

        return link

    client = await start(aiohttp_client, Site(), mark("X-Outer"), response_cache(store=MemoryStore()), mark("X-Inner"))
    seen = [await fetch(client) for _ in range(2)]
    assert [(one.headers["X-Inner"], one.headers["X-Outer"]) for one in seen] == [("1", "2"), ("1", "3")]


@pytest.mark.parametrize(
    "path", ["/a", "/a?", "/a?b=1", "/a?b=2", "/a/", "/A", "/%61", "/a%2Fb", "/a/b", "//a", "/a?b=1&b=2"]
)
async def test_each_target_has_its_own_response(path: str, aiohttp_client: AiohttpClient) -> None:
    client = await start(aiohttp_client, Site(), response_cache(store=MemoryStore()))
    others = await send(client, "GET /b HTTP/1.1", "Host: a")
    found = await send(client, f"GET {path} HTTP/1.1", "Host: a")
    again = await send(client, f"GET {path} HTTP/1.1", "Host: a")
    assert (others.body, found.body, again.body) == (b"run 1", b"run 2", b"run 2")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("GET / HTTP/1.1", "Host: evil"), id="another host"),
        pytest.param(("GET / HTTP/1.1", "Host: a:8080"), id="another port"),
        pytest.param(("GET http://a/ HTTP/1.1", "Host: a"), id="the absolute form"),
        pytest.param(("GET http://evil/ HTTP/1.1", "Host: a"), id="another host in the target"),
    ],
)
async def test_who_asks_for_another_host_poisons_nobody(lines: tuple[str, ...], aiohttp_client: AiohttpClient) -> None:
    async def reflect(request: web.Request) -> web.Response:
        return web.Response(text=str(request.url), headers=FRESH)

    client = await start(aiohttp_client, reflect, response_cache(store=MemoryStore()))
    await send(client, *lines)
    assert (await send(client, "GET / HTTP/1.1", "Host: a")).body == b"http://a/"


async def test_the_case_of_a_host_does_not_matter(aiohttp_client: AiohttpClient) -> None:
    client = await start(aiohttp_client, Site(), response_cache(store=MemoryStore()))
    for host in ("a", "A", "a:80"):
        assert (await send(client, "GET / HTTP/1.1", f"Host: {host}")).body == b"run 1"


async def test_the_application_tells_apart_what_must_not_be_mixed(aiohttp_client: AiohttpClient) -> None:
    cache = response_cache(store=MemoryStore(), key=lambda request: request.headers["X-Tenant"])
    client = await start(aiohttp_client, Site(), cache)
    assert (await fetch(client, X_Tenant="a")).text == "run 1"
    assert (await fetch(client, X_Tenant="b")).text == "run 2"
    assert (await fetch(client, X_Tenant="a")).text == "run 1"
    await cache.forget(client.make_url("/"), key="a")
    assert (await fetch(client, X_Tenant="b")).text == "run 2"
    assert (await fetch(client, X_Tenant="a")).text == "run 3"


async def test_a_key_that_is_no_text_is_a_mistake(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    wrong: Any = {"key": lambda _: None}
    client = await start(aiohttp_client, Site(), response_cache(store=MemoryStore(), **wrong))
    assert (await fetch(client)).status == 500
    assert "response_cache(): key() returned NoneType; return a text" in caplog.text


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        pytest.param({"Cache_Control": "no-cache"}, "fwd=request", id="no-cache"),
        pytest.param({"Cache_Control": "max-age=0"}, "fwd=request", id="max-age"),
        pytest.param({"Cache_Control": "min-fresh=60"}, "fwd=request", id="min-fresh"),
    ],
)
async def test_a_client_may_have_it_made_anew(
    headers: dict[str, str], told: str, clock: Clock, aiohttp_client: AiohttpClient
) -> None:
    client = await start(aiohttp_client, Site(), response_cache(store=MemoryStore(), clock=clock))
    await fetch(client)
    clock.now += 1
    site_dated = await fetch(client, **headers)
    assert (site_dated.text, site_dated.told) == ("run 2", f"aiohttp; {told}")
    assert (await fetch(client)).text == "run 2"


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        pytest.param({"Cache_Control": "no-store"}, "no-store", id="no-store"),
        pytest.param({"Range": "bytes=0-1"}, "Range", id="a range"),
        pytest.param({"Connection": "Upgrade", "Upgrade": "websocket"}, "websocket", id="a WebSocket"),
        pytest.param({"Connection": "Accept-Language"}, "Connection", id="a field is dropped"),
        pytest.param({"Connection": "keep-alive,, X-A"}, "Connection", id="a field is dropped, too"),
    ],
)
async def test_what_passes_the_cache_by_says_why(
    headers: dict[str, str], detail: str, aiohttp_client: AiohttpClient
) -> None:
    client = await start(aiohttp_client, Site(), response_cache(store=MemoryStore()))
    assert (await fetch(client)).text == "run 1"
    passed = await fetch(client, **headers)
    assert (passed.text, passed.told) == ("run 2", f"aiohttp; fwd=bypass; detail={detail}")
    assert (await fetch(client)).text == "run 1"


@pytest.mark.parametrize("said", ["Keep-Alive", "close", "TE, close", "keep-alive,", "Upgrade, HTTP2-Settings"])
async def test_what_is_said_of_the_connection_alone_passes_no_cache_by(
    said: str, aiohttp_client: AiohttpClient
) -> None:
    client = await start(aiohttp_client, Site(), response_cache(store=MemoryStore()))
    assert (await fetch(client)).text == "run 1"
    assert (await fetch(client, Connection=said)).text == "run 1"


async def test_only_if_cached_never_runs_the_handler(aiohttp_client: AiohttpClient) -> None:
    site = Site()
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    missing = await fetch(client, Cache_Control="only-if-cached")
    assert (missing.status, missing.told, site.runs) == (504, "aiohttp", 0)
    await fetch(client)
    assert (await fetch(client, Cache_Control="only-if-cached")).text == "run 1"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        pytest.param({"If_None_Match": '"v1"'}, 304, id="has it"),
        pytest.param({"If_None_Match": '"v2"'}, 200, id="has another"),
        pytest.param({"If_Match": '"v2"'}, 412, id="expects another"),
        pytest.param({"If_Modified_Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 304, id="has it since"),
    ],
)
async def test_conditions_are_answered_from_what_was_kept(
    condition: dict[str, str], status: int, aiohttp_client: AiohttpClient
) -> None:
    headers = {**FRESH, "ETag": '"v1"', "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}
    if "If_Modified_Since" in condition:
        del headers["ETag"]
    site = Site(headers)
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    await fetch(client)
    answer = await fetch(client, **condition)
    assert (answer.status, site.runs) == (status, 1)
    if status == 304:
        assert answer.headers["Age"] == "0"
        assert not {"Content-Type", "Content-Length"} & answer.headers.keys()


async def test_a_kept_error_ignores_conditions(aiohttp_client: AiohttpClient) -> None:
    site = Site({**FRESH, "ETag": '"v1"'}, status=404)
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    await fetch(client)
    assert (await fetch(client, If_None_Match='"v1"')).status == 404
    assert site.runs == 1


async def test_an_etag_inside_is_kept_and_a_304_is_not(aiohttp_client: AiohttpClient) -> None:
    store = MemoryStore()
    client = await start(aiohttp_client, Site(), response_cache(store=store), etag())
    assert (await fetch(client, If_None_Match="*")).status == 304
    assert len(store) == 0
    tag = (await fetch(client)).headers["ETag"]
    assert (await fetch(client, If_None_Match=tag)).told.startswith("aiohttp; hit")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("status", "is_forgotten"), [(200, True), (204, True), (303, True), (400, False), (500, False)]
)
async def test_a_change_that_went_well_has_the_url_forgotten(
    method: str,
    status: int,
    is_forgotten: bool,
    store: Store,
    aiohttp_client: AiohttpClient,
) -> None:
    site = Site({**FRESH, "Vary": "Accept"})
    client = await start(aiohttp_client, site, response_cache(store=store))
    await fetch(client)
    site.status = status
    assert (await fetch(client, method=method)).told == "aiohttp; fwd=method"
    site.status = 200
    assert (await fetch(client)).text == ("run 3" if is_forgotten else "run 1")


@pytest.mark.parametrize(
    ("location", "is_forgotten"),
    [
        pytest.param("/list", True, id="a path"),
        pytest.param("list", True, id="a relative path"),
        pytest.param("{origin}/list", True, id="the same origin"),
        pytest.param("http://other/list", False, id="another origin"),
        pytest.param("http://[", False, id="no URL"),
        pytest.param("mailto:a@b", False, id="without a host"),
    ],
)
@pytest.mark.parametrize("name", ["Location", "Content-Location"])
async def test_what_a_change_names_is_forgotten_if_it_is_of_this_origin(
    name: str,
    location: str,
    is_forgotten: bool,
    aiohttp_client: AiohttpClient,
) -> None:
    site = Site()
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore()))
    await fetch(client, "/list")
    site.headers[name] = location.format(origin=str(client.make_url("/")).rstrip("/"))
    site.status = 201
    await fetch(client, "/new", "POST")
    site.status = 200
    assert (await fetch(client, "/list")).text == ("run 3" if is_forgotten else "run 1")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
async def test_methods_that_change_nothing_have_nothing_forgotten(method: str, aiohttp_client: AiohttpClient) -> None:
    client = await start(aiohttp_client, Site(), response_cache(store=MemoryStore()))
    await fetch(client)
    await fetch(client, method=method)
    assert (await fetch(client)).text == "run 1"


async def test_the_application_may_have_a_url_forgotten(store: Store, aiohttp_client: AiohttpClient) -> None:
    cache = response_cache(store=store)
    client = await start(aiohttp_client, Site(), cache)
    for path in ("/a?b=1", "/b"):
        await fetch(client, path)
    await cache.forget(str(client.make_url("/a?b=1")))
    assert (await fetch(client, "/a?b=1")).text == "run 3"
    assert (await fetch(client, "/b")).text == "run 2"


@pytest.mark.parametrize("url", ["/a", "", "https:///a", URL("a")], ids=str)
async def test_a_url_without_a_host_cannot_be_forgotten(url: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^response_cache\(\): forget\(.*names no host"):
        await response_cache(store=MemoryStore()).forget(url)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[None]:
    """Have one item for each request that begins to wait for another."""
    begun: asyncio.Queue[None] = asyncio.Queue()
    wait = Flight[Any].wait

    async def tell_and_wait(flight: Flight[Any], seconds: float) -> Landing | None:
        begun.put_nowait(None)
        return await wait(flight, seconds)

    monkeypatch.setattr(Flight, "wait", tell_and_wait)
    return begun


async def gather(
    site: Site,
    waiting: asyncio.Queue[None],
    requests: list[Callable[[], Any]],
    opened: Callable[[], Any] | None = None,
) -> list[Any]:
    """Begin the first request, then the others while its handler waits; then let it go on."""
    site.gate = asyncio.Event()
    tasks = [asyncio.ensure_future(requests[0]())]
    await site.arrived.get()
    tasks += [asyncio.ensure_future(request()) for request in requests[1:]]
    for _ in requests[1:]:
        await waiting.get()
    if opened is not None:
        opened()
    site.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_many_at_once_cause_one_run(
    store: Store, aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    site = Site()
    client = await start(aiohttp_client, site, response_cache(store=store, wait=60))
    answers = await gather(site, waiting, [lambda: fetch(client)] * 10)
    assert {answer.text for answer in answers} == {"run 1"}
    assert site.runs == 1
    assert sorted(answer.told for answer in answers)[-9:] == ["aiohttp; fwd=uri-miss; collapsed"] * 9


@pytest.mark.parametrize(
    ("headers", "error", "statuses"),
    [
        pytest.param({"Cache-Control": "private"}, None, [200, 200, 200], id="what may not be kept"),
        pytest.param(FRESH, RuntimeError("on purpose"), [500, 200, 200], id="a failure"),
        pytest.param(FRESH, web.HTTPServiceUnavailable(), [503, 200, 200], id="a refusal"),
        pytest.param(FRESH, web.HTTPNotFound(), [404, 200, 200], id="nothing found"),
    ],
)
async def test_who_waited_for_nothing_runs_itself(
    headers: dict[str, str],
    error: BaseException | None,
    statuses: list[int],
    aiohttp_client: AiohttpClient,
    waiting: asyncio.Queue[None],
) -> None:
    site = Site(headers)
    site.errors = [error] if error else []
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60))
    answers = await gather(site, waiting, [lambda: fetch(client)] * 3)
    assert [answer.status for answer in answers] == statuses
    assert {answer.text for answer in answers[1:]} == {"run 2", "run 3"}


async def test_nobody_waits_for_what_was_not_shared_lately(aiohttp_client: AiohttpClient) -> None:
    site = Site({"Cache-Control": "private"})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60))
    await fetch(client)
    site.gate = asyncio.Event()
    tasks = [asyncio.ensure_future(fetch(client)) for _ in range(2)]
    for _ in range(3):
        await site.arrived.get()
    site.gate.set()
    assert {task.text for task in await asyncio.gather(*tasks)} == {"run 2", "run 3"}


async def test_nobody_waits_for_longer_than_told(aiohttp_client: AiohttpClient) -> None:
    site = Site()
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), wait=0))
    site.gate = asyncio.Event()
    tasks = [asyncio.ensure_future(fetch(client)) for _ in range(3)]
    for _ in range(3):
        await site.arrived.get()
    site.gate.set()
    assert {answer.text for answer in await asyncio.gather(*tasks)} == {"run 1", "run 2", "run 3"}


async def test_who_wants_another_variant_runs_itself(
    aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    site = Site({**FRESH, "Vary": "Accept-Language"})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60))
    languages = ["de", "de", "en"]
    answers = await gather(site, waiting, [functools.partial(fetch, client, Accept_Language=one) for one in languages])
    assert [answer.text for answer in answers] == ["run 1", "run 1", "run 2"]


async def test_who_is_known_does_not_wait_for_those_who_are_not(aiohttp_client: AiohttpClient) -> None:
    site = Site()
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60))
    site.gate = asyncio.Event()
    tasks = [asyncio.ensure_future(fetch(client)), asyncio.ensure_future(fetch(client, Authorization="a"))]
    for _ in range(2):
        await site.arrived.get()
    site.gate.set()
    assert len({answer.text for answer in await asyncio.gather(*tasks)}) == 2


async def test_who_becomes_known_inside_does_not_get_what_others_get(
    aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    site = Site()

    @middleware
    async def identify(request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        if "X-Ann" in request.headers:
            request[IDENTITY] = Identity("ann")
        return answer

    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60), identify)
    answers = await gather(site, waiting, [lambda: fetch(client, X_Ann="1"), lambda: fetch(client)])
    assert [answer.text for answer in answers] == ["run 1", "run 2"]


async def test_a_stricter_client_gets_no_shared_response(
    clock: Clock, aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    site = Site({**FRESH, "Age": "5"})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60))
    answers = await gather(site, waiting, [lambda: fetch(client), lambda: fetch(client, Cache_Control="max-age=1")])
    assert [answer.text for answer in answers] == ["run 1", "run 2"]


async def test_a_client_that_goes_hands_over(
    aiohttp_client: AiohttpClient,
    waiting: asyncio.Queue[None],
) -> None:
    site = Site()
    runners: list[Any] = []
    cancelled = asyncio.Event()

    @middleware
    async def hold(request: web.Request, handler: Any) -> web.StreamResponse:
        runners.append(asyncio.current_task())
        try:
            answer: web.StreamResponse = await handler(request)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return answer

    client = await start(aiohttp_client, site, hold, response_cache(store=MemoryStore(), wait=60))
    answers = await gather(site, waiting, [lambda: fetch(client)] * 4, lambda: runners[0].cancel())
    await cancelled.wait()
    assert isinstance(answers[0], BaseException)
    assert {answer.text for answer in answers[1:]} == {"run 2"}


async def test_a_stream_that_breaks_off_is_not_kept(
    aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    class Broken(Site):
        async def respond(self, request: web.Request, text: str) -> web.StreamResponse:
            response = web.StreamResponse(headers=self.headers)
            await response.prepare(request)
            await response.write(text.encode())
            if self.runs == 1:
                raise self.broken
            return response

        broken: BaseException = RuntimeError("on purpose")

    for broken in (RuntimeError("on purpose"), web.HTTPBadGateway(), ConnectionResetError()):
        site = Broken()
        site.broken = broken
        store = MemoryStore()
        client = await start(aiohttp_client, site, response_cache(store=store, wait=60))
        answers = await gather(site, waiting, [functools.partial(send, client, "GET / HTTP/1.1", "Host: a")] * 2)
        assert b"run 2" in answers[1].body
        assert b"run 2" in (await send(client, "GET / HTTP/1.1", "Host: a")).body
        assert len(store) == 1


async def test_what_an_outer_link_sends_instead_is_not_kept(
    aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    store = MemoryStore()

    @middleware
    async def replace(request: web.Request, handler: Any) -> web.StreamResponse:
        await handler(request)
        return web.Response(text="replaced", headers=FRESH)

    site = Site()
    client = await start(aiohttp_client, site, replace, response_cache(store=store, wait=60))
    answers = await gather(site, waiting, [lambda: fetch(client)] * 2)
    assert {answer.text for answer in answers} == {"replaced"}
    assert (site.runs, len(store)) == (2, 0)


@pytest.mark.parametrize("is_open", [True, False])
async def test_what_was_changed_meanwhile_is_not_kept(is_open: bool, aiohttp_client: AiohttpClient) -> None:
    site = Site()
    store = MemoryStore()
    client = await start(aiohttp_client, site, response_cache(store=store, wait=60))
    site.gate = asyncio.Event()
    condition = {} if is_open else {"If_None_Match": '"x"'}
    reading = asyncio.ensure_future(fetch(client, **condition))
    await site.arrived.get()
    gate, site.gate = site.gate, None
    await fetch(client, method="PUT")
    gate.set()
    assert (await reading).text == "run 1"
    assert len(store) == 0


async def test_what_is_changed_while_it_is_kept_is_forgotten(aiohttp_client: AiohttpClient) -> None:
    class Slow(MemoryStore):
        async def set(self, key: str, value: bytes, *, ttl: float) -> None:
            await super().set(key, value, ttl=ttl)
            await cache.forget(client.make_url("/"))
            await super().set(key, value, ttl=ttl)

    store = Slow()
    cache = response_cache(store=store)
    client = await start(aiohttp_client, Site(), cache)
    await fetch(client)
    assert len(store) == 0


async def test_of_several_the_outermost_works_alone(aiohttp_client: AiohttpClient) -> None:
    outer, inner = MemoryStore(), MemoryStore()
    site = Site()
    links = (response_cache(store=outer, name="outer"), response_cache(store=inner, name="inner"))
    client = await start(aiohttp_client, site, *links)
    assert (await fetch(client)).headers.getall("Cache-Status") == ["outer; fwd=uri-miss"]
    assert (await fetch(client)).text == "run 1"
    assert (len(outer), len(inner)) == (1, 0)


async def test_one_updates_while_the_others_get_what_is_stale(clock: Clock, aiohttp_client: AiohttpClient) -> None:
    site = Site({"Cache-Control": "max-age=60, stale-while-revalidate=30"})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), clock=clock, wait=60))
    site.headers["Date"] = "Sun, 06 Nov 1994 08:49:37 GMT"
    await fetch(client)
    await site.arrived.get()
    clock.now += 89
    site.gate = asyncio.Event()
    updating = asyncio.ensure_future(fetch(client))
    await site.arrived.get()
    stale = await fetch(client)
    assert (stale.text, stale.told, stale.headers["Age"]) == ("run 1", "aiohttp; hit; ttl=-29", "89")
    site.headers["Date"] = "Sun, 06 Nov 1994 08:51:06 GMT"
    site.gate.set()
    assert (await updating).text == "run 2"
    assert (await fetch(client)).text == "run 2"


class Failing(Site):
    """Answers with an error by itself, once it has answered well."""

    async def respond(self, request: web.Request, text: str) -> web.StreamResponse:
        return web.Response(text=text, status=200 if self.runs == 1 else 503, headers=self.headers)


STALE_IF_ERROR = {"Cache-Control": "max-age=60, stale-if-error=30", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}


@pytest.mark.parametrize(
    ("site", "error", "told"),
    [
        pytest.param(Site, RuntimeError("on purpose"), 500, id="an exception"),
        pytest.param(Site, web.HTTPBadGateway(), 502, id="an error raised"),
        pytest.param(Failing, None, 503, id="an error returned"),
    ],
)
async def test_what_is_stale_is_sent_instead_of_an_error(
    site: type[Site], error: BaseException | None, told: int, clock: Clock, aiohttp_client: AiohttpClient
) -> None:
    handler = site(STALE_IF_ERROR)
    cache = response_cache(store=MemoryStore(), clock=clock)
    client = await start(aiohttp_client, handler, cache, cache_control(max_age=5))
    await fetch(client)
    clock.now += 89
    handler.errors = [error] if error else []
    stale = await fetch(client)
    assert (stale.status, stale.text) == (200, "run 1")
    assert stale.told == f"aiohttp; fwd=stale; fwd-status={told}"
    assert stale.headers.getall("Cache-Control") == ["max-age=60, stale-if-error=30"]
    clock.now += 1
    handler.errors = [error] if error else []
    assert (await fetch(client)).status == told


@pytest.mark.parametrize(
    ("error", "status"),
    [pytest.param(web.HTTPNotFound(), 404, id="an answer"), pytest.param(None, 200, id="a success")],
)
async def test_what_is_no_failure_replaces_what_is_stale(
    error: BaseException | None, status: int, clock: Clock, aiohttp_client: AiohttpClient
) -> None:
    site = Site(STALE_IF_ERROR)
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), clock=clock))
    await fetch(client)
    clock.now += 61
    site.errors = [error] if error else []
    assert (await fetch(client)).status == status


@pytest.mark.parametrize("broken", [RuntimeError("on purpose"), web.HTTPBadGateway()], ids=["exception", "raised"])
async def test_what_is_stale_does_not_follow_what_has_begun(
    broken: BaseException, clock: Clock, aiohttp_client: AiohttpClient
) -> None:
    class Breaking(Site):
        async def respond(self, request: web.Request, text: str) -> web.StreamResponse:
            if self.runs == 1:
                return web.Response(text=text, headers=self.headers)
            response = web.StreamResponse(headers=self.headers)
            await response.prepare(request)
            await response.write(text.encode())
            raise broken

    client = await start(aiohttp_client, Breaking(STALE_IF_ERROR), response_cache(store=MemoryStore(), clock=clock))
    await fetch(client)
    clock.now += 61
    answer = await send(client, "GET / HTTP/1.1", "Host: " + client.make_url("/").authority)
    assert b"run 2" in answer.body
    assert b"run 1" not in answer.body


async def test_a_store_that_is_down_causes_runs_and_is_logged(
    redis_server: RedisServer,
    aiohttp_client: AiohttpClient,
    caplog: pytest.LogCaptureFixture,
    waiting: asyncio.Queue[None],
) -> None:
    store = RedisStore.from_url(redis_server.url, timeout=10)
    site = Site()
    client = await start(aiohttp_client, site, response_cache(store=store, wait=60))
    redis_server.kill()
    with caplog.at_level(logging.ERROR):
        answers = await gather(site, waiting, [lambda: fetch(client)] * 3)  # they still wait for one
        assert (await fetch(client, method="PUT")).status == 200
    assert [answer.text for answer in answers] == ["run 1"] * 3
    logged = {record.getMessage().partition(":")[2].rpartition(":")[0] for record in caplog.records}
    assert {text.strip().rpartition(":")[0] for text in logged} == {
        "the store is down, handlers run",
        "the store is down, nothing is kept",
        "the store is down, what has changed is not forgotten",
    }
    redis_server.start()
    assert (await fetch(client)).text == "run 3"
    assert (await fetch(client)).text == "run 3"
    await store.close()


async def test_a_store_that_is_down_refuses_if_that_is_wanted(
    redis_server: RedisServer, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    store = RedisStore.from_url(redis_server.url, timeout=10)
    site = Site()
    cache = response_cache(store=store, fail_open=False)
    client = await start(aiohttp_client, site, cache)
    redis_server.kill()
    assert (await fetch(client)).status == 503
    assert site.runs == 0
    assert "requests are refused" in caplog.text
    with pytest.raises(StoreError):
        await cache.forget(client.make_url("/"))
    await store.close()


async def test_garbage_in_the_store_is_not_sent(aiohttp_client: AiohttpClient) -> None:
    class Garbage(MemoryStore):
        async def get(self, key: str) -> bytes | None:
            return b"garbage"

    client = await start(aiohttp_client, Site(), response_cache(store=Garbage()))
    assert (await fetch(client)).text == "run 1"


VALUES = st.lists(
    st.sampled_from(
        [
            "public",
            "private",
            "no-store",
            "no-cache",
            "max-age=60",
            "max-age=0",
            "s-maxage=9",
            "must-revalidate",
            "x=1",
        ]
    ),
    max_size=4,
).map(", ".join)


@given(VALUES, st.sampled_from([200, 206, 302, 304, 404, 500]), st.booleans(), st.sampled_from(["", "Accept", "*"]))
def test_what_is_kept_an_independent_cache_would_keep(
    said: str,
    status: int,
    is_identified: bool,
    vary: str,
) -> None:
    headers = CIMultiDict({"Cache-Control": said, "Vary": vary, "Date": "Sun, 06 Nov 1994 08:49:37 GMT"})
    freshness = measure(headers, LONG_AGO, None)
    kept = find_obstacle(status, headers, freshness) is None and may_share(
        headers, freshness, is_identified=is_identified, has_cookies=False
    )
    asked = hishel.Request(
        method="GET", url="http://a/", headers=hishel.Headers({"authorization": "a"} if is_identified else {})
    )
    response = hishel.Response(status_code=status, headers=hishel.Headers(dict(headers.items())))
    options = hishel.CacheOptions(shared=True)
    found = hishel.IdleClient(options=options).next(asked, [])
    assert isinstance(found, hishel.CacheMiss)
    theirs = found.next(response)
    if kept:
        assert isinstance(theirs, hishel.StoreAndUse)
    elif isinstance(theirs, hishel.StoreAndUse):  # ours is stricter where nothing is told, or it could never be used
        unusable = freshness.lifetime == 0 or "no-cache" in said or vary == "*"
        assert unusable or "private" in said


@given(VALUES, st.integers(0, 100), st.sampled_from(["", "no-cache"]))
def test_what_is_sent_again_an_independent_cache_would_send(said: str, age: int, wanted: str) -> None:
    names = [directive.partition("=")[0] for directive in said.split(", ")]
    assume(len(names) == len(set(names)))  # of two, RFC 9111, section 4.2.1, lets a cache take either
    now = time.time()
    date = format_datetime(dt.datetime.fromtimestamp(int(now) - age, dt.timezone.utc), usegmt=True)
    headers = CIMultiDict({"Cache-Control": said, "Date": date})
    freshness = measure(headers, now, None)
    refusal = find_refusal({wanted: None}, freshness, freshness.age + 1)
    if find_obstacle(200, headers, freshness) is not None or refusal is not None:
        return
    asked = hishel.Request(method="GET", url="http://a/", headers=hishel.Headers({"cache-control": wanted}))
    response = hishel.Response(status_code=200, headers=hishel.Headers(dict(headers.items())))
    entry = hishel.Entry(id=uuid.uuid4(), request=asked, response=response)
    theirs = hishel.IdleClient(options=hishel.CacheOptions(shared=True)).next(asked, [entry])
    assert isinstance(theirs, hishel.FromCache)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"store": object()}, "store is object, without get, set, add, replace, delete"),
        ({"ttl": 0}, "ttl=0; pass a number of seconds, 1 or more"),
        ({"ttl": "30"}, "ttl='30'"),
        ({"vary": "Accept"}, "vary='Accept' is no list of names; pass a list"),
        ({"vary": ["*"]}, "vary=['*'] is no list of names"),
        ({"vary": ["a b"]}, "vary='a b'; write a name"),
        ({"key": "tenant"}, "key is str; pass a function (request)"),
        ({"max_body": 0}, "max_body=0"),
        ({"wait": -1}, "wait=-1"),
        ({"fail_open": 1}, "fail_open=1; write True or False"),
        ({"name": "my cache"}, "name='my cache'; write a name"),
        ({"clock": 5}, "clock is"),
    ],
    ids=steady,
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        response_cache(**{"store": MemoryStore(), **options})
    assert str(raised.value).startswith(f"response_cache(): {message}")


# ---- what others must not get


def serve_in_router(*links: Any, **handlers: Any) -> web.Application:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, *links)
    for name, (*own, handler) in handlers.items():
        router.add_get(f"/{name}", *own, handler)
    return app


async def test_what_the_innermost_of_several_forbids_is_not_kept(aiohttp_client: AiohttpClient) -> None:
    runs = 0

    async def count(_: web.Request) -> web.Response:
        nonlocal runs
        runs += 1
        return web.Response()

    own = (response_cache(store=MemoryStore(), ttl=60), cache_control(no_store=True))
    client = await aiohttp_client(serve_in_router(cache_control(max_age=60), count=(*own, count)))
    for _ in range(2):
        async with client.get("/count") as response:
            assert response.headers["Cache-Control"] == "no-store"
    assert runs == 2


async def test_a_page_of_a_session_is_not_kept(aiohttp_client: AiohttpClient) -> None:
    async def greet(request: web.Request) -> web.Response:
        request[SESSION]["user"] = user = request.query.get("user", request[SESSION].get("user", "nobody"))
        return web.Response(text=f"hello {user}")

    async def show(request: web.Request) -> web.Response:
        return web.Response(text=f"hello {request[SESSION].get('user', 'nobody')}")

    own = (response_cache(store=MemoryStore()), cache_control(max_age=60))
    around = sessions(store=MemoryStore(), secure=False)
    app = serve_in_router(around, greet=(greet,), show=(*own, show))
    client = await aiohttp_client(app, cookie_jar=CookieJar(unsafe=True))
    async with client.get("/greet?user=alice"):
        pass
    async with client.get("/show") as response:
        assert await response.text() == "hello alice"
    client.session.cookie_jar.clear()
    async with client.get("/show") as response:
        assert await response.text() == "hello nobody"


async def test_a_page_with_a_token_is_not_kept(aiohttp_client: AiohttpClient) -> None:
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=str(request[CSRF_TOKEN]))

    own = (response_cache(store=MemoryStore()), cache_control(max_age=60))
    around = csrf_token("s" * 32, cookie="csrf", secure=False)
    client = await aiohttp_client(serve_in_router(around, show=(*own, show)))
    seen = set()
    for _ in range(2):
        async with client.get("/show", headers={"Cookie": f"csrf={'A' * 22}"}) as response:
            seen.add(await response.text())
    assert len(seen) == 2


async def test_a_get_with_a_body_is_not_kept(aiohttp_client: AiohttpClient) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=await request.text(), headers={"Cache-Control": "max-age=60"})

    client = await aiohttp_client(serve_in_router(echo=(response_cache(store=MemoryStore()), echo)))
    async with client.get("/echo", data=b"evil") as response:
        assert response.headers["Cache-Status"].endswith("bypass; detail=body")
    async with client.get("/echo") as response:
        assert await response.text() == ""


# ---- one request that nobody else should pay for


async def start_for_many(aiohttp_client: AiohttpClient, site: Any, *links: Any) -> Any:
    """A client that sends as much at once as it is told to."""
    app = web.Application()
    setup(app)
    router: Any = UrlDispatcherEx.install(app)
    router.add_route("*", "/{tail:.*}", *links, site.__call__)
    return await aiohttp_client(app, connector=TCPConnector(limit=0))


class Picky(Site):
    """Refuses one, knows one, greets one by a cookie; all others get what may be kept."""

    async def respond(self, request: web.Request, text: str) -> web.StreamResponse:
        if request.headers.get("X-Ask") == "error":
            raise web.HTTPNotFound
        if request.headers.get("Accept") == "image/png":
            raise web.HTTPNotAcceptable
        response = web.Response(text=text, headers=self.headers)
        if request.headers.get("X-Ask") == "cookie":
            response.set_cookie("seen", "1")
        return response


ONE_ALONE = [
    pytest.param({"X-Ask": "error"}, 404, id="a 404"),
    pytest.param({"Accept": "image/png"}, 406, id="a 406"),
    pytest.param({"If-None-Match": "*"}, 304, id="a 304"),
    pytest.param({"If-None-Match": '"other"', "X-Ask": "cookie"}, 200, id="a condition"),
    pytest.param({"X-Ask": "cookie"}, 200, id="a cookie that is set"),
]


@pytest.mark.parametrize(("headers", "status"), ONE_ALONE)
async def test_one_request_that_finds_nothing_to_share_leaves_the_others_sharing(
    headers: dict[str, str], status: int, aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    """After one of them, two hundred requests at once for a page that may be kept run its handler once."""
    site = Picky()
    client = await start_for_many(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60), etag())
    async with client.get("/", headers=headers) as response:
        assert response.status == status
    await site.arrived.get()
    answers = await gather(site, waiting, [lambda: fetch(client)] * 200)
    assert {answer.text for answer in answers} == {"run 2"}
    assert site.runs == 2


async def test_one_who_is_known_inside_leaves_the_others_sharing(
    aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    @middleware
    async def identify(request: web.Request, handler: Any) -> web.StreamResponse:
        if "X-Ann" in request.headers:
            request[IDENTITY] = Identity("ann")
        answer: web.StreamResponse = await handler(request)
        return answer

    site = Site()
    client = await start_for_many(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60), identify)
    known = await fetch(client, X_Ann="1")
    assert known.told == "aiohttp; fwd=uri-miss; detail=identity"
    await site.arrived.get()
    answers = await gather(site, waiting, [lambda: fetch(client)] * 50)
    assert {answer.text for answer in answers} == {"run 2"}


async def test_a_page_that_is_kept_at_last_is_waited_for_again(
    clock: Clock, aiohttp_client: AiohttpClient, waiting: asyncio.Queue[None]
) -> None:
    site = Site({"Cache-Control": "no-store"})
    client = await start(aiohttp_client, site, response_cache(store=MemoryStore(), wait=60, clock=clock))
    await fetch(client)
    site.headers["Cache-Control"] = "max-age=60"
    site.headers["Date"] = "Sun, 06 Nov 1994 08:49:37 GMT"
    await fetch(client)
    clock.now += 61
    for _ in range(2):
        await site.arrived.get()
    site.headers["Date"] = "Sun, 06 Nov 1994 08:50:38 GMT"
    answers = await gather(site, waiting, [lambda: fetch(client)] * 3)
    assert {answer.text for answer in answers} == {"run 3"}


# ---- what Cache-Status tells


async def test_a_stream_that_an_outer_etag_breaks_off_tells_once(aiohttp_client: AiohttpClient) -> None:
    site = Streaming({**FRESH, "ETag": '"v1"', "Cache-Status": "origin; hit"})
    client = await start(aiohttp_client, site, etag(), response_cache(store=MemoryStore()))
    broken_off = await fetch(client, If_None_Match='"v1"')
    assert broken_off.status == 304
    told = ["origin; hit", "aiohttp; fwd=uri-miss; detail=replaced"]
    assert broken_off.headers.getall("Cache-Status") == told


@pytest.mark.parametrize("kind", [Site, Streaming])
@pytest.mark.parametrize("outside", [True, False], ids=["etag outside", "etag inside"])
@pytest.mark.parametrize(
    ("method", "condition", "status"),
    [("GET", "*", 304), ("HEAD", "*", 304), ("GET", '"v2"', 200), ("PUT", "*", 200)],
)
async def test_each_response_has_one_member_wherever_an_etag_stands(
    kind: type[Site], outside: bool, method: str, condition: str, status: int, aiohttp_client: AiohttpClient
) -> None:
    links = (etag(), response_cache(store=MemoryStore()))
    site = kind({**FRESH, "ETag": '"v1"'})
    client = await start(aiohttp_client, site, *(links if outside else reversed(links)))
    for _ in range(2):
        answer = await fetch(client, "/", method, If_None_Match=condition)
        assert answer.status == status
        assert len(answer.headers.getall("Cache-Status")) == 1
        await fetch(client)


@pytest.mark.parametrize("place", ["outside", "inside"])
async def test_a_condition_that_fails_is_told_of_as_well(place: str, aiohttp_client: AiohttpClient) -> None:
    cache = response_cache(store=MemoryStore())
    client = await start(aiohttp_client, Site(), *((etag(), cache) if place == "outside" else (cache, etag())))
    await fetch(client)
    answer = await fetch(client, If_Match='"other"')
    assert answer.status == 412
    assert answer.headers.getall("Cache-Status")[0].startswith("aiohttp; hit; ttl=")
    assert len(answer.headers.getall("Cache-Status")) == 1


@pytest.mark.parametrize("path", ["/", "/stream"])
async def test_of_two_caches_on_their_way_the_outer_one_tells_once(path: str, aiohttp_client: AiohttpClient) -> None:
    """One for an application and one on its route, with an `etag()` between and around them."""

    async def stream(request: web.Request) -> web.StreamResponse:
        return await Streaming({**FRESH, "ETag": '"v1"'})(request)

    store = MemoryStore()
    app = web.Application(middlewares=[etag(), response_cache(store=store, name="outer"), etag()])
    setup(app)
    own = response_cache(store=store, name="inner")
    router = UrlDispatcherEx.install(app)
    router.add_get("/", own, Site({**FRESH, "ETag": '"v1"'}).__call__)
    router.add_get("/stream", own, stream)
    client = await aiohttp_client(app)
    for condition in ('"v1"', '"v2"', '"v1"'):
        answer = await fetch(client, path, If_None_Match=condition)
        assert answer.status == (304 if condition == '"v1"' else 200)
        assert len(answer.headers.getall("Cache-Status")) == 1
        assert answer.told.startswith("outer; ")


async def replace(request: web.Request, handler: Any) -> web.StreamResponse:
    await handler(request)
    return web.Response(text="replaced")


@pytest.mark.parametrize(
    ("options", "around", "headers", "detail"),
    [
        pytest.param({"ttl": 60}, (), {"Cookie": "a=b"}, "Cookie", id="cookies, and a time of the cache alone"),
        pytest.param({}, (cache_control(max_age=60),), {}, "no-lifetime", id="cache_control() around it"),
        pytest.param({"ttl": 60, "max_body": 4}, (), {}, "max_body", id="too large"),
        pytest.param({"ttl": 60}, (middleware(replace),), {}, "replaced", id="replaced by an outer link"),
    ],
)
async def test_what_is_not_kept_tells_why(
    options: Any, around: tuple[Any, ...], headers: dict[str, str], detail: str, aiohttp_client: AiohttpClient
) -> None:
    cache = response_cache(store=MemoryStore(), **options)
    client = await start(aiohttp_client, Site({}), *around, cache)
    assert (await fetch(client, **headers)).told == f"aiohttp; fwd=uri-miss; detail={detail}"


async def test_a_failure_and_a_page_of_a_session_tell_why_they_are_not_kept(aiohttp_client: AiohttpClient) -> None:
    async def greet(request: web.Request) -> web.Response:
        if "fail" in request.query:
            raise RuntimeError("on purpose")
        return web.Response(text=request[SESSION].get("user", "nobody"))

    around = sessions(secret=b"x" * 32, secure=False)
    client = await start(aiohttp_client, greet, around, response_cache(store=MemoryStore()), cache_control(max_age=60))
    assert (await fetch(client)).told == "aiohttp; fwd=uri-miss; detail=personal"
    assert (await fetch(client, "/?fail=1")).told == "aiohttp; fwd=uri-miss; detail=failed"


async def test_what_is_set_on_one_answer_is_not_on_the_next(aiohttp_client: AiohttpClient) -> None:
    """What a link around writes on a response, kept or about to be, is for this one request."""

    @middleware
    async def mark(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if "X-Who" not in request.headers:
            return response
        response.headers.add("X-Mark", request.headers["X-Who"])
        response.headers["X-Site"] = f"as {request.headers['X-Who']} sees it"
        response.headers.popall("X-Inside", None)
        return response

    site = Site({**FRESH, "X-Site": "as it is", "X-Inside": "7"})
    client = await start(aiohttp_client, site, mark, response_cache(store=MemoryStore()))
    for who in ("a", "b", "c"):
        answer = await fetch(client, X_Who=who)
        told = [answer.headers.getall(name, []) for name in ("X-Mark", "X-Site", "X-Inside")]
        assert (answer.text, told) == ("run 1", [[who], [f"as {who} sees it"], []])
    answer = await fetch(client)
    told = [answer.headers.getall(name, []) for name in ("X-Mark", "X-Site", "X-Inside")]
    assert (answer.text, told) == ("run 1", [[], ["as it is"], ["7"]])


async def test_each_cache_measures_what_is_kept_by_its_own_time(aiohttp_client: AiohttpClient) -> None:
    """Two caches with one store read the same bytes, and tell their own `ttl`."""
    clock, store, site = Clock(LONG_AGO), MemoryStore(), Site({"Date": "Sun, 06 Nov 1994 08:49:37 GMT"})
    for ttl, told in ((30, "fwd=uri-miss"), (30, "hit; ttl=30"), (90, "hit; ttl=90"), (30, "hit; ttl=30")):
        client = await start(aiohttp_client, site, response_cache(store=store, ttl=ttl, clock=clock))
        answer = await fetch(client, Host="example.com")
        assert (answer.text, answer.told) == ("run 1", f"aiohttp; {told}")


async def test_what_is_made_anew_is_what_is_told(aiohttp_client: AiohttpClient) -> None:
    """What was remembered of a response is not told of the one that has taken its place."""
    clock, site = Clock(LONG_AGO), Site({"Cache-Control": "max-age=60", "X-Miss": "1"})
    cache = response_cache(store=MemoryStore(), clock=clock)
    client = await start(aiohttp_client, site, cache)
    for run in ("1", "2", "3"):
        site.headers["X-Miss"] = run
        for _ in range(3):
            answer = await fetch(client, Host="example.com")
            assert (answer.text, answer.headers["X-Miss"]) == (f"run {run}", run)
        await cache.forget("http://example.com/")


async def test_a_412_from_what_was_kept_says_why_a_weak_tag_never_matches(aiohttp_client: AiohttpClient) -> None:
    client = await start(aiohttp_client, Site({**FRESH, "ETag": 'W/"v1"'}), response_cache(store=MemoryStore()))
    await fetch(client)
    answer = await fetch(client, If_Match='W/"v1"')
    assert answer.status == 412
    assert answer.text.endswith("the entity tag of this representation is weak.")


async def test_the_link_of_a_page_stands_on_the_route_of_its_changes_too(aiohttp_client: AiohttpClient) -> None:
    """As the docstring of `response_cache()` shows: without it there, a change has nothing forgotten."""
    pages = response_cache(store=MemoryStore())
    news, other = Site(), Site()
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app)
    router.add_get("/news", pages, news.__call__)
    router.add_post("/news", pages, news.__call__)
    router.add_get("/other", pages, other.__call__)
    router.add_post("/other", other.__call__)
    client = await aiohttp_client(app)
    for path, text in (("/news", "run 3"), ("/other", "run 1")):
        await fetch(client, path)
        await fetch(client, path, "POST")
        assert (await fetch(client, path)).text == text
