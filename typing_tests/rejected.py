"""What type checkers reject: each ignore here must be needed, in mypy and in pyright, or the check fails."""

from aiohttp import web

from aiohttp_route_middleware import Handler, RouteTableDef, UrlDispatcherEx, chain, get, provides, requires

router = UrlDispatcherEx()


async def authenticate(request: web.Request) -> web.Response | None: ...


async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request)


async def get_post(request: web.Request) -> web.Response:
    return web.Response()


async def three(request: web.Request, handler: Handler, db: object) -> web.Response:
    return web.Response()


class Post(web.View):
    pass


class Log:
    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)


# a chain without an endpoint
chain()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
chain(authenticate)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
chain(authenticate, around)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
router.add_get("/", authenticate)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
router.add_post("/", around)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
router.group("/").add_put("/", get_post, around)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
get("/", authenticate)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# an endpoint in the middle
chain(Post, get_post)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
router.add_get("/", Post, get_post)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
UrlDispatcherEx(Post)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
RouteTableDef().get("/", Post)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# what is no link
chain(three, get_post)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
chain(Log, get_post)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
chain(None, get_post)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
chain(lambda request: True, get_post)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
router.add_static("/", "files", 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# what is no request key, and no trace
provides(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
requires(web.AppKey("app", str))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
UrlDispatcherEx(given=[7])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
UrlDispatcherEx(trace=get_post)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
