"""What type checkers accept: mypy and pyright read this file, and nothing runs it."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from typing_extensions import assert_type

from aiohttp_route_middleware import (
    Guard,
    Handler,
    Link,
    Middleware,
    Outcome,
    RouteGroup,
    RouteTableDef,
    UrlDispatcherEx,
    chain,
    get,
    guard,
    links_of,
    middleware,
    named,
    provides,
    requires,
    static,
    view,
)
from aiohttp_route_middleware.inspection import Explanation, RouteInfo, explain, list_routes, require_links
from aiohttp_route_middleware.middlewares.csrf_token import csrf_token, rotate_csrf_token
from aiohttp_route_middleware.middlewares.sessions import SESSION, Session
from aiohttp_route_middleware.simulation import Simulation, simulate

IDENTITY = web.RequestKey("IDENTITY", str)


async def authenticate(request: web.Request) -> web.Response | None:
    request[IDENTITY] = "me"
    return None


def allow(request: web.Request) -> web.StreamResponse | None:
    return None if request.secure else web.Response(status=403)


def never_answers(request: web.Request) -> None: ...


@web.middleware
async def marked(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def called_next(
    request: web.Request,
    next: Callable[[web.Request], Awaitable[web.StreamResponse]],  # noqa: A002  # the name in other frameworks
) -> web.StreamResponse:
    return await next(request)


async def keyword_only(request: web.Request, *, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def configured(request: web.Request, handler: Handler, *, limit: int = 3) -> web.Response:
    return web.Response(text=str(limit))


@middleware
async def any_arguments(*args: Any) -> web.StreamResponse:
    return web.Response()


@guard
async def any_guard(*args: Any) -> None: ...


class Log:
    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    async def method(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)


async def get_post(request: web.Request) -> web.Response:
    return web.Response()


class Post(web.View):
    async def get(self) -> web.Response:
        return web.Response()


def authorise(scopes: list[str]) -> Guard:
    async def authorise(request: web.Request) -> web.StreamResponse | None:
        return None

    return authorise


def log_time() -> Middleware:
    return marked


pipeline: list[Link] = [authenticate, marked, [Log(), (allow,)]]

assert_type(chain(get_post), Handler)
assert_type(chain(authenticate, authorise(["post:read"]), get_post), Handler)
assert_type(chain(Post), type[Post])
assert_type(chain(authenticate, marked, Post), type[Post])
chain(allow, never_answers, marked, called_next, keyword_only, configured, any_arguments, any_guard, get_post)
chain(Log(), Log().method, functools.partial(configured, limit=4), log_time(), get_post)
chain(pipeline, get_post, checked=True)
chain([authenticate, marked], (allow,), get_post)

router = UrlDispatcherEx(authenticate, [marked], checked=False)
router.add_get("/", get_post)
router.add_get("/posts/{id}", authenticate, get_post, name="post", allow_head=False, without=[marked])
router.add_view("/view", authenticate, Post)
router.add_static("/files", "files", authenticate, show_index=True)
with router.group("/posts", authenticate, without=marked) as posts:
    assert_type(posts, RouteGroup)
    posts.add_post("", allow, get_post)
RouteGroup(web.UrlDispatcher(), "/stock", pipeline).add_get("/", get_post)
app = web.Application()
assert_type(UrlDispatcherEx.install(app, authenticate), UrlDispatcherEx)
app.add_routes([get("/", authenticate, get_post), view("/view", authenticate, Post), static("/s", "s", allow)])
table = RouteTableDef(authenticate)


@table.get("/table/{id}", allow, marked)
async def table_handler(request: web.Request) -> web.Response:
    return web.Response()


@table.view("/view")
class TableView(web.View):
    pass


assert_type(TableView, type[TableView])
assert_type(links_of(table_handler), tuple[Any, ...])


# what links declare, and what is given to chains
@named("authorise(admin)")
@provides(IDENTITY, "tenant")
@requires(IDENTITY)
async def declared(request: web.Request) -> None: ...


@requires("tenant")
class Declared(web.View):
    pass


assert_type(Declared, type[Declared])
chain(declared, Declared, given=IDENTITY)
UrlDispatcherEx(declared, given=[IDENTITY, "tenant"]).group("/g", given="user").add_get("/", get_post, given=IDENTITY)
RouteTableDef(declared, given=(IDENTITY,)).get("/", given="user")


# traces, and looking at routes
def trace(request: web.Request, link: object) -> Callable[[Outcome], None]:
    return lambda outcome: print(outcome.kind, outcome.error)


chain(declared, get_post, trace=trace)
UrlDispatcherEx(trace=trace)
require_links(app, authenticate, IDENTITY, unless=["/login", "GET /health"])
assert_type(list_routes(app), list[RouteInfo])


async def look() -> None:
    assert_type(await explain(app, "GET", "/"), Explanation)
    done = await simulate(chain(authenticate, get_post), "/posts/7", match_info={"id": "7"}, app=app)
    assert_type(done, Simulation)


# whom a CSRF token belongs to
async def find_session(request: web.Request) -> Session | None:
    return request.get(SESSION)


csrf_token("k" * 32, session=SESSION)
csrf_token("k" * 32, session="user")
csrf_token("k" * 32, session=find_session)
csrf_token("k" * 32, session=lambda request: request[SESSION])
csrf_token("k" * 32, session=lambda request: request[SESSION].id)


async def log_in(request: web.Request) -> web.Response:
    rotate_csrf_token(request, session=request[SESSION])
    rotate_csrf_token(request, session=None)
    raise web.HTTPSeeOther("/")
