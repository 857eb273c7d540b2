"""compress(), etag() and response_cache() around each other: in each order, who gets which representation.

The first order is that of `docs/batteries.md`. A cache of other people stands in front of each and must agree.
"""

import gzip
import itertools
import zlib
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]  # it has no types
import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.stores import MemoryStore

from ..clock import Clock
from .strict_cache import StrictCache

PAGE = b"the quick brown fox jumps over the lazy dog; " * 100
LINKS: dict[str, Callable[[], Any]] = {
    "compress": lambda: compress(encodings=["br", "gzip"]),
    "response_cache": lambda: response_cache(store=MemoryStore()),
    "cache_control": lambda: cache_control(max_age=60),
    "etag": etag,
}
ORDERS = [
    ("compress", "response_cache", "cache_control", "etag"),  # as in the docs
    ("compress", "cache_control", "etag"),  # as in examples/public_api.py
    *((*order, "cache_control") for order in itertools.permutations(("compress", "response_cache", "etag"))),
]
DECODERS: dict[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
}
ACCEPTED = [(None, None), ("gzip", "gzip"), ("br, gzip", "br"), ("deflate", None), ("gzip;q=0, br", "br")]

each_order = pytest.mark.parametrize("order", ORDERS, ids=" > ".join)


class Site:
    """One page, returned or streamed."""

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.page = PAGE

    async def show(self, _: web.Request) -> web.Response:
        return web.Response(body=self.page, content_type="text/plain", headers=self.headers)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain", "ETag": '"v1"', **self.headers})
        await response.prepare(request)
        for start in range(0, len(self.page), 1000):
            await response.write(self.page[start : start + 1000])
        return response


async def start(aiohttp_client: AiohttpClient, order: tuple[str, ...], site: Site) -> Any:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, *(LINKS[name]() for name in order))
    router.add_get("/", site.show)
    router.add_get("/stream", site.stream)
    return await aiohttp_client(app, auto_decompress=False, skip_auto_headers=["Accept-Encoding"])


async def fetch(client: Any, path: str, accept: str | None, method: str = "GET", **headers: str) -> Any:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if accept is not None:
        fields["Accept-Encoding"] = accept
    async with client.request(method, path, headers=fields) as response:
        response.body = await response.read()
        return response


each_path = pytest.mark.parametrize("path", ["/", "/stream"])


@each_path
@each_order
async def test_each_gets_what_he_accepts_also_when_others_have_asked_before(
    order: tuple[str, ...], path: str, aiohttp_client: AiohttpClient
) -> None:
    client = await start(aiohttp_client, order, Site())
    for _, (accept, coding) in itertools.product(range(2), ACCEPTED):
        found = await fetch(client, path, accept)
        assert (found.status, found.headers.get("Content-Encoding")) == (200, coding)
        assert DECODERS[coding](found.body) == PAGE
        assert [name.strip() for name in found.headers["Vary"].split(",")].count("Accept-Encoding") == 1
        assert len(found.headers.getall("ETag")) == 1


@each_path
@each_order
async def test_two_representations_have_no_strong_tag_in_common(
    order: tuple[str, ...], path: str, aiohttp_client: AiohttpClient
) -> None:
    """RFC 9110, section 8.8.3: what differs byte by byte has no equal strong tags."""
    client = await start(aiohttp_client, order, Site())
    strong: dict[str, bytes] = {}
    for _, (accept, coding) in itertools.product(range(2), ACCEPTED):
        found = await fetch(client, path, accept)
        tag = found.headers["ETag"]
        assert tag.startswith("W/") is (coding is not None)
        if coding is None:
            assert strong.setdefault(tag, found.body) == found.body


@each_path
@each_order
async def test_who_has_it_gets_304_with_the_tag_that_he_has(
    order: tuple[str, ...], path: str, aiohttp_client: AiohttpClient
) -> None:
    client = await start(aiohttp_client, order, Site())
    for _, (accept, _coding), method in itertools.product(range(2), ACCEPTED, ("GET", "HEAD")):
        found = await fetch(client, path, accept)
        again = await fetch(client, path, accept, method, If_None_Match=found.headers["ETag"])
        assert (again.status, again.body) == (304, b"")
        for name in ("ETag", "Vary", "Cache-Control"):  # RFC 9110, section 15.4.5
            assert again.headers[name] == found.headers[name]
        assert not {"Content-Encoding", "Content-Length", "Content-Type"} & again.headers.keys()


