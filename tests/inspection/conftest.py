"""What the inspection is tested on: links with names and keys, and lines of code that are marked to be found again."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aiohttp_route_middleware import UrlDispatcherEx, named, provides
from aiohttp_route_middleware.inspection import LinkInfo, RouteInfo, list_routes

USER = web.RequestKey("USER", str)


@provides(USER)
async def authenticate(request: web.Request) -> None: ...


def authorise(*scopes: str) -> Any:
    @named(f"authorise({', '.join(scopes)})")
    async def authorise(request: web.Request) -> None: ...

    return authorise


async def audit(request: web.Request) -> None: ...


@web.middleware
async def log_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


@web.middleware
async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


@web.middleware
async def inner(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def index(request: web.Request) -> web.Response:
    return web.Response(text="index")


async def get_post(request: web.Request) -> web.Response:
    return web.Response(text="post")


class PostView(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="view")


def new_app(*links: Any, middlewares: Sequence[Middleware] = ()) -> tuple[web.Application, UrlDispatcherEx]:
    """A fresh application and its extended router."""
    app = web.Application(middlewares=middlewares)
    return app, UrlDispatcherEx.install(app, *links)


def names(links: Iterable[LinkInfo]) -> list[str]:
    return [link.name for link in links]


def labels(app: web.Application) -> list[str]:
    return [route.label for route in list_routes(app)]


def find(app: web.Application, label: str) -> RouteInfo:
    """The one route that is named so."""
    (route,) = [route for route in list_routes(app) if route.label == label]
    return route


def read_marks(file: str) -> dict[str, int]:
    """The number of each line that ends in `# line: NAME`."""
    lines = enumerate(Path(file).read_text().splitlines(), 1)
    return {mark: number for number, line in lines for mark in re.findall(r"# line: (.+)$", line)}
