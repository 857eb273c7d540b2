"""Groups of routes that share leading links, and a path prefix, which may be empty.

Groups nest, and `without=` leaves an inherited link out of one route or group.

    curl -i http://127.0.0.1:8080/about
    -> 200 A club

    curl -i http://127.0.0.1:8080/news
    -> 200 We have met

    curl -i http://127.0.0.1:8080/members/lounge
    -> 401 Members only: send the header X-Member

    curl -i -H 'X-Member: ada' http://127.0.0.1:8080/members/lounge
    -> 200 Welcome, ada

    curl -i http://127.0.0.1:8080/members/join
    -> 200 Everybody may join

    curl -i -H 'X-Member: eve' http://127.0.0.1:8080/members/board/minutes
    -> 403 You are not on the board

    curl -i -H 'X-Member: ada' http://127.0.0.1:8080/members/board/minutes
    -> 200 We agreed
"""

from aiohttp import web

from aiohttp_route_middleware import Handler, UrlDispatcherEx


async def forbid_caching(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers["Cache-Control"] = "no-store"
    return response


def require_member(request: web.Request) -> web.Response | None:
    if "X-Member" not in request.headers:
        return web.Response(text="Members only: send the header X-Member", status=401)
    return None


def require_board(request: web.Request) -> web.Response | None:
    if request.headers["X-Member"] not in ("ada", "grace"):
        return web.Response(text="You are not on the board", status=403)
    return None


async def about(request: web.Request) -> web.Response:
    return web.Response(text="A club")


async def news(request: web.Request) -> web.Response:
    return web.Response(text="We have met")


async def join(request: web.Request) -> web.Response:
    return web.Response(text="Everybody may join")


async def lounge(request: web.Request) -> web.Response:
    return web.Response(text=f"Welcome, {request.headers['X-Member']}")


async def minutes(request: web.Request) -> web.Response:
    return web.Response(text="We agreed")


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_get("/about", about)
    with router.group("", forbid_caching) as fresh:
        fresh.add_get("/news", news)
        with fresh.group("/members", require_member) as members:
            members.add_get("/lounge", lounge)
            members.add_get("/join", join, without=require_member)
            with members.group("/board", require_board) as board:
                board.add_get("/minutes", minutes)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
