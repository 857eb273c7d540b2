"""`explain()`: what would answer a URL, and what runs before it; or why nothing does."""

from __future__ import annotations

import difflib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from ..errors import InspectionError
from ..exchange import exchange
from ..naming import escape_unprintable
from ..support.setup import prepare_responses
from .listing import LinkInfo, RouteInfo, list_routes

__all__ = ("Explanation", "explain")

_SILENT = logging.getLogger(__name__)  # what aiohttp refuses is told, not logged
_SILENT.disabled = True
_KEPT = "/%:@!$&'()*+,;=~?"  # what a URL may hold as it is (RFC 3986, section 3.3)


@dataclass(frozen=True)
class Explanation:
    """What becomes of one request.

    Args:
        method: of the request.
        url: of the request.
        status: 404 or 405 if no route answers; `None` if one does.
        route: what answers; for a `View` without such a method, the route whose links run before it says 405.
        match_info: what the router found in the path.
        middlewares: of the applications; these run whether a route answers or not.
        notes: why there is no route, or what is not obvious about the one there is.
    """

    method: str
    url: str
    status: int | None
    route: RouteInfo | None
    match_info: dict[str, str]
    middlewares: tuple[LinkInfo, ...]
    notes: tuple[str, ...]


async def explain(app: web.Application, method: str, url: str) -> Explanation:
    """Tell what an application would do with a request, without running anything of it but its router.

    Args:
        app: the outermost application.
        method: the HTTP method, in any case.
        url: a path with a query, or a whole URL, whose host then selects among domains.

    Raises:
        InspectionError: the method or the URL is none.

    Example:
        found = await explain(app, "GET", "/posts/7")
        print(found.route.links if found.route else found.notes)
    """
    routes = list_routes(app)
    request = _Request.read(method, url)
    match = await request.resolve(app)
    applications = (app, *match.apps)  # aiohttp adds the outermost when it handles a request
    answer = await _read_answer(match, request, app, routes)
    return Explanation(
        method=request.method,
        url=url,
        status=answer.status,
        route=answer.route,
        match_info=dict(match),
        middlewares=tuple(LinkInfo.of(link) for one in applications for link in one.middlewares),
        notes=(*answer.notes, *_explain_preflight(request, app, answer)),
    )


@dataclass(frozen=True)
class _Request:
    """What is asked."""

    method: str
    host: str
    path: str
    query: str

    @classmethod
    def read(cls, method: str, url: str) -> _Request:
        try:
            parts = urlsplit(url)
            host = parts.netloc.rpartition("@")[2] or "localhost"
            host = host if host.isascii() else host.encode("idna").decode()
            quoted = [quote(part, safe=_KEPT) for part in (parts.path or "/", parts.query)]
        except ValueError as error:
            raise InspectionError(f"{url!r} is no URL: {error}") from error
        if not (parts.path.startswith("/") or (parts.netloc and not parts.path)):
            raise InspectionError(f"{url!r} is neither a path that starts with a slash nor a URL with a host")
        return cls(method.upper(), host, *quoted)

    async def resolve(self, app: web.Application) -> web.UrlMappingMatchInfo:
        """Ask the application's own router."""
        found: list[web.UrlMappingMatchInfo] = []
        failed: list[Exception] = []

        @web.middleware
        async def ask_router(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                found.append(await app.router.resolve(request))
            except Exception as error:  # aiohttp would log it, and say no more than 500
                failed.append(error)
            return web.Response()

        target = f"{self.path}?{self.query}" if self.query else self.path
        asking = web.Application(middlewares=[ask_router])
        await exchange(asking, self.method, target, {hdrs.HOST: self.host}, b"", logger=_SILENT)
        if failed:
            raise InspectionError(escape_unprintable(f"the router failed: {failed[0]!r}")) from failed[0]
        if not found:
            raise InspectionError(f"aiohttp takes no request for {self.method} {target}")
        return found[0]


@dataclass(frozen=True)
class _Answer:
    status: int | None
    route: RouteInfo | None
    notes: tuple[str, ...]


async def _read_answer(
    match: web.UrlMappingMatchInfo, request: _Request, app: web.Application, routes: Sequence[RouteInfo]
) -> _Answer:
    error = match.http_exception
    if isinstance(error, web.HTTPMethodNotAllowed):
        return _Answer(error.status, None, tuple(_explain_405(request, sorted(error.allowed_methods))))
    if error is not None:
        notes = [note async for note in _explain_404(request, app, routes)]
        return _Answer(error.status, None, tuple(notes))
    applications = (app, *match.apps)
    several = [route for route in routes if match.route in route.routes and route.apps == applications]
    if not several:
        return _Answer(None, None, ("answered by a resource that does not list its routes",))
    found = several[0]
    missing = _miss_in_view(request.method, found.endpoint.link)
    if missing:
        return _Answer(405, found, (missing,))
    return _Answer(None, found, tuple(_explain_200(request, several)))


def _explain_200(request: _Request, several: Sequence[RouteInfo]) -> Iterator[str]:
    if request.method == hdrs.METH_HEAD and hdrs.METH_GET in several[0].methods:
        yield "HEAD came with the GET route: its links run, and no body is sent"
    if len(several) > 1:
        yield f"its application is mounted in several places: {', '.join(route.path for route in several)}"


def _explain_405(request: _Request, allowed: list[str]) -> Iterator[str]:
    yield f"{request.path} answers {', '.join(allowed)}, not {request.method}"
    if request.method == hdrs.METH_HEAD and hdrs.METH_GET in allowed:
        yield "its GET route was registered with allow_head=False"


def _explain_preflight(request: _Request, app: web.Application, answer: _Answer) -> Iterator[str]:
    """An OPTIONS request with two more headers is something else, which the URL does not tell."""
    if (
        request.method == hdrs.METH_OPTIONS
        and answer.status != HTTPStatus.NOT_FOUND
        and prepare_responses in app.middlewares
    ):
        yield "a preflight is answered before all this, by cors() of the route that a browser asks for, if it has one"


async def _explain_404(request: _Request, app: web.Application, routes: Sequence[RouteInfo]) -> AsyncIterator[str]:
    yield f"no route has the path {request.path}"
    if "%7B" in request.path:
        yield "a URL is wanted, not the path of a route: /posts/7, not /posts/{id}"
    path = request.path.removesuffix("/") if request.path.endswith("/") else f"{request.path}/"
    if path:
        match = await replace(request, path=path).resolve(app)
        if not isinstance(match.http_exception, web.HTTPNotFound):
            yield f"{path} is there: mind the slash at the end"
    close = difflib.get_close_matches(request.path, dict.fromkeys(route.path for route in routes), n=3)
    if close:
        yield f"paths like it: {', '.join(close)}"


def _miss_in_view(method: str, endpoint: object) -> str:
    """Say so if a `View` has no such method: its router does not know."""
    if not (isinstance(endpoint, type) and issubclass(endpoint, web.View)):
        return ""
    chooses_itself = (endpoint._iter, endpoint.__await__) != (web.View._iter, web.View.__await__)
    if chooses_itself or (method in hdrs.METH_ALL and hasattr(endpoint, method.lower())):
        return ""
    has = [name for name in sorted(hdrs.METH_ALL) if hasattr(endpoint, name.lower())]
    return (
        f"the links run, then {endpoint.__qualname__}, which has no `{method.lower()}`, answers 405: {', '.join(has)}"
    )
