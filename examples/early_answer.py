"""A middleware that answers by itself: whatever stands behind it never runs.

This one lets nobody pass; `authenticate` in the other examples shows how some get through.

    curl -i http://127.0.0.1:8080/
    -> 401 unauthenticated
"""

from aiohttp import web

from aiohttp_route_middleware import Handler, UrlDispatcherEx


async def test(request: web.Request) -> web.Response:
    return web.Response(text="Success")


async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    return web.Response(body="unauthenticated", status=401)


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_get("/", authenticate, test)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
