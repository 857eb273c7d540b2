"""Sub-applications, with an extended router inside a stock one, the reverse, and one for a domain.

The links of a route run inside the middlewares of all applications around it.

    curl -i -H 'X-Member: ada' http://127.0.0.1:8080/shop/cart
    -> 200 An empty cart

    curl -i http://127.0.0.1:8080/shop/cart
    -> 401 Members only: send the header X-Member

    curl -i http://127.0.0.1:8080/shop/help/opening-hours
    -> 200 Always open

    curl -i -H 'Host: api.localhost' -H 'X-Member: ada' http://127.0.0.1:8080/cart
    -> 200 An empty cart

    curl -i http://127.0.0.1:8080/cart
    -> 404 404: Not Found
"""

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx


def require_member(request: web.Request) -> web.Response | None:
    if "X-Member" not in request.headers:
        return web.Response(text="Members only: send the header X-Member", status=401)
    return None


async def show_cart(request: web.Request) -> web.Response:
    return web.Response(text="An empty cart")


async def show_opening_hours(request: web.Request) -> web.Response:
    return web.Response(text="Always open")


def make_help() -> web.Application:
    app = web.Application()
    app.router.add_get("/opening-hours", show_opening_hours)
    return app


def make_shop() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app)
    router.add_get("/cart", require_member, show_cart)
    app.add_subapp("/help", make_help())  # a stock router inside the extended one
    return app


def make_api() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app, require_member)  # stands before each route of this application
    router.add_get("/cart", show_cart)
    return app


def make_app() -> web.Application:
    app = web.Application()
    app.add_subapp("/shop", make_shop())  # an extended router inside the stock one
    app.add_domain("api.localhost", make_api())
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
