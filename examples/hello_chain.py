"""A route with three links: a guard, a middleware, and the endpoint.

They run in the order in which they are written, until one of them answers.

    curl -i 'http://127.0.0.1:8080/hello?name=Ada'
    -> 200 Hello, Ada!

    curl -i http://127.0.0.1:8080/hello
    -> 400 Who is there? Try /hello?name=Ada
"""

from aiohttp import web

from aiohttp_route_middleware import Handler, UrlDispatcherEx

NAME = web.RequestKey("NAME", str)


async def read_name(request: web.Request) -> web.Response | None:
    """A guard: it answers, or returns None to pass on."""
    if "name" not in request.query:
        return web.Response(text="Who is there? Try /hello?name=Ada", status=400)
    request[NAME] = request.query["name"]
    return None


async def tell_language(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A middleware: it receives the rest of the chain as `handler`."""
    response = await handler(request)
    response.headers["Content-Language"] = "en"
    return response


async def hello(request: web.Request) -> web.Response:
    """The endpoint: it always answers."""
    return web.Response(text=f"Hello, {request[NAME]}!")


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_get("/hello", read_name, tell_language, hello)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
