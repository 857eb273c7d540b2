"""Chains on aiohttp's own router, which aiohttp 4 leaves no way around: as route definitions, or as one handler.

`get` and `post` take the place of aiohttp's `web.get` and `web.post`; `chain` makes one handler of a chain.

    curl -i http://127.0.0.1:8080/posts/7
    -> 200 post 7

    curl -i -X POST http://127.0.0.1:8080/posts/7
    -> 403 Writing takes the header X-Role: editor

    curl -i -X POST -H 'X-Role: editor' http://127.0.0.1:8080/posts/7
    -> 200 wrote post 7

    curl -i -X DELETE -H 'X-Role: editor' http://127.0.0.1:8080/posts/7
    -> 200 deleted post 7
"""

from aiohttp import web

from aiohttp_route_middleware import chain, get, post


def require_editor(request: web.Request) -> web.Response | None:
    if request.headers.get("X-Role") != "editor":
        return web.Response(text="Writing takes the header X-Role: editor", status=403)
    return None


async def read_post(request: web.Request) -> web.Response:
    return web.Response(text=f"post {request.match_info['id']}")


async def write_post(request: web.Request) -> web.Response:
    return web.Response(text=f"wrote post {request.match_info['id']}")


async def delete_post(request: web.Request) -> web.Response:
    return web.Response(text=f"deleted post {request.match_info['id']}")


def make_app() -> web.Application:
    app = web.Application()
    app.add_routes([get("/posts/{id}", read_post), post("/posts/{id}", require_editor, write_post)])
    app.router.add_delete("/posts/{id}", chain(require_editor, delete_post))
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
