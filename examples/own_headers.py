"""A link of your own whose header reaches every response: what a handler raises, prepares itself, or fails at, too.

curl -i http://127.0.0.1:8080/posts/7
-> 404 There is no post 7
"""

from aiohttp import web

from aiohttp_route_middleware import Handler, UrlDispatcherEx
from aiohttp_route_middleware.middlewares import on_response, setup


async def tell_version(request: web.Request, handler: Handler) -> web.StreamResponse:
    on_response(request, "tell_version", set_version)
    return await handler(request)


def set_version(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-API-Version"] = "7"


async def get_post(request: web.Request) -> web.Response:
    raise web.HTTPNotFound(text=f"There is no post {request.match_info['id']}")


def make_app() -> web.Application:
    app = web.Application()
    setup(app)
    router = UrlDispatcherEx.install(app, tell_version)
    router.add_get("/posts/{id}", get_post)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
