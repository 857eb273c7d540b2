"""The same route, registered in four ways; all of them work on aiohttp 3.14 and on the coming aiohttp 4.

The first takes an extended router; the others work on any aiohttp router.

    curl -i http://127.0.0.1:8080/definitions/posts/7
    -> 401 Who are you?

    curl -i -H 'X-Api-Key: key-of-ada' http://127.0.0.1:8080/extended/posts/7
    -> 200 post 7

    curl -i -H 'X-Api-Key: key-of-ada' http://127.0.0.1:8080/definitions/posts/7
    -> 200 post 7

    curl -i -H 'X-Api-Key: key-of-ada' http://127.0.0.1:8080/handler/posts/7
    -> 200 post 7

    curl -i -H 'X-Api-Key: key-of-ada' http://127.0.0.1:8080/group/posts/7
    -> 200 post 7
"""

from aiohttp import web

from aiohttp_route_middleware import RouteGroup, UrlDispatcherEx, chain, get

KEYS = {"key-of-ada"}


async def authenticate(request: web.Request) -> web.Response | None:
    if request.headers.get("X-Api-Key") not in KEYS:
        return web.Response(text="Who are you?", status=401)
    return None


async def get_post(request: web.Request) -> web.Response:
    return web.Response(text=f"post {request.match_info['id']}")


def extended_router(app: web.Application) -> None:
    router = UrlDispatcherEx.install(app)
    router.add_get("/posts/{id}", authenticate, get_post)


def route_definitions(app: web.Application) -> None:
    app.add_routes([get("/posts/{id}", authenticate, get_post)])


def one_handler(app: web.Application) -> None:
    app.router.add_get("/posts/{id}", chain(authenticate, get_post))


def group(app: web.Application) -> None:
    posts = RouteGroup(app.router, "/posts", authenticate)
    posts.add_get("/{id}", get_post)


def make_app() -> web.Application:
    app = web.Application()
    ways = {"extended": extended_router, "definitions": route_definitions, "handler": one_handler, "group": group}
    for name, register in ways.items():
        part = web.Application()
        register(part)
        app.add_subapp(f"/{name}", part)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
