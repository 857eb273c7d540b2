"""A pipeline that many routes reuse is a plain list of links.

Lists may contain lists; a chain reads them as if their links were written out.

    curl -i -H 'X-User: ada' http://127.0.0.1:8080/profile
    -> 200 This is ada

    curl -i http://127.0.0.1:8080/profile
    -> 401 Say who you are in the header X-User

    curl -i -H 'X-User: eve' http://127.0.0.1:8080/settings
    -> 403 You are no admin

    curl -i -H 'X-User: ada' http://127.0.0.1:8080/settings
    -> 200 The settings
"""

from aiohttp import web

from aiohttp_route_middleware import Handler, Link, UrlDispatcherEx

USER = web.RequestKey("USER", str)


async def forbid_caching(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers["Cache-Control"] = "no-store"
    return response


def authenticate(request: web.Request) -> web.Response | None:
    if "X-User" not in request.headers:
        return web.Response(text="Say who you are in the header X-User", status=401)
    request[USER] = request.headers["X-User"]
    return None


def require_admin(request: web.Request) -> web.Response | None:
    return None if request[USER] == "ada" else web.Response(text="You are no admin", status=403)


async def show_profile(request: web.Request) -> web.Response:
    return web.Response(text=f"This is {request[USER]}")


async def show_settings(request: web.Request) -> web.Response:
    return web.Response(text="The settings")


private: list[Link] = [forbid_caching, authenticate]
admin: list[Link] = [private, require_admin]


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_get("/profile", private, show_profile)
    router.add_get("/settings", admin, show_settings)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
