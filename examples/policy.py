"""A policy that is checked at start-up: every route is behind `authenticate`, unless it is listed.

Take `authenticate` away from a route and start it again: the application does not start, and says which route it is.

    curl -i http://127.0.0.1:8080/health
    -> 200 I am well

    curl -i http://127.0.0.1:8080/admin/users
    -> 401 Who are you?

    curl -i -H 'X-Api-Key: key-of-ada' http://127.0.0.1:8080/admin/users
    -> 200 ada, grace
"""

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx
from aiohttp_route_middleware.inspection import require_links


async def authenticate(request: web.Request) -> web.Response | None:
    if request.headers.get("X-Api-Key") != "key-of-ada":
        return web.Response(text="Who are you?", status=401)
    return None


async def health(request: web.Request) -> web.Response:
    return web.Response(text="I am well")


async def list_users(request: web.Request) -> web.Response:
    return web.Response(text="ada, grace")


def make_admin() -> web.Application:
    admin = web.Application()
    UrlDispatcherEx.install(admin, authenticate).add_get("/users", list_users)
    return admin


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_get("/health", health)
    app.add_subapp("/admin", make_admin())
    require_links(app, authenticate, unless=["/health"])
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
