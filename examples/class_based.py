"""Links that carry something with them: a partial, an object with `async __call__`, a bound method.

What each of them is follows from what it takes, as with functions: the request, or the request and a handler.

    curl -i 'http://127.0.0.1:8080/hello?name=Ada'
    -> 200 Hello, Ada! You are visitor 1.

    curl -i http://127.0.0.1:8080/hello
    -> 400 Say your name: /hello?name=...

    curl -i 'http://127.0.0.1:8080/hello?name=Rumpelstiltskin'
    -> 400 The name may have 10 characters
"""

from functools import partial

from aiohttp import web

from aiohttp_route_middleware import Handler, UrlDispatcherEx

VISITOR = web.RequestKey("VISITOR", int)


async def require(name: str, request: web.Request) -> web.Response | None:
    """With its first argument bound, a guard."""
    if name not in request.query:
        return web.Response(text=f"Say your {name}: {request.path}?{name}=...", status=400)
    return None


class Limit:
    """An object of this class is a guard."""

    def __init__(self, name: str, *, length: int) -> None:
        self.name = name
        self.length = length

    async def __call__(self, request: web.Request) -> web.Response | None:
        if len(request.query[self.name]) > self.length:
            return web.Response(text=f"The {self.name} may have {self.length} characters", status=400)
        return None


class Counter:
    """The method `count` of an object of this class is a middleware."""

    def __init__(self) -> None:
        self.visitors = 0

    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.visitors += 1
        request[VISITOR] = self.visitors
        return await handler(request)


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"Hello, {request.query['name']}! You are visitor {request[VISITOR]}.")


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_get("/hello", partial(require, "name"), Limit("name", length=10), Counter().count, hello)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