@each_order
async def test_head_tells_what_get_would_send(order: tuple[str, ...], aiohttp_client: AiohttpClient) -> None:
    client = await start(aiohttp_client, order, Site())
    for _, (accept, coding) in itertools.product(range(2), ACCEPTED):
        head = await fetch(client, "/", accept, "HEAD")
        found = await fetch(client, "/", accept)
        assert (head.status, head.headers.get("Content-Encoding"), head.body) == (200, coding, b"")
        assert head.headers.get("Content-Length", found.headers["Content-Length"]) == found.headers["Content-Length"]
        for name in ("ETag", "Vary", "Cache-Control", "Content-Type"):
            assert head.headers[name] == found.headers[name]


@each_path
@each_order
async def test_who_asks_for_a_part_gets_the_page_as_it_is(
    order: tuple[str, ...], path: str, aiohttp_client: AiohttpClient
) -> None:
    """A range is one of the page as it is; nobody else gets what was made for it (RFC 9110, section 14.2)."""
    client = await start(aiohttp_client, order, Site())
    for _ in range(2):
        part = await fetch(client, path, "gzip", Range="bytes=0-3")
        assert (part.status, part.body, part.headers.get("Content-Encoding")) == (200, PAGE, None)
        assert not part.headers["ETag"].startswith("W/")
        assert "Accept-Encoding" in part.headers["Vary"]
        found = await fetch(client, path, "gzip")
        assert gzip.decompress(found.body) == PAGE


@each_path
@each_order
async def test_a_strict_cache_in_front_keeps_each_representation_for_those_who_accept_it(
    order: tuple[str, ...], path: str, aiohttp_client: AiohttpClient
) -> None:
    client = await start(aiohttp_client, order, Site())
    cache = StrictCache(client)
    for round_, (accept, coding) in itertools.product(range(2), ACCEPTED):
        found = await cache.get(path, accept)
        assert (found.status, found.headers.get("content-encoding")) == (200, coding)
        assert DECODERS[coding](found.body) == PAGE
        assert found.how == ("kept" if round_ else "asked")


@each_path
@each_order
async def test_a_strict_cache_in_front_asks_again_and_goes_on_with_what_it_has(
    order: tuple[str, ...], path: str, aiohttp_client: AiohttpClient
) -> None:
    """What it has kept is stale at once: it revalidates, and each 304 is one that it can use."""
    client = await start(aiohttp_client, order, Site(Date="Sun, 06 Nov 1994 08:49:37 GMT"))
    cache = StrictCache(client)
    for round_, (accept, coding) in itertools.product(range(2), ACCEPTED):
        found = await cache.get(path, accept)
        assert (found.status, found.headers.get("content-encoding")) == (200, coding)
        assert DECODERS[coding](found.body) == PAGE
        assert found.how == ("revalidated" if round_ else "asked")


@each_order
async def test_what_has_changed_is_sent_anew(order: tuple[str, ...], aiohttp_client: AiohttpClient) -> None:
    clock = Clock()
    site = Site()
    app = web.Application()
    setup(app)
    links: dict[str, Callable[[], Any]] = {
        **LINKS,
        "response_cache": lambda: response_cache(store=MemoryStore(clock=clock), clock=clock),
    }
    UrlDispatcherEx.install(app, *(links[name]() for name in order)).add_get("/", site.show)
    client = await aiohttp_client(app, auto_decompress=False, skip_auto_headers=["Accept-Encoding"])
    before = await fetch(client, "/", "gzip")
    site.page = PAGE[::-1]
    clock.now += 61
    after = await fetch(client, "/", "gzip", If_None_Match=before.headers["ETag"])
    assert (after.status, gzip.decompress(after.body)) == (200, PAGE[::-1])
    assert after.headers["ETag"] != before.headers["ETag"]
