"""The example of the README: one guard before one endpoint.

The guard answers those it does not know; for the others it returns None, and the endpoint answers.

    curl -i http://127.0.0.1:8080/posts/7
    -> 401 Who are you?

    curl -i -H 'X-Api-Key: key-of-ada' http://127.0.0.1:8080/posts/7
    -> 200 post 7
"""

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx

KEYS = {"key-of-ada"}


async def authenticate(request: web.Request) -> web.Response | None:
    if request.headers.get("X-Api-Key") not in KEYS:
        return web.Response(text="Who are you?", status=401)
    return None


async def get_post(request: web.Request) -> web.Response:
    return web.Response(text=f"post {request.match_info['id']}")


def make_app() -> web.Application:
    app = web.Application()
    UrlDispatcherEx.install(app).add_get("/posts/{id}", authenticate, get_post)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
