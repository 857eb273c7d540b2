"""Servers that send ten kilobytes of JSON, plain, compressed or from a cache: ours, and those of other frameworks."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn
from aiohttp import web
from litestar import Litestar, MediaType, get
from litestar import Response as LitestarResponse
from litestar.config.compression import CompressionConfig
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route

from aiohttp_route_middleware import chain
from aiohttp_route_middleware.middlewares import setup
from aiohttp_route_middleware.middlewares.cache_control import cache_control
from aiohttp_route_middleware.middlewares.compress import compress
from aiohttp_route_middleware.middlewares.etag import etag
from aiohttp_route_middleware.middlewares.response_cache import response_cache
from aiohttp_route_middleware.stores import MemoryStore

from .bodies import TEN_KILOBYTES

HOST = "127.0.0.1"
LEVEL = 6  # of gzip, in all of them; by default Starlette and Litestar have 9
PLAIN, GZIP, CACHE, BOTH, PACKED_CACHE, NOT_MODIFIED = (
    *("plain", "gzip", "cache", "gzip around a cache", "a cache around gzip", "304 by its tag"),
)
OURS, STARLETTE, LITESTAR = "ours", "Starlette", "Litestar"
_JSON = "application/json"
_LIFETIME = 300  # seconds after which a server ends by itself

Serve = Callable[[str, socket.socket], Coroutine[Any, Any, None]]


async def serve_ours(feature: str, listener: socket.socket) -> None:
    """Serve by aiohttp."""
    app = web.Application()
    setup(app)
    app.router.add_get("/", chain(*_list_links(feature), _answer_ours))
    app.router.add_get("/cpu", _tell_cpu_ours)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=_LIFETIME)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    await asyncio.sleep(_LIFETIME)


def _list_links(feature: str) -> list[Any]:
    gzip = compress(encodings=["gzip"], levels={"gzip": LEVEL})
    cached = [response_cache(store=MemoryStore()), cache_control(public=True, max_age=600)]
    links: dict[str, list[Any]] = {PLAIN: [], GZIP: [gzip], CACHE: cached, BOTH: [gzip, *cached]}
    return {**links, PACKED_CACHE: [*cached, gzip], NOT_MODIFIED: [etag()]}[feature]


async def _answer_ours(request: web.Request) -> web.Response:
    return web.Response(body=TEN_KILOBYTES, content_type=_JSON)


async def _tell_cpu_ours(request: web.Request) -> web.Response:
    return web.Response(text=str(time.process_time()))


async def serve_starlette(feature: str, listener: socket.socket) -> None:
    """Serve by Starlette, which has no cache and tags files only."""

    async def answer(request: Request) -> StarletteResponse:
        return StarletteResponse(TEN_KILOBYTES, media_type=_JSON)

    async def tell_cpu(request: Request) -> StarletteResponse:
        return StarletteResponse(str(time.process_time()))

    middleware = [Middleware(GZipMiddleware, compresslevel=LEVEL)] if feature == GZIP else []
    await _run_uvicorn(
        Starlette(routes=[Route("/", answer), Route("/cpu", tell_cpu)], middleware=middleware), listener
    )


async def serve_litestar(feature: str, listener: socket.socket) -> None:
    """Serve by Litestar, which tags files only."""

    @get("/", cache=600 if feature in (CACHE, PACKED_CACHE) else False)
    async def answer() -> LitestarResponse[bytes]:
        return LitestarResponse(TEN_KILOBYTES, media_type=_JSON)

    @get("/cpu", media_type=MediaType.TEXT)
    async def tell_cpu() -> str:
        return str(time.process_time())

    packing = CompressionConfig("gzip", gzip_compress_level=LEVEL) if feature in (GZIP, PACKED_CACHE) else None
    app = Litestar([answer, tell_cpu], compression_config=packing, openapi_config=None, logging_config=None)
    await _run_uvicorn(app, listener)


async def _run_uvicorn(app: Any, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="asyncio",
        lifespan="off",
        log_level="critical",
        access_log=False,
        timeout_keep_alive=_LIFETIME,
    )
    await uvicorn.Server(config).serve(sockets=[listener])


SERVERS: dict[tuple[str, str], Serve] = {
    **{(OURS, feature): serve_ours for feature in (PLAIN, GZIP, CACHE, BOTH, PACKED_CACHE, NOT_MODIFIED)},
    **{(STARLETTE, feature): serve_starlette for feature in (PLAIN, GZIP)},
    **{(LITESTAR, feature): serve_litestar for feature in (PLAIN, GZIP, CACHE, PACKED_CACHE)},
}


def main() -> None:
    """Serve what the arguments tell, and print the port."""
    framework, feature = sys.argv[1:]
    listener = socket.create_server((HOST, 0))
    print(listener.getsockname()[1], flush=True)
    asyncio.run(SERVERS[framework, feature](feature, listener))


if __name__ == "__main__":
    main()
