"""A table of routes filled by decorators, which take links after the path, for any aiohttp router.

The links of the table itself stand before those of each route, and the functions stay as they are.

    curl -i -H 'X-Member: ada' http://127.0.0.1:8080/books
    -> 200 1984

    curl -i http://127.0.0.1:8080/books
    -> 401 Members only: send the header X-Member

    curl -i -X POST -H 'X-Member: ada' http://127.0.0.1:8080/books
    -> 400 Send the title of a book

    curl -i -X POST -H 'X-Member: ada' -d 'Emma' http://127.0.0.1:8080/books
    -> 201 Emma

    curl -i http://127.0.0.1:8080/opening-hours
    -> 200 Always open
"""

from aiohttp import web

from aiohttp_route_middleware import RouteTableDef


def require_member(request: web.Request) -> web.Response | None:
    if "X-Member" not in request.headers:
        return web.Response(text="Members only: send the header X-Member", status=401)
    return None


def require_body(request: web.Request) -> web.Response | None:
    return None if request.body_exists else web.Response(text="Send the title of a book", status=400)


routes = RouteTableDef(require_member)


@routes.get("/books")
async def list_books(request: web.Request) -> web.Response:
    return web.Response(text="1984")


@routes.post("/books", require_body)
async def add_book(request: web.Request) -> web.Response:
    return web.Response(text=await request.text(), status=201)


@routes.get("/opening-hours", without=require_member)
async def show_opening_hours(request: web.Request) -> web.Response:
    return web.Response(text="Always open")


def make_app() -> web.Application:
    app = web.Application()
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
