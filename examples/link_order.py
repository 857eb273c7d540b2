"""Links say which request keys they provide and require, so that a chain in the wrong order is never registered.

Swap the links of a route and start it again: it is refused, and the error says what to put where.

    curl -i http://127.0.0.1:8080/orders
    -> 401 Who are you?

    curl -i -H 'X-User: ada' http://127.0.0.1:8080/orders
    -> 200 orders of ada, at analytical-engines

    curl -i -H 'X-User: eve' http://127.0.0.1:8080/orders
    -> 403 You need orders:read

    curl -i -H 'X-User: ada' http://127.0.0.1:8080/profile
    -> 200 ada
"""

from typing import Any

from aiohttp import web

from aiohttp_route_middleware import UrlDispatcherEx, named, provides, requires

USER = web.RequestKey("USER", str)
TENANT = web.RequestKey("TENANT", str)
SCOPES = {"ada": ["orders:read"], "eve": []}


@provides(USER)
async def authenticate(request: web.Request) -> web.Response | None:
    user = request.headers.get("X-User", "")
    if user not in SCOPES:
        return web.Response(text="Who are you?", status=401)
    request[USER] = user
    return None


@requires(USER)
@provides(TENANT)
def find_tenant(request: web.Request) -> None:
    request[TENANT] = {"ada": "analytical-engines", "eve": "elsewhere"}[request[USER]]


def authorise(scope: str) -> Any:
    @named(f"authorise({scope})")
    @requires(USER)
    def authorise(request: web.Request) -> web.Response | None:
        if scope not in SCOPES[request[USER]]:
            return web.Response(text=f"You need {scope}", status=403)
        return None

    return authorise


@requires(USER, TENANT)
async def list_orders(request: web.Request) -> web.Response:
    return web.Response(text=f"orders of {request[USER]}, at {request[TENANT]}")


@requires(USER)
async def show_profile(request: web.Request) -> web.Response:
    return web.Response(text=request[USER])


def make_app() -> web.Application:
    app = web.Application()
    router = UrlDispatcherEx.install(app, authenticate)
    router.add_get("/orders", find_tenant, authorise("orders:read"), list_orders)
    router.add_get("/profile", show_profile)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=8080)
