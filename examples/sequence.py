"""Plain handlers in a row: each takes the request alone, and they run in order until one returns a response.

The steps of posting a comment are one handler each, and hand on what they find out by typed keys.

    curl -i -X POST -H 'X-User: ada' -d 'First!' 'http://127.0.0.1:8080/comment?post_id=1234'
    -> 201 ada on "Route chains": First!

    curl -i -X POST -d 'First!' 'http://127.0.0.1:8080/comment?post_id=1234'
    -> 401 Say who you are in the header X-User

    curl -i -X POST -H 'X-User: eve' -d 'First!' 'http://127.0.0.1:8080/comment?post_id=1234'
    -> 403 You may not comment

    curl -i -X POST -H 'X-User: ada' -d 'First!' 'http://127.0.0.1:8080/comment?post_id=1'
    -> 404 There is no such post
"""

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx

USER = web.RequestKey("USER", str)
TITLE = web.RequestKey("TITLE", str)

COMMENTERS = {"ada", "grace"}
TITLES = {"1234": "Route chains"}


async def authenticate(request: web.Request) -> web.Response | None:
    if "X-User" not in request.headers:  # a real one asks for a secret, as that of examples/blog
        return web.Response(text="Say who you are in the header X-User", status=401)
    request[USER] = request.headers["X-User"]
    return None


async def authorise(request: web.Request) -> web.Response | None:
    return None if request[USER] in COMMENTERS else web.Response(text="You may not comment", status=403)


async def fetch_post(request: web.Request) -> web.Response | None:
    title = TITLES.get(request.query.get("post_id", ""))
    if title is None:
        return web.Response(text="There is no such post", status=404)
    request[TITLE] = title
    return None


async def post_comment(request: web.Request) -> web.Response:
    comment = await request.text()
    return web.Response(text=f'{request[USER]} on "{request[TITLE]}": {comment}', status=201)


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_post("/comment", authenticate, authorise, fetch_post, post_comment)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
